"""bfloat16, which numpy has not: float64 results rounded once by integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reftiler
from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance import oracle
from reftiler_conformance.cases import Array
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import BFLOAT16, NanError, dtype_info
from reftiler_conformance.oracle.rounding import UnfitError
from tests.cases import MergeCase
from tests.strategies import merges
from tests.tensors import BODIES, array, dtype_of, in_body, tensor, upper_half

GOALS = ("uint8", "int64", "float16", "float32", "float64")


def rounded(values: Array, dtype: np.dtype[Any] = BFLOAT16) -> Array:
    """Round float64 values once, by the definition's integer routine."""
    kind = dtype_info(dtype)
    assert kind is not None
    bits = [kind.round(value).to_bytes(kind.size, "little") for value in values.flat]
    return np.frombuffer(b"".join(bits), dtype).reshape(values.shape)


def widened(tiles: Array) -> Array:
    """Return the values of bfloat16 numbers as float64."""
    single = (tiles["bfloat16"].astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return single.astype(np.float64)


def check(merge: MergeCase, tiles: Array, dtype: np.dtype[Any]) -> None:
    """Fail unless both bodies merge bfloat16 as the definition does."""
    case, tiler = merge.case, merge.case.tiler(Tiler)
    grid, scale = case.grid(tiler), merge.scale_argument()
    target = torch.bfloat16 if dtype == BFLOAT16 else dtype_of(dtype.name)

    def call() -> Any:
        return tiler.untile(tensor(tiles), case.shape, grid, dtype=target, **scale)

    error = ""
    try:
        want = oracle.untile(case.oracle_grid, tiles, case.shape, merge.scales, dtype)
    except NanError:
        error = "NaN"
    except UnfitError:
        error = "fill"
    for body in BODIES:
        if error:
            with pytest.raises(TilingError, match=error):
                in_body(body, call)
        else:
            same_bits(array(in_body(body, call)), want, nan="any")


@given(merges(dtypes=("float32",), convert=False))
def test_bfloat16_is_the_definition(merge: MergeCase) -> None:
    check(merge, upper_half(merge.tiles()), BFLOAT16)


@given(merges(dtypes=("float32",), convert=False), st.sampled_from(GOALS))
def test_bfloat16_to_other_types_is_the_definition(merge: MergeCase, goal: str) -> None:
    check(merge, upper_half(merge.tiles()), np.dtype(goal))


@given(merges(dtypes=("float16", "float32", "float64", "int32", "uint64")))
def test_other_types_to_bfloat16_are_the_definition(merge: MergeCase) -> None:
    check(merge, merge.tiles(), BFLOAT16)


@given(merges(dtypes=("float32",), convert=False))
def test_bfloat16_is_the_references_float64_rounded_once(merge: MergeCase) -> None:
    """A second way to the same bits: no judge of one's own, but for rounding."""
    case, tiles = merge.case, upper_half(merge.tiles())
    if case.settings.fill is not None:
        case = replace(case, settings=replace(case.settings, fill=0.5))
    reference, tiler = case.tiler(reftiler.Tiler), case.tiler(Tiler)
    grid, scale = case.grid(reference), merge.scale_argument()
    double = reference.untile(widened(tiles), case.shape, grid, **scale)
    want = rounded(double)
    for body in BODIES:
        got = in_body(
            body, lambda: tiler.untile(tensor(tiles), case.shape, grid, **scale)
        )
        same_bits(array(got), want, nan="any")


@pytest.mark.parametrize("window", ["box", "hann", "gaussian"])
@pytest.mark.parametrize("source", ["bfloat16", "float32"])
def test_larger_images(window: str, source: str) -> None:
    tiler = Tiler((24, 20), 7, window=window)
    reference = reftiler.Tiler((24, 20), 7, window=window)
    rng = np.random.default_rng(3)
    count = len(reference.grid((60, 70)))
    single = rng.normal(0, 100, (count, 2, 24, 20)).astype(np.float32)
    tiles = upper_half(single) if source == "bfloat16" else single
    double = widened(tiles) if source == "bfloat16" else single.astype(np.float64)
    want = rounded(reference.untile(double, (2, 60, 70)))
    for body in BODIES:
        got = in_body(
            body,
            lambda: tiler.untile(tensor(tiles), (2, 60, 70), dtype=torch.bfloat16),
        )
        same_bits(array(got), want)


# --- values that round twice on the way through float32 ----------------------------


def beside_ties(mantissa: int, exponents: range) -> Array:
    """Return float64 values that are a hair off the ties of a short float.

    The hair is so thin that float32 loses it and makes a tie of them.
    """
    values = []
    for exponent in exponents:
        for step in (0, 1, 2, 2 ** (mantissa - 1), 2**mantissa - 1):
            tie = 1 + (2 * step + 1) * 2.0 ** -(mantissa + 1)
            for hair in (-(2.0**-45), -(2.0**-30), 0.0, 2.0**-30, 2.0**-45):
                values += [(tie + hair) * 2.0**exponent, -(tie + hair) * 2.0**exponent]
    return np.array(values)


TRAPS = {
    "float16": beside_ties(10, range(-13, 15)),
    "bfloat16": beside_ties(7, range(-120, 127, 5)),
}
SUBNORMAL = {"float16": 2.0**-24, "bfloat16": 2.0**-133}


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("body", BODIES)
def test_one_rounding_to_a_half(name: str, body: str) -> None:
    dtype = BFLOAT16 if name == "bfloat16" else np.dtype(name)
    least = SUBNORMAL[name]
    steps = np.array([0.5, 1.5, 2.5, 7.5]) * least
    small = np.concatenate([steps, np.nextafter(steps, 0), np.nextafter(steps, 1)])
    top = float(torch.finfo(dtype_of(name)).max)
    over = top * (1 + 2.0 ** -(9 if name == "bfloat16" else 12))
    ends = np.array([top, over, np.nextafter(over, 0), 1e300, np.inf, -0.0, 5e-324])
    values = np.concatenate([TRAPS[name], small, -small, ends, -ends])
    want = rounded(values, dtype)
    twice = array(torch.from_numpy(values).to(dtype_of(name)))
    assert (twice.view("<u2") != want.view("<u2")).sum() > 50, "these are no traps"
    alone = Tiler([1])
    got = in_body(
        body,
        lambda: alone.untile(
            torch.from_numpy(values)[:, None], [len(values)], dtype=dtype_of(name)
        ),
    )
    same_bits(array(got), want)
    pairs = torch.from_numpy(values)[:, None].expand(-1, 2).contiguous()
    both = Tiler([2], 1)  # every pixel but the rim is the mean of two tiles
    means = both.untile(pairs, [len(values) + 1])
    merged = in_body(
        body, lambda: both.untile(pairs, [len(values) + 1], dtype=dtype_of(name))
    )
    same_bits(array(merged), rounded(array(means), dtype), nan="any")


@pytest.mark.parametrize("body", BODIES)
def test_the_mean_of_three_floats_is_rounded_once(body: str) -> None:
    """float32 tiles whose float64 mean lies beside a tie of bfloat16."""
    tiles = torch.tensor([1.0, 1.0, 1 + 3 * 2.0**-8 + 2.0**-22])[:, None, None]
    want = rounded(np.array([[(2.0 + float(tiles[2])) / 3]]))
    grid = Tiler(1).scatter((1, 1), [(0, 0)] * 3)
    got = in_body(
        body, lambda: Tiler(1).untile(tiles, (1, 1), grid, dtype=torch.bfloat16)
    )
    same_bits(array(got), want)
