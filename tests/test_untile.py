"""Merging: every bit of the result, against the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import NanError
from tests.cases import MergeCase
from tests.strategies import NUMBERS, SWAPPED, merges


def judge(merge: MergeCase) -> Any:
    """Return what is right; None where a NaN was to become an integer."""
    case = merge.case
    dtype = None if merge.result is None else np.dtype(merge.result)
    try:
        return oracle.untile(
            case.oracle_grid, merge.tiles(), case.shape, merge.scales, dtype
        )
    except NanError:
        return None


def run(merge: MergeCase, tiles: Any = None, **more: Any) -> Any:
    """Return what reftiler makes of a merge."""
    case, tiler = merge.case, merge.case.tiler(Tiler)
    grid = case.grid(tiler) if case.is_irregular else None
    given_tiles = merge.tiles() if tiles is None else tiles
    settings = {**merge.scale_argument(), **more}
    if merge.result is not None:
        settings["dtype"] = merge.result
    return tiler.untile(given_tiles, case.shape, grid, **settings)


@given(merges(dtypes=(*NUMBERS, *SWAPPED)))
def test_untile_is_the_definition(merge: MergeCase) -> None:
    want = judge(merge)
    if want is None:
        with pytest.raises(TilingError, match=r"(?i)nan"):
            run(merge)
        return
    same_bits(run(merge), want, nan="any")


@given(merges(dtypes=("float16", "float32", "float64"), convert=False))
def test_untile_of_floats_is_the_definition(merge: MergeCase) -> None:
    same_bits(run(merge), judge(merge), nan="any")


@given(merges(dtypes=("float32", "float64", "int64", "uint32", "float16")))
def test_conversions_are_the_definition(merge: MergeCase) -> None:
    for result in ("uint8", "int8", "float16", "float32", "float64", "int64", "uint64"):
        goal = MergeCase(merge.case, merge.channels, merge.scale, result)
        try:
            want = judge(goal)
        except oracle.rounding.UnfitError:  # the fill was for another dtype
            with pytest.raises(TilingError, match="fill"):
                run(goal)
            continue
        if want is None:
            with pytest.raises(TilingError, match=r"(?i)nan"):
                run(goal)
        else:
            same_bits(run(goal), want, nan="any")


@given(merges(), st.booleans())
def test_tiles_need_not_be_contiguous(merge: MergeCase, backwards: bool) -> None:
    want, tiles = judge(merge), merge.tiles()
    odd = np.flip(np.flip(tiles).copy()) if backwards else np.asfortranarray(tiles)
    if want is not None:
        same_bits(run(merge, odd), want, nan="any")


@given(merges())
def test_out_receives_the_result(merge: MergeCase) -> None:
    want = judge(merge)
    if want is None:
        return
    out = np.frombuffer(bytearray(b"\x01" * want.nbytes), want.dtype)
    out = out.reshape(want.shape)
    assert run(merge, out=out) is out
    same_bits(out, want, nan="any")


def test_out_may_be_a_part_of_something_larger() -> None:
    tiler = Tiler(4, 2, window="hann")
    tiles = np.random.default_rng(0).standard_normal((9, 4, 4)).astype(np.float32)
    large = np.full((20, 20), 9, np.float32)
    tiler.untile(tiles, (8, 8), out=large[1:17:2, 3:11])
    same_bits(large[1:17:2, 3:11].copy(), tiler.untile(tiles, (8, 8)))
    large[1:17:2, 3:11] = 9
    assert (large == 9).all()


@given(merges())
def test_the_result_is_new_contiguous_and_the_tiles_are_untouched(
    merge: MergeCase,
) -> None:
    tiles = merge.tiles().copy()
    before = tiles.tobytes()
    if judge(merge) is None:
        return
    got = run(merge, tiles)
    assert got.flags.c_contiguous
    assert got.flags.writeable
    assert not np.shares_memory(got, tiles)
    assert tiles.tobytes() == before
