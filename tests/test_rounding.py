"""The definition's rounding against literals, and against the struct module."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler_conformance import oracle
from reftiler_conformance.oracle.rounding import (
    DTypeInfo,
    NanError,
    UnfitError,
    dtype_info,
)

ROUNDED = [
    # rounded through float32 it would be a tie, and lost
    ("float16", 1 + 2.0**-11 + 2.0**-40, 0x3C01),
    ("bfloat16", 1 + 2.0**-8, 0x3F80),
    ("bfloat16", 1 + 3 * 2.0**-8, 0x3F82),
    ("bfloat16", 1 + 2.0**-8 + 2.0**-40, 0x3F81),
    ("bfloat16", 3.4e38, 0x7F80),
    ("uint8", 0.5, 0),
    ("uint8", 1.5, 2),
    ("uint8", 2.5, 2),
    ("uint8", 255.5, 255),
    ("uint8", 1e300, 255),
    ("uint8", -0.6, 0),
    ("uint8", -math.inf, 0),
    ("int8", -1.5, 0xFE),
    ("int8", -128.6, 0x80),
    ("int8", math.inf, 0x7F),
    ("int64", 2.0**63, 2**63 - 1),
    ("int64", -(2.0**63), 2**63),
    ("uint64", 2.0**64, 2**64 - 1),
    ("uint64", 2.0**53 + 2, 2**53 + 2),
]
CORNERS = (
    # ties, the last number that is not infinity, subnormals
    *(2049.0, 2051.0, 65519.99, 65520.0, -65520.0, 1e300, 2.0**-25, -(2.0**-25)),
    *(2.0**-25 + 2.0**-60, 3 * 2.0**-25, 2.0**-14 - 2.0**-26, -0.0, math.inf),
    *(1 + 2.0**-24, 1 + 3 * 2.0**-24, 2.0**-150, 2.0**-149, 3.5e38, 0.1, 5e-324),
)


def kind(name: str) -> DTypeInfo:
    dtype = oracle.BFLOAT16 if name == "bfloat16" else np.dtype(name)
    found = dtype_info(dtype)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "value", "bits"), ROUNDED)
def test_rounding(name: str, value: float, bits: int) -> None:
    assert kind(name).round(value) == bits


def rounds_as_struct_does(value: float) -> None:
    for name, code in (("float16", "<e"), ("float32", "<f"), ("float64", "<d")):
        try:
            bits = int.from_bytes(struct.pack(code, value), "little")
        except OverflowError:
            bits = kind(name).round(math.copysign(math.inf, value))
        if not math.isnan(value):
            assert kind(name).round(value) == bits


@given(st.floats() | st.floats(-70000, 70000) | st.floats(-1e-4, 1e-4))
def test_rounding_agrees_with_the_struct_module(value: float) -> None:
    rounds_as_struct_does(value)


def test_corners_are_rounded_as_the_struct_module_does() -> None:
    for value in CORNERS:
        rounds_as_struct_does(value)


@given(st.integers(0, 2**16 - 1))
def test_reading_undoes_rounding_for_every_bfloat16_and_float16(bits: int) -> None:
    for name in ("bfloat16", "float16"):
        value = kind(name).read(bits)
        if not math.isnan(value):
            assert kind(name).round(value) == bits
    bfloat = struct.unpack("<f", struct.pack("<I", bits << 16))[0]
    assert repr(kind("bfloat16").read(bits)) == repr(bfloat).replace("-nan", "nan")


def test_a_nan_is_no_integer_and_constants_must_fit() -> None:
    with pytest.raises(NanError):
        kind("uint8").round(math.nan)
    for name, value in [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", 0.5),
        ("int8", 128),
        ("int8", math.nan),
        ("int64", 2**63),
        ("uint64", math.inf),
        ("int8", -0.0),
        ("bool", -0.0),
        ("bool", 2),
        ("float16", 65520),
        ("float32", 10**400),
    ]:
        with pytest.raises(UnfitError):
            kind(name).constant(value)
    assert kind("int8").constant(-1) == 0xFF
    assert kind("float16").constant(65519) == 0x7BFF
    assert kind("float16").constant(math.inf) == 0x7C00
    assert kind("float32").constant(-0.0) == 0x80000000
    assert kind("float32").constant(True) == 0x3F800000
    assert kind("bool").constant(1.0) == 1
