"""Cutting tensors: every bit as the definition has it, in every body."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reftiler
from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle.tiling import has_view
from tests.backends import tile_agrees
from tests.cases import Case
from tests.corners import constants
from tests.strategies import MODES, NUMBERS, cases
from tests.tensors import BACKENDS, BODIES, array, in_body, tensor, tilers

EVERY = (*NUMBERS, "bfloat16", "complex64", "complex128")
METHODS = ("tile", "view", "untile", "apply", "grid", "random", "scatter", "__init__")


@pytest.mark.parametrize("method", METHODS)
def test_both_tilers_take_the_same_arguments(method: str) -> None:
    kinds = [
        [
            (p.name, p.kind, p.default)
            for p in inspect.signature(found).parameters.values()
        ]
        for found in (getattr(reftiler.Tiler, method), getattr(Tiler, method))
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("body", BACKENDS)
@given(case=cases(dtypes=EVERY), out=st.booleans(), data=st.data())
def test_tile_is_the_definition(
    body: str, case: Case, out: bool, data: st.DataObject
) -> None:
    backend = BACKENDS[body]
    layout = data.draw(st.sampled_from(sorted(backend.layouts)))
    tile_agrees(backend, case, layout, out=out)


@pytest.mark.parametrize("body", BACKENDS)
def test_a_pad_value_is_rounded_once(body: str) -> None:
    for case in constants(halves=True):
        tile_agrees(BACKENDS[body], case)


@given(cases(dtypes=EVERY[:-1], scatter=False))
def test_view_is_the_references_without_a_copy(case: Case) -> None:
    if case.dtype == "bfloat16":
        return
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
@pytest.mark.parametrize("body", BODIES)
def test_every_bit_of_a_nan_is_moved(dtype: torch.dtype, body: str) -> None:
    kind = f"u{dtype.itemsize}"
    image = np.array(NANS[dtype] * 5, kind)  # 20 pixels: vectors and a remainder
    given_image = torch.from_numpy(image).view(dtype)
    for mode in MODES:
        settings: dict[str, Any] = {"mode": mode, "pad_mode": "wrap"}
        want = reftiler.Tiler([19], 7, **settings).tile(image)
        tiler = Tiler([19], 7, **settings)
        got = in_body(body, lambda: tiler.tile(given_image))  # noqa: B023
        same_bits(array(got).view(kind), want)


@given(cases(), st.sampled_from(BODIES))
def test_the_grids_of_both_are_exchangeable(case: Case, body: str) -> None:
    reference, tiler = tilers(case)
    assert tiler == reference
    assert hash(tiler) == hash(reference)
    own, other = case.grid(tiler), case.grid(reference)
    assert own == other
    assert own.to_json() == other.to_json()
    read = type(own).from_json(own.to_json())
    want = reference.tile(case.image(), grid=own)
    for grid in (other, read):
        got = in_body(body, lambda: tiler.tile(tensor(case.image()), grid=grid))  # noqa: B023
        same_bits(array(got), want)


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
