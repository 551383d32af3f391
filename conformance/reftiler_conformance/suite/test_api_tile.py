"""TILE: cutting."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

Array = npt.NDArray[Any]


@api_clause("TILE-004")
def test_takes_any_memory(api: Api) -> None:
    """Strides, alignment and writeability of the input do not matter."""
    rng = np.random.default_rng(0)
    tiler = api.Tiler((4, 3), (3, 2))
    image = rng.standard_normal((2, 3, 11, 7)).astype(np.float32)
    tiles = api.back(tiler.tile(api.array(image)))
    whole = api.back(tiler.untile(api.array(tiles), image.shape))
    for how, given in _laid_out(api, image):
        found = api.back(tiler.tile(given))
        assert np.array_equal(found, tiles), f"{how} image gives other tiles"
    for how, given in _laid_out(api, tiles):
        found = api.back(tiler.untile(given, image.shape))
        assert np.array_equal(found, whole), f"{how} tiles give another image"


def _laid_out(api: Api, array: Array) -> Iterator[tuple[str, Any]]:
    """Return the same values in other memory, as far as the library has such."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    raw = np.zeros(array.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    locked = array.copy()
    locked.flags.writeable = False
    ways = {
        "a strided": wide[..., ::2],
        "a column-major": np.asfortranarray(array),
        "a flipped": np.flip(np.flip(array, -1).copy(), -1),
        "an unaligned": unaligned,
        "a read-only": locked,
    }
    for how, laid in ways.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield how, api.array(laid)
            except (TypeError, ValueError):
                continue  # the library has no such arrays


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
