"""TILE: cutting.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

Array = npt.NDArray[Any]


@api_clause("TILE-005")
def test_grids_of_equals(api: Api) -> None:
    """A grid is taken from an equal tiler and for the same size only."""
    tiler = api.Tiler(4, 2)
    image = api.array(np.zeros((8, 8), np.float32))
    tiles = tiler.tile(image, grid=api.Tiler((4, 4), overlap=2).grid((8, 8)))
    tiler.untile(tiles, (8, 8), api.Tiler((4, 4), overlap=2).grid((8, 8)))
    others = {
        "another stride": api.Tiler(4).grid((8, 8)),
        "another window": api.Tiler(4, 2, window="hann").grid((8, 8)),
        "another pad value": api.Tiler(4, 2, pad_value=-0.0).grid((8, 8)),
        "another size": tiler.grid((8, 10)),
    }
    for what, grid in others.items():
        refused(f"tile with a grid of {what}", tiler.tile, image, grid=grid)
        refused(f"untile with one of {what}", tiler.untile, tiles, (8, 8), grid)


@api_clause("TILE-006")
def test_fits_by_itself(api: Api) -> None:
    """Without a grid that of the image's size is used."""
    image = np.arange(2 * 11 * 9, dtype=np.float32).reshape(2, 11, 9)
    for mode in ("padding", "interpolation", "clamp", "even"):
        tiler = api.Tiler(4, 3, mode=mode)
        grid = tiler.grid((11, 9))
        bare, told = (tiler.tile(api.array(image), grid=g) for g in (None, grid))
        same = np.array_equal(api.back(bare), api.back(told))
        assert same, f"without a grid {mode} gives other tiles"
        back = [api.back(tiler.untile(told, image.shape, g)) for g in (None, grid)]
        assert np.array_equal(back[0], back[1]), (
            f"without a grid {mode} gives another image"
        )
