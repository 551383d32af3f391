"""The faults, a module for each family; the docstring says what is wrong."""
