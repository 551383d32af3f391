"""What a run found, for people and for programs: one module for each form."""
