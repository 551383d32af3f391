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
from tests.cases import Case
from tests.strategies import NUMBERS, ODD, PAD_MODES, SWAPPED, cases

EVERY = (*NUMBERS, *SWAPPED, *ODD)


@given(cases(dtypes=EVERY))
def test_tile_is_the_definition(case: Case) -> None:
    tiler = case.tiler(Tiler)
    grid = case.grid(tiler) if case.is_irregular else None
    image = case.image()
    got = tiler.tile(image, grid=grid)
    same_bits(got, oracle.tile(case.oracle_grid, image))
    assert got.flags.c_contiguous
    assert got.flags.writeable
    assert not np.shares_memory(got, image)


@given(cases())
def test_a_fitted_grid_given_is_the_grid_found(case: Case) -> None:
    tiler, image = case.tiler(Tiler), case.image()
    grid = case.grid(tiler)
    want = oracle.tile(case.oracle_grid, image)
    same_bits(tiler.tile(image, grid=grid), want)


@given(cases(dtypes=EVERY), st.booleans())
def test_images_need_not_be_contiguous(case: Case, backwards: bool) -> None:
    tiler, image = case.tiler(Tiler), case.image()
    grid = case.grid(tiler)
    odd = np.flip(np.flip(image).copy()) if backwards else np.asfortranarray(image)
    same_bits(tiler.tile(odd, grid=grid), oracle.tile(case.oracle_grid, image))


@given(cases(dtypes=EVERY))
def test_out_receives_the_tiles(case: Case) -> None:
    tiler, image = case.tiler(Tiler), case.image()
    grid = case.grid(tiler)
    want = oracle.tile(case.oracle_grid, image)
    out = np.frombuffer(bytearray(b"\x01" * want.nbytes), want.dtype)
    out = out.reshape(want.shape)
    assert tiler.tile(image, grid=grid, out=out) is out
    same_bits(out, want)


def test_out_may_be_a_part_of_something_larger() -> None:
    image = np.arange(36, dtype=np.int16).reshape(6, 6)
    large = np.full((18, 8, 8), -1, np.int16)
    tiler = Tiler(4, 1)
    tiler.tile(image, out=large[::2, 2:6, 1:5])
    same_bits(large[::2, 2:6, 1:5].copy(), tiler.tile(image))
    rest = large.copy()
    rest[::2, 2:6, 1:5] = -1
    assert (rest == -1).all()


@pytest.mark.parametrize("pad_mode", PAD_MODES)
@pytest.mark.parametrize("side", ["end", "both"])
@pytest.mark.parametrize("size", [(5, 7), (1, 4), (4, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("tile", [(3, 4), (9, 11), (16, 5)])
def test_padding_is_that_of_numpy(
    pad_mode: Any, side: str, size: tuple[int, int], tile: tuple[int, int]
) -> None:
    tiler = Tiler(tile, 2, pad_mode=pad_mode, pad_side=side, pad_value=7)
    image = np.arange(1, size[0] * size[1] + 1, dtype=np.int32).reshape(size)
    grid = tiler.grid(size)
    constant = {"constant_values": 7} if pad_mode == "constant" else {}
    frame = np.pad(image, grid.padding, mode=pad_mode, **constant)
    want = [frame[y : y + tile[0], x : x + tile[1]] for y, x in grid.starts.tolist()]
    same_bits(tiler.tile(image), np.stack(want))


def test_every_bit_of_a_nan_is_moved() -> None:
    for dtype, bits, numbers in [
        ("f2", "u2", [0x7E01, 0x7D55, 0xFE2A, 0x8000]),
        ("f4", "u4", [0x7FC00001, 0x7F800001, 0xFFABCDEF, 0x80000000]),
        (
            "f8",
            "u8",
            [0x7FF8000000000001, 0x7FF0000000000001, 0xFFFABCDEF0123456, 1 << 63],
        ),
    ]:
        for mode in ("padding", "interpolation", "clamp", "even", "drop"):
            tiler = Tiler([3], 1, mode=mode, pad_mode="wrap")
            image = np.array(numbers * 2, bits).view(dtype)
            cut = tiler.tile(image).view(bits)
            plan = oracle.fitted(oracle.Settings((3,), (1,), mode=mode), (8,))
            same_bits(cut, oracle.tile(plan, image.view(bits)))


def test_nan_pad_value() -> None:
    cut = Tiler([4], pad_value=np.nan).tile(np.ones(2, np.float32))
    assert np.isnan(cut[0, 2:]).all()
    assert cut[0, :2].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("value", "dtype", "rounded"),
    [
        # through float64 the last one is lost, and the tie goes down
        (2**100 + 2**76 + 1, "float32", 2.0**100 + 2.0**77),
        (2**60 + 2**36 + 1, "float32", 2.0**60 + 2.0**37),
        (1 + 2.0**-11 + 2.0**-40, "float16", 1 + 2.0**-10),
        (2**53 + 1, "float64", 2.0**53),
        (10**300, "float64", 1e300),
        (2**64 - 1, "uint64", 2**64 - 1),
        (-(2**63), "int64", -(2**63)),
    ],
)
def test_a_pad_value_is_rounded_once(value: float, dtype: str, rounded: float) -> None:
    cut = Tiler([4], pad_value=value).tile(np.zeros(3, dtype))
    same_bits(cut, np.array([[0, 0, 0, rounded]], dtype))


def test_the_documented_shapes() -> None:
    tiler = Tiler(4, 2)
    for shape, want in [
        ((8, 10), (12, 4, 4)),
        ((3, 8, 10), (12, 3, 4, 4)),
        ((5, 3, 8, 10), (60, 3, 4, 4)),
    ]:
        assert tiler.tile(np.zeros(shape)).shape == want
    last = Tiler(4, 2, channels_last=True)
    for shape, want in [
        ((8, 10), (12, 4, 4)),
        ((8, 10, 3), (12, 4, 4, 3)),
        ((5, 8, 10, 3), (60, 4, 4, 3)),
    ]:
        assert last.tile(np.zeros(shape)).shape == want


def test_what_is_given_is_not_written_to() -> None:
    image = np.arange(35.0).reshape(5, 7)
    before = image.tobytes()
    Tiler(3, 2, pad_mode="reflect").tile(image)
    Tiler(3, 2, mode="clamp").view(np.zeros((5, 7)))
    assert image.tobytes() == before


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


def test_a_view_follows_its_image_and_is_read_only() -> None:
    image = np.zeros((2, 4, 6), np.int16)
    seen = Tiler(2, 1).view(image)
    assert seen.shape == (2, 3, 5, 2, 2)
    image[1, 2, 3] = 7
    assert (seen == 7).sum() == 4
    with pytest.raises(ValueError, match="read-only"):
        seen[0, 0, 0, 0, 0] = 1


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
