"""A defect at a glance: what resizing makes of it beside its own pixels."""

from __future__ import annotations

import numpy as np
import pytest

from reftiler.io import resize
from reftiler.regions import find_regions
from reftiler_gui.model.defect_preview import preview_of_defect
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import bundled


def grey(pixels: np.ndarray) -> np.ndarray:
    return (pixels & 255).astype(int)


@pytest.mark.parametrize("number", [0, 1])
def test_it_shows_what_resizing_the_whole_image_makes(number: int) -> None:
    loaded = bundled().items[0].load()
    assert loaded.image is not None
    assert loaded.mask is not None
    image, region = loaded.image.array, find_regions(loaded.mask.array)[number]
    found = preview_of_defect(loaded.image, region, (256, 256))
    whole = resize(image, (256, 256)).repeat(4, axis=0).repeat(4, axis=1)
    (top, bottom), (left, right) = region.box
    height, width = found.original.shape
    first, start = (top + bottom - height) // 2, (left + right - width) // 2
    part = slice(first, first + height), slice(start, start + width)
    assert np.array_equal(grey(found.original), image[part])
    assert np.array_equal(grey(found.resized), whole[part])
    assert found.opaque


@pytest.mark.parametrize("corner", [(0, 0), (0, 97), (61, 0), (61, 97), (30, 50)])
@pytest.mark.parametrize("target", [(16, 16), (7, 200), (64, 100)])
def test_at_every_edge_both_have_one_size(
    corner: tuple[int, int], target: tuple[int, int]
) -> None:
    image = np.zeros((64, 100, 4), np.uint8)
    mask = np.zeros(image.shape[:2], dtype=bool)
    mask[corner[0] : corner[0] + 3, corner[1] : corner[1] + 3] = True
    (region,) = find_regions(mask)
    found = preview_of_defect(ImagePyramid(image, alpha=True), region, target)
    assert found.resized.shape == found.original.shape
    assert min(found.original.shape) >= 3
    assert not found.opaque
