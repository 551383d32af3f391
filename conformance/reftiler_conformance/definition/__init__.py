"""What is right, written so plainly that nobody can doubt it.

This package is the judge of the tests. It is pure Python: loops over single
pixels, straight from the formulas of the specification, with Python's integers,
floats and fractions. It shares no code with reftiler and imports none of it;
numpy only holds the arrays at the door. It is slow, and meant to be.

It judges valid calls only: refusals are tested by a table of their own.
"""

from reftiler_conformance.definition.grid import (
    Plan,
    boxes,
    coverage,
    fitted,
    random_starts,
    scattered,
    touching,
    uncovered,
)
from reftiler_conformance.definition.line import Line, fit
from reftiler_conformance.definition.merge import Merging, UncoveredError, untile
from reftiler_conformance.definition.philox import words
from reftiler_conformance.definition.pixels import tile, view
from reftiler_conformance.definition.rounding import BFLOAT16, NanError, kind_of
from reftiler_conformance.definition.windows import profile
from reftiler_conformance.definition.wish import Wish

__all__ = [
    "BFLOAT16",
    "Line",
    "Merging",
    "NanError",
    "Plan",
    "UncoveredError",
    "Wish",
    "boxes",
    "coverage",
    "fit",
    "fitted",
    "kind_of",
    "profile",
    "random_starts",
    "scattered",
    "tile",
    "touching",
    "uncovered",
    "untile",
    "view",
    "words",
]
