"""SCALE: tiles of another resolution.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

SHAPE = (16, 16)
"""An image of four tiles of 8."""
HALF = Fraction(1, 2)


def merged(api: Api, space: tuple[int, int], **scale: Any) -> tuple[int, ...]:
    """Return the shape of a merge of tiles of a size."""
    tiles = api.array(np.zeros((4, *space), np.float32))
    return tuple(api.back(api.Tiler(8).untile(tiles, SHAPE, **scale)).shape)


@api_clause("SCALE-002")
def test_one_fraction(api: Api) -> None:
    """Without scale= tiles must be scaled alike on all axes."""
    for side in (2, 4, 16):
        found = merged(api, (side, side))
        assert found == (2 * side,) * 2, f"tiles of {side} for 8 give {found}"
    for space in ((4, 8), (4, 2), (8, 16)):
        refused(f"tiles of {space} for (8, 8)", merged, api, space)


@api_clause("SCALE-003")
def test_kinds_of_scales(api: Api) -> None:
    """A scale is an int, a float, a fraction or one of them for each axis."""
    for space, scale in (
        ((4, 4), 0.5),
        ((4, 4), HALF),
        ((16, 16), 2),
        ((16, 4), (2, 0.5)),
        ((16, 4), [2, HALF]),
    ):
        found = merged(api, space, scale=scale)
        want = tuple(2 * side for side in space)
        assert found == want, f"scale={scale} gave {found}, should be {want}"
    wrong = (0.3, 2, 1, (0.5, 1), (0.5,), (0.5, 0.5, 0.5), "0.5", 0, -1)
    for bad in (*wrong, float("inf"), float("nan")):
        what = f"scale={bad!r} for tiles of half the size"
        refused(what, merged, api, (4, 4), scale=bad)
    third = api.array(np.zeros((1, 3, 3), np.float32))
    api.Tiler(9).untile(third, (9, 9), scale=Fraction(1, 3))
    refused("a float near 1/3", api.Tiler(9).untile, third, (9, 9), scale=1 / 3)


@api_clause("SCALE-005")
def test_before_any_pixel(api: Api) -> None:
    """The refusal comes before any pixel is merged."""
    out = api.array(np.full((4, 4), 7, np.uint8))
    tiles = api.array(np.zeros((4, 2, 2), np.uint8))
    what = "a start of 3 at half the size"
    refused(what, api.Tiler(4, 3).untile, tiles, (7, 7), out=out)
    assert (api.back(out) == 7).all(), "pixels were merged before the refusal"


@api_clause("SCALE-006")
def test_says_what_fits(api: Api) -> None:
    """The refusal names the axis and the numbers."""
    tiles, what = api.array(np.zeros((4, 4, 2), np.uint8)), "a start of 3 at half"
    call = api.Tiler(4, (4, 3)).untile
    words = refused(what, call, tiles, (8, 7), scale=(1, HALF))
    for word in ("axis 1", "3", "1/2"):
        assert word in words, f"{word!r} is not in: {words}"
