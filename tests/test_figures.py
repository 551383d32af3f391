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


@pytest.mark.parametrize(
    ("dtype", "values", "value_range", "shown"),
    [
        ("bool", [0, 1], None, [0, 255]),
        ("uint8", [0, 7, 255], None, [0, 7, 255]),
        ("uint8", [9, 10, 20, 21], (10, 20), [0, 0, 255, 255]),
        ("uint16", [0, 128, 129, 65535], None, [0, 0, 1, 255]),
        ("uint16", [0, 2048, 4095], (0, 4095), [0, 128, 255]),
        ("int8", [-128, 0, 127], None, [0, 128, 255]),
        ("float32", [-1, 0, 0.5, 1, 7], None, [0, 0, 128, 255, 255]),
        ("float64", [np.nan, np.inf, -np.inf], None, [0, 255, 0]),
    ],
)
def test_each_type_has_its_range(
    dtype: str, values: list[Any], value_range: Any, shown: list[int]
) -> None:
    image = np.array([values], dtype)
    want = np.stack([np.array([shown], np.uint8)] * 3, axis=-1)
    same_bits(to_rgb(image, value_range), want)
    same_bits(to_rgb(image[..., np.newaxis], value_range), want)
    same_bits(to_rgb(want), want)


def test_transparent_is_white() -> None:
    image = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]], np.uint8)
    want = [[[10, 20, 30], [255, 255, 255], [204, 204, 204]]]
    assert to_rgb(image).tolist() == want
    assert to_rgb(image[..., 2:]).tolist() == [[[30] * 3, [255] * 3, [204] * 3]]
    deep = image.astype(np.uint16) * 257
    assert to_rgb(deep).tolist() == want


TILES_4 = Tiler(4).grid((8, 8))


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        *(
            (lambda image=image: to_rgb(image), "a picture")
            for image in (
                *(np.zeros(3), np.zeros((2, 3, 5)), np.zeros((0, 3))),
                np.zeros((2, 2), "c8"),
            )
        ),
        (lambda: to_rgb(grey(2, 2), (3, 3)), "two rising numbers"),
        (lambda: overlay(grey(8, 8), np.zeros((8, 9))), r"the mask is \(8, 9\)"),
        (lambda: overlay(grey(8, 8), grey(8, 8), alpha=2), "from 0 to 1, got 2"),
        (lambda: overlay(grey(8, 8), grey(8, 8), color="orang"), "'orange'"),
        (lambda: overlay(grey(8, 8), grey(8, 8), color="tomatoe"), "'tomato'"),
        (lambda: overlay(grey(8, 8), grey(8, 8), color=(0, 0, 256)), "up to 255"),
        (lambda: draw_grid(grey(9, 8), TILES_4), r"of \(8, 8\), got one of \(9, 8\)"),
        (lambda: draw_grid(grey(8, 8), TILES_4, highlight=[1, 4]), "must be below 4"),
        (lambda: draw_grid(grey(8, 8), TILES_4, highlight=[-1]), "at least 0, got -1"),
        (lambda: draw_grid(grey(8, 8), Tiler([4]).grid([8])), r"of \(8,\), got one of"),
        (lambda: contact_sheet([]), "at least one tile"),
        (lambda: contact_sheet([grey(8, 8), grey(8, 9)]), "one size"),
        (lambda: contact_sheet([grey(8, 8)] * 2, labels=["a"]), "must be 2 texts"),
        (lambda: contact_sheet([grey(8, 8)] * 2, labels="ab"), "must be 2 texts"),
        (lambda: contact_sheet([grey(8, 8)], highlight=[1]), "must be below 1"),
        (lambda: contact_sheet([grey(8, 8)], columns=0), "at least 1"),
        (lambda: contact_sheet(np.zeros((2, 3, 16, 16))), "move channels last"),
        (lambda: side_by_side([grey(8, 8)] * 2, ["first"]), "must be 2 texts"),
        (lambda: side_by_side([]), "at least one image"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    draw: Callable[[], object], words: str
) -> None:
    with pytest.raises(TilingError, match=words):
        draw()


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match="numpy array, got list"):
        to_rgb([[1]])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="min_size must be an int"):
        overlay(grey(8, 8), grey(8, 8), min_size=2.5)  # type: ignore[arg-type]


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


def test_any_number_marks_and_none_leaves_the_image() -> None:
    mask, image = noise(40, 50) > 250, noise(40, 50, 3)
    want = overlay(image, mask)
    same_bits(overlay(image, mask * np.uint8(1)), want)
    same_bits(overlay(image, mask * np.uint8(255)), want)
    assert (want[mask] != image[mask]).any(axis=-1).all()
    same_bits(overlay(image, np.zeros((40, 50))), image)
    for name in ("tomato", "#ff6347", (255, 99, 71)):
        full = overlay(image, np.ones((40, 50)), color=name, alpha=1, outline=False)
        assert (full == (255, 99, 71)).all()


def test_large_regions_are_outlined_closely_and_small_ones_ringed() -> None:
    mask = np.zeros((100, 100), bool)
    mask[20:40, 20:44] = mask[80, 80] = True
    picture = overlay(grey(100, 100), mask, color="blue", alpha=0)
    line = where(picture, np.array(COLORS["blue"]))
    assert line[80, 84]
    rows, columns = np.nonzero(line[:60])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 41, 18, 45)
    assert (picture[~line] == 100).all()
    assert not line[19:41, 20:44].any()
    assert not line[20:40, 19:45].any()


def test_min_size_and_outline() -> None:
    mask = np.zeros((64, 64), bool)
    mask[30:32, 30:32] = True
    rows, _ = np.nonzero(where(overlay(grey(64, 64), mask, min_size=40), ORANGE))
    assert (rows.min(), rows.max()) == (10, 51)
    rows, _ = np.nonzero(where(overlay(grey(64, 64), mask, min_size=0), ORANGE))
    assert (rows.min(), rows.max()) == (28, 33)
    plain = overlay(grey(64, 64), mask, outline=False, color=(0, 0, 0), alpha=1)
    same_bits(plain[..., 0], np.where(mask, 0, 100).astype(np.uint8))


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


def corners(grid: Grid, k: int) -> list[tuple[int, int]]:
    (top, bottom), (left, right) = grid.boxes[k].tolist()
    return [(top, left), (top, right - 1), (bottom - 1, left), (bottom - 1, right - 1)]


def test_tiles_are_framed_one_by_one_where_they_are_scattered_or_highlighted() -> None:
    grid = Tiler(16).scatter((64, 64), [[3, 5], [40, 41], [8, 10]])
    picture = draw_grid(grey(64, 64), grid, highlight=np.array([1]))
    lines, strong = where(picture, SKY), where(picture, VERMILLION)
    for k in (0, 2):
        assert all(lines[corner] for corner in corners(grid, k))
    assert all(strong[corner] for corner in corners(grid, 1))
    assert strong[40, 41:57].all()
    assert strong[41, 41:57].all()
    assert not strong[:40].any()
    assert not strong[42:54, 43:55].any()


@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even", "drop"])
@pytest.mark.parametrize("size", [(100, 70), (33, 32), (257, 512)])
def test_every_mode_can_be_drawn(mode: str, size: tuple[int, int]) -> None:
    grid = Tiler(32, 20, mode=mode, remove_border_count=6).grid(size)
    picture = draw_grid(noise(*size), grid, highlight=range(len(grid)))
    assert picture.shape[0] >= size[0]
    assert picture.shape[1] >= size[1]
    assert where(picture, VERMILLION).any()


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


def test_all_tiles_share_one_range() -> None:
    tiles = np.array([0.0, 1.0, 2.0]).reshape(3, 1, 1) * np.ones((3, 8, 8))
    sheet = contact_sheet(tiles, columns=3, gap=0, value_range=(0, 2))
    assert sheet[4, [4, 16, 28], 0].tolist() == [0, 128, 255]


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


# Side by side


def test_images_stand_in_a_row_and_small_ones_are_enlarged() -> None:
    first, second = noise(30, 20, 3), noise(14, 11, 3)
    row = side_by_side([first, second], gap=5)
    for start in (0, 1):
        same_bits(row[5 + start : 33 : 2, 30 + start : 52 : 2].copy(), second)
    row = side_by_side([first, second], gap=5, enlarge=False)
    assert row.shape == (40, 46, 3)
    same_bits(row[5:35, 5:25].copy(), first)
    same_bits(row[5:19, 30:41].copy(), second)
    row[5:35, 5:25] = row[5:19, 30:41] = 255
    assert (row == 255).all()


def test_captions_stand_above_and_images_stay_whole() -> None:
    images = [noise(64, 64, 3), noise(64, 100, 3)]
    row = side_by_side(images, ["first", "second"], gap=4)
    head = row.shape[0] - 64 - 8
    assert head > 12
    same_bits(row[4 + head : 68 + head, 4:68].copy(), images[0])
    same_bits(row[4 + head : 68 + head, 72:172].copy(), images[1])
    assert (row[: 4 + head, 4:68] < 128).any()
    assert (row[: 4 + head, 72:172] < 128).any()


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
    for text, ascii_text in (("256 × 256", "256 x 256"), ("é", "e"), ("傷", "?")):
        same_bits(lettering(text, 99, 12), lettering(ascii_text, 99, 12))


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_figures_show_themselves_in_notebooks(channels: tuple[int, ...]) -> None:
    """As PNG, without loss; a row of one is a plain array; the input stays."""
    image = noise(20, 30, *channels)
    image.flags.writeable = False
    before = image.copy()
    grid = Tiler(tile_size=8).grid((20, 30))
    made = [
        to_rgb(image),
        overlay(image, np.eye(20, 30)),
        draw_grid(image, grid, highlight=[0]),
        contact_sheet([image, image], highlight=[0], labels=["a", "b"]),
        side_by_side([image, image], ["a", "b"]),
    ]
    same_bits(image, before)
    for picture in made:
        assert picture.dtype == np.uint8
        assert picture.shape[2:] == (3,)
        shown = picture._repr_png_()
        assert shown is not None
        same = np.asarray(Image.open(io.BytesIO(shown)))
        assert np.array_equal(same, picture)
        crop = picture[4:9, 3:7].view(Figure)._repr_png_()
        assert crop is not None
        assert Image.open(io.BytesIO(crop)).size == (4, 5)
        assert picture[0]._repr_png_() is None
