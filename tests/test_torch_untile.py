"""Merging tensors: every bit as the definition has it, in every body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backends import untile_agrees
from tests.cases import MergeCase
from tests.corners import (
    EVERY_KIND,
    WRITTEN,
    fills,
    into_every_dtype,
    short_floats,
)
from tests.strategies import NUMBERS, merges
from tests.tensors import BACKENDS

EVERY = (*NUMBERS, "bfloat16")
FLOATS = ("float16", "bfloat16", "float32", "float64")
WIDE = ("int64", "uint64", "int32", "uint32", "uint16")
DTYPES = {"any": EVERY, "floats": FLOATS, "long integers": WIDE}


@pytest.mark.parametrize("body", BACKENDS)
@pytest.mark.parametrize("dtypes", DTYPES)
@given(data=st.data(), out=st.booleans())
def test_untile_is_the_definition(
    body: str, dtypes: str, data: st.DataObject, out: bool
) -> None:
    backend, merge = (
        BACKENDS[body],
        data.draw(
            merges(
                dtypes=DTYPES[dtypes],
                goals=EVERY,
                weighed=BACKENDS[body].takes_weights,
            )
        ),
    )
    layout = data.draw(st.sampled_from(sorted(backend.layouts)))
    untile_agrees(backend, merge, layout, out=out)


@pytest.mark.parametrize("body", BACKENDS)
def test_every_kind_of_merge(body: str) -> None:
    for merge in EVERY_KIND:
        untile_agrees(BACKENDS[body], merge)


@pytest.mark.parametrize("body", BACKENDS)
@pytest.mark.parametrize("source", EVERY)
def test_every_pair_of_dtypes(source: str, body: str) -> None:
    for merge in into_every_dtype(source):
        untile_agrees(BACKENDS[body], merge)


@pytest.mark.long
@pytest.mark.parametrize("body", BACKENDS)
def test_numbers_that_are_odd(body: str) -> None:
    cases: list[MergeCase] = [*WRITTEN, *short_floats(), *fills(halves=True)]
    for merge in cases:
        untile_agrees(BACKENDS[body], merge)
