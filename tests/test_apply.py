"""A model over the tiles: tile, model, untile in one call."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.strategies import merges


@given(merges(scaled=False, convert=False), st.integers(1, 7))
def test_apply_is_tile_model_untile(merge: MergeCase, batch_size: int) -> None:
    case, tiler = merge.case, merge.case.tiler(Tiler)
    grid = case.grid(tiler)
    seen: list[int] = []

    def model(tiles: Any) -> Any:
        seen.append(len(tiles))
        return tiles[::1, ...][:, ::-1].copy()

    image = case.image()
    want = tiler.untile(model(tiler.tile(image, grid=grid)), case.shape, grid)
    seen.clear()
    got = tiler.apply(model, image, batch_size=batch_size, grid=grid)
    same_bits(got, want, nan="any")
    assert sum(seen) == len(grid) * (case.batch or 1)
    assert max(seen) <= batch_size


def test_progress_wraps_the_batches() -> None:
    wrapped: list[Any] = []

    def progress(batches: Any) -> Any:
        for batch in batches:
            wrapped.append(batch)
            yield batch

    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    got = Tiler(4, 2).apply(lambda t: t, image, batch_size=5, progress=progress)
    same_bits(got, image)
    assert len(wrapped) == 4  # 16 tiles


def test_apply_takes_any_model_that_returns_several_maps() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)

    def model(tiles: Any) -> Any:
        return {"same": tiles, "more": (tiles + 1, [tiles[:, ::2, ::2]])}

    got = Tiler(4).apply(model, image, batch_size=3)
    assert list(got) == ["same", "more"]
    same_bits(got["same"], image)
    same_bits(got["more"][0], image + 1)
    same_bits(got["more"][1][0], image[::2, ::2].copy())


def test_apply_takes_a_scale_and_a_dtype() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    got = Tiler(4).apply(
        lambda t: t[:, ::2, ::2], image, scale=Fraction(1, 2), dtype="float32"
    )
    same_bits(got, image[::2, ::2].astype(np.float32))
