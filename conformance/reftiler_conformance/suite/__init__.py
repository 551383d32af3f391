"""The tests of the clauses, a module for each family."""
