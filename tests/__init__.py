"""The tests of reftiler."""
