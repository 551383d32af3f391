"""LAYOUT: the axes of arrays.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused


@api_clause("LAYOUT-009")
def test_shape_of_the_image(api: Api) -> None:
    """Untile takes the image's shape: R to R + 2 positive ints."""
    tiler = api.Tiler((4, 3))
    tiles = api.array(np.arange(4 * 12, dtype=np.float32).reshape(4, 4, 3))
    for shape in ((8, 6), [8, 6], (3, 8, 6), (1, 3, 8, 6)):
        found = api.back(tiler.untile(tiles, shape)).shape
        assert found[-2:] == (8, 6), f"the shape {shape} gave {found}"
    lengths = ((), (8,), (48,), (1, 1, 3, 8, 6))
    sizes = ((0, 8, 6), (0, 3, 8, 6), (8, 0), (-8, 6), (8.0, 6))
    for bad in (*lengths, *sizes):
        refused(f"the shape {bad}", tiler.untile, tiles, bad)
    behind = api.Tiler((4, 3), channels_last=True)
    found = api.back(behind.untile(tiles, (1, 8, 6, 3))).shape
    assert found == (1, 8, 6), f"channels last, the shape became {found}"
