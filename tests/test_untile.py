"""Merging: every bit of the result, against the definition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler
from reftiler.streaming import MergedArray, Merger
from reftiler_conformance.compare import same_bits
from tests.backends import NUMPY, untile_agrees
from tests.cases import MergeCase
from tests.corners import (
    EVERY_KIND,
    WRITTEN,
    fills,
    into_every_dtype,
    short_floats,
    written,
)
from tests.strategies import NUMBERS, SWAPPED, WINDOWS, merges

FLOATS = ("float16", "float32", "float64")
LAYOUTS = st.sampled_from(sorted(NUMPY.layouts))


@given(merges(dtypes=(*NUMBERS, *SWAPPED), weighed=True), LAYOUTS, st.booleans())
def test_untile_is_the_definition(merge: MergeCase, layout: str, out: bool) -> None:
    untile_agrees(NUMPY, merge, layout, out=out)


@given(merges(dtypes=FLOATS, convert=False, weighed=True))
def test_untile_of_floats_is_the_definition(merge: MergeCase) -> None:
    untile_agrees(NUMPY, merge)


@pytest.mark.parametrize("merge", EVERY_KIND, ids=str)
def test_every_kind_of_merge(merge: MergeCase) -> None:
    untile_agrees(NUMPY, merge)


@pytest.mark.parametrize("source", NUMBERS)
def test_every_pair_of_dtypes(source: str) -> None:
    for merge in into_every_dtype(source, (*NUMBERS, *SWAPPED)):
        untile_agrees(NUMPY, merge)


@pytest.mark.long
def test_numbers_that_are_odd() -> None:
    cases: list[MergeCase] = [*WRITTEN, *short_floats(), *fills(halves=False)]
    for merge in cases:
        if "bfloat16" not in (merge.case.dtype, merge.result):
            untile_agrees(NUMPY, merge)


@pytest.mark.parametrize("merge", ["max", None])
def test_a_dtype_of_another_byte_order_is_the_same_dtype(merge: str | None) -> None:
    """Byte order never changes a value: wide integers are copied all the same."""
    odd = 2**53 + 1
    tiles = np.array([[odd, odd], [odd, odd]], "<i8")
    for source, target in (("<i8", ">i8"), (">i8", "<i8"), (">u8", "<u8")):
        tiler = Tiler([2], 1 if merge else 2, merge=merge)
        size = 3 if merge else 4
        got = tiler.untile(tiles.astype(source), (size,), dtype=target)
        same_bits(got, np.full(size, odd, target))


@pytest.mark.parametrize(
    ("dtype", "result"), [("uint8", "uint16"), ("bool", "uint8"), ("int16", "float32")]
)
def test_labels_in_a_dtype_that_holds_them_all(dtype: str, result: str) -> None:
    tiles = [[True], [True], [False]]
    untile_agrees(NUMPY, written(tiles, dtype, result, merge="vote"))


def test_scales_may_be_said_in_any_exact_way() -> None:
    tiler = Tiler((4, 4), 2)
    tiles = np.arange(9 * 2 * 8).reshape(9, 2, 8)
    want = tiler.untile(tiles, (8, 8), scale=(Fraction(1, 2), 2))
    same_bits(tiler.untile(tiles, (8, 8), scale=[0.5, 2.0]), want)
    assert want.shape == (4, 16)
    square = np.arange(9 * 2 * 2).reshape(9, 2, 2)
    want = tiler.untile(square, (8, 8))
    for scale in (0.5, Fraction(1, 2), (0.5, Fraction(1, 2))):
        same_bits(tiler.untile(square, (8, 8), scale=scale), want)


@pytest.mark.parametrize("window", WINDOWS)
def test_there_and_back_with_a_thousand_overlaps(window: str) -> None:
    image = np.random.default_rng(3).standard_normal((70, 66))
    image[40, 30:33] = [np.inf, -np.inf, -0.0]
    tiler = Tiler(32, 1, window=window)
    assert tiler.grid(image.shape).coverage().max() == 1024
    for dtype in ("float16", "float32", "int32", "uint8"):
        with np.errstate(invalid="ignore"):
            given_image = (image if dtype[0] == "f" else image * 1e9).astype(dtype)
        same_bits(tiler.untile(tiler.tile(given_image), image.shape), given_image)


@pytest.mark.parametrize("scattered", [False, True])
@pytest.mark.parametrize("merge", ["first", "last", "center", "vote"])
def test_streams_and_parts_are_merged_by_the_same_rule(
    merge: str, scattered: bool
) -> None:
    rng = np.random.default_rng(0)
    tiler = Tiler((6, 5), (3, 2), merge=merge, fill=7)
    grid = tiler.random((20, 17), 30, 1) if scattered else tiler.grid((20, 17))
    tiles = rng.integers(0, 3, (len(grid), 6, 5), np.uint8)
    want = tiler.untile(tiles, (20, 17), grid)
    merger = Merger(tiler, (20, 17), None, tile_dtype="uint8", grid=grid)
    for index in rng.permutation(len(grid)).tolist():
        merger.add(index, tiles[index])
    assert np.array_equal(merger.finish(), want)
    part = MergedArray(tiler, tiles, (6, 5), "uint8", (20, 17), grid)
    assert np.array_equal(part[3:18, 1:], want[3:18, 1:])
    assert np.array_equal(part[1::3, ::2], want[1::3, ::2])


@pytest.mark.parametrize("window", ["box", "triangle"])
def test_a_stream_of_means_without_nan(window: str) -> None:
    nan, tiler = np.nan, Tiler([4], 2, window=window, nan="omit", fill=9)
    tiles = np.array([[1, 2, nan, 0.1], [nan, nan, nan, nan], [nan, 3, 5, 6]])
    merger = Merger(tiler, (8,), None, tile_dtype="float64")
    for index in (2, 0, 1):
        merger.add(index, tiles[index])
    same_bits(merger.finish(), tiler.untile(tiles, (8,)), nan="any")
