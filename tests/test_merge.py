"""Merging against literals, so that a fault shared with the definition shows."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from reftiler import Tiler, TilingError
from reftiler.streaming import MergedArray, Merger
from reftiler_conformance.compare import same_bits


def test_halves_go_to_the_even_neighbour() -> None:
    tiler = Tiler([2], 1)
    for below, above, want in [(1, 2, 2), (2, 3, 2), (254, 255, 254), (0, 1, 0)]:
        tiles = np.array([[0, below], [above, 0]], np.uint8)
        assert tiler.untile(tiles, (3,)).tolist() == [0, want, 0]
    tiles = np.array([[0, -1], [-2, 0]], np.int8)
    assert tiler.untile(tiles, (3,)).tolist() == [0, -2, 0]


def test_one_rounding_straight_to_the_dtype() -> None:
    """Through float32 the sum 1 + 2^-11 + 2^-40 would round twice, to 1."""
    tiles = np.array([[0, 2.0], [2.0**-10 + 2.0**-39, 0]])
    got = Tiler([2], 1).untile(tiles, (3,), dtype="float16")
    assert float(got[1]) == 1 + 2.0**-10


def test_integers_saturate() -> None:
    tiles = np.array([[0, 300.0], [300.0, -7.0]], np.float32)
    got = Tiler([2], 1).untile(tiles, (3,), dtype=np.uint8)
    same_bits(got, np.array([0, 255, 0], np.uint8))
    huge = np.full((2, 2), 2**63 - 1, np.int64)
    assert Tiler([2], 1).untile(huge, (3,)).tolist() == [2**63 - 1] * 3
    most = np.full((2, 2), 2**64 - 1, np.uint64)
    assert Tiler([2], 1).untile(most, (3,)).tolist() == [2**64 - 1] * 3
    ends = np.array([[np.inf, -np.inf], [-np.inf, np.inf]])
    assert Tiler([2]).untile(ends, (4,), dtype="int16").tolist() == [
        32767,
        -32768,
        -32768,
        32767,
    ]


def test_wide_integers_alone_are_copied_and_together_are_floats() -> None:
    odd = 2**53 + 1
    tiles = np.array([[odd, odd], [odd, odd]], np.int64)
    assert Tiler([2], 1).untile(tiles, (3,)).tolist() == [odd, odd - 1, odd]
    most = Tiler([2], 1, merge="max").untile(tiles - [[0], [1]], (3,))
    assert most.tolist() == [odd, odd, odd - 1]


def test_negative_zero_survives() -> None:
    tiles = np.full((5, 2, 2), -0.0, np.float32)
    for window in ("box", "hann"):
        got = Tiler((2, 2), (1, 2), window=window).untile(tiles, (6, 2))
        assert np.signbit(got).all()
    tiles[2] = 0.0
    got = Tiler((2, 2), (1, 2)).untile(tiles, (6, 2))
    assert (
        np.signbit(got).tolist()
        == [[True] * 2] * 2 + [[False] * 2] * 2 + [[True] * 2] * 2
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_extremes_are_those_of_ieee_2019(dtype: str) -> None:
    pairs = [(0.0, -0.0, 0.0, -0.0), (-0.0, 0.0, 0.0, -0.0)]
    pairs += [(np.nan, 1, np.nan, np.nan), (1, np.nan, np.nan, np.nan)]
    pairs += [(np.nan, np.inf, np.nan, np.nan), (-np.inf, 1, 1, -np.inf)]
    for a, b, large, small in pairs:
        tiles = np.array([[9, 9, 9, a], [b, 9, 9, 9]], dtype)
        for merge, want in (("max", large), ("min", small)):
            got = Tiler([4], 3, merge=merge).untile(tiles, (7,))
            same_bits(got[3:4], np.array([want], dtype), nan="any")


def test_bool_means_any_tile_says_so() -> None:
    tiles = np.array([[False, True], [False, False]])
    assert Tiler([2], 1).untile(tiles, (3,)).tolist() == [False, True, False]
    tiles = np.array([[False, True], [True, False]])
    for merge, want in ((None, True), ("max", True), ("min", True)):
        got = Tiler([2], 1, merge=merge).untile(tiles, (3,))
        assert got.dtype == bool
        assert got[1] == want
    got = Tiler([2], 1, merge="min").untile(~tiles, (3,), dtype="float32")
    same_bits(got, np.array([1, 0, 1], np.float32))


def test_nan_propagates_and_never_spreads() -> None:
    tiles = np.ones((4, 3, 3), np.float32)
    tiles[0, 1, 2] = np.nan
    got = Tiler(3, 2).untile(tiles, (5, 5))
    assert np.argwhere(np.isnan(got)).tolist() == [[1, 2]]
    with pytest.raises(TilingError, match=r"(?i)nan"):
        Tiler(3, 2).untile(tiles, (5, 5), dtype="uint8")


def test_uncovered_pixels_are_counted_or_filled() -> None:
    tiler = Tiler(4, mode="drop")
    tiles = np.ones((2, 4, 4), np.int16)
    with pytest.raises(TilingError, match=r"\b18\b.*fill"):
        tiler.untile(tiles, (5, 10))
    filled = Tiler(4, mode="drop", fill=-3).untile(tiles, (5, 10))
    assert (filled == -3).sum() == 18
    assert (filled[:4, :8] == 1).all()
    tiler = Tiler([2], fill=7)
    grid = tiler.scatter([7], [[3]])
    assert tiler.untile(np.zeros((1, 2), np.uint8), (7,), grid).tolist() == [
        7,
        7,
        7,
        0,
        0,
        7,
        7,
    ]


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [(math.nan, "float16"), (-0.0, "float32"), (math.inf, "float64"), (True, "bool")],
)
def test_fill_values(fill: float, dtype: str) -> None:
    tiler = Tiler([2], mode="drop", fill=fill)
    got = tiler.untile(np.zeros((1, 2), dtype), (3,))
    same_bits(got, np.array([0, 0, fill], dtype), nan="any")


def test_the_documented_shapes() -> None:
    tiler, last = Tiler(4, 2), Tiler(4, 2, channels_last=True)
    for use, shape, tiles, want in [
        (tiler, (8, 10), (12, 4, 4), (8, 10)),
        (tiler, (3, 8, 10), (12, 4, 4), (8, 10)),
        (tiler, (8, 10), (12, 5, 4, 4), (5, 8, 10)),
        (tiler, (3, 8, 10), (12, 5, 4, 4), (5, 8, 10)),
        (tiler, (2, 3, 8, 10), (24, 5, 4, 4), (2, 5, 8, 10)),
        (tiler, (2, 3, 8, 10), (24, 4, 4), (2, 8, 10)),
        (tiler, (2, 3, 8, 10), (24, 1, 8, 8), (2, 1, 16, 20)),
        (last, (8, 10), (12, 4, 4), (8, 10)),
        (last, (8, 10, 3), (12, 4, 4, 5), (8, 10, 5)),
        (last, (2, 8, 10, 3), (24, 4, 4, 5), (2, 8, 10, 5)),
        (last, (2, 8, 10, 3), (24, 2, 2), (2, 4, 5)),
    ]:
        assert use.untile(np.zeros(tiles, np.uint8), shape).shape == want


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


def test_scaled_tiles_are_unpadded_at_their_scale() -> None:
    """A model that only enlarges or shrinks must give the image at that size."""
    image = np.arange(1, 8 * 14 + 1, dtype=np.int32).reshape(8, 14)
    for side in ("end", "both"):
        tiler = Tiler(6, 6, pad_side=side)  # 4 more on each axis, 2 before if both
        tiles = tiler.tile(image)
        larger = np.repeat(np.repeat(tiles, 2, axis=1), 2, axis=2)
        want = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
        same_bits(tiler.untile(larger, image.shape), want)
        same_bits(tiler.untile(tiles[:, ::2, ::2], image.shape), image[::2, ::2].copy())


def test_a_whole_fitted_grid_may_be_given() -> None:
    tiler = Tiler(4, 2, window="triangle")
    tiles = np.random.default_rng(1).integers(0, 255, (12, 4, 4), np.uint8)
    got = tiler.untile(tiles, (8, 10), tiler.grid((8, 10)))
    same_bits(got, tiler.untile(tiles, (8, 10)))


def test_which_rims_are_kept_is_decided_before_scaling() -> None:
    """At half scale 7 pixels and 6 both are 3 whole ones: the rim is removed."""
    tiles = np.array([[1, 2, 3]], np.uint8)
    drop = Tiler([6], 2, mode="drop", remove_border_count=2, fill=0)
    assert drop.untile(tiles, (7,)).tolist() == [1, 2, 0, 0]
    assert drop.untile(tiles, (6,)).tolist() == [1, 2, 3]
    grid = drop.scatter((7,), [(0,)])
    assert drop.untile(tiles, (7,), grid).tolist() == [1, 2, 0, 0]


def test_a_dtype_of_another_byte_order_is_the_same_dtype() -> None:
    """Byte order never changes a value: wide integers are copied all the same."""
    odd = 2**53 + 1
    tiles = np.array([[odd, odd], [odd, odd]], "<i8")
    for source, target in (("<i8", ">i8"), (">i8", "<i8"), (">u8", "<u8")):
        got = Tiler([2]).untile(tiles.astype(source), (4,), dtype=target)
        same_bits(got, np.full(4, odd, target))
        most = Tiler([2], 1, merge="max").untile(
            tiles.astype(source), (3,), dtype=target
        )
        same_bits(most, np.full(3, odd, target))


@pytest.mark.parametrize("merge", ["first", "last", "center"])
def test_the_place_decides_whatever_the_values_are(merge: str) -> None:
    tiler = Tiler((4, 4), (2, 2), merge=merge)
    grid = tiler.grid((6, 6))
    tiles = np.full((4, 4, 4), np.nan, np.float32)
    tiles[3] = 1.0
    got = tiler.untile(tiles, (6, 6), grid)
    # tile 3 alone has the last two pixels; of the middle ones it is the last tile
    begin = {"first": 4, "last": 2, "center": 3}[merge]
    assert np.argwhere(~np.isnan(got)).min() == begin
    assert (~np.isnan(got)).sum() == (6 - begin) ** 2


def test_votes_are_of_tiles_or_of_weights() -> None:
    tiles = np.array([[4, 4, 4, 4], [9, 9, 9, 9], [9, 9, 9, 9]], np.int16)
    shape, starts = (5,), [[0], [1], [1]]
    plain = Tiler([4], merge="vote")
    weighed = Tiler([4], merge="vote", window=[(100, 1, 1, 100)])
    grid = plain.scatter([5], starts)
    assert plain.untile(tiles, shape, grid).tolist() == [4, 9, 9, 9, 9]
    grid = weighed.scatter([5], starts)
    assert weighed.untile(tiles, shape, grid).tolist() == [4, 9, 9, 4, 9]
    assert weighed.untile(-tiles, shape, grid).tolist() == [-4, -9, -9, -4, -9]
    with pytest.raises(TilingError, match="float32"):
        weighed.untile(tiles.astype(np.float32), shape, grid)


def test_of_equal_votes_the_lowest_label_wins() -> None:
    tiler, hann = Tiler([2], merge="vote"), Tiler([2], merge="vote", window="hann")
    cases: list[tuple[str, list[int], int]] = [
        ("uint8", [7, 5], 5),
        ("uint8", [5, 7], 5),
        ("int16", [3, -1, 2], -1),
        ("int16", [3, 2, 2, 3, -1], 2),
        ("uint64", [2**64 - 1, 2**64 - 2], 2**64 - 2),
        ("bool", [True, False], False),
    ]
    for dtype, labels, want in cases:
        tiles = np.array([[label] * 2 for label in labels], dtype)
        for one in (tiler, hann):
            grid = one.scatter([2], [[0]] * len(labels))
            same_bits(one.untile(tiles, (2,), grid), np.array([want] * 2, dtype))


def test_scattered_tiles_are_taken_by_index_and_by_centre() -> None:
    tiles = np.array([[1] * 4, [2] * 4, [3] * 4], np.uint8)
    for merge, want in [
        ("first", [3, 3, 1, 1, 1, 1, 2, 2, 2]),
        ("last", [3, 3, 3, 3, 1, 2, 2, 2, 2]),
        # pixel 5 is as far from two centres: the lower index has it
        ("center", [3, 3, 3, 1, 1, 1, 2, 2, 2]),
    ]:
        tiler = Tiler([4], merge=merge)
        grid = tiler.scatter([9], [[2], [5], [0]])
        assert tiler.untile(tiles, (9,), grid).tolist() == want


@pytest.mark.parametrize("merge", ["first", "center", "last"])
def test_a_nan_that_is_not_taken_is_no_integer_s_concern(merge: str) -> None:
    tiler = Tiler([4], merge=merge, fill=9)
    grid = tiler.scatter([8], [[0], [1]])
    tiles = np.array([[1, 2, 3, 4], [5, 6, 7, 8.0]])
    tiles[(0, 1) if merge == "last" else (1, 0)] = math.nan
    want = {
        "first": [1, 2, 3, 4, 8],
        "last": [1, 5, 6, 7, 8],
        "center": [1, 2, 3, 7, 8],
    }
    got = tiler.untile(tiles, (8,), grid, dtype="int16")
    assert got.tolist() == [*want[merge], 9, 9, 9]


@pytest.mark.parametrize("merge", ["first", "last", "center", "vote"])
def test_streams_and_parts_are_merged_by_the_same_rule(merge: str) -> None:
    rng = np.random.default_rng(0)
    for scattered in (False, True):
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
def test_a_mean_of_numbers_alone(window: str) -> None:
    nan, tiler = math.nan, Tiler([4], 2, window=window, nan="omit", fill=9)
    tiles = np.array([[1, 2, nan, 0.1], [nan, nan, nan, nan], [nan, 3, 5, 6]])
    got = tiler.untile(tiles, (8,))
    # 0.1 is of one tile: it is copied, whatever its weight; 9 is of no tile
    same_bits(got, np.array([1, 2, nan, 0.1, nan, 3, 5, 6]), nan="any")
    with pytest.raises(TilingError, match="NaN"):
        tiler.untile(tiles, (8,), dtype="uint8")
    grid = tiler.scatter([10], [[0], [2], [4]])
    assert tiler.untile(tiles, (10,), grid)[8:].tolist() == [9, 9]
    numbers = np.where(np.isnan(tiles), [[9] * 4, [5] * 4, [9] * 4], tiles)
    numbers[0, 2] = nan
    whole = tiler.untile(numbers, (10,), grid, dtype="uint8")
    assert whole.dtype == np.uint8
    assert whole[[2, 8, 9]].tolist() == [5, 9, 9]
    merger = Merger(tiler, (8,), None, tile_dtype="float64")
    for index in (2, 0, 1):
        merger.add(index, tiles[index])
    same_bits(merger.finish(), got, nan="any")
