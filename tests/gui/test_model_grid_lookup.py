"""Where tiles lie, held against the grid itself; many of them cost nothing."""

from __future__ import annotations

import numpy as np
import pytest

from reftiler import Grid, Tiler
from reftiler.cli.grid_summary import GridSummary
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.steps import finish
from reftiler_gui.model.tiles import by_tile, sorted_tiles

SIZE = (53, 71)
GRIDS = {
    "padding": Tiler((16, 20), (9, 12), remove_border_count=(2, 4)).grid(SIZE),
    "both": Tiler((16, 20), (9, 12), pad_side="both").grid(SIZE),
    "clamp": Tiler((16, 20), (9, 12), mode="clamp", remove_border_count=3).grid(SIZE),
    "even": Tiler((16, 20), (13, 12), mode="even").grid(SIZE),
    "drop": Tiler((16, 20), (16, 20), mode="drop").grid(SIZE),
    "interpolation": Tiler((16, 20), (9, 12), mode="interpolation").grid(SIZE),
    "small": Tiler((80, 20)).grid((30, 71)),
    "random": Tiler((16, 20), (9, 12), remove_border_count=2).random(SIZE, 30, 1),
}
every = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)


@every
def test_boxes_and_coverage_are_the_grids(grid: Grid) -> None:
    view, numbers, whole = GridLookup(grid), np.arange(len(grid)), grid.coverage()
    assert (view.boxes(numbers) == grid.boxes).all()
    boxes = [np.array(view.box(k)).tolist() for k in numbers.tolist()]
    assert boxes == grid.boxes.tolist()
    assert view.starts[1].tolist() == sorted(set(grid.boxes[:, 1, 0].tolist()))
    assert view.ends[0].tolist() == sorted(set(grid.boxes[:, 0, 1].tolist()))
    count = np.zeros(grid.image_size, int)
    for k in range(len(grid)):
        (top, bottom), (left, right) = view.kept(k)
        count[top:bottom, left:right] += 1
    assert (count == whole).all()
    rows, columns = np.arange(-3, SIZE[0] + 5, 2), np.arange(-4, SIZE[1] + 9, 3)
    padded = np.pad(whole, ((3, 40), (4, 40)))
    want = padded[np.ix_(rows + 3, columns + 4)]
    assert (view.coverage(rows, columns) == want).all()
    assert view.cover(20, 30) == whole[20, 30]


@every
def test_tiles_that_hold_a_place_meet_a_box_or_hold_it(grid: Grid) -> None:
    view, boxes = GridLookup(grid), grid.boxes
    for row, column in [(0, 0), (17.9, 40.2), (52, 70), (-2, 5), (55, 72), (500, 0)]:
        place = np.floor([row, column])
        inside = (boxes[..., 0] <= place) & (place < boxes[..., 1])
        hit = np.asarray(inside.all(axis=1))
        assert view.at(row, column).tolist() == np.flatnonzero(hit).tolist()
        nearest = view.nearest(row, column)
        assert (nearest is None) == (not hit.any())
        assert nearest is None or hit[nearest]
    for box in [((4, 9), (30, 33)), ((10, 40), (0, 71)), ((52, 53), (70, 71))]:
        low, high = np.array(box).T
        meets = ((boxes[..., 0] < high) & (boxes[..., 1] > low)).all(axis=1)
        holds = ((boxes[..., 0] <= low) & (boxes[..., 1] >= high)).all(axis=1)
        assert view.meeting(*box).tolist() == np.flatnonzero(meets).tolist()
        assert view.holding(*box).tolist() == np.flatnonzero(holds).tolist()


@every
def test_facts_are_those_of_the_grid(grid: Grid) -> None:
    known, cover = GridSummary(grid, 3, np.dtype(np.uint16)).counted(), grid.coverage()
    assert (known.least, known.most) == (cover.min(), cover.max())
    assert known.coverage["mean"] == pytest.approx(cover.mean())
    assert known.uncovered == (cover == 0).sum()
    assert known.share == pytest.approx((cover == 0).mean())
    assert known.bytes == len(grid) * np.prod(grid.tiler.tile_size) * 6


def test_padding_and_gaps_are_where_the_frame_is_not_the_image() -> None:
    views = {name: GridLookup(grid) for name, grid in GRIDS.items()}
    for name in ("padding", "both"):
        assert views[name].padding == GRIDS[name].padding
    assert views["drop"].frame == ((0, 53), (0, 71))
    assert views["small"].frame == ((0, 80), (0, 80))
    assert views["drop"].gaps == (((48, 53),), ((60, 71),))
    assert views["even"].gaps == ((), ())


@every
def test_marks_and_errors_are_counted_by_tile(grid: Grid) -> None:
    rng = np.random.default_rng(0)
    mask, error = rng.random(grid.image_size) < 0.01, rng.random(grid.image_size)
    view = GridLookup(grid)
    marks, worst = finish(by_tile(view, mask)), finish(by_tile(view, error))
    for k in range(len(grid)):
        assert marks[k] == mask[grid.slices(k)].sum()
        assert worst[k] == error[grid.slices(k)].max()


def test_tiles_are_sorted_and_left_out() -> None:
    values = np.array([0, 2, np.nan, 5, 0])
    assert sorted_tiles(5).tolist() == [0, 1, 2, 3, 4]
    assert sorted_tiles(5, values).tolist() == [3, 1, 0, 4, 2]
    assert sorted_tiles(5, values, values > 0).tolist() == [3, 1]
    assert sorted_tiles(5, keep=values > 0).tolist() == [1, 3]
