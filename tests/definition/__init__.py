"""What is right, written so plainly that nobody can doubt it.

This package is the judge of the tests. It is pure Python: loops over single
pixels, straight from the formulas of the specification, with Python's integers,
floats and fractions. It shares no code with reftiler and imports none of it;
numpy only holds the arrays at the door. It is slow, and meant to be.

It judges valid calls only: refusals are tested by a table of their own.
"""

from tests.definition.grid import (
    Plan,
    boxes,
    coverage,
    fitted,
    random_starts,
    scattered,
    touching,
    uncovered,
)
from tests.definition.line import Line, fit
from tests.definition.merge import Merging, UncoveredError, untile
from tests.definition.philox import words
from tests.definition.pixels import tile, view
from tests.definition.rounding import BFLOAT16, NanError, kind_of
from tests.definition.windows import profile
from tests.definition.wish import Wish

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
