"""Merging in bands is merging at once, to the bit; stand-ins err where they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reftiler import Grid, Tiler, TilingError
from reftiler_gui.model import merging
from reftiler_gui.model.merging import merge
from reftiler_gui.model.mock_models import MODELS
from reftiler_gui.model.steps import finish

SIZE = (97, 71)
RNG = np.random.default_rng(0)
PLAIN = Tiler((16, 20), (8, 12), channels_last=True)
GRIDS = {
    "padding": replace(PLAIN, remove_border_count=(2, 4), window="hann").grid(SIZE),
    "both": replace(PLAIN, pad_side="both", pad_mode="reflect").grid(SIZE),
    "clamp": replace(PLAIN, mode="clamp", remove_border_count=(3, 3)).grid(SIZE),
    "even": replace(PLAIN, mode="even", window="gaussian").grid(SIZE),
    "drop": replace(PLAIN, stride=(16, 20), mode="drop", fill=3).grid(SIZE),
    "interpolation": replace(PLAIN, mode="interpolation").grid(SIZE),
    "max": replace(PLAIN, merge="max").grid(SIZE),
    "random": replace(PLAIN, fill=7, remove_border_count=(2, 2)).random(SIZE, 40, 1),
    "few": replace(PLAIN, fill=7).random(SIZE, 2, 1),
}


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "_BATCH", 1)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("shape", [SIZE, (*SIZE, 3)])
@pytest.mark.parametrize("model", ["none", "noise"])
def test_bands_are_the_whole(grid: Grid, shape: tuple[int, ...], model: str) -> None:
    image = RNG.integers(0, 256, shape, np.uint8)
    tiler = Tiler.from_other(grid.tiler)
    tiles = tiler.tile(image, grid=grid)
    seen = [MODELS[model](tile, k, 20.0) for k, tile in enumerate(tiles)]
    want = tiler.untile(np.stack(seen), image.shape, grid)
    found = finish(merge(image, grid, model, 20.0))
    assert found.image.dtype == want.dtype
    assert (found.image == want).all()
    assert found.uncovered == grid.uncovered
    covered = grid.coverage() > 0
    change = want.astype(np.float32) - image.astype(np.float32)
    largest = np.abs(change.reshape(*SIZE, -1)).max(axis=2)
    assert (np.abs(found.difference) == np.where(covered, largest, 0)).all()


def test_nothing_is_wrong_without_a_model() -> None:
    image = RNG.integers(0, 60000, SIZE).astype(">u2")
    found = finish(merge(image, GRIDS["padding"]))
    assert (found.image == image).all()
    assert (found.worst, found.largest) == (None, 0)


def test_the_worst_place_is_where_the_difference_is_largest() -> None:
    image = np.full(SIZE, 100.0)
    found = finish(merge(image, GRIDS["even"], "offset", 10.0))
    assert found.worst is not None
    assert found.largest == np.abs(found.difference).max() > 1
    assert abs(found.image[found.worst] - 100) == pytest.approx(found.largest)


def test_a_border_mends_an_erring_rim() -> None:
    image = np.full((200, 200), 100.0)
    tiler = Tiler(64, 32)
    errors = [
        np.abs(finish(merge(image, t.grid(image.shape), "rim", 10.0)).difference).mean()
        for t in (
            tiler,
            replace(tiler, window="hann"),
            replace(tiler, remove_border_count=(8, 8)),
        )
    ]
    assert errors[0] > errors[1] > errors[2] > 0


def test_overlaps_average_noise_away() -> None:
    image = np.zeros((256, 256), np.float32)
    errors = [
        finish(
            merge(image, Tiler(64, s).grid(image.shape), "noise", 10.0)
        ).difference.std()
        for s in (64, 16)
    ]
    assert errors[0] == pytest.approx(5, rel=0.05)
    assert errors[1] < 2


def test_bools_and_nans_are_merged() -> None:
    mask = RNG.random(SIZE) < 0.5
    found = finish(merge(mask, GRIDS["even"]))
    assert found.image.dtype == np.uint8
    assert (found.image == mask * 255).all()
    odd = np.full(SIZE, np.nan, np.float32)
    odd[5, 5], odd[6, 6] = np.inf, 1
    found = finish(merge(odd, GRIDS["clamp"]))
    assert found.worst is None
    assert np.isnan(found.image).sum() == odd.size - 2


def test_work_tells_how_far_it_is_and_can_be_cancelled() -> None:
    image = RNG.integers(0, 256, SIZE, np.uint8)
    work = merge(image, GRIDS["padding"])
    shares = list(work)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert len(shares) > 10
    work = merge(image, GRIDS["padding"])
    next(work)
    work.close()
    assert list(work) == []


def test_what_is_too_much_is_refused() -> None:
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000))
    with pytest.raises(TilingError, match="would keep 400,000,000 numbers in memory"):
        finish(merge(huge, Tiler(512).grid(huge.shape)))
    large = huge[:8000, :8000]
    with pytest.raises(TilingError, match="larger stride"):
        finish(merge(large, Tiler(1024, 8).grid(large.shape)))
    with pytest.raises(TilingError, match="pad_value"):
        finish(merge(huge[:50, :50], Tiler(32, pad_value=-1).grid((50, 50))))
