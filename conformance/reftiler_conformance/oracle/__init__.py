"""What is right, written so plainly that nobody can doubt it.

This package is the judge of the tests. It is pure Python: loops over single
pixels, straight from the formulas of the specification, with Python's integers,
floats and fractions. It shares no code with reftiler and imports none of it;
numpy only holds the arrays at the door. It is slow, and meant to be.

It judges valid calls only: refusals are tested by a table of their own.
"""

from reftiler_conformance.oracle.axis import fit
from reftiler_conformance.oracle.finish import finished
from reftiler_conformance.oracle.grid import (
    Grid,
    boxes,
    clipped,
    fitted,
    padding,
    random_starts,
    random_starts_inside,
    scattered,
    select,
    touching,
)
from reftiler_conformance.oracle.layout import Layout
from reftiler_conformance.oracle.merge import (
    ScaledGrid,
    UncoveredError,
    coverage,
    uncovered,
    untile,
)
from reftiler_conformance.oracle.philox import words
from reftiler_conformance.oracle.rounding import BFLOAT16, NanError, dtype_info
from reftiler_conformance.oracle.settings import Settings
from reftiler_conformance.oracle.tiling import tile, view
from reftiler_conformance.oracle.windows import profile

__all__ = [
    "BFLOAT16",
    "Grid",
    "Layout",
    "NanError",
    "ScaledGrid",
    "Settings",
    "UncoveredError",
    "boxes",
    "clipped",
    "coverage",
    "dtype_info",
    "finished",
    "fit",
    "fitted",
    "padding",
    "profile",
    "random_starts",
    "random_starts_inside",
    "scattered",
    "select",
    "tile",
    "touching",
    "uncovered",
    "untile",
    "view",
    "words",
]
