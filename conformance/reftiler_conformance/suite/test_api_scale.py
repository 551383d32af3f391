"""SCALE: tiles of another resolution."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

TILES = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
SHAPE = (16, 16)
"""An image of tiles of 8: at half the size these are its tiles."""


@api_clause("SCALE-002")
def test_one_fraction(api: Api) -> None:
    """Without scale= tiles must be scaled alike on all axes."""
    tiler = api.Tiler(8)
    merged = api.back(tiler.untile(api.array(TILES.copy()), SHAPE))
    assert merged.shape == (8, 8), f"at half the size the result is {merged.shape}"
    for space in ((4, 8), (4, 2), (8, 16)):
        tiles = api.array(np.zeros((4, *space), np.float32))
        refused(f"tiles of {space} for (8, 8)", tiler.untile, tiles, SHAPE)


@api_clause("SCALE-003")
def test_kinds_of_scales(api: Api) -> None:
    """A scale is an int, a float, a fraction or one of them for each axis."""
    tiler = api.Tiler(8)

    def merge(space: tuple[int, int], scale: Any) -> Any:
        tiles = api.array(np.zeros((4, *space), np.float32))
        return tiler.untile(tiles, SHAPE, scale=scale)

    half = Fraction(1, 2)
    for space, scale in (
        ((4, 4), 0.5),
        ((4, 4), half),
        ((16, 16), 2),
        ((16, 4), (2, 0.5)),
        ((16, 4), [2, half]),
    ):
        want = tuple(2 * side for side in space)
        found = tuple(api.back(merge(space, scale)).shape)
        assert found == want, f"scale={scale} gave {found}, should be {want}"
    for wrong in (0.3, 2, 1, (0.5, 1), (0.5,), (0.5, 0.5, 0.5), "0.5", 0, -1):
        refused(f"scale={wrong!r} for tiles of half the size", merge, (4, 4), wrong)
    for wrong in (float("inf"), float("nan")):
        refused(f"scale={wrong!r}", merge, (4, 4), wrong)
    third = api.array(np.zeros((1, 3, 3), np.float32))
    api.Tiler(9).untile(third, (9, 9), scale=Fraction(1, 3))
    refused("a float near 1/3", api.Tiler(9).untile, third, (9, 9), scale=1 / 3)


@api_clause("SCALE-005")
def test_before_any_pixel(api: Api) -> None:
    """The refusal comes before any pixel is merged."""
    out = api.array(np.full((4, 4), 7, np.uint8))
    tiles = api.array(np.zeros((4, 2, 2), np.uint8))
    tiler = api.Tiler(4, 3)
    refused("a start of 3 at half the size", tiler.untile, tiles, (7, 7), out=out)
    assert (api.back(out) == 7).all(), "pixels were merged before the refusal"


@api_clause("SCALE-006")
def test_says_what_fits(api: Api) -> None:
    """The refusal names the axis and the numbers."""
    tiles = api.array(np.zeros((4, 4, 2), np.uint8))
    tiler = api.Tiler(4, (4, 3))
    words = refused(
        "a start of 3 at half the size",
        tiler.untile,
        tiles,
        (8, 7),
        scale=(1, Fraction(1, 2)),
    )
    for word in ("axis 1", "3", "1/2"):
        assert word in words, f"{word!r} is not in: {words}"
