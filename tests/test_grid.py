"""Grids: where every tile lies, what each pixel is covered by, and JSON."""

from __future__ import annotations

import math
from itertools import product
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler
from reftiler_conformance import oracle
from reftiler_conformance.oracle import Grid as OracleGrid
from reftiler_conformance.oracle import Settings, fit
from tests.cases import Case
from tests.strategies import MODES, cases


def plan_of(grid: Any) -> dict[str, Any]:
    """Return all that a grid says of its tiles, as plain values."""
    return {
        "starts": grid.starts.tolist(),
        "boxes": grid.boxes.tolist(),
        "shape": grid.shape,
        "count": len(grid),
        "padding": grid.padding,
        "coverage": grid.coverage().ravel().tolist(),
        "uncovered": grid.uncovered,
    }


def right(plan: OracleGrid) -> dict[str, Any]:
    """Return what the definition says of the same tiles."""
    rank = plan.settings.rank
    return {
        "starts": [list(start) for start in plan.starts],
        "boxes": [[list(side) for side in sides] for sides in oracle.boxes(plan)],
        "shape": plan.shape,
        "count": len(plan.tile_specs),
        "padding": tuple((line.before, line.after) for line in plan.axes)
        or ((0, 0),) * rank,
        "coverage": oracle.coverage(plan),
        "uncovered": oracle.uncovered(plan),
    }


@given(cases(merge=True))
def test_a_grid_says_what_the_definition_says(case: Case) -> None:
    grid = case.grid(case.tiler(Tiler))
    assert plan_of(grid) == right(case.oracle_grid)
    assert grid.is_irregular == case.is_irregular
    assert grid.image_size == case.size
    assert grid.tiler == case.tiler(Tiler)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", ["end", "both"])
def test_every_small_axis(mode: str, side: str) -> None:
    compared = 0
    for tile, length in product(range(1, 8), range(1, 20)):
        if length < tile and mode not in ("padding", "interpolation"):
            continue
        for stride in range(1, tile + 1):
            tiler = Tiler([tile], stride, mode=mode, pad_side=side)
            axis = tiler.grid([length]).axes[0]
            line = fit(length, tile, stride, mode, side)
            got = (
                tuple(axis.starts),
                axis.padded_length,
                axis.pad_before,
                axis.pad_after,
            )
            assert got == (line.starts, line.frame, line.before, line.after)
            compared += 1
    assert compared >= 400


@pytest.mark.parametrize("length", [2**31 + 5, 2**40 + 1, 10**12 + 7])
@pytest.mark.parametrize("mode", MODES)
def test_long_axes_are_exact(mode: str, length: int) -> None:
    tile, stride = length // 7, length // 11
    axis = Tiler([tile], stride, mode=mode).grid([length]).axes[0]
    line = fit(length, tile, stride, mode)
    assert tuple(axis.starts) == line.starts
    assert axis.padded_length == line.frame


@given(cases(scatter=False, modes=("interpolation",)))
def test_boxes_under_interpolation_hold_the_pixels_that_are_read(case: Case) -> None:
    """The index image tells which pixels a tile read; boxes promise no more."""
    numbers = np.arange(math.prod(case.size)).reshape(case.size)
    grid = case.grid(case.tiler(Tiler))
    for k, cut in enumerate(case.tiler(Tiler).tile(numbers)):
        read = np.array(np.unravel_index(np.unique(cut), case.size))
        assert grid.boxes[k, :, 0].tolist() == read.min(axis=1).tolist()
        assert (grid.boxes[k, :, 1] - 1).tolist() == read.max(axis=1).tolist()


@given(cases(), st.data())
def test_touching(case: Case, data: st.DataObject) -> None:
    grid = case.grid(case.tiler(Tiler))
    pixel = st.tuples(*(st.integers(0, length - 1) for length in case.size))
    pixels = data.draw(st.sets(pixel, max_size=3))
    dtype, mark = data.draw(
        st.sampled_from([("bool", True), ("uint8", 255), ("float32", math.nan)])
    )
    mask = np.zeros(case.size, dtype)
    for where in pixels:
        mask[where] = mark
    hits = grid.touching(mask)
    assert hits.tolist() == oracle.touching(case.oracle_grid, lambda p: p in pixels)
    assert hits.dtype.kind == "i"
    assert hits.ndim == 1
    whole = grid.touching(np.ones(case.size, np.int8))
    assert whole.tolist() == list(range(len(grid)))


def test_scattered_tiles_may_lie_anywhere_in_the_image() -> None:
    settings = Settings((2, 3), (2, 3))
    starts = [(0, 0), (3, 2), (1, 1), (1, 1)]
    grid = Tiler((2, 3)).scatter((5, 5), starts)
    assert plan_of(grid) == right(oracle.scattered(settings, (5, 5), starts))
    array: Any = np.array(starts)
    assert grid == Tiler((2, 3)).scatter([5, 5], array)


@pytest.mark.parametrize("size", [(10,), (10, 9)])
def test_what_a_grid_returns_does_not_change_it(size: tuple[int, ...]) -> None:
    tiler = Tiler([4] * len(size), [2] * len(size))
    grid, image = tiler.grid(size), np.arange(np.prod(size)).reshape(size)
    grid.coverage()[...] = 7
    for axis in grid.axes:
        for array in (axis.boxes, axis.valid, axis.coverage, grid.starts, grid.boxes):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 7
    assert (tiler.untile(tiler.tile(image), size, grid) == image).all()


@given(cases(merge=True))
def test_points_of_tiles_come_back(case: Case) -> None:
    grid = case.grid(case.tiler(Tiler))
    tile, rank = np.array(case.settings.tile), case.settings.rank
    every = np.arange(len(grid))
    for place in (np.zeros(rank), tile / 2, tile + 0.25):
        points = np.broadcast_to(place, (len(grid), rank))
        there = grid.to_image(every, points)
        np.testing.assert_allclose(grid.to_tile(every, there), points, atol=1e-9)
        if not grid.axes[0].resampled:  # boxes are what tiles show
            assert (there == grid.boxes[..., 0] + points).all()
    boxes = np.broadcast_to(np.array(case.size)[:, np.newaxis] * [-1, 2], (1, rank, 2))
    assert grid.clip(boxes)[0].tolist() == [[0, length] for length in case.size]
    clipped = grid.clip(np.repeat(boxes, len(grid), axis=0), every)
    ends = np.array([[(s.start, s.stop) for s in grid.slices(k)] for k in every])
    if grid.axes[0].resampled:  # what a tile shows is wider by parts of pixels
        assert (clipped[..., 0] >= ends[..., 0]).all()
        assert (np.abs(clipped - ends) < 1).all()
    else:
        assert (clipped == ends).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_notebook_shows_a_grid(mode: str) -> None:
    grid = Tiler((40, 32), (30, 20), mode=mode).grid((100, 130))
    shown = ElementTree.fromstring(grid._repr_html_())
    boxes = [(float(r.get("x", "")), float(r.get("y", ""))) for r in shown.iter("rect")]
    assert len(boxes) == 1 + len(grid)
    assert boxes[1:] == [(left, top) for (top, _), (left, _) in grid.boxes.tolist()]
    text = " ".join(shown.itertext())
    for fact in ("100 × 130", str(len(grid)), "40 × 32", mode):
        assert fact in text


def test_a_notebook_shows_grids_of_any_size_and_rank() -> None:
    grids = [
        Tiler(tile_size=256, stride=1).grid((200_000, 300_000)),
        Tiler(tile_size=8).random((64, 64), count=5, seed=0),
        Tiler(tile_size=[4]).grid([9]),
        Tiler(tile_size=(4, 4, 4)).grid((9, 9, 9)),
    ]
    for grid in grids:
        html = grid._repr_html_()
        assert len(html) < 10_000
        ElementTree.fromstring(html)
