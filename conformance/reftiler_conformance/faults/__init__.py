"""Tilers that are wrong on purpose, to see whether the kit finds them out.

`plain.Plain` is a sound tiler in small steps; each fault spoils one of them. What the
checks make of a fault is pinned by the tests: it breaks the clauses that it should,
and no other.
"""
