"""Objects of images cut along with tiles, and brought back."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from reftiler import Grid, Tiler, TilingError
from reftiler.objects import ImageObject, cut_objects, object_to_image
from reftiler.objects.polygons import (
    bounds,
    clip_polygon,
    join_parts,
)
from reftiler.objects.rle import decode_rle, encode_rle

SIZE = (90, 130)
DISC, DISC_HASH = "`j1a0l16K4L4L4M2M4M2N2N2", "7dd880b4d17b2896"
GRIDS = {
    "padding": Tiler(tile_size=(40, 32), stride=(24, 20)),
    "padding on both sides": Tiler(tile_size=40, stride=24, pad_side="both"),
    "clamp": Tiler(tile_size=(40, 32), stride=(24, 20), mode="clamp"),
    "even": Tiler(tile_size=40, stride=24, mode="even"),
    "interpolation": Tiler(tile_size=40, stride=24, mode="interpolation"),
    "random": Tiler(tile_size=32),
}


def grid_of(name: str) -> Grid:
    tiler = GRIDS[name]
    return tiler.random(SIZE, count=9, seed=1) if name == "random" else tiler.grid(SIZE)


def is_in(points: Any, polygons: Any) -> Any:
    """Tell for each point whether an odd number of edges lie right of it."""
    x, y = np.asarray(points).T
    odd = np.zeros(len(x), dtype=bool)
    for polygon in polygons:
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            crosses = (y0 > y) != (y1 > y)
            with np.errstate(divide="ignore", invalid="ignore"):
                odd ^= crosses & (x < x0 + (y - y0) / np.float64(y1 - y0) * (x1 - x0))
    return odd


@pytest.mark.parametrize("seed", range(60))
def test_parts_of_a_polygon_hold_the_points_that_it_and_the_rectangle_hold(
    seed: int,
) -> None:
    """Corners on a coarse raster lie on the rectangle's edges often."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, 9, (int(random.integers(3, 12)), 2))
    polygon = tuple((float(x), float(y)) for x, y in corners)
    low, high = (2.0, 1.0), (6.0, 7.0)
    points = random.uniform(-0.5, 9.5, (2000, 2))
    inside = ((points > low) & (points < high)).all(axis=1)
    parts = clip_polygon(polygon, low, high)
    assert np.array_equal(is_in(points, parts), is_in(points, [polygon]) & inside)
    if parts:
        joined = join_parts(parts)
        assert np.array_equal(is_in(points, [joined]), is_in(points, parts))
        left, top, right, bottom = bounds([p for part in parts for p in part])
        assert low[0] <= left < right <= high[0]
        assert low[1] <= top < bottom <= high[1]


def test_tips_of_a_concave_polygon_are_parts_of_their_own() -> None:
    ups = [(n, 5.0 * (n % 2 == k)) for n in (1.0, 2.0, 3.0, 4.0) for k in (0, 1)]
    comb = ((0.0, 6.0), (0.0, 0.0), *ups, (5.0, 0.0), (5.0, 6.0))
    parts = clip_polygon(comb, (0, 0), (5, 2))
    assert sorted(map(bounds, parts)) == [(0, 0, 1, 2), (2, 0, 3, 2), (4, 0, 5, 2)]
    assert clip_polygon(comb, (0, 0), (5, 6)) == (comb,)
    assert clip_polygon(comb, (6, 0), (7, 2)) == ()


@pytest.mark.parametrize("name", GRIDS)
def test_what_lies_whole_in_a_tile_comes_back(name: str) -> None:
    """To the bit, unless padding before the image or resampling round."""
    grid, random = grid_of(name), np.random.default_rng(0)
    objects = [_drawn(random, k) for k in range(60)]
    cut = cut_objects(objects, grid, min_visible=0)
    rounds = name in ("padding on both sides", "interpolation")
    compared = 0
    for k, pieces in enumerate(cut.tiles):
        (top, bottom), (left, right) = grid.boxes[k].clip(0, [[SIZE[0]], [SIZE[1]]])
        for piece in pieces:
            whole = objects[piece.extra["id"]]
            x, y, width, height = whole.box
            if not (left <= x and x + width <= right) or name == "interpolation":
                continue
            if not (top <= y and y + height <= bottom):
                continue
            compared += 1
            back = object_to_image(piece, grid, k)
            if rounds:
                assert back.box == pytest.approx(whole.box, abs=1e-9)
            else:
                assert back == whole
    assert compared > 20 or name == "interpolation"


def _drawn(random: Any, number: int) -> ImageObject:
    x, y = random.uniform(0, SIZE[1] - 12), random.uniform(0, SIZE[0] - 12)
    width, height = random.uniform(1, 12, 2)
    extra = {"id": number}
    if number % 2:
        return ImageObject(number % 5, (x, y, width, height), extra=extra)
    shape = ((x, y), (x + width, y), (x + width / 3, y + height))
    return ImageObject.of_polygons(number % 5, (shape,), extra=extra)


@pytest.mark.parametrize("name", GRIDS)
def test_boxes_and_masks_lie_where_the_tiler_puts_their_pixels(name: str) -> None:
    grid = grid_of(name)
    image = np.zeros(SIZE, dtype=bool)
    image[50:77, 30:71] = True
    box = (30.0, 50.0, 41.0, 27.0)
    outline = ((30.0, 50.0), (71.0, 50.0), (71.0, 77.0), (30.0, 77.0))
    forms = [
        ImageObject(1, box),
        ImageObject(1, box, polygons=(outline,)),
        ImageObject(1, box, rle=encode_rle(image)),
    ]
    tiles = GRIDS[name].tile(image.astype(np.float32), grid=grid) > 0.5
    cut = cut_objects(forms, grid, min_visible=0)
    seen = 0
    for k, (tile, pieces) in enumerate(zip(tiles, cut.tiles, strict=True)):
        for piece in pieces:
            x, y, width, height = piece.box
            filled = np.zeros(tile.shape, dtype=bool)
            whole = [round(v) for v in (y, y + height, x, x + width)]
            filled[whole[0] : whole[1], whole[2] : whole[3]] = True
            assert np.count_nonzero(filled ^ tile) <= (name == "interpolation") * 80, k
            if piece.rle is not None:
                assert np.array_equal(decode_rle(piece.rle), tile), k
                back = object_to_image(piece, grid, k).rle
                assert back is not None
                assert (decode_rle(back) <= image).all()
            seen += 1
    assert seen >= 3 * (tiles.any(axis=(1, 2)).sum() > 0)


def test_objects_lie_in_no_padding() -> None:
    grid = Tiler(tile_size=64, pad_mode="reflect").grid((50, 50))
    (pieces,) = cut_objects([ImageObject(1, (40.0, 40.0, 20.0, 20.0))], grid).tiles
    assert [piece.box for piece in pieces] == [(40, 40, 10, 10)]


def test_the_visible_share_decides() -> None:
    grid = Tiler(tile_size=100).grid((100, 200))
    objects = [ImageObject(1, (80.0, 10.0, 40.0, 10.0))]  # half in either
    objects.append(ImageObject(2, (90.0, 40.0, 50.0, 10.0)))  # 20 % and 80 %
    for least, found in ((0, 4), (0.2, 4), (0.21, 3), (0.5, 3), (0.51, 1), (0.81, 0)):
        cut = cut_objects(objects, grid, min_visible=least)
        assert sum(map(len, cut.tiles)) == found, least
        assert cut.dropped == 4 - found
    assert cut.lost == (0, 1)


def test_floats_round_neither_shares_nor_sides_that_are_whole() -> None:
    grid = Tiler(tile_size=100).grid((200, 200))
    thin = ImageObject(1, (99.7, 10.0, 3.0, 10.0))  # 100 - 99.7 < 0.1 * 3
    assert sum(map(len, cut_objects([thin], grid, min_visible=0.1).tiles)) == 2
    low = ImageObject(1, (0.1, 90.0, 0.3, 20.0))  # 0.1 + 0.3 - 0.1 > 0.3
    for piece in [
        *cut_objects([low], grid).tiles[0],
        *cut_objects([low], grid).tiles[2],
    ]:
        assert piece.box[2:] == (0.3, 10.0)


def test_an_object_larger_than_its_tiles_is_in_all_of_them() -> None:
    grid = Tiler(tile_size=50).grid((1000, 1000))
    wall = ImageObject(1, (0.0, 0.0, 1000.0, 1000.0))
    scratch = ImageObject(2, (10.0, 20.0, 980.0, 3.0))
    cut = cut_objects([wall, scratch], grid, min_visible=0.5)
    assert [len(tile) for tile in cut.tiles[:20]] == [2] * 20
    assert all(len(tile) == 1 for tile in cut.tiles[20:])


def test_points_that_a_tile_does_not_show_are_not_labelled() -> None:
    grid = Tiler(tile_size=50).grid((50, 100))
    points = ((10.0, 10.0, 2), (60.0, 20.0, 1), (0.0, 0.0, 0))
    person = ImageObject(1, (5.0, 5.0, 60.0, 40.0), keypoints=points)
    left, right = (tile[0].keypoints for tile in cut_objects([person], grid).tiles)
    out = (0, 0, 0)
    assert [left, right] == [((10, 10, 2), out, out), (out, (10, 20, 1), out)]


def test_run_lengths_go_there_and_back() -> None:
    random = np.random.default_rng(0)
    for density in (0, 0.001, 0.5, 1):
        mask = random.random((300, 211)) < density
        for as_text in (False, True):
            runs = encode_rle(mask, as_text=as_text)
            assert np.array_equal(decode_rle(runs), mask)


def test_run_lengths_are_those_of_cocos_own_tools() -> None:
    """The texts were written by pycocotools 2.0.11."""
    mask = np.array(
        [[0, 0, 0, 1, 1], [1, 1, 1, 1, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 1]]
    )
    known = {"1132N21L00": mask > 0, "09": np.ones((3, 3), bool), "9": np.zeros((3, 3))}
    for text, one in known.items():
        assert encode_rle(one > 0) == {"size": list(one.shape), "counts": text}
        found = decode_rle({"size": list(one.shape), "counts": text})
        assert np.array_equal(found, one > 0)
    disc = np.hypot(*np.ogrid[-40:40, -55:70]) < 33
    text = encode_rle(disc)["counts"]
    assert text.startswith(DISC)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == DISC_HASH


@pytest.mark.parametrize(
    "runs",
    [
        {"size": [2, 2], "counts": [1, 2]},
        {"size": [2, 2], "counts": [5, -1]},
        {"size": [2, 2], "counts": "\x7f"},
        {"size": [2, 2], "counts": "oo"},
        {"size": [2], "counts": [4]},
        {"counts": [4]},
        {"size": [2, 2], "counts": None},
        {"size": [2, 2], "counts": [2.0, 2.0]},
    ],
)
def test_damaged_run_lengths_are_refused(runs: dict[str, Any]) -> None:
    with pytest.raises(TilingError):
        decode_rle(runs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": (0.0, 0.0, 0.0, 3.0)},
        {"box": (0.0, 0.0, -2.0, 3.0)},
        {"box": (float("nan"), 0.0, 2.0, 3.0)},
        {"box": (0.0, 0.0, float("inf"), 3.0)},
        {"box": (0.0, 0.0, 1.0)},
        {"box": (0.0, 0.0, 1.0, 1.0), "polygons": (((0.0, 0.0), (1.0, 1.0)),)},
    ],
)
def test_objects_without_area_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TilingError):
        ImageObject(1, **wrong)


def test_calls_that_cannot_be_meant_are_refused() -> None:
    grid, one = Tiler(tile_size=4).grid((8, 8)), ImageObject(1, (0.0, 0.0, 1.0, 1.0))
    with pytest.raises(TilingError, match="0 to 1"):
        cut_objects([one], grid, min_visible=10)
    with pytest.raises(TilingError, match="0 to 3"):
        object_to_image(one, grid, 4)
    with pytest.raises(TilingError, match="two axes"):
        cut_objects([one], Tiler(tile_size=(2, 2, 2)).grid((4, 4, 4)))
