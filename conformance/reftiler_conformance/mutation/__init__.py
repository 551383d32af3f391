"""Mutants of reftiler.torch, and what becomes of them: see `conformance/mutate.py`."""
