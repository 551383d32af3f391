"""Mergers of tiles that come with weights: refused, spilled, saved and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler import Tiler, TilingError
from reftiler.streaming import MergedArray, Merger
from reftiler_conformance.compare import same_bits

TILER = Tiler(16, 8, window="hann", context=2, fill=7)
SHAPE = (2, 3, 60, 44)
COUNT = 2 * len(TILER.grid(SHAPE[2:]))
TILES = np.random.default_rng(0).standard_normal((COUNT, 3, 20, 20))
WEIGHTS = np.random.default_rng(1).choice([0, 0, 0.5, 3], (COUNT, 20, 20))
WEIGHTS = WEIGHTS.astype(np.float32)


def merger(out: Any, **options: Any) -> Merger:
    named = {"tile_shape": TILES.shape[1:], "weights_dtype": np.float32, **options}
    return Merger(TILER, SHAPE, out, tile_dtype=float, **named)


@pytest.mark.parametrize("memory", [0, 30_000, None])
def test_a_merge_with_weights_goes_on_where_it_was_saved(
    memory: int | None, tmp_path: Path
) -> None:
    want = TILER.untile(TILES, SHAPE, weights=WEIGHTS)
    order = np.random.default_rng(2).permutation(COUNT)
    out, work = np.zeros(SHAPE), tmp_path / "work"
    first = merger(out, max_memory=memory, checkpoint=work)
    first.add(order[:20], TILES[order[:20]], WEIGHTS[order[:20]])
    first.save()
    first.stop()
    for other in ({"weights_dtype": None}, {"weights_dtype": float}):
        with pytest.raises(TilingError, match="weights_dtype"):
            merger(out, max_memory=memory, checkpoint=work, **other)
    again = merger(out, max_memory=memory, checkpoint=work)
    for number in again.missing().tolist():
        again.add(number, TILES[number], WEIGHTS[number])
    same_bits(again.finish(), want)
    assert not work.exists()


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    out = np.zeros(SHAPE)
    first = merger(out, checkpoint=tmp_path)
    first.add(range(20), TILES[:20], WEIGHTS[:20])
    first.stop()
    data = bytearray((tmp_path / "weights.bin").read_bytes())
    data[10] ^= 1
    (tmp_path / "weights.bin").write_bytes(data)
    with pytest.raises(TilingError, match=r"weights\.bin is damaged"):
        merger(out, checkpoint=tmp_path)


def test_weights_that_do_not_fit_are_refused() -> None:
    bad = WEIGHTS[:2].copy()
    bad[1, 5, 6] = -1
    calls: list[tuple[Any, str]] = [
        (None, "with weights"),
        (WEIGHTS[:1], "these tiles need"),
        (WEIGHTS[:2].astype(float), "weights_dtype"),
        (bad, r"pixel \(3, 4\) of tile 9"),
    ]
    own = merger(None)
    for weights, words in calls:
        with pytest.raises(TilingError, match=words):
            own.add([8, 9], TILES[:2], weights)
    assert len(own.missing()) == COUNT
    plain = merger(None, weights_dtype=None)
    with pytest.raises(TilingError, match="weights_dtype="):
        plain.add([0, 1], TILES[:2], WEIGHTS[:2])
    with pytest.raises(TilingError, match="merge='max'"):
        Merger(
            Tiler(16, merge="max"), (60, 44), None, tile_dtype=int, weights_dtype=int
        )


def test_a_pixel_without_a_weight_needs_a_fill() -> None:
    tiler, weights = Tiler(8), np.ones((4, 8, 8))
    weights[1, 3, 4] = 0
    own = Merger(tiler, (16, 16), None, tile_dtype=float, weights_dtype=float)
    with pytest.raises(TilingError, match="0 in 1 pixels"), own:
        own.add(range(4), np.zeros((4, 8, 8)), weights)
    lazy = MergedArray(
        tiler, np.zeros((4, 8, 8)), (8, 8), float, (16, 16), weights=weights
    )
    assert not lazy[8:].any()
    with pytest.raises(TilingError, match="0 in 1 pixels"):
        lazy[:4]


def test_weights_of_a_lazy_merge_are_checked_as_they_are_read() -> None:
    weights = [np.ones((8, 8)), np.ones((8, 7)), -np.ones((8, 8)), np.ones((8, 8)) * 1j]
    lazy = MergedArray(
        Tiler(8), np.zeros((4, 8, 8)), (8, 8), float, (16, 16), weights=weights
    )
    assert lazy[0, 0] == 0
    hidden = np.ma.masked_equal(np.ones((8, 8)), 1)
    for tiles, given in (([hidden], weights), ([np.ones((8, 8))], [hidden])):
        masked = MergedArray(Tiler(8), tiles, (8, 8), float, (8, 8), weights=given)
        with pytest.raises(TypeError, match="masked"):
            masked[0]
    for place, words in (((0, 9), "tile 1"), ((9, 0), "tile 2"), ((9, 9), "complex")):
        with pytest.raises(TilingError, match=words):
            lazy[place]
