"""Advice: what candidate settings hold whole, what they cost, what resizing leaves."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from reftiler import Grid, Tiler
from reftiler.io import write_image
from reftiler_gui.model import advice
from reftiler_gui.model.advice import (
    Candidate,
    Snapshot,
    Survey,
    candidates,
    count_contained,
)
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_set import ImageItem, ImageSet, LoadedImage
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


def rows(found: Survey, tried: int) -> tuple[Candidate, ...]:
    finish(found.run())
    return found.snapshot.rows[:tried]


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
def test_boxes_are_held_if_a_tile_holds_them(grid: Grid) -> None:
    low = RNG.integers(0, 80, (300, 2))
    boxes = np.stack([low, low + RNG.integers(1, 11, (300, 2))], axis=2)
    tiles = grid.boxes
    inside = (tiles[:, None, :, 0] <= boxes[..., 0]) & (
        tiles[:, None, :, 1] >= boxes[..., 1]
    )
    want = int(inside.all(axis=2).any(axis=0).sum())
    assert 0 < want < 300
    assert count_contained(grid, boxes) == want


def test_a_survey_counts_defects_tiles_and_work(folder: Path) -> None:
    found = survey(folder, PLAIN, replace(PLAIN, step=(32, 32)))
    bare, shared = rows(found, 2)
    assert found.snapshot.images == found.snapshot.total == 3
    assert sorted(found.snapshot.sizes.tolist()) == [[4, 4], [10, 6]]
    assert (bare.whole, bare.tiles, bare.work) == (1, 18, 1.0)
    assert (shared.whole, shared.tiles, shared.work) == (2, 45, 2.5)
    assert bare.resized == pytest.approx(np.median([2, 4 / 3]))
    assert bare.contrast == shared.contrast
    assert bare.contrast is not None
    assert 0.1 < bare.contrast < 1


def test_larger_tiles_keep_more_contrast_when_resized_to(folder: Path) -> None:
    sides = (16, 64, 128)
    tried = [FormSettings((s, s), (s, s)) for s in sides]
    kept = [row.contrast for row in rows(survey(folder, *tried), 3)]
    assert None not in kept
    assert kept == sorted(kept)  # type: ignore[type-var]
    assert kept[0] < kept[-1]  # type: ignore[operator]


def test_each_snapshot_is_of_the_same_images_and_defects(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is cancelled: no row is ahead of another, or of the counts."""
    monkeypatch.setattr(advice, "_PAUSE", 0)
    found = survey(folder, PLAIN, replace(PLAIN, step=(32, 32)), FormSettings((32, 32)))
    seen: list[Snapshot] = []
    shares: list[float] = []
    for share in found.run():
        shares.append(share)
        if not seen or seen[-1] is not found.snapshot:
            seen.append(found.snapshot)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    counts = [shot.images for shot in seen]
    assert counts[0] == 0
    assert counts == sorted(counts)
    for shot in seen:
        tiles = [6 * shot.images, 15 * shot.images]
        assert [row.tiles for row in shot.rows[:2]] == tiles
        assert len({row.contrast is None for row in shot.rows}) == 1
        assert f" {shot.images} " in shot.sentence
    assert "in 3 images" in seen[-1].sentence


def test_masks_come_first_and_only_their_images_are_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = ImageSet.open([folder]).items
    found = Survey(items[::-1], [PLAIN])
    assert [item.has_mask for item in found.items] == [True, True, False]
    loaded: list[ImageItem] = []
    load = ImageItem.load

    def counted(item: ImageItem) -> LoadedImage:
        loaded.append(item)
        return load(item)

    monkeypatch.setattr(ImageItem, "load", counted)
    for _ in found.run():
        assert bool(loaded) <= (found.snapshot.images == 3)
    assert [item.name for item in loaded] == ["1", "0"]
    assert found.snapshot.rows[0].tiles == 18


def test_cost_counts_among_those_that_hold_all() -> None:
    """The cheapest, then the smallest; and the overlap that holds any is tried."""

    def arrays() -> tuple[np.ndarray, np.ndarray]:
        mask = np.zeros((512, 512), dtype=bool)
        mask[120:140, 60:70] = True  # across an edge of 128
        mask[300:310, 300:320] = True
        return mask.astype(np.uint8), mask

    item = ImageItem("one", label="spot", make=arrays)
    sizes = [(256, 0), (128, 32), (128, 0), (512, 0)]
    tried = [FormSettings((s, s), (s - o, s - o)) for s, o in sizes]
    found = Survey([item], tried)
    finish(found.run())
    snapshot = found.snapshot
    whole = {(row.settings.tile[0], row.overlap): row.whole for row in snapshot.rows}
    assert whole[128, "32 px"] == whole[256, "none"] == whole[512, "none"] == 2
    assert whole[128, "none"] == 1
    assert whole[128, "20 px"] == 2
    assert snapshot.best is not None
    assert (snapshot.best.size, snapshot.best.overlap) == ("256 × 256", "none")
    assert "256 × 256, overlap none: all of them" in snapshot.sentence
    assert "An overlap of 20 px holds the largest" in snapshot.sentence
    found = Survey([item], [tried[3], tried[1]])
    finish(found.run())
    assert found.snapshot.best is not None
    assert found.snapshot.best.size == "128 × 128"  # one tile an image is no tiling


def test_the_front_leaves_out_what_another_beats(folder: Path) -> None:
    small, same = (
        replace(PLAIN, tile=(32, 32), step=(32, 32)),
        replace(PLAIN, mode="even"),
    )
    wide, worse = replace(PLAIN, step=(32, 32)), replace(PLAIN, step=(16, 16))
    found = rows(survey(folder, PLAIN, same, small, wide, worse), 5)
    assert [row.whole for row in found] == [1, 1, 1, 2, 2]
    # The small tile holds as many as the plain one with no more work.
    assert [row.front for row in found[:3]] == [False, False, True]
    assert not found[4].front


def test_a_refused_setting_says_why(folder: Path) -> None:
    large = FormSettings((500, 500), (500, 500), mode="clamp")
    refused, plain = rows(survey(folder, large, PLAIN), 2)
    assert "clamp: the tile (500, 500) is larger" in refused.refused
    assert not refused.front
    assert plain.tiles == 18


def test_what_cannot_be_read_is_said_and_the_rest_counts(folder: Path) -> None:
    found = survey(folder, PLAIN)
    (folder / "0.png").write_bytes(b"no picture")
    (folder / "1_mask.png").unlink()
    write_image(folder / "1_mask.png", np.ones((5, 6), dtype=bool))
    arrays = np.zeros((9, 9), np.uint8), np.ones((5, 6), dtype=bool)
    given = ImageItem("given", label="spot", make=lambda: arrays)
    found = Survey((*found.items, given), [PLAIN])
    finish(found.run())
    shot = found.snapshot
    assert [words.split(":")[0] for words in shot.problems] == ["0", "1", "given"]
    assert "is 6 × 5 (width × height), its image 192 × 128" in shot.problems[1]
    assert (shot.images, shot.rows[0].tiles, shot.rows[0].whole) == (1, 6, 0)
    assert shot.rows[0].resized is None
    assert "0 defects in 1 image" in shot.sentence


def test_many_sizes_are_counted_together() -> None:
    def arrays(side: int) -> tuple[np.ndarray, np.ndarray]:
        mask = np.zeros((side, side), dtype=bool)
        mask[5:9, 5:9] = True
        return mask.astype(np.uint8), mask

    makes = [partial(arrays, side) for side in (64, 80, 64, 128)]
    items = [ImageItem(f"{n}", label="x", make=make) for n, make in enumerate(makes)]
    (row,) = rows(Survey(items, [PLAIN]), 1)
    assert (row.whole, row.tiles) == (4, 1 + 4 + 1 + 4)
    assert row.work == pytest.approx(10 * 64**2 / (64**2 + 80**2 + 64**2 + 128**2))


def test_candidates_keep_the_mode_and_begin_with_what_is_set() -> None:
    current = replace(PLAIN, tile=(300, 200), mode="even", border=(3, 3))
    tried = candidates(current, 600)
    assert tried[0] == current
    assert {one.mode for one in tried} == {"even"}
    assert max(one.tile[0] for one in tried[1:]) == 512
    assert len(set(tried)) == len(tried) == 1 + 5 * 4
    assert FormSettings((256, 256), (192, 192), mode="even") in tried
