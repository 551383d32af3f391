"""The comparison itself must be able to fail."""

from __future__ import annotations

import numpy as np
import pytest

from reftiler_conformance.compare import same_bits

NAN = np.array([0x7FC00000, 0x7FC00001, 0xFFC00000, 0x3F800000], np.uint32)


@pytest.mark.parametrize(
    ("got", "want", "says"),
    [
        ([1, 2], np.array([1, 2]), "type"),
        (np.ma.array([1, 2]), np.array([1, 2]), "type"),
        (np.array([1, 2], np.int32), np.array([1, 2], np.int64), "dtype"),
        (np.array([1.0], ">f4"), np.array([1.0], "<f4"), "dtype"),
        (np.array([1, 2]), np.array([[1, 2]]), "shape"),
        (np.array([1]), np.array([1, 1]), "shape"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "empty"),
        (np.array([1, 2]), np.array([1, 3]), r"1 of 2 differ; the first, at \(1,\)"),
        (np.array([0.0]), np.array([-0.0]), "differ"),
        (np.array([True]), np.array([False]), "differ"),
        (np.array([b"ab"]), np.array([b"ac"]), "differ"),
    ],
)
def test_different_arrays_fail(got: object, want: np.ndarray, says: str) -> None:
    for nan in ("bits", "any"):
        with pytest.raises((AssertionError, ValueError), match=says):
            same_bits(got, want, nan=nan)
    if "empty" not in says:
        same_bits(want, want.copy(order="F"))


def test_a_nan_equals_another_where_payloads_are_free_and_a_number_never() -> None:
    first, *others, number = np.split(NAN.view(np.float32), 4)
    for other in others:
        same_bits(first, other, nan="any")
        with pytest.raises(AssertionError, match="1 of 1 differ"):
            same_bits(first, other)
    for got, want in [(first, number), (number, first)]:
        with pytest.raises(AssertionError, match="1 of 1 differ"):
            same_bits(got, want, nan="any")
