"""Tiles as the viewer reads them: those of the library, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reftiler import Grid, Tiler
from reftiler.cli.grid_summary import GridSummary
from reftiler.errors import TilingError
from reftiler.padding import PAD_MODES
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.steps import finish
from reftiler_gui.model.tiles import ImageTiles, by_tile, sorted_tiles
from tests.gui.windows import known

RNG = np.random.default_rng(0)
SIZE = (53, 71)
FITTED = [
    *({"pad_mode": mode, "pad_side": "both"} for mode in PAD_MODES),
    *({"mode": mode} for mode in ("interpolation", "clamp", "even", "drop")),
]


def loaded(image: np.ndarray, mask: np.ndarray | None = None) -> LoadedImage:
    found = None if mask is None else MaskPyramid(mask)
    return LoadedImage(ImageItem("x"), ImagePyramid(image), found, "")


@pytest.mark.parametrize("settings", FITTED, ids=str)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_tile_is_the_librarys(
    settings: dict[str, str], channels: tuple[int, ...]
) -> None:
    tiler = Tiler((16, 20), (9, 12), remove_border_count=2, pad_value=7, **settings)  # type: ignore[arg-type]
    image = RNG.integers(0, 2**16, (*SIZE, *channels)).astype(np.uint16)
    mask = RNG.random(SIZE) < 0.1
    view = GridLookup(tiler.grid(SIZE))
    tiles = ImageTiles(loaded(image, mask), view)
    plain = Tiler((16, 20), (9, 12), channels_last=True, pad_value=7, **settings)  # type: ignore[arg-type]
    want = plain.tile(image)
    for k in range(len(view)):
        got = tiles.pixels(k)
        assert got.dtype == want.dtype
        assert np.array_equal(got, want[k])
        marked = tiles.mask(k)
        rows, columns = tiles.coordinates(k)
        inside = np.zeros((16, 20), bool)
        inside[np.ix_((rows >= 0) & (rows < 53), (columns >= 0) & (columns < 71))] = 1
        for (top, bottom), (left, right) in tiles.padding(k):
            assert not inside[top:bottom, left:right].any()
            inside[top:bottom, left:right] = True
        assert inside.all()
        assert marked is not None
        here = np.ix_(rows.clip(0, 52), columns.clip(0, 70))
        shown = tiles.coverage(k) > 0
        assert np.array_equal(marked.array[shown], mask[here][shown])


def test_random_tiles_are_the_librarys() -> None:
    tiler = Tiler((16, 20), channels_last=True)
    image = RNG.random((*SIZE, 4), np.float32)
    grid = tiler.random(SIZE, 9, 3)
    tiles = ImageTiles(loaded(image), GridLookup(grid))
    want = tiler.tile(image, grid=grid)
    assert all(np.array_equal(tiles.pixels(k), want[k]) for k in range(9))
    assert tiles.mask(0) is None


def test_labels_of_a_mask_keep_their_numbers() -> None:
    labels = np.zeros(SIZE, np.uint8)
    labels[2:5, 3:6], labels[40:44, 60:66] = 3, 7
    view = GridLookup(Tiler((16, 20), (16, 20)).grid(SIZE))
    whole = LoadedImage(ImageItem("x"), ImagePyramid(labels), MaskPyramid(labels), "")
    tile = known(ImageTiles(whole, view).mask(11))
    assert tile.labels == (3, 7)
    assert tile.label_at(40 - 32, 60 - 60) == 7
    assert tile.counts == (0, 24)


def test_what_a_merge_reads_is_the_border_and_padding_less() -> None:
    tiler = Tiler((16, 20), (9, 12), remove_border_count=2, pad_side="both")
    tiles = ImageTiles(loaded(np.zeros(SIZE)), GridLookup(tiler.grid(SIZE)))
    assert tiles.merged_part(8) == ((2, 14), (2, 18))
    first = tiles.merged_part(0)
    assert (first[0][1], first[1][1]) == (14, 18)
    assert (first[0][0], first[1][0]) == tuple(pad[0] for pad in tiles.view.padding)


def test_a_pad_value_that_the_image_cannot_hold_is_refused() -> None:
    view = GridLookup(Tiler((16, 20), (9, 12), pad_value=300).grid(SIZE))
    with pytest.raises(TilingError, match="pad_value"):
        ImageTiles(loaded(np.zeros(SIZE, np.uint8)), view)


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


ZOOMS = (0.1, 0.125, 0.33, 2 / 3, 0.75, 1.0, 1.5, 2.0, 7.3)


@given(
    st.integers(1, 3000), st.floats(0, 1), st.sampled_from(ZOOMS), st.integers(0, 9999)
)
@example(305, 0.5, 0.1, 100)
@example(3000, 0.75, 1 / 3, 0)
def test_what_lies_on_the_image_shows_its_pixels(
    length: int, place: float, zoom: float, first: int
) -> None:
    screen = ScreenTransform.centred(place * length, first, zoom, 200, 300)
    top, bottom = screen.down((0, length))
    assert (
        screen.rows[top:bottom].tolist()
        == screen.rows[(screen.rows >= 0) & (screen.rows < length)].tolist()
    )
    left, right = screen.across((first, first + length))
    columns = screen.cols[left:right]
    assert all(first <= column < first + length for column in columns.tolist())
