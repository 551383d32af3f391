"""Defects: what is measured of them is what was painted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("skimage")

from reftiler import Tiler, TilingError
from reftiler.io import resize
from reftiler.regions import Region, find_regions
from reftiler.samples import TEXTURES, SampleImage, sample
from reftiler.visibility import examine

TARGET = (256, 256)


def test_regions_hang_together_by_their_corners() -> None:
    mask = np.zeros((9, 9), dtype=np.uint8)
    mask[0:2, 5] = mask[2, 6] = 255
    mask[6, 0:3] = 1
    assert find_regions(mask) == (
        Region(((0, 3), (5, 7)), 3),
        Region(((6, 7), (0, 3)), 3),
    )
    assert find_regions(mask)[0].size == (3, 2)


def test_no_region_in_an_empty_mask() -> None:
    assert find_regions(np.zeros((4, 4), dtype=bool)) == ()
    image = np.zeros((8, 8), np.uint8)
    assert examine(image, image, Tiler(4).grid((8, 8)), (4, 4)) == ()


def test_one_region_within_the_box_of_another() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:16, 2] = mask[15, 2:16] = True  # a corner that opens to the top right
    mask[2, 12] = True
    image = np.where(mask, 200, 100).astype(np.uint8)
    image[2, 12] = 150
    seen = examine(image, mask, Tiler(20).grid((20, 20)), (10, 10))
    assert [one.region.area for one in seen] == [27, 1]
    assert [one.contrast for one in seen] == pytest.approx([100, 50], abs=1)


@pytest.mark.long
@pytest.mark.parametrize("texture", TEXTURES)
def test_regions_of_the_sample_are_its_defects(
    made: dict[str, list[SampleImage]], texture: str
) -> None:
    for one in made[texture]:
        boxes = [region.box for region in find_regions(one.mask)]
        assert sorted(boxes) == sorted(defect.box for defect in one.defects)


def test_contrast_is_that_of_the_painted_change() -> None:
    # On smooth bricks the surface under a defect can be told from around it.
    for label, index in (("spot", 0), ("spot", 1), ("scratch", 0)):
        made = sample("brick", label, index)
        change = made.image.astype(float) - made.clean
        grid = Tiler(256, 192).grid(made.image.shape)
        for seen in examine(made.image, made.mask, grid, TARGET):
            (top, bottom), (left, right) = seen.region.box
            alone = np.zeros_like(change)
            alone[top:bottom, left:right] = change[top:bottom, left:right]
            painted = np.abs(alone).max()
            kept = np.abs(resize(alone, TARGET)).max() / painted
            assert seen.contrast == pytest.approx(painted, abs=3)
            assert seen.resized.contrast == pytest.approx(kept, abs=0.02)


@pytest.mark.long
@pytest.mark.parametrize("texture", TEXTURES)
def test_tiles_keep_all_and_resizing_does_not(
    made: dict[str, list[SampleImage]], texture: str
) -> None:
    grid = Tiler(256, 192).grid((1024, 1024))
    for one in made[texture]:
        for seen in examine(one.image, one.mask, grid, TARGET):
            height, width = seen.region.size
            assert seen.resized.size == (height / 4, width / 4)
            assert seen.resized.area == seen.region.area / 16
            assert 0 < seen.resized.contrast < 1
            assert seen.tiled.size == (float(height), float(width))
            assert seen.tiled.area == seen.region.area
            assert seen.tiled.contrast == 1
            assert seen.best in seen.tiles


def test_smaller_is_fainter() -> None:
    image, mask = np.full((256, 256), 90, np.uint8), np.zeros((256, 256), dtype=bool)
    sides = [1, 2, 4, 8, 16]
    for place, side in enumerate(sides):
        where = slice(20 + 40 * place, 20 + 40 * place + side), slice(60, 60 + side)
        image[where], mask[where] = 190, True
    seen = examine(image, mask, Tiler(64).grid((256, 256)), (64, 64))
    assert [one.region.size for one in seen] == [(side, side) for side in sides]
    shares = [one.resized.contrast for one in seen]
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.95
    assert {one.contrast for one in seen} == {100}


def test_a_defect_across_a_seam() -> None:
    made = sample("brick", "spot", 1)
    grid = Tiler(256).grid((1024, 1024))
    seen = examine(made.image, made.mask, grid, TARGET)[-1]
    assert seen.region.box == ((762, 774), (640, 649))
    assert (seen.tiles, seen.best) == ((10, 14), 10)
    assert seen.tiled.size == (6.0, 9.0)
    assert seen.tiled.area == seen.region.area / 2


def test_a_defect_in_no_tile() -> None:
    image, mask = np.full((30, 30), 5.0), np.zeros((30, 30), dtype=bool)
    image[25, 25], mask[25, 25] = 6.0, True
    (seen,) = examine(image, mask, Tiler(20, mode="drop").grid((30, 30)), (10, 10))
    assert (seen.tiles, seen.best, seen.tiled.area) == ((), None, 0)
    assert seen.contrast == 1


def test_a_single_pixel_that_interpolation_repeats() -> None:
    image, mask = np.full((10, 10), 5.0), np.zeros((10, 10), dtype=bool)
    image[5, 5], mask[5, 5] = 9.0, True
    grid = Tiler(16, mode="interpolation").grid((10, 10))
    (seen,) = examine(image, mask, grid, (10, 10))
    assert seen.best == 0
    assert seen.tiled.size == (2.0, 2.0)
    assert seen.tiled.contrast == 1


def test_everything_is_marked() -> None:
    image = np.arange(36.0).reshape(6, 6)
    (seen,) = examine(image, np.ones((6, 6)), Tiler(3).grid((6, 6)), (2, 2))
    assert seen.contrast == 17.5
    assert len(seen.tiles) == 4


@pytest.mark.parametrize(
    ("image", "marked", "value", "size", "contrast"),
    [
        # A flat image has no contrast; colour counts in its strongest channel.
        (np.full((40, 40, 3), 7, np.uint16), slice(10, 14), 7, (10, 10), 0),
        (np.full((40, 40, 3), 50, np.uint8), slice(9, 10), (50, 80, 50), (10, 10), 30),
        (np.full((300, 300), 10, np.uint8), slice(20, 270), 60, (100, 100), 50),
    ],
    ids=["flat", "colour", "large"],
)
def test_contrast(
    image: Any, marked: slice, value: Any, size: tuple[int, int], contrast: float
) -> None:
    image, mask = image.copy(), np.zeros(image.shape[:2], dtype=bool)
    image[marked, marked], mask[marked, marked] = value, True
    grid = Tiler(image.shape[0] // 2).grid(mask.shape)
    (seen,) = examine(image, mask, grid, size)
    assert seen.contrast == pytest.approx(contrast)
    if not contrast:
        assert (seen.resized.contrast, seen.tiled.contrast) == (0, 0)
    if len(image) == 300:
        assert seen.resized.contrast == pytest.approx(1)
        assert len(seen.tiles) == 4


def test_sizes_must_agree() -> None:
    image, grid = np.zeros((20, 20)), Tiler(4).grid((20, 20))
    with pytest.raises(TilingError, match="of the image's size"):
        examine(image, np.zeros((20, 19)), grid, (4, 4))
    with pytest.raises(TilingError, match="of the image's size"):
        examine(image[:19], np.zeros((19, 20)), grid, (4, 4))
    with pytest.raises(TilingError, match="two axes"):
        find_regions(np.zeros((4, 4, 1)))
