"""Merging tensors: every bit as the reference merges arrays, in both bodies."""

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
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.strategies import NUMBERS, merges
from tests.tensors import BODIES, array, dtype_of, in_body, tensor, tilers

FLOATS = ("float16", "float32", "float64")


def settings_of(merge: MergeCase) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what else untile is told: the reference's and torch's."""
    scale = dict(merge.scale_argument())
    if merge.result is None:
        return scale, scale
    names = {"dtype": merge.result}, {"dtype": dtype_of(merge.result)}
    return {**scale, **names[0]}, {**scale, **names[1]}


def judge(merge: MergeCase) -> Any:
    """Return what the reference makes of it; None where a NaN cannot be an integer."""
    case, (reference, _) = merge.case, tilers(merge.case)
    grid = case.grid(reference) if case.is_irregular else None
    ours, _ = settings_of(merge)
    try:
        return reference.untile(merge.tiles(), case.shape, grid, **ours)
    except TilingError as refused:
        if "NaN" not in str(refused):
            raise
        return None


def agree(merge: MergeCase, body: str, want: Any) -> None:
    """Fail unless torch merges to what the reference does, or refuses as it does."""
    case, (_, tiler) = merge.case, tilers(merge.case)
    grid = case.grid(tiler) if case.is_irregular else None
    _, theirs = settings_of(merge)
    tiles = tensor(merge.tiles())

    def call() -> Any:
        return tiler.untile(tiles, case.shape, grid, **theirs)

    if want is None:
        with pytest.raises(TilingError, match="NaN"):
            in_body(body, call)
        return
    got = in_body(body, call)
    same_bits(array(got), want, nan="any")
    assert got.is_contiguous()
    same_bits(array(tiles), merge.tiles())  # untouched


@given(merges())
def test_untile_is_the_references(merge: MergeCase) -> None:
    want = judge(merge)
    for body in BODIES:
        agree(merge, body, want)


@given(merges(dtypes=FLOATS, convert=False))
def test_untile_of_floats_is_the_references(merge: MergeCase) -> None:
    want = judge(merge)
    for body in BODIES:
        agree(merge, body, want)


@given(merges(dtypes=("int64", "uint64", "int32", "uint32", "uint16")))
def test_untile_of_long_integers_is_the_references(merge: MergeCase) -> None:
    want = judge(merge)
    for body in BODIES:
        agree(merge, body, want)


@given(merges(dtypes=FLOATS, convert=False))
def test_untile_of_what_requires_grad(merge: MergeCase) -> None:
    case, (_, tiler) = merge.case, tilers(merge.case)
    tiles = tensor(merge.tiles()).requires_grad_()
    scale = merge.scale_argument()
    got = tiler.untile(tiles, case.shape, case.grid(tiler), **scale)
    assert got.requires_grad
    same_bits(array(got), judge(merge), nan="any")


GOALS = ("uint8", "int8", "float16", "float32", "int32", "uint32", "int64", "uint64")


@given(merges(dtypes=("float32", "float64", "int64", "uint64", "float16")))
def test_conversions_are_the_references(merge: MergeCase) -> None:
    case = replace(merge.case, settings=replace(merge.case.settings, fill=3))
    for result in GOALS:
        goal = MergeCase(case, merge.channels, merge.scale, result)
        want = judge(goal)
        for body in BODIES:
            agree(goal, body, want)


@given(merges(dtypes=("bool",)), st.sampled_from(NUMBERS))
def test_bools_become_numbers_as_the_references(merge: MergeCase, goal: str) -> None:
    case = replace(merge.case, settings=replace(merge.case.settings, fill=1))
    merge = MergeCase(case, merge.channels, merge.scale, goal)
    want = judge(merge)
    for body in BODIES:
        agree(merge, body, want)


@given(merges(), st.booleans())
def test_out_receives_the_result(merge: MergeCase, gapped: bool) -> None:
    case, (_, tiler) = merge.case, tilers(merge.case)
    grid, want = case.grid(tiler), judge(merge)
    if want is None:
        return
    _, theirs = settings_of(merge)
    room = tensor(np.ones((*want.shape, 3), np.uint8)).to(tensor(want).dtype)
    out = room[..., 1] if gapped else room[..., 1].clone()
    tiles = tensor(merge.tiles())
    assert tiler.untile(tiles, case.shape, grid, **theirs, out=out) is out
    same_bits(array(out).copy(), want, nan="any")
    beside = array(room[..., ::2].clone())
    same_bits(beside, np.ones_like(beside))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("merge", ["mean", "max", "min"])
def test_nan_into_an_integer_says_so(body: str, merge: str) -> None:
    tiles = torch.full((4, 4, 4), torch.nan)
    tiler = Tiler(4, merge=merge)
    with pytest.raises(TilingError, match=r"NaN.*uint8"):
        in_body(body, lambda: tiler.untile(tiles, (8, 8), dtype=torch.uint8))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("settings", [{"merge": "first"}, {"nan": "omit"}])
def test_a_nan_that_is_not_taken_is_no_concern(
    body: str, settings: dict[str, Any]
) -> None:
    tiler = Tiler([4], fill=9, **settings)
    grid = tiler.scatter([7], [[0], [1]])
    tiles = torch.tensor([[1.0, 2, 3, 4], [torch.nan, 2, 3, 8]])
    want = [1, 2, 2, 4, 8, 9, 9] if settings.get("nan") else [1, 2, 3, 4, 8, 9, 9]

    def merged() -> Any:
        return tiler.untile(tiles, [7], grid, dtype=torch.uint8)

    assert in_body(body, merged).tolist() == want


@pytest.mark.parametrize("body", BODIES)
def test_negative_zero_survives_and_infinities_meet(body: str) -> None:
    tiler = Tiler([2], 1)
    tiles = torch.tensor([[-0.0, -0.0], [-0.0, torch.inf], [-torch.inf, 1.0]])
    got = in_body(body, lambda: tiler.untile(tiles, [4]))
    want = np.array([-0.0, -0.0, np.nan, 1.0], np.float32)
    same_bits(array(got), want, nan="any")
    for merge, zero in (("max", 0.0), ("min", -0.0)):
        tiler = Tiler([2], 1, merge=merge)
        for pair in ((0.0, -0.0), (-0.0, 0.0)):
            tiles = torch.tensor([[1.0, pair[0]], [pair[1], 1.0]])
            got = in_body(body, lambda: tiler.untile(tiles, [3]))  # noqa: B023
            same_bits(array(got), np.array([1.0, zero, 1.0], np.float32))


@pytest.mark.parametrize("body", BODIES)
def test_sums_go_in_ascending_order(body: str) -> None:
    tiler = Tiler([3], 1, merge="mean")
    for values in ((1e16, 1.0, -1e16), (1e16, -1e16, 1.0), (1.0, 1e16, -1e16)):
        tiles = torch.zeros((3, 3), dtype=torch.float64)
        for k, value in enumerate(values):
            tiles[k, 2 - k] = value  # they meet in pixel 2
        got = in_body(body, lambda: tiler.untile(tiles, [5]))  # noqa: B023
        assert got[2].item() == ((values[0] + values[1]) + values[2]) / 3


@pytest.mark.parametrize("body", BODIES)
def test_integers_saturate_and_ties_go_to_even(body: str) -> None:
    tiler = Tiler([1])
    values = [0.5, 1.5, 2.5, -0.5, 254.5, 255.5, 300.0, -9.0, 1e300, -1e300]
    values += [2.0**31, 2.0**32, 2.0**63, 2.0**64, -(2.0**63), -(2.0**65), torch.inf]
    tiles = torch.tensor(values, dtype=torch.float64)[:, None]
    reference = reftiler.Tiler([1])
    for name in ("uint8", "int8", "uint16", "int32", "uint32", "int64", "uint64"):
        want = reference.untile(tiles.numpy(), [len(values)], dtype=name)
        goal = dtype_of(name)
        got = in_body(
            body,
            lambda: tiler.untile(tiles, [len(values)], dtype=goal),  # noqa: B023
        )
        same_bits(array(got), want)
