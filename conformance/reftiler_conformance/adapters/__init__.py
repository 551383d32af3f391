"""Adapters of the tilers that have a name: each transposes and renames, no more."""
