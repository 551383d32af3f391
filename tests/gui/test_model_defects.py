"""Defects: found as reftiler finds them, and what is left of them is what it says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reftiler import Grid, Tiler
from reftiler.io import resize
from reftiler.regions import find_regions
from reftiler.samples import sample
from reftiler.visibility import examine
from reftiler_gui.model import defects
from reftiler_gui.model.defects import Defects, find_defects, look, preview_of_defect
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import bundled
from reftiler_gui.model.mask_pyramid import MaskPyramid

RNG = np.random.default_rng(0)


def mask_of(*boxes: tuple[int, int, int, int], size: int = 300) -> MaskPyramid:
    mask = np.zeros((size, size), dtype=bool)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = True
    return MaskPyramid(mask)


class TestFinding:
    @pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.2])
    def test_searching_coarsely_finds_the_same(
        self, share: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mask = RNG.random((203, 310)) < share
        mask[50:90, 20:22] = mask[50:52, 20:60] = mask[88:90, 20:60] = True  # hollow
        mask[70, 40] = True  # within its box, apart from it
        monkeypatch.setattr(defects, "_COARSE", 500)
        found = find_defects(MaskPyramid(mask))
        assert set(found.regions) == set(find_regions(mask))
        assert len(found) == len(find_regions(mask))
        corners = [(r.box[0][0], r.box[1][0]) for r in found.regions]
        assert corners == sorted(corners)

    def test_sizes_and_boxes(self) -> None:
        found = find_defects(mask_of((10, 20, 3, 4), (50, 0, 1, 1)))
        assert found.sizes.tolist() == [[3, 4], [1, 1]]
        assert found.boxes[0].tolist() == [[10, 13], [20, 24]]

    def test_next_and_previous_go_round(self) -> None:
        found = find_defects(mask_of((10, 20, 3, 4), (50, 0, 1, 1), (90, 9, 2, 2)))
        assert [found.after(n) for n in (None, 0, 2)] == [0, 1, 0]
        assert [found.after(n, -1) for n in (None, 0, 2)] == [2, 2, 1]
        assert Defects(()).after(None) is None
        assert Defects(()).sizes.shape == (0, 2)

    def test_the_smallest_at_a_place(self) -> None:
        mask = mask_of((10, 10, 2, 40), (10, 10, 40, 2), (30, 30, 3, 3))
        found = find_defects(mask)
        assert found.at(31, 31) == 1
        assert found.at(20, 20) == 0
        assert found.at(70, 70) is None
        assert found.at(52, 20, slack=4) == 0
        assert Defects(()).at(0, 0) is None


class TestSeeing:
    @pytest.mark.parametrize("label", ["spot", "scratch", "dent"])
    @pytest.mark.parametrize(
        ("grid", "target"),
        [
            (Tiler(256, 128).grid((1024, 1024)), (256, 256)),
            (Tiler(200, mode="even").grid((1024, 1024)), (200, 160)),
            (Tiler(64).random((1024, 1024), 90, 3), (64, 64)),
        ],
    )
    def test_it_is_what_reftiler_says_of_the_whole_image(
        self, label: str, grid: Grid, target: tuple[int, int]
    ) -> None:
        made = sample("gravel", label, 1)
        want = examine(made.image, made.mask, grid, target)
        mask, view = MaskPyramid(made.mask), GridLookup(grid)
        regions = find_defects(mask).regions
        assert regions == tuple(one.region for one in want)
        for region, right in zip(regions, want, strict=True):
            seen = look(made.image, mask, region, view, target)
            assert seen.contrast == pytest.approx(right.contrast)
            assert seen.tiles.tolist() == list(right.tiles)
            assert seen.best == right.best
            assert seen.tiled.area == right.tiled.area
            assert seen.tiled.contrast == pytest.approx(right.tiled.contrast)
            assert seen.resized.contrast == pytest.approx(
                right.resized.contrast, abs=1e-6
            )
            assert seen.resized.size == pytest.approx(right.resized.size)

    def test_neighbours_are_kept_out_as_reftiler_keeps_them_out(self) -> None:
        image = RNG.integers(90, 110, (300, 300), np.uint8)
        mask = mask_of((100, 100, 6, 6), (100, 109, 6, 2), (80, 96, 12, 12))
        image[mask.array] = 250
        grid = Tiler(100).grid(image.shape)
        for want in examine(image, mask.array, grid, (75, 75)):
            seen = look(image, mask, want.region, GridLookup(grid), (75, 75))
            assert seen.contrast == pytest.approx(want.contrast)
            assert seen.resized.contrast == pytest.approx(want.resized.contrast)

    def test_sentences(self) -> None:
        mask = mask_of((40, 96, 12, 9))
        image = np.where(mask.array, 200, 100).astype(np.uint8)
        (region,) = find_defects(mask).regions
        grids = [
            Tiler(100, 50).grid((300, 300)),
            Tiler(100).grid((300, 300)),
            Tiler(30).scatter((300, 300), [(200, 200)]),
        ]
        words = [
            look(image, mask, region, GridLookup(grid), (75, 75)).sentence
            for grid in grids
        ]
        start = (
            r"This 9 × 12 px defect is 2\.2 × 3 px after resizing to 75 × 75 and "
            r"keeps \d\d% of its contrast; "
        )
        assert re.fullmatch(start + r"in tile 1 it keeps all\.", words[0])
        part = r"tile 1, the best of 2, holds 60 of its 108 pixels and all of it\."
        assert re.fullmatch(start + part, words[1])
        assert re.fullmatch(start + r"it lies in no tile\.", words[2])


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
