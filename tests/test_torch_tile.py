"""Cutting tensors: every bit as the reference cuts arrays, in both bodies."""

from __future__ import annotations

import inspect
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
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.oracle.tiling import has_view
from tests.cases import Case
from tests.strategies import NUMBERS, cases
from tests.tensors import BODIES, array, in_body, tensor, tilers, upper_half

COMPLEX = ("complex64", "complex128")
EVERY = (*NUMBERS, *COMPLEX)
VERBS = ("tile", "view", "untile", "apply", "grid", "random", "scatter", "__init__")


@pytest.mark.parametrize("verb", VERBS)
def test_the_twins_take_the_same_arguments(verb: str) -> None:
    kinds = [
        [
            (p.name, p.kind, p.default)
            for p in inspect.signature(found).parameters.values()
        ]
        for found in (getattr(reftiler.Tiler, verb), getattr(Tiler, verb))
    ]
    assert kinds[0] == kinds[1]


@given(cases(dtypes=EVERY))
def test_tile_is_the_references(case: Case) -> None:
    reference, tiler = tilers(case)
    grid = case.grid(reference) if case.is_irregular else None
    image = case.image()
    want = reference.tile(image, grid=grid)
    given_image = tensor(image)
    for body in BODIES:
        got = in_body(body, lambda: tiler.tile(given_image, grid=grid))
        same_bits(array(got), want)
        assert got.is_contiguous()
        assert not got.requires_grad
    same_bits(array(given_image), image)  # untouched


@given(cases(dtypes=("float16", "float32", "float64")))
def test_tile_of_what_requires_grad(case: Case) -> None:
    reference, tiler = tilers(case)
    grid = case.grid(reference)
    want = reference.tile(case.image(), grid=grid)
    got = tiler.tile(tensor(case.image()).requires_grad_(), grid=case.grid(tiler))
    assert got.requires_grad
    same_bits(array(got), want)


@given(cases(dtypes=("float32",)))
def test_tile_of_bfloat16_is_the_definition(case: Case) -> None:
    value = case.settings.pad_value
    if abs(value) > 1e38 and abs(value) != np.inf:  # infinite in bfloat16
        case = replace(case, settings=replace(case.settings, pad_value=7))
    image = upper_half(case.image())
    want = oracle.tile(case.oracle_grid, image)
    tiler = case.tiler(Tiler)
    grid = case.grid(tiler)
    for body in BODIES:
        got = in_body(body, lambda: tiler.tile(tensor(image), grid=grid))
        same_bits(array(got), want)


@given(cases(dtypes=EVERY))
def test_out_receives_the_tiles(case: Case) -> None:
    reference, tiler = tilers(case)
    grid = case.grid(reference)
    want = reference.tile(case.image(), grid=grid)
    large = torch.ones((*want.shape[:-1], want.shape[-1] + 3), dtype=torch.uint8)
    large = large.to(tensor(want).dtype)
    before = array(large.clone())
    out = large[..., 1 : 1 + want.shape[-1]]
    assert tiler.tile(tensor(case.image()), grid=grid, out=out) is out
    same_bits(array(out).copy(), want)
    large[..., 1 : 1 + want.shape[-1]] = tensor(before)[..., 1 : 1 + want.shape[-1]]
    same_bits(array(large), before)  # nothing beside it was written to


@given(cases(dtypes=EVERY, scatter=False))
def test_view_is_the_references_without_a_copy(case: Case) -> None:
    reference, tiler = tilers(case)
    image = tensor(case.image())
    if not has_view(case.oracle_grid):
        with pytest.raises(TilingError) as wanted:
            reference.view(case.image())
        with pytest.raises(TilingError) as found:
            tiler.view(image)
        assert str(found.value) == str(wanted.value)
        return
    seen = tiler.view(image)
    assert seen.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
    same_bits(array(seen).copy(), reference.view(case.image()).copy())


def test_writing_to_a_view_writes_to_its_image() -> None:
    image = torch.zeros((2, 4, 6), dtype=torch.int16)
    seen = Tiler(2, 1).view(image)
    seen[0, 0, 0, 0, 0] = 5
    assert image[0, 0, 0] == 5
    image[1, 2, 3] = 7
    assert (seen == 7).sum() == 4


@given(cases(dtypes=("float64",), scatter=False))
def test_gradients_flow_through_a_view(case: Case) -> None:
    if not has_view(case.oracle_grid):
        return
    image = torch.zeros(case.shape, dtype=torch.float64, requires_grad=True)
    case.tiler(Tiler).view(image).sum().backward()
    counted = torch.zeros(case.shape, dtype=torch.float64, requires_grad=True)
    case.tiler(Tiler).tile(counted).sum().backward()
    assert image.grad is not None
    assert counted.grad is not None
    same_bits(array(image.grad), array(counted.grad))


NANS = {
    torch.float16: [0x7E01, 0x7D55, 0xFE2A, 0x8000],
    torch.bfloat16: [0x7FC1, 0x7F81, 0xFFAB, 0x8000],
    torch.float32: [0x7FC00001, 0x7F800001, 0xFFABCDEF, 0x80000000],
    torch.float64: [
        0x7FF8000000000001,
        0x7FF0000000000001,
        0xFFFABCDEF0123456,
        1 << 63,
    ],
}


@pytest.mark.parametrize("dtype", NANS)
@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even", "drop"])
@pytest.mark.parametrize("body", BODIES)
def test_every_bit_of_a_nan_is_moved(dtype: torch.dtype, mode: str, body: str) -> None:
    kind = f"u{dtype.itemsize}"
    image = np.array(NANS[dtype] * 5, kind)  # 20 pixels: vectors and a remainder
    settings: dict[str, Any] = {"mode": mode, "pad_mode": "wrap"}
    want = reftiler.Tiler([19], 7, **settings).tile(image)
    given_image = torch.from_numpy(image).view(dtype)
    got = in_body(body, lambda: Tiler([19], 7, **settings).tile(given_image))
    same_bits(array(got).view(kind), want)


CONSTANTS = [
    (1 + 2.0**-11 + 2.0**-40, "float16"),
    (-(1 + 2.0**-11 + 2.0**-40), "float16"),
    (65519, "float16"),
    (65519.996, "float16"),
    (2.0**-25 + 2.0**-60, "float16"),
    (1 + 2.0**-8 + 2.0**-40, "bfloat16"),
    (3.39e38, "bfloat16"),
    (2**100 + 2**92 + 1, "bfloat16"),
    (2**100 + 2**76 + 1, "float32"),
    (-(2**100) - 2**76 - 1, "float32"),
    (2**60 + 2**36 + 1, "float32"),
    (2**60 + 3 * 2**36 - 1, "float32"),
    (3.4028235677973364e38, "float32"),
    (float(np.finfo(np.float32).max), "float32"),
    (2**53 + 1, "float64"),
    (2**53 + 3, "float64"),
    (10**300, "float64"),
    (float(np.finfo(np.float64).max), "float64"),
    (-0.0, "float16"),
    (float("nan"), "bfloat16"),
    (float("-inf"), "float16"),
    (2**64 - 1, "uint64"),
    (2**63, "uint64"),
    (2**53 + 1, "int64"),
    (-(2**63), "int64"),
    (2**32 - 1, "uint32"),
    (True, "bool"),
]


@pytest.mark.parametrize(("value", "dtype"), CONSTANTS)
@pytest.mark.parametrize("body", BODIES)
def test_a_constant_is_rounded_once(value: float, dtype: str, body: str) -> None:
    """Python's number goes straight to the dtype, in padding and in gaps."""
    kind = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    settings = oracle.Settings((4,), (4,), pad_value=value)
    plan = oracle.fitted(settings, (3,))
    want = oracle.tile(plan, np.zeros(3, kind))
    image = tensor(np.zeros(3, kind))
    got = in_body(body, lambda: Tiler([4], pad_value=value).tile(image))
    same_bits(array(got), want, nan="any")
    tiler = Tiler([3], mode="drop", fill=value)
    merged = in_body(body, lambda: tiler.untile(image[None], [4]))
    same_bits(array(merged), want[0], nan="any")
    same_bits(array(tiler.apply(lambda t: t, tensor(want[0]))), want[0], nan="any")


@given(cases(), st.sampled_from(BODIES))
def test_the_grids_of_the_twins_are_exchangeable(case: Case, body: str) -> None:
    reference, tiler = tilers(case)
    assert tiler == reference
    assert hash(tiler) == hash(reference)
    own, other = case.grid(tiler), case.grid(reference)
    assert own == other
    assert own.to_json() == other.to_json()
    read = type(own).from_json(own.to_json())
    want = reference.tile(case.image(), grid=own)
    for grid in (own, other, read):
        got = in_body(body, lambda: tiler.tile(tensor(case.image()), grid=grid))  # noqa: B023
        same_bits(array(got), want)
