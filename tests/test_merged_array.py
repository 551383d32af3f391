"""A merge that is read by slices has the bits of the whole merge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler.streaming import MergedArray
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.strategies import merges


@given(merges(convert=False, weighed=True), st.data())
def test_a_slice_has_the_bits_of_untile(merge: MergeCase, data: st.DataObject) -> None:
    case, tiler = merge.case, merge.case.tiler(Tiler)
    assume(case.batch is None)
    grid, tiles = case.grid(tiler), merge.tiles()
    scale: dict[str, Any] = {**merge.scale_argument(), "weights": merge.pixel_weights()}
    want = tiler.untile(tiles, case.shape, grid, **scale)
    shape, dtype = tiles.shape[1:], tiles.dtype
    lazy = MergedArray(tiler, tiles, shape, dtype, case.shape, grid, **scale)
    assert (lazy.shape, lazy.dtype) == (want.shape, want.dtype)
    index = tuple(
        data.draw(st.integers(0, n - 1))
        if data.draw(st.integers(0, 5)) == 0
        else slice(
            low := data.draw(st.integers(0, n - 1)),
            data.draw(st.integers(low + 1, n)),
            data.draw(st.integers(1, 4)),
        )
        for n in want.shape
    )
    same_bits(np.asarray(lazy[index]), np.asarray(want[index]), nan="any")


def test_only_the_tiles_that_contribute_are_asked_for() -> None:
    class Watched(dict[int, Any]):
        def __missing__(self, k: int) -> Any:
            asked.append(k)
            return np.full((8, 8), k, np.float32)

    asked: list[int] = []
    tiler = Tiler(8, 8)
    lazy = MergedArray(tiler, Watched(), (8, 8), "float32", (64, 64))
    assert lazy[10, 20] == 10
    assert lazy[16:24, 0:9:4].tolist()[0] == [16, 16, 17]
    assert asked == [10, 16, 17]
    assert np.asarray(lazy[...]).shape == lazy.shape == (64, 64)


def test_what_cannot_be_read_is_refused() -> None:
    tiler = Tiler(8, channels_last=True)
    tiles = [np.zeros((8, 8, 2), np.uint8), np.zeros((8, 7, 2), np.uint8)]
    lazy = MergedArray(tiler, tiles, (8, 8, 2), np.uint8, (8, 16, 3))
    assert lazy[:, :8, 1].shape == (8, 8)
    with pytest.raises(TilingError, match="tile 1 has the shape"):
        lazy[:, 8:]
    with pytest.raises(TilingError, match="slices of positive steps"):
        lazy[::-1]
    with pytest.raises(IndexError, match="3 axes, got 4"):
        lazy[0, 0, 0, 0]
    with pytest.raises(TilingError, match="one image"):
        MergedArray(tiler, tiles, (8, 8, 2), np.uint8, (1, 8, 16, 3))
