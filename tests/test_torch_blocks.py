"""Large tensors, and small ones in small pieces: no seam of the work may show."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reftiler
from reftiler import TilingError
from reftiler.axis import fit_axis
from reftiler.torch import Tiler, cells, lines, merging
from reftiler.torch.bands import find_series
from reftiler.torch.merging import is_plain
from reftiler.torch.ruling import find_ruling
from reftiler.torch.spans import Share, Span, cut, deal, roll
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.strategies import merges
from tests.tensors import BODIES, array, dtype_of, in_body, tensor

SIZE = (410, 530)
SHAPES = [((64, 48), (40, 48)), ((64, 96), (32, 33)), ((50, 50), (50, 20))]


def contents(count: int, shape: tuple[int, ...], dtype: str = "float32") -> Any:
    """Return tiles of ordinary numbers, with a few that are not."""
    rng = np.random.default_rng(7)
    tiles = rng.normal(60, 90, (count, *shape))
    if dtype[0] == "f":
        odd = [np.nan, np.inf, -np.inf, -0.0, 1e-44, 6e4]
        where = rng.integers(0, tiles.size, 40)
        tiles.flat[where] = rng.choice(odd, 40)
        return tiles.astype(dtype)
    return tiles.clip(0, 250).astype(dtype)


def both(
    settings: dict[str, Any], tile: Any, stride: Any, source: str, **more: Any
) -> None:
    """Fail unless both bodies merge a large image as the reference does."""
    reference = reftiler.Tiler(tile, stride, **settings)
    tiler = Tiler(tile, stride, **settings)
    shape = (2, *tile)
    if settings.get("channels_last"):
        shape = (*tile, 2)
    tiles = contents(len(reference.grid(SIZE)), shape, source)
    want = reference.untile(tiles, SIZE, **more)
    if "dtype" in more:
        more["dtype"] = dtype_of(more["dtype"])
    for body in BODIES:
        got = in_body(body, lambda: tiler.untile(tensor(tiles), SIZE, **more))
        same_bits(array(got), want, nan="any")


@pytest.mark.parametrize("mode", ["padding", "clamp", "even", "drop"])
@pytest.mark.parametrize(("tile", "stride"), SHAPES)
def test_large_images(mode: str, tile: Any, stride: Any) -> None:
    window = "box" if stride == (40, 48) else "hann"
    settings: dict[str, Any] = {"mode": mode, "window": window, "fill": 7.0}
    if mode == "padding":
        settings["pad_side"] = "both"
    both(settings, tile, stride, "float32")


@pytest.mark.parametrize("dtype", ["uint8", "float16", "int64", "float64"])
@pytest.mark.parametrize("last", [False, True])
def test_large_images_of_other_types(dtype: str, last: bool) -> None:
    settings: dict[str, Any] = {"channels_last": last, "remove_border_count": (3, 1)}
    both(settings, (64, 48), (30, 41), dtype)
    both({**settings, "window": "triangle"}, (64, 48), (30, 41), dtype)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("channels", [1000, 6000])
def test_more_channels_than_there_is_room_for(channels: int, dtype: str) -> None:
    """A line of pixels may be longer than what is merged at a time."""
    shape = (9, 300, channels)
    tiler = Tiler((4, 100), (2, 50), channels_last=True)
    image = contents(1, shape, dtype)[0]
    tiles = tiler.tile(tensor(image))
    assert math.prod(shape[1:]) > merging.BLOCK / 2
    same_bits(array(tiler.untile(tiles, shape)), image, nan="any")


@pytest.mark.parametrize("merge", ["max", "min"])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "uint64", "float16"])
def test_large_extremes(merge: str, dtype: str) -> None:
    both({"mode": "clamp", "merge": merge}, (64, 96), (33, 40), dtype)


@pytest.mark.parametrize(
    ("dtype", "merge"), [("uint8", "mean"), ("int64", "max"), ("float16", "mean")]
)
def test_large_conversions(dtype: str, merge: str) -> None:
    settings = {"merge": merge, "mode": "even"}
    both(settings, (64, 96), (33, 40), "int16", dtype=dtype)


@pytest.mark.parametrize("window", ["box", "gaussian"])
def test_large_images_of_random_tiles(window: str) -> None:
    reference = reftiler.Tiler((70, 130), window=window, fill=-1.0)
    tiler = Tiler((70, 130), window=window, fill=-1.0)
    grid = tiler.random(SIZE, 40, 9)
    assert 0 < grid.uncovered < SIZE[0] * SIZE[1]
    tiles = contents(40, (3, 70, 130))
    want = reference.untile(tiles, SIZE, grid)
    for body in BODIES:
        got = in_body(body, lambda: tiler.untile(tensor(tiles), SIZE, grid))
        same_bits(array(got), want, nan="any")


@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even"])
@pytest.mark.parametrize("shape", [(3, *SIZE), (2, 1, 90, 2100), (2, 5, 2000, 33)])
def test_large_images_there_and_back(mode: str, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(6).integers(0, 2**16, shape, np.uint16)
    for window, border in (("box", 0), ("hann", 3)):
        settings: dict[str, Any] = {"window": window, "remove_border_count": border}
        tiler = Tiler((64, 32), 26, mode=mode, pad_mode="reflect", **settings)
        reference = reftiler.Tiler(
            (64, 32), 26, mode=mode, pad_mode="reflect", **settings
        )
        tiles = tiler.tile(tensor(image))
        same_bits(array(tiles), reference.tile(image))
        same_bits(array(tiler.untile(tiles, shape)), image)


@pytest.mark.parametrize("length", range(31, 80, 4))
def test_uneven_steps(length: int) -> None:
    """Most tiles are equally far apart, but begin anywhere."""
    for tile, stride in ((8, 4), (9, 5), (7, 3), (10, 6)):
        reference = reftiler.Tiler(tile, stride, mode="even")
        shape = (2, tile, tile)
        tiles = contents(len(reference.grid((length, 41))), shape)
        want = reference.untile(tiles, (2, length, 41))
        tiler = Tiler(tile, stride, mode="even")
        same_bits(array(tiler.untile(tensor(tiles), (2, length, 41))), want, nan="any")
        tiles = contents(len(reference.grid((41, length))), shape)
        want = reference.untile(tiles, (2, 41, length))
        same_bits(array(tiler.untile(tensor(tiles), (2, 41, length))), want, nan="any")


@pytest.mark.parametrize("mode", ["padding", "clamp", "even", "drop"])
def test_weights_that_round_before_bytes(mode: str) -> None:
    """Beside the image there is nothing to divide, and nothing to refuse."""
    steep = tuple(0.1 * n for n in range(1, 9))
    settings: dict[str, Any] = {"window": (steep, steep), "remove_border_count": 1}
    reference = reftiler.Tiler(8, 5, mode=mode, fill=3, **settings)
    tiler = Tiler(8, 5, mode=mode, fill=3, **settings)
    tiles = contents(len(reference.grid((38, 41))), (8, 8), "uint8").astype("float32")
    want = reference.untile(tiles, (38, 41), dtype="uint8")
    same_bits(array(tiler.untile(tensor(tiles), (38, 41), dtype=torch.uint8)), want)


@pytest.mark.parametrize("mode", ["padding", "clamp", "even", "drop"])
@pytest.mark.parametrize("most", [1, 30, 100])
def test_bands_lie_within_cells(mode: str, most: int) -> None:
    for tile, stride, length in product((3, 8, 9), range(2, 7), range(7, 91, 6)):
        if stride > tile or length < tile:
            continue
        axis = fit_axis(length, tile, stride, mode, both=length % 2 == 0)
        axis = replace(axis, border=(tile - stride) // 2 if length % 5 else 0)
        spans = [*cut(axis, most), *cut(axis, most, beyond=True), *roll(axis, most)]
        for span in spans:
            check_bands(span)


def check_bands(span: Span) -> None:
    """Fail if a band of tiles reaches from cell to cell, or beyond the last."""
    ruling = find_ruling(span)
    for series in find_series(span.shares):
        suits = ruling.suit(series.low - span.low, series.step)
        for part in series.parts(99 if suits else 1):
            first, one = part.low - span.low, part.count == 1
            for band in ruling.cuts(first, part.width) if one else part.bands:
                begin = ruling.ahead + first + band.start
                cell, pixel = divmod(begin, ruling.width)
                last = cell + (0 if ruling.count == 1 else part.count - 1)
                assert last < ruling.count
                width = band.stop - band.start
                assert ruling.count == 1 or pixel + width <= ruling.width


@pytest.mark.parametrize("mode", ["padding", "clamp", "even", "drop"])
@pytest.mark.parametrize("hands", [2, 3, 5])
def test_dealt_lines_are_those_of_the_axis(mode: str, hands: int) -> None:
    """Each pixel is dealt out once, with all the tiles that take part there."""
    alone = several = 0
    for tile, stride, length in product((3, 8, 9), range(2, 7), range(7, 91, 6)):
        if stride > tile or length < tile:
            continue
        axis = fit_axis(length, tile, stride, mode, both=length % 2 == 0)
        axis = replace(axis, border=(tile - stride) // 2 if length % 5 else 0)
        for most in (1, 4, stride, 2 * stride):
            dealt = deal(cut(axis, most), hands)
            assert [span.end for span in dealt[:-1]] == [s.low for s in dealt[1:]]
            assert (dealt[0].low, dealt[-1].end) == (0, length)
            found = {key for span in dealt for key in given_by(span)}
            assert found == {
                (pixel, number, axis.pad_before + pixel - axis.starts[number])
                for number, (low, high) in enumerate(axis.valid.tolist())
                for pixel in range(low, high)
            }
            alone += sum(span.hands == 1 for span in dealt)
            several += sum(span.hands == hands for span in dealt)
    assert alone
    assert several


def given_by(span: Span) -> list[tuple[int, int, int]]:
    """Return (image pixel, tile, its pixel) of all that tiles give to a span."""
    height = span.high - span.low
    hands = [
        Share(one.tile + h * span.tiles, one.pixel + h * span.pixels, low, one.width)
        for h in range(span.hands)
        for one in span.shares
        for low in [one.low + h * height]
    ]
    return [
        (one.low + nth, one.tile, one.pixel + nth)
        for one in hands
        for nth in range(one.width)
    ]


@pytest.mark.parametrize("window", ["box", "hann", "own"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("hands", [1, 2, 3])
def test_large_images_dealt_out(hands: int, last: bool, window: Any) -> None:
    """Whole steps, parts of steps, and lines that are left over."""
    if window == "own":
        window = tuple(tuple(0.1 + 0.7 * n % 1 for n in range(t)) for t in (96, 48))
    settings: dict[str, Any] = {"channels_last": last, "window": window}
    dealt = []

    def noted(spans: Any, count: int) -> Any:
        dealt.extend(found := deal(spans, count))
        return found

    with (
        patch.object(torch, "get_num_threads", lambda: hands),
        patch.object(lines, "deal", noted),
        patch.object(lines, "LEAST", 2**13),
    ):
        both(settings, (96, 48), (48, 24), "float32")
    assert hands == 1 or {span.hands for span in dealt} >= {hands}


@pytest.mark.parametrize("hands", [2, 3])
def test_neighbouring_lines_of_different_tiles(hands: int) -> None:
    """Lines that look alike, of another tile and of other weights there."""
    settings: dict[str, Any] = {"remove_border_count": 1, "window": "triangle"}
    with (
        patch.object(torch, "get_num_threads", lambda: hands),
        patch.object(lines, "LEAST", 1),
        patch.object(merging, "BLOCK", hands * SIZE[1]),
    ):
        both(settings, (4, 48), (2, 40), "float32")


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("window", ["box", "hann"])
def test_buffers_in_any_order(order: tuple[int, ...], window: Any) -> None:
    """Lines of the image may be columns of the buffer, or all of it planes."""
    tiler, shape = Tiler(64, 48, window=window), (3, 600, 700)
    tiles = tensor(contents(len(tiler.grid(shape[1:])), (3, 64, 64)))
    want = tiler.untile(tiles, shape)
    turned = torch.empty([shape[axis] for axis in order])
    out = turned.permute([order.index(axis) for axis in range(3)])
    tiler.untile(tiles, shape, out=out)
    same_bits(array(out.contiguous()), array(want), nan="any")


@pytest.mark.parametrize("merge", ["mean", "max"])
def test_nan_beyond_the_image_harms_nobody(merge: Any) -> None:
    tiler = Tiler(8, 5, merge=merge)
    tiles = tiler.tile(torch.rand(2, 20, 20) * 255)
    tiles[3::4, :, :, 5:] = tiles[12:, :, 5:] = torch.nan
    reference = reftiler.Tiler(8, 5, merge=merge)
    want = reference.untile(array(tiles), (20, 20), dtype="uint8")
    same_bits(array(tiler.untile(tiles, (20, 20), dtype=torch.uint8)), want)


RARE: dict[str, tuple[tuple[int, ...], int, int, int, dict[str, Any]]] = {
    "more is carried on than one span is long": ((2, 40, 10), 9, 2, 140, {}),
    "channels of which three are merged at a time": ((8, 10, 10), 4, 2, 300, {}),
    "equal tiles among others, and channels last": (
        (12, 12, 3),
        6,
        2,
        merging.BLOCK,
        {"remove_border_count": 1, "channels_last": True},
    ),
    "gaps on four axes": (
        (1, 6, 8, 10, 12),
        3,
        2,
        merging.BLOCK,
        {"mode": "drop", "fill": 7.0},
    ),
}
"""Shapes, tile, stride, pixels merged at a time, settings."""


@pytest.mark.parametrize("rare", RARE)
def test_rare_seams(rare: str) -> None:
    shape, tile, stride, block, settings = RARE[rare]
    rank = len(shape) - 1
    sides = (tile,) * rank, (stride,) * rank
    reference = reftiler.Tiler(*sides, **settings)
    last = settings.get("channels_last", False)
    size, channels = (shape[:-1], shape[-1]) if last else (shape[1:], shape[0])
    one = (*sides[0], channels) if last else (channels, *sides[0])
    tiles = contents(len(reference.grid(size)), one)
    want = reference.untile(tiles, shape)
    with (
        patch.object(merging, "BLOCK", block),
        patch.object(cells, "pays", lambda call: False),
        patch.object(torch, "get_num_threads", lambda: 1),
    ):
        got = Tiler(*sides, **settings).untile(tensor(tiles), shape)
    same_bits(array(got), want, nan="any")


PIECES = [1, 2, 7, 16, 50, 400]
HANDS = [1, 2, 3, 5]
WAYS: dict[str, tuple[Any, float]] = {
    "lines": (is_plain, 2.0),
    "cells": (is_plain, 0.0),
    "boxes": (lambda _: False, 2.0),
}
"""What counts as plain, and from which share of lone pixels cells pay."""


@given(
    merges(),
    st.sampled_from(PIECES),
    st.sampled_from(sorted(WAYS)),
    st.sampled_from(HANDS),
)
def test_small_pieces(merge: MergeCase, block: int, way: str, hands: int) -> None:
    """However small the scratch memory, however many threads, whichever eager way."""
    case = merge.case
    reference, tiler = case.tiler(reftiler.Tiler), case.tiler(Tiler)
    grid = case.grid(tiler)
    ours: dict[str, Any] = dict(merge.scale_argument())
    theirs = dict(ours)
    if merge.result is not None:
        ours["dtype"], theirs["dtype"] = merge.result, dtype_of(merge.result)
    tiles = tensor(merge.tiles())
    with (
        patch.object(merging, "BLOCK", block),
        patch.object(merging, "BOX", block),
        patch.object(merging, "TERMS", block),
        patch.object(merging, "is_plain", WAYS[way][0]),
        patch.object(cells, "LONE", WAYS[way][1]),
        patch.object(torch, "get_num_threads", lambda: hands),
        patch.object(lines, "LEAST", 1),
        torch.no_grad(),
    ):
        try:
            want = reference.untile(merge.tiles(), case.shape, grid, **ours)
        except TilingError:
            with pytest.raises(TilingError, match="NaN"):
                tiler.untile(tiles, case.shape, grid, **theirs)
            return
        got = tiler.untile(tiles, case.shape, grid, **theirs)
    same_bits(array(got), want, nan="any")


def test_both_eager_ways_are_taken() -> None:
    """The cases above reach the strided lines as well as the gathered boxes."""
    taken = []
    with patch.object(merging, "_merge_boxes", lambda *_: taken.append("boxes")):
        tiles = torch.zeros((16, 4, 4))
        Tiler(4, 2).untile(tiles, (10, 10))
        assert not taken
        grid = Tiler(4, fill=0).random((10, 10), 16, 1)
        Tiler(4, fill=0).untile(tiles, (10, 10), grid)
        Tiler(4, mode="interpolation").untile(tiles[:9], (10, 10))
    assert taken == ["boxes"] * 2
