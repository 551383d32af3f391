"""Advice: what candidate settings hold whole, what they cost, what resizing leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reftiler import Tiler
from reftiler.io import write_image
from reftiler_gui.model.advice import Survey, candidates, count_contained
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.model.steps import finish

PLAIN = FormSettings(tile=(64, 64), step=(64, 64))
RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, box in enumerate([(60, 10, 10, 6), (10, 20, 4, 4), None]):
        image = RNG.integers(90, 110, (128, 192), np.uint8)
        if box is not None:
            top, left, height, width = box
            mask = np.zeros(image.shape, dtype=bool)
            mask[top : top + height, left : left + width] = True
            image[mask] = 240
            write_image(tmp_path / f"{number}_mask.png", mask)
        write_image(tmp_path / f"{number}.png", image)
    return tmp_path


def survey(folder: Path, *tried: FormSettings) -> Survey:
    return Survey(ImageSet.open([folder]).items, tried)


@pytest.mark.parametrize(
    "grid",
    [
        Tiler(16, 9).grid((100, 90)),
        Tiler((16, 20), mode="even").grid((100, 90)),
        Tiler(16, mode="drop").grid((100, 90)),
        Tiler(16, mode="interpolation").grid((100, 90)),
        Tiler(16, pad_side="both").grid((100, 90)),
        Tiler(16).random((100, 90), 40, 0),
    ],
)
def test_boxes_are_held_if_a_tile_holds_them(grid: object) -> None:
    low = RNG.integers(0, 80, (300, 2))
    boxes = np.stack([low, low + RNG.integers(1, 11, (300, 2))], axis=2)
    tiles = grid.boxes  # type: ignore[attr-defined]
    inside = (tiles[:, None, :, 0] <= boxes[..., 0]) & (
        tiles[:, None, :, 1] >= boxes[..., 1]
    )
    want = int(inside.all(axis=2).any(axis=0).sum())
    assert 0 < want < 300
    assert count_contained(grid, boxes) == want  # type: ignore[arg-type]


def test_a_survey_counts_defects_tiles_and_work(folder: Path) -> None:
    found = survey(folder, PLAIN, replace(PLAIN, step=(32, 32)))
    finish(found.run())
    assert found.images == 3
    assert found.sizes.tolist() == [[10, 6], [4, 4]]
    bare, shared = found.rows
    assert (bare.whole, bare.tiles, bare.work) == (1, 18, 1.0)
    assert (shared.whole, shared.tiles, shared.work) == (2, 45, 2.5)
    assert bare.resized == pytest.approx(np.median([2, 4 / 3]))
    assert bare.contrast == shared.contrast
    assert bare.contrast is not None
    assert 0.1 < bare.contrast < 1


def test_larger_tiles_keep_more_contrast_when_resized_to(folder: Path) -> None:
    sides = (16, 64, 128)
    found = survey(folder, *(FormSettings((s, s), (s, s)) for s in sides))
    finish(found.run())
    kept = [row.contrast for row in found.rows]
    assert None not in kept
    assert kept == sorted(kept)  # type: ignore[type-var]
    assert kept[0] < kept[-1]  # type: ignore[operator]


def test_rows_come_while_it_runs(folder: Path) -> None:
    found = survey(folder, PLAIN)
    work = found.run()
    share = next(work)
    assert 0 < share < 0.5
    assert (found.images, found.rows[0].tiles) == (1, 6)
    before = found.rows
    shares = [share, *work]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert before[0].tiles == 6


def test_the_front_leaves_out_what_another_beats(folder: Path) -> None:
    small, same = (
        replace(PLAIN, tile=(32, 32), step=(32, 32)),
        replace(PLAIN, mode="even"),
    )
    wide, worse = replace(PLAIN, step=(32, 32)), replace(PLAIN, step=(16, 16))
    found = survey(folder, PLAIN, same, small, wide, worse)
    finish(found.run())
    assert [row.whole for row in found.rows] == [1, 1, 1, 2, 2]
    # The small tile holds as many as the plain one with no more work.
    assert [row.front for row in found.rows] == [False, False, True, True, False]


def test_a_refused_setting_says_why(folder: Path) -> None:
    large = FormSettings((500, 500), (500, 500), mode="clamp")
    found = survey(folder, large, PLAIN)
    finish(found.run())
    assert "clamp: the tile (500, 500) is larger" in found.rows[0].refused
    assert not found.rows[0].front
    assert found.rows[1].tiles == 18


def test_what_cannot_be_read_is_told_and_the_rest_counts(folder: Path) -> None:
    found = survey(folder, PLAIN)
    (folder / "0.png").write_bytes(b"no picture")
    (folder / "1_mask.png").unlink()
    finish(found.run())
    assert [words[:2] for words in found.problems] == ["0:", "1:"]
    assert (found.images, found.rows[0].tiles, found.rows[0].whole) == (2, 12, 0)
    assert found.rows[0].resized is None
    assert found.rows[0].contrast is None


def test_candidates_keep_the_mode_and_begin_with_what_is_set() -> None:
    current = replace(PLAIN, tile=(300, 200), mode="even", border=(3, 3))
    tried = candidates(current, 600)
    assert tried[0] == current
    assert {one.mode for one in tried} == {"even"}
    assert max(one.tile[0] for one in tried[1:]) == 512
    assert len(set(tried)) == len(tried) == 1 + 5 * 4
    assert FormSettings((256, 256), (192, 192), mode="even") in tried
