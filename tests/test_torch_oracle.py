"""The plain definition judges torch itself: parity cannot see what twins share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import NanError, Settings
from reftiler_conformance.oracle.windows import weights
from tests.cases import Case, MergeCase
from tests.strategies import WINDOWS, cases, merges
from tests.tensors import BODIES, array, dtype_of, in_body, tensor
from tests.test_grid import plan_of, right


@given(cases(merge=True))
def test_the_grid_is_the_definitions(case: Case) -> None:
    grid = case.grid(case.tiler(Tiler))
    assert plan_of(grid) == right(case.oracle_grid)


@given(st.integers(1, 6), st.integers(0, 2**128 - 1), st.integers(1, 3))
def test_random_starts_are_the_definitions(count: int, seed: int, align: int) -> None:
    settings = Settings((3, 4), (3, 4))
    want = oracle.random_starts(settings, (9, 11), count, seed, (align, align))
    grid = Tiler((3, 4)).random((9, 11), count, seed, align)
    assert [tuple(start) for start in grid.starts.tolist()] == want
    image = torch.arange(99).reshape(9, 11)
    tiles = Tiler((3, 4)).tile(image, grid=grid)
    corners = [int(image[y, x]) for y, x in want]
    assert tiles[:, 0, 0].tolist() == corners


def test_masks_of_random_tiles_are_tensors_or_arrays() -> None:
    mask = torch.arange(99).reshape(9, 11) == 50
    grid = Tiler((3, 4)).random((9, 11), 9, 1, inside=mask, share=0.5)
    assert grid == Tiler((3, 4)).random((9, 11), 9, 1, inside=mask.numpy(), share=0.5)
    assert grid.touching(mask).tolist() == grid.touching(mask.numpy()).tolist()


def test_tiles_are_selected_by_tensors_too() -> None:
    grid = Tiler(4).grid((9, 11))
    assert grid.select(torch.tensor([5, 0])) == grid.select([5, 0])
    with pytest.raises(TypeError, match="flatnonzero"):
        grid.select(torch.ones(9, dtype=torch.bool))
    with pytest.raises(TypeError, match=r"got 2\.0"):
        grid.select(torch.tensor([2.0]))


@given(cases(), st.sampled_from(BODIES))
def test_tile_is_the_definition(case: Case, body: str) -> None:
    tiler = case.tiler(Tiler)
    grid = case.grid(tiler)
    got = in_body(body, lambda: tiler.tile(tensor(case.image()), grid=grid))
    same_bits(array(got), oracle.tile(case.oracle_grid, case.image()))


@given(merges(), st.sampled_from(BODIES))
def test_untile_is_the_definition(merge: MergeCase, body: str) -> None:
    case, tiler = merge.case, merge.case.tiler(Tiler)
    grid = case.grid(tiler)
    settings: dict[str, Any] = dict(merge.scale_argument())
    dtype = None if merge.result is None else np.dtype(merge.result)
    if merge.result is not None:
        settings["dtype"] = dtype_of(merge.result)

    def call() -> Any:
        return tiler.untile(tensor(merge.tiles()), case.shape, grid, **settings)

    try:
        want = oracle.untile(
            case.oracle_grid, merge.tiles(), case.shape, merge.scales, dtype
        )
    except NanError:
        with pytest.raises(TilingError, match="NaN"):
            in_body(body, call)
        return
    same_bits(array(in_body(body, call)), want, nan="any")


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("body", BODIES)
def test_windows_are_the_definitions(window: str, body: str) -> None:
    """Two tiles overlap by all but a pixel, one is 1 and one 0: weights show."""
    compared = 0
    for length in (*range(1, 24), 64, 101, 200):
        settings = Settings((length,), (1,), window=window)
        weight = weights(settings, 0, length)
        tiles = torch.zeros((2, length), dtype=torch.float64)
        tiles[1] = 1.0
        tiler = Tiler([length], 1, window=window)
        got = in_body(body, lambda: tiler.untile(tiles, [length + 1]))  # noqa: B023
        want = [
            0.0,
            *(b / (a + b) for a, b in zip(weight[1:], weight, strict=False)),
            1,
        ]
        assert got.tolist() == want
        compared += len(want)
    assert compared > 600


@pytest.mark.parametrize("body", BODIES)
def test_a_custom_window_by_hand(body: str) -> None:
    tiler = Tiler([4], 2, window=((1, 1, 2, 1),))
    tiles = torch.tensor([[0, 0, 10, 20], [50, 60, 0, 0]], dtype=torch.uint8)
    got = in_body(body, lambda: tiler.untile(tiles, [6]))
    # (1*10 + 0.5*50) / 1.5 = 23.3 and (0.5*20 + 0.5*60) / 1
    assert got.tolist() == [0, 0, 23, 40, 0, 0]
