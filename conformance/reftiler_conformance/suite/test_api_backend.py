"""BACKEND: numpy, torch and others."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import reftiler
from reftiler_conformance import oracle
from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.cases import Case
from reftiler_conformance.compare import Mismatch, same_bits
from reftiler_conformance.protocol import Api

CASES = (
    Case((9, 7), (4, 3), (3, 2), channels=2, content="special"),
    Case((9, 7), (4, 3), (3, 2), window="hann", dtype="float64", content="random"),
    Case((11,), (5,), (2,), window="gaussian", dtype="float16", content="random"),
    Case((5, 8), (4, 4), (1, 2), mode="even", merge="max", dtype="int64"),
    Case((5, 9), (4, 4), (3, 3), mode="interpolation", dtype="uint8", content="random"),
    Case((7, 9), (4, 4), (2, 2), mode="clamp", border=(1, 1), content="random"),
    Case((7, 9), (4, 4), (4, 4), mode="drop", fill=-1, dtype="int16"),
    Case((3, 9), (4, 4), (2, 2), pad_mode="reflect", pad_side="both", dtype="bool"),
    Case((8, 8), (4, 4), (2, 2), scale=(Fraction(1, 2),) * 2, content="random"),
    Case((8, 8), (4, 4), (2, 2), dtype="float64", result="float16", content="random"),
)


@api_clause("BACKEND-001")
def test_to_the_bit(api: Api) -> None:
    """The backend gives the bits that every other gives."""
    for case in CASES:
        tiler = api.Tiler(case.tile, **case.settings())
        options: dict[str, Any] = {"scale": case.scale} if case.scale else {}
        if case.result:
            options["dtype"] = api.dtype(case.result)
        tiles = case.tiles()
        cut = api.back(tiler.tile(api.array(case.image().copy())))
        merged = tiler.untile(api.array(tiles.copy()), case.shape, **options)
        right = oracle.untile(
            case.grid, tiles, case.shape, case.scales, case.result_dtype
        )
        try:
            same_bits(cut, oracle.tile(case.grid, case.image()))
            same_bits(api.back(merged), right, nan="any")
        except Mismatch as error:
            raise AssertionError(f"{case}: {error.words}") from error


class Another(reftiler.Tiler):
    """A backend of the numpy tiler's kind, and of another class."""


@api_clause("BACKEND-002")
def test_one_grid_for_all(api: Api) -> None:
    """A grid of one backend serves the others; their tilers are equal."""
    settings: dict[str, Any] = {"overlap": 1, "mode": "clamp", "fill": float("nan")}
    image = np.arange(63, dtype=np.float32).reshape(7, 9)
    tiler = api.Tiler((3, 4), **settings)
    for kind in (reftiler.Tiler, Another):
        other = kind((3, 4), **settings)
        assert tiler == other, f"{kind.__name__} is another with the same settings"
        assert other == tiler, f"{kind.__name__} is another with the same settings"
        assert hash(tiler) == hash(other), "equal tilers have other hashes"
        assert api.Tiler.from_other(other) == tiler, "from_other() makes another tiler"
        written = type(other.grid((7, 9))).from_json(other.grid((7, 9)).to_json())
        for grid in (other.grid((7, 9)), written):
            cut = api.back(tiler.tile(api.array(image.copy()), grid=grid))
            back = other.tile(image, grid=tiler.grid((7, 9)))
            assert np.array_equal(cut, back), "a grid of another backend gives others"


KEY = '{"spec_version": "1.0", "tile_size": [4, 4], "strid": [2, 2]}'
MASK = np.zeros((8, 9), bool)

# Not among these: advice that names a function of the array library's own.
REFUSED: tuple[tuple[str, Callable[[Any, Callable[[Any], Any]], object]], ...] = (
    ("a stride of 5", lambda tiler, _: tiler(4, 5)),
    ("a tile of 2.0", lambda tiler, _: tiler(2.0)),
    ("a mode that is none", lambda tiler, _: tiler(4, mode="clmap")),
    ("a window and max", lambda tiler, _: tiler(4, window="hann", merge="max")),
    ("a border of 2", lambda tiler, _: tiler(4, 2, remove_border_count=2)),
    ("a small image", lambda tiler, _: tiler(4, mode="clamp").grid((3, 9))),
    ("a start outside", lambda tiler, _: tiler(4).scatter((8, 8), [(5, 0)])),
    ("a seed of -1", lambda tiler, _: tiler(4).random((8, 8), 2, -1)),
    ("a seed of text", lambda tiler, _: tiler(4).random((8, 8), 2, "x")),
    ("a pad value of text", lambda tiler, _: tiler(4, pad_value="x")),
    ("a short profile", lambda tiler, _: tiler(4, window=[[1] * 4, [1] * 3])),
    ("damaged JSON", lambda tiler, _: tiler.from_json("{")),
    ("an unknown key", lambda tiler, _: tiler.from_json(KEY)),
    ("a mask of 8 by 9", lambda tiler, _: tiler(4).grid((8, 8)).touching(MASK)),
    ("too few tiles", lambda tiler, a: tiler(4).untile(a((3, 4, 4)), (8, 8))),
    ("a wrong rank", lambda tiler, a: tiler(4).tile(a((4,)))),
    ("a gap", lambda tiler, a: tiler(4, mode="drop").untile(a((1, 4, 4)), (5, 5))),
    ("a scale of 1/2", lambda tiler, a: tiler(4, 3).untile(a((4, 2, 2)), (7, 7))),
    ("no channel", lambda tiler, a: tiler(4).tile(a((0, 8, 8)))),
    ("no whole scale", lambda t, a: t(4).untile(a((4, 2, 2)), (8, 8), scale=0.3)),
    ("another grid", lambda t, a: t(4).tile(a((8, 8)), grid=t(2).grid((8, 8)))),
    ("another size", lambda t, a: t(4).tile(a((8, 8)), grid=t(4).grid((8, 9)))),
    ("a grid that is none", lambda t, a: t(4).tile(a((8, 8)), grid=4)),
    ("a pad value of 0.5", lambda t, a: t(4, pad_value=0.5).tile(a((8, 8)))),
    ("an out of another shape", lambda t, a: t(4).tile(a((8, 8)), out=a((4, 4)))),
    ("a view of padding", lambda tiler, a: tiler(4).view(a((8, 9)))),
    ("a fill of 0.5", lambda t, a: t(4, fill=0.5).untile(a((4, 4, 4)), (8, 8))),
)


@api_clause("BACKEND-003")
def test_in_the_same_words(api: Api) -> None:
    """The backend refuses what the others refuse, with the same words."""

    def ours(shape: Any) -> Any:
        return np.zeros(shape, np.uint8)

    for what, call in REFUSED:
        found = _said(call, api.Tiler, lambda shape: api.array(ours(shape)))
        right = _said(call, reftiler.Tiler, ours)
        assert found == right, f"{what}: {found}, should be {right}"


def _said(call: Callable[[Any, Any], object], tiler: Any, make: Any) -> str:
    try:
        call(tiler, make)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "taken"
