"""What is asked about each clause, a module for each family of clauses."""
