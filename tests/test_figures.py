"""Figures: the pixels that must change do, all others stay as they were."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("skimage")

from reftiler import Grid, Tiler, TilingError
from reftiler.figures import (
    COLORS,
    Figure,
    contact_sheet,
    draw_grid,
    overlay,
    side_by_side,
    to_rgb,
)
from reftiler.figures.canvas import letter_size, lettering
from reftiler_conformance import compare

ORANGE, SKY, VERMILLION = (
    np.array(COLORS[name]) for name in ("orange", "sky", "vermillion")
)


def same_bits(picture: NDArray[Any], wanted: NDArray[Any]) -> None:
    """Compare pictures as plain arrays: those of figures show themselves too."""
    compare.same_bits(np.asarray(picture), np.asarray(wanted))


def grey(height: int, width: int, value: int = 100) -> NDArray[np.uint8]:
    return np.full((height, width), value, np.uint8)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def where(picture: NDArray[np.uint8], color: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((picture == color).all(axis=-1))


# Colour


def test_8_bit_pictures_are_shown_as_they_are() -> None:
    image = noise(5, 6)
    want = np.stack([image] * 3, axis=-1)
    same_bits(to_rgb(image), want)
    same_bits(to_rgb(image[..., np.newaxis]), want)
    same_bits(to_rgb(want), want)
    assert not np.shares_memory(to_rgb(want), want)


def test_each_type_has_its_range() -> None:
    def shown(*values: Any, dtype: str, **options: Any) -> list[int]:
        picture = to_rgb(np.array([values], dtype), **options)
        return [int(value) for value in picture[0, :, 0]]

    assert shown(False, True, dtype="bool") == [0, 255]
    assert shown(0, 128, 129, 65535, dtype="uint16") == [0, 0, 1, 255]
    assert shown(-128, 0, 127, dtype="int8") == [0, 128, 255]
    assert shown(-1, 0, 0.5, 1, 7, dtype="float32") == [0, 0, 128, 255, 255]
    nan, inf = float("nan"), float("inf")
    assert shown(nan, inf, -inf, dtype="float64") == [0, 255, 0]
    assert shown(0, 2048, 4095, dtype="uint16", value_range=(0, 4095)) == [0, 128, 255]
    assert shown(9, 10, 20, 21, dtype="uint8", value_range=(10, 20)) == [0, 0, 255, 255]


def test_16_bits_are_rounded_to_nearest() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    exact = (every.astype(int) * 2 + 257) // 514
    same_bits(to_rgb(every)[..., 0], exact.astype(np.uint8))


def test_transparent_is_white() -> None:
    image = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]], np.uint8)
    want = [[[10, 20, 30], [255, 255, 255], [204, 204, 204]]]
    assert to_rgb(image).tolist() == want
    assert to_rgb(image[..., 2:]).tolist() == [[[30] * 3, [255] * 3, [204] * 3]]
    deep = image.astype(np.uint16) * 257
    assert to_rgb(deep).tolist() == want


@pytest.mark.parametrize(
    "image",
    [np.zeros(3), np.zeros((2, 3, 5)), np.zeros((0, 3)), np.zeros((2, 2), "c8")],
)
def test_what_is_no_picture(image: NDArray[Any]) -> None:
    with pytest.raises(TilingError, match="a picture"):
        to_rgb(image)


def test_refused_ranges_and_types() -> None:
    with pytest.raises(TilingError, match="two rising numbers"):
        to_rgb(grey(2, 2), (3, 3))
    with pytest.raises(TypeError, match="numpy array, got list"):
        to_rgb([[1]])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "draw",
    [
        to_rgb,
        lambda image: overlay(image, image > 200),
        lambda image: draw_grid(image, Tiler(24).grid((64, 64)), highlight=[0]),
        lambda image: contact_sheet(image[np.newaxis], highlight=[0], labels=["a"]),
        lambda image: side_by_side([image], ["a"]),
    ],
)
@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_inputs_are_left_alone(
    draw: Callable[[NDArray[Any]], NDArray[Any]], channels: tuple[int, ...]
) -> None:
    image = noise(64, 64, *channels)
    if draw.__name__ == "<lambda>" and channels:
        marks = image.copy()
        image.flags.writeable = False
        overlay(image, marks[..., 0] > 200)
        side_by_side([image])
        same_bits(image, marks)
        return
    before = image.copy()
    image.flags.writeable = False
    picture = draw(image)
    same_bits(image, before)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[-1] == 3


# Overlays


@pytest.mark.parametrize("place", [(0, 0), (37, 40), (63, 63), (0, 31)])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_one_pixel_is_tinted_and_ringed(place: tuple[int, int], dtype: str) -> None:
    mask = np.zeros((64, 64), dtype)
    mask[place] = 1
    picture = overlay(grey(64, 64), mask)
    assert picture[place].tolist() == [152, 124, 60]
    ring = where(picture, ORANGE)
    assert not ring[place]
    rows, columns = np.nonzero(ring)
    distance = np.hypot(rows - place[0], columns - place[1])
    assert len(rows) >= 4
    assert (distance > 3).all()
    assert (distance <= 4).all()
    rest = ~ring
    rest[place] = False
    assert (picture[rest] == 100).all()


def test_rings_are_wide_enough_to_be_seen_when_shown_small() -> None:
    mask = np.zeros((1024, 1024), bool)
    mask[500, 300] = True
    ring = where(overlay(grey(1024, 1024), mask), ORANGE)
    rows, columns = np.nonzero(ring)
    assert np.ptp(rows) == np.ptp(columns) == 24
    blocks = ring.reshape(256, 4, 256, 4).any(axis=(1, 3))
    assert blocks.sum() > 12


def test_masks_of_1_and_255_are_alike() -> None:
    mask = noise(40, 50) > 250
    image = noise(40, 50, 3)
    want = overlay(image, mask)
    same_bits(overlay(image, mask * np.uint8(1)), want)
    same_bits(overlay(image, mask * np.uint8(255)), want)
    assert (want[mask] != image[mask]).any(axis=-1).all()


def test_large_regions_are_outlined_closely() -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:44] = True
    picture = overlay(grey(64, 64), mask, color="blue", alpha=0)
    line = where(picture, np.array(COLORS["blue"]))
    rows, columns = np.nonzero(line)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 41, 18, 45)
    assert (picture[~line] == 100).all()
    assert not line[19:41, 20:44].any()
    assert not line[20:40, 19:45].any()


def test_small_regions_beside_large_ones_have_their_own_ring() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:50, 10:50] = True
    mask[80, 80] = True
    line = where(overlay(grey(100, 100), mask), ORANGE)
    assert line[80, 84]
    assert line[8, 30]
    assert not line[70, 60]


def test_min_size_and_outline() -> None:
    mask = np.zeros((64, 64), bool)
    mask[30:32, 30:32] = True
    rows, _ = np.nonzero(where(overlay(grey(64, 64), mask, min_size=40), ORANGE))
    assert (rows.min(), rows.max()) == (10, 51)
    rows, _ = np.nonzero(where(overlay(grey(64, 64), mask, min_size=0), ORANGE))
    assert (rows.min(), rows.max()) == (28, 33)
    plain = overlay(grey(64, 64), mask, outline=False, color=(0, 0, 0), alpha=1)
    same_bits(plain[..., 0], np.where(mask, 0, 100).astype(np.uint8))


def test_empty_and_full_masks() -> None:
    image = noise(32, 32, 3)
    same_bits(overlay(image, np.zeros((32, 32))), image)
    full = overlay(image, np.ones((32, 32)), alpha=1)
    assert where(full, ORANGE).all()


def test_overlays_are_refused() -> None:
    image = grey(8, 8)
    with pytest.raises(TilingError, match=r"the mask is \(8, 9\), the image \(8, 8\)"):
        overlay(image, np.zeros((8, 9)))
    with pytest.raises(TilingError, match="alpha must be from 0 to 1, got 2"):
        overlay(image, image, alpha=2)
    with pytest.raises(TilingError, match="did you mean 'orange'"):
        overlay(image, image, color="orang")
    with pytest.raises(TilingError, match="up to 255"):
        overlay(image, image, color=(0, 0, 256))
    with pytest.raises(TypeError, match="min_size must be an int"):
        overlay(image, image, min_size=2.5)  # type: ignore[arg-type]


# Grids


def test_tiles_that_touch_are_parted_by_one_line() -> None:
    picture = draw_grid(grey(64, 96), Tiler(32).grid((64, 96)))
    lines = where(picture, SKY)
    rows = [0, 32, 63]
    columns = [0, 32, 64, 95]
    assert np.flatnonzero(lines.all(axis=1)).tolist() == rows
    assert np.flatnonzero(lines.all(axis=0)).tolist() == columns
    want = np.zeros((64, 96), bool)
    want[rows] = want[:, columns] = True
    same_bits(lines, want)
    assert (picture[~want] == 100).all()


def test_overlaps_are_tinted_and_end_dashed() -> None:
    grid = Tiler(32, 16).grid((32, 64))
    assert grid.starts[:, 1].tolist() == [0, 16, 32]
    picture = draw_grid(grey(32, 64), grid)
    lines = where(picture, SKY)
    assert lines[:, 16].all()
    assert lines[:, 32].all()
    assert lines[:, 47].any()
    assert not lines[:, 47].all()
    assert (picture[5, 5] == 100).all()
    assert (picture[5, 20] == np.rint(100 * 0.9 + SKY * 0.1)).all()
    assert (picture[5, 55] == 100).all()


@pytest.mark.parametrize("side", ["end", "both"])
def test_padding_is_drawn_around_the_image(side: str) -> None:
    image = noise(50, 40)
    grid = Tiler(32, pad_side=side).grid((50, 40))
    picture = draw_grid(image, grid)
    assert picture.shape == (64, 64, 3)
    (top, _), (left, _) = grid.padding
    inside = picture[top : top + 50, left : left + 40]
    untouched = ~where(inside, SKY)
    assert untouched.mean() > 0.9
    assert (inside[untouched] == image[untouched][:, np.newaxis]).all()
    outside = np.ones((64, 64), bool)
    outside[top : top + 50, left : left + 40] = False
    paper = picture[outside & ~where(picture, SKY)]
    assert {tuple(color) for color in paper.tolist()} == {(236,) * 3, (212,) * 3}


def test_pixels_without_a_tile_are_hatched() -> None:
    grid = Tiler(32, mode="drop").grid((40, 64))
    picture = draw_grid(grey(40, 64), grid)
    bare = grid.coverage() == 0
    changed = (picture != 100).any(axis=-1)
    assert 0.1 < changed[bare].mean() < 0.3
    assert (changed[~bare] == where(picture, SKY)[~bare]).all()


def corners(grid: Grid, k: int) -> list[tuple[int, int]]:
    (top, bottom), (left, right) = grid.boxes[k].tolist()
    return [(top, left), (top, right - 1), (bottom - 1, left), (bottom - 1, right - 1)]


def test_scattered_tiles_are_framed_one_by_one() -> None:
    grid = Tiler(16).scatter((64, 64), [[3, 5], [40, 41], [8, 10]])
    picture = draw_grid(grey(64, 64), grid, highlight=[1])
    lines, strong = where(picture, SKY), where(picture, VERMILLION)
    for k in (0, 2):
        assert all(lines[corner] for corner in corners(grid, k))
    assert all(strong[corner] for corner in corners(grid, 1))
    assert strong[40, 41:57].all()
    assert strong[41, 41:57].all()
    assert not strong[:40].any()
    assert not strong[42:54, 43:55].any()


def test_highlighted_tiles_stand_out() -> None:
    grid = Tiler(32).grid((64, 64))
    picture = draw_grid(grey(64, 64), grid, highlight=np.array([3]))
    strong = where(picture, VERMILLION)
    assert all(strong[corner] for corner in corners(grid, 3))
    assert strong.sum() == 32 * 32 - 28 * 28
    assert where(picture, np.array(COLORS["white"])).sum() == 28 * 28 - 26 * 26


@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even", "drop"])
@pytest.mark.parametrize("size", [(100, 70), (33, 32), (257, 512)])
def test_every_mode_can_be_drawn(mode: str, size: tuple[int, int]) -> None:
    grid = Tiler(32, 20, mode=mode, remove_border_count=6).grid(size)
    picture = draw_grid(noise(*size), grid, highlight=range(len(grid)))
    assert picture.shape[0] >= size[0]
    assert picture.shape[1] >= size[1]
    assert where(picture, VERMILLION).any()


def test_lines_grow_with_the_image() -> None:
    picture = draw_grid(grey(2048, 2048), Tiler(512).grid((2048, 2048)))
    lines = where(picture, SKY)
    assert lines[:4].all()
    assert lines[512:516].all()
    assert not lines[516].all()


def test_grids_are_refused() -> None:
    grid = Tiler(4).grid((8, 8))
    with pytest.raises(TilingError, match=r"of \(8, 8\), got one of \(9, 8\)"):
        draw_grid(grey(9, 8), grid)
    with pytest.raises(TilingError, match=r"highlight must be below 4, .* got 4"):
        draw_grid(grey(8, 8), grid, highlight=[1, 4])
    with pytest.raises(TilingError, match="highlight must be at least 0, got -1"):
        draw_grid(grey(8, 8), grid, highlight=[-1])
    line = Tiler([4]).grid([8])
    with pytest.raises(TilingError, match=r"of \(8,\), got one of \(8, 8\)"):
        draw_grid(grey(8, 8), line)


# Contact sheets


def test_every_tile_is_on_the_sheet_where_it_belongs() -> None:
    tiles = noise(7, 16, 20, 3)
    sheet = contact_sheet(tiles, columns=3, gap=4, highlight=[4])
    pitch = (16 + 4 + 4, 20 + 4 + 4)
    assert sheet.shape == (3 * pitch[0] + 4, 3 * pitch[1] + 4, 3)
    white = np.ones(sheet.shape[:2], bool)
    for k, tile in enumerate(tiles):
        top, left = 6 + k // 3 * pitch[0], 6 + k % 3 * pitch[1]
        same_bits(sheet[top : top + 16, left : left + 20].copy(), tile)
        white[top : top + 16, left : left + 20] = False
    frame = np.zeros_like(white)
    frame[4 + pitch[0] :, 4 + pitch[1] :][:20, :24] = True
    frame[6 + pitch[0] :, 6 + pitch[1] :][:16, :20] = False
    assert where(sheet, VERMILLION)[frame].all()
    assert (sheet[white & ~frame] == 255).all()


@pytest.mark.parametrize(
    ("count", "shape", "columns"),
    [(16, (8, 8), 4), (5, (8, 8), 3), (1, (8, 8), 1), (8, (4, 16), 2), (3, (99, 9), 3)],
)
def test_sheets_are_about_square(
    count: int, shape: tuple[int, int], columns: int
) -> None:
    sheet = contact_sheet(np.zeros((count, *shape), np.uint8), gap=0)
    assert sheet.shape[1] == columns * (shape[1] + 4)


def test_labels_lie_below_their_tiles() -> None:
    tiles = np.zeros((2, 32, 32), np.uint8)
    sheet = contact_sheet(tiles, columns=2, gap=2, labels=["", "8"])
    empty, lettered = sheet[36:, 4:36], sheet[36:, 42:74]
    assert (empty == 255).all()
    assert (lettered < 128).any()
    assert sheet.shape[0] > contact_sheet(tiles, columns=2, gap=2).shape[0] + 8


def test_all_tiles_share_one_range() -> None:
    tiles = np.array([0.0, 1.0, 2.0]).reshape(3, 1, 1) * np.ones((3, 8, 8))
    sheet = contact_sheet(tiles, columns=3, gap=0, value_range=(0, 2))
    assert sheet[4, [4, 16, 28], 0].tolist() == [0, 128, 255]


def test_many_tiles() -> None:
    tiles = np.zeros((20_000, 8, 8), np.uint8)
    sheet = contact_sheet(tiles, gap=1, highlight=[19_999])
    assert where(sheet, VERMILLION).sum() == 12 * 12 - 8 * 8


def test_sheets_are_refused() -> None:
    tile = grey(8, 8)
    with pytest.raises(TilingError, match="at least one tile"):
        contact_sheet([])
    with pytest.raises(TilingError, match=r"one size, got \[\(8, 8\), \(8, 9\)\]"):
        contact_sheet([tile, grey(8, 9)])
    with pytest.raises(TilingError, match="labels must be 2 texts"):
        contact_sheet([tile, tile], labels=["a"])
    with pytest.raises(TilingError, match="labels must be 2 texts"):
        contact_sheet([tile, tile], labels="ab")
    with pytest.raises(TilingError, match="highlight must be below 1"):
        contact_sheet([tile], highlight=[1])
    with pytest.raises(TilingError, match="columns must be at least 1"):
        contact_sheet([tile], columns=0)
    with pytest.raises(TilingError, match="move channels last"):
        contact_sheet(np.zeros((2, 3, 16, 16)))


# Side by side


def test_images_stand_in_a_row_with_their_tops_aligned() -> None:
    first, second = noise(30, 20, 3), noise(14, 11, 3)
    row = side_by_side([first, second], gap=5, enlarge=False)
    assert row.shape == (40, 46, 3)
    same_bits(row[5:35, 5:25].copy(), first)
    same_bits(row[5:19, 30:41].copy(), second)
    row[5:35, 5:25] = row[5:19, 30:41] = 255
    assert (row == 255).all()


def test_small_images_are_enlarged_by_whole_factors() -> None:
    first, second = noise(30, 20, 3), noise(14, 11, 3)
    row = side_by_side([first, second], gap=5)
    same_bits(row[5:33:2, 30:52:2].copy(), second)
    same_bits(row[6:34:2, 31:53:2].copy(), second)


def test_captions_stand_above_and_images_stay_whole() -> None:
    images = [noise(64, 64, 3), noise(64, 100, 3)]
    row = side_by_side(images, ["first", "second"], gap=4)
    head = row.shape[0] - 64 - 8
    assert head > 12
    same_bits(row[4 + head : 68 + head, 4:68].copy(), images[0])
    same_bits(row[4 + head : 68 + head, 72:172].copy(), images[1])
    assert (row[: 4 + head, 4:68] < 128).any()
    assert (row[: 4 + head, 72:172] < 128).any()
    with pytest.raises(TilingError, match="captions must be 2 texts"):
        side_by_side(images, ["first"])
    with pytest.raises(TilingError, match="at least one image"):
        side_by_side([])


def test_letters_shrink_then_are_cut_and_never_touch_the_rim() -> None:
    assert letter_size(["a"], [200], 24) == 24
    shrunk = letter_size(["a", "a longer caption"], [200, 150], 24)
    assert 9 < shrunk < 24
    assert letter_size(["much too long " * 9], [50], 24) == 9
    for text, width, size in (("a longer caption", 150, shrunk), ("long " * 20, 90, 9)):
        strip = lettering(text, width, size)
        assert strip.shape == (size + size // 2, width, 3)
        rim = [strip[0], strip[-1], strip[:, : size // 4], strip[:, -(size // 4) :]]
        assert all((edge == 255).all() for edge in rim)
        assert (strip < 128).any()
    assert (lettering("anything", 2, 9) == 255).all()


def test_letters_beyond_ascii_are_never_boxes() -> None:
    same_bits(lettering("256 × 256", 99, 12), lettering("256 x 256", 99, 12))
    same_bits(lettering("é", 99, 12), lettering("e", 99, 12))
    same_bits(lettering("傷", 99, 12), lettering("?", 99, 12))


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_figures_show_themselves_in_notebooks(channels: tuple[int, ...]) -> None:
    """As PNG, without loss; a row of one is a plain array."""
    image = np.random.default_rng(0).integers(0, 255, (20, 30, *channels), np.uint8)
    grid = Tiler(tile_size=8).grid((20, 30))
    made = [
        to_rgb(image),
        overlay(image, np.eye(20, 30)),
        draw_grid(image, grid),
        contact_sheet([image, image]),
        side_by_side([image, image], ["a", "b"]),
    ]
    for picture in made:
        shown = picture._repr_png_()
        assert shown is not None
        same = np.asarray(Image.open(io.BytesIO(shown)))
        assert np.array_equal(same, picture)
        crop = picture[4:9, 3:7].view(Figure)._repr_png_()
        assert crop is not None
        assert Image.open(io.BytesIO(crop)).size == (4, 5)
        assert picture[0]._repr_png_() is None


def test_colours_have_their_css_names() -> None:
    image, mask = grey(9, 9), np.ones((9, 9))
    for name, wanted in {"tomato": (255, 99, 71), "#0a141e": (10, 20, 30)}.items():
        picture = overlay(image, mask, color=name, alpha=1, outline=False)
        assert (picture == wanted).all()
    assert (overlay(image, mask, color="sky", alpha=1)[0, 0] == COLORS["sky"]).all()
    with pytest.raises(TilingError, match="did you mean 'tomato'"):
        overlay(image, mask, color="tomatoe")
