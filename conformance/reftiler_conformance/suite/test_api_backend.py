"""BACKEND: numpy, torch and others.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import reftiler
from reftiler_conformance import oracle
from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.cases import Case
from reftiler_conformance.compare import Mismatch, same_bits
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import error_of, lines, names, result_of

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
            raise AssertionError(f"{case}: {error.message}") from error


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
# Not among these: advice that names a function of the array library's own.
REFUSED = """
    Tiler(4, 5); Tiler(2.0); Tiler(4, mode="clmap");
    Tiler(4, window="hann", merge="max"); Tiler(4, 2, remove_border_count=2);
    Tiler(4, mode="clamp").grid((3, 9)); Tiler(4).scatter((8, 8), [(5, 0)]);
    Tiler(4).random((8, 8), 2, -1); Tiler(4).random((8, 8), 2, "x");
    Tiler(4, pad_value="x"); Tiler(4, window=[[1] * 4, [1] * 3]);
    Tiler.from_json("{"); Tiler.from_json(KEY);
    Tiler(4).grid((8, 8)).touching(np.zeros((8, 9), bool));
    Tiler(4).untile(zeros(3, 4, 4), (8, 8)); Tiler(4).tile(zeros(4));
    Tiler(4, mode="drop").untile(zeros(1, 4, 4), (5, 5));
    Tiler(4, 3).untile(zeros(4, 2, 2), (7, 7)); Tiler(4).tile(zeros(0, 8, 8));
    Tiler(4).untile(zeros(4, 2, 2), (8, 8), scale=0.3);
    Tiler(4).tile(zeros(8, 8), grid=Tiler(2).grid((8, 8)));
    Tiler(4).tile(zeros(8, 8), grid=Tiler(4).grid((8, 9)));
    Tiler(4).tile(zeros(8, 8), grid=4);
    Tiler(4, pad_value=0.5).tile(zeros(8, 8));
    Tiler(4).tile(zeros(8, 8), out=zeros(4, 4)); Tiler(4).view(zeros(8, 9));
    Tiler(4, fill=0.5).untile(zeros(4, 4, 4), (8, 8))
"""


@api_clause("BACKEND-003")
def test_in_the_same_words(api: Api) -> None:
    """The backend refuses what the others refuse, with the same words."""

    def zeros(*shape: int) -> Any:
        return np.zeros(shape, np.uint8)

    theirs, ours = names(api) | {"KEY": KEY}, {"Tiler": reftiler.Tiler, "zeros": zeros}
    for code in lines(REFUSED):
        found, right = said(code, theirs), said(code, theirs | ours)
        assert found == right, f"{code}: {found}, should be {right}"


def said(code: str, words: dict[str, Any]) -> str:
    """Return the error with which a line is refused."""
    error = error_of(code, result_of, code, words)
    return f"{type(error).__name__}: {error}"
