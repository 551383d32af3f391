"""Cutting: every bit of every pixel of every tile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle.tiling import has_view
from tests.backends import NUMPY, tile_agrees
from tests.cases import Case
from tests.corners import constants
from tests.strategies import MODES, NUMBERS, ODD, PAD_MODES, SWAPPED, cases

EVERY = (*NUMBERS, *SWAPPED, *ODD)


@given(cases(dtypes=EVERY), st.sampled_from(sorted(NUMPY.layouts)), st.booleans())
def test_tile_is_the_definition(case: Case, layout: str, out: bool) -> None:
    tile_agrees(NUMPY, case, layout, out=out)


@pytest.mark.parametrize("case", list(constants(halves=False)), ids=str)
def test_a_pad_value_is_rounded_once(case: Case) -> None:
    tile_agrees(NUMPY, case)


@pytest.mark.parametrize("pad_mode", PAD_MODES)
@pytest.mark.parametrize("side", ["end", "both"])
def test_padding_is_that_of_numpy(pad_mode: Any, side: str) -> None:
    for size in ((5, 7), (1, 4), (4, 1), (1, 1), (2, 3)):
        for tile in ((3, 4), (9, 11), (16, 5)):
            tiler = Tiler(tile, 2, pad_mode=pad_mode, pad_side=side, pad_value=7)
            image = np.arange(1, size[0] * size[1] + 1, dtype=np.int32).reshape(size)
            grid = tiler.grid(size)
            constant = {"constant_values": 7} if pad_mode == "constant" else {}
            frame = np.pad(image, grid.padding, mode=pad_mode, **constant)
            want = [
                frame[y : y + tile[0], x : x + tile[1]] for y, x in grid.starts.tolist()
            ]
            same_bits(tiler.tile(image), np.stack(want))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("2", [0x7E01, 0x7D55, 0xFE2A, 0x8000]),
        ("4", [0x7FC00001, 0x7F800001, 0xFFABCDEF, 0x80000000]),
        ("8", [0x7FF8000000000001, 0x7FF0000000000001, 0xFFFABCDEF0123456, 1 << 63]),
    ],
)
def test_every_bit_of_a_nan_is_moved(kind: str, numbers: list[int]) -> None:
    bits = np.array(numbers * 2, f"u{kind}")
    for mode in MODES:
        tiler = Tiler([3], 1, mode=mode, pad_mode="wrap")
        cut = tiler.tile(bits.view(f"f{kind}")).view(bits.dtype)
        same_bits(cut, tiler.tile(bits))


# --- view -------------------------------------------------------------------------


@given(cases(dtypes=EVERY, scatter=False))
def test_view_is_the_definition_without_a_copy(case: Case) -> None:
    tiler, image = case.tiler(Tiler), case.image()
    if not has_view(case.oracle_grid):
        with pytest.raises(TilingError, match=r"tile\("):
            tiler.view(image)
        return
    seen = tiler.view(image)
    assert np.shares_memory(seen, image)
    assert not seen.flags.writeable
    same_bits(seen, oracle.view(case.oracle_grid, image))


def test_views_exist_wherever_starts_are_evenly_spaced() -> None:
    image = np.arange(7)
    # two tiles are always evenly spaced, and so is one
    assert Tiler([4], mode="clamp").view(image).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]
    assert Tiler([7], mode="even").view(image).tolist() == [list(range(7))]
    assert Tiler([3], 2, mode="interpolation").view(image).shape == (3, 3)
    assert Tiler([4], 2, mode="drop").view(image).shape == (2, 4)
    for mode in ("clamp", "padding", "interpolation"):
        with pytest.raises(TilingError, match=r"tile\("):
            Tiler([4], 2, mode=mode).view(image)


def test_a_view_of_a_view() -> None:
    image = np.arange(48).reshape(6, 8)[::-1, ::2]
    seen = Tiler((2, 3), 1).view(image)
    assert np.shares_memory(seen, image)
    windows = np.lib.stride_tricks.sliding_window_view(image, (2, 3))
    same_bits(seen, windows.copy())
