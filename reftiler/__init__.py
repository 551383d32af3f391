"""The reference for cutting images into tiles and putting them back.

A `Tiler` is what you asked for. With an image size it gives a `Grid`: where every
tile lies, in integers. `Tiler.tile` cuts by it and `Tiler.untile` merges by it; what
each does to every pixel is fixed by the specification, ``conformance/SPEC.md``.

This package needs numpy alone. It is not the fastest tiler: it is the one that the
fast ones are held to.
"""

from reftiler.axis import Axis
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.json_io import SPEC_VERSION
from reftiler.parallel import get_num_threads, set_num_threads
from reftiler.tiler import Tiler

__version__ = "0.1.0"

__all__ = [
    "SPEC_VERSION",
    "Axis",
    "Grid",
    "Tiler",
    "TilingError",
    "__version__",
    "get_num_threads",
    "set_num_threads",
]
