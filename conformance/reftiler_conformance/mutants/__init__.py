"""Tilers that are wrong on purpose, to see whether the kit catches them.

Each is a *mutant* of the oracle or of reftiler with one step replaced, named for the
clause that it breaks. ``python -m reftiler_conformance.mutants --seeds 20`` says which
are caught.
"""
