"""Calls that every backend must refuse, and what the message must hold.

A call takes a Tiler class and ``make(shape, dtype)``, which makes an array of zeros
for that class; so the table serves numpy and its twins alike. Words are the rule,
the values and the way out, in small letters; each must be found in the message.
"""

from tests.refusals import arrays, grids, merging, settings
from tests.refusals.table import Refusal

REFUSALS = {
    "sizes": settings.SIZES,
    "names": settings.NAMES,
    "windows": settings.WINDOWS,
    "seeds": grids.SEEDS,
    "grids": grids.GRIDS,
    "json": grids.JSON,
    "tiling": arrays.TILING,
    "values": arrays.VALUES,
    "views": arrays.VIEWS,
    "foreign": arrays.FOREIGN,
    "channels last": arrays.CHANNELS_LAST,
    "out": arrays.OUT,
    "apply": arrays.APPLY,
    "merging": merging.MERGING,
    "scaling": merging.SCALING,
    "finish": merging.FINISHES,
}

__all__ = ["REFUSALS", "Refusal"]
