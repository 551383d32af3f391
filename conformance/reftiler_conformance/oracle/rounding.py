"""Numbers and the bytes that hold them: reading, writing and the one rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from reftiler_conformance.oracle.settings import Number

# Numpy has no bfloat16: arrays of this type carry its bits.
BFLOAT16 = np.dtype([("bfloat16", "<u2")])
# The bits of the exponent and of the mantissa, by the size in bytes.
FLOATS = {2: (5, 10), 4: (8, 23), 8: (11, 52)}


class NanError(ValueError):
    """A NaN was to become an integer."""


class UnfitError(ValueError):
    """A constant does not fit the type."""


@dataclass(frozen=True)
class DTypeInfo:
    """A type of number: what it is, its bytes, and a float's two fields."""

    name: str  # "bool", "signed", "unsigned" or "float"
    size: int
    exponent: int = 0
    mantissa: int = 0

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest integer."""
        if self.name == "signed":
            return -(1 << 8 * self.size - 1), (1 << 8 * self.size - 1) - 1
        return 0, (1 << 8 * self.size) - 1

    def read(self, bits: int) -> Number:
        """Return the number that the bits hold, exactly."""
        if self.name == "bool":
            return bits != 0
        if self.name == "unsigned":
            return bits
        if self.name == "signed":
            return bits - (1 << 8 * self.size) if bits > self.limits[1] else bits
        return read_float(bits, self.exponent, self.mantissa)

    def round(self, value: float) -> int:
        """Return the bits of the nearest number of this kind, ties to even."""
        if self.name == "float":
            return round_to_float(value, self.exponent, self.mantissa)
        if self.name == "bool":
            raise ValueError("nothing is rounded to bool")
        if math.isnan(value):  # ROUND-005
            raise NanError(f"a NaN cannot become {self.name} of {self.size} bytes")
        return saturated(value, *self.limits) % (1 << 8 * self.size)

    def constant(self, value: Number) -> int:
        """Return the bits of a pad value or a fill, which must be representable."""
        if self.name == "float":
            bits = round_to_float(value, self.exponent, self.mantissa)
            if is_finite(value) and not is_finite(self.read(bits)):
                raise UnfitError(f"{value} would become infinite")
            return bits
        low, high = (0, 1) if self.name == "bool" else self.limits
        if is_negative_zero(value):
            raise UnfitError("there is no -0.0: its sign would be lost")
        if not is_finite(value) or value != int(value) or not low <= value <= high:
            raise UnfitError(f"{value} is not within {low}..{high}")
        return int(value) % (1 << 8 * self.size)


def dtype_info(dtype: np.dtype[Any]) -> DTypeInfo | None:
    """Return the kind of number that a dtype holds; None if untile refuses it."""
    if dtype == BFLOAT16:
        return DTypeInfo("float", 2, 8, 7)
    if dtype.kind == "f" and dtype.itemsize in FLOATS:
        return DTypeInfo("float", dtype.itemsize, *FLOATS[dtype.itemsize])
    names = {"b": "bool", "i": "signed", "u": "unsigned"}
    if dtype.kind in names and dtype.itemsize <= 8:
        return DTypeInfo(names[dtype.kind], dtype.itemsize)
    return None


def saturated(value: float, low: int, high: int) -> int:
    """Return the nearest whole number within limits: ROUND-004."""
    if math.isinf(value):
        return low if value < 0 else high
    return min(max(nearest_whole(value), low), high)


def nearest_whole(value: float) -> int:
    """Return the nearest whole number, ties to even: ROUND-003."""
    return round(Fraction(value))


def read_float(bits: int, exponent_bits: int, mantissa_bits: int) -> float:
    """Return the value of a float whose fields have these sizes."""
    bias = (1 << exponent_bits - 1) - 1
    rest, mantissa = divmod(bits, 1 << mantissa_bits)
    sign, exponent = divmod(rest, 1 << exponent_bits)
    if exponent == (1 << exponent_bits) - 1:
        value = math.nan if mantissa else math.inf
    elif exponent == 0:  # subnormal: no hidden bit
        value = math.ldexp(mantissa, 1 - bias - mantissa_bits)
    else:
        hidden = 1 << mantissa_bits
        value = math.ldexp(hidden + mantissa, exponent - bias - mantissa_bits)
    return -value if sign else value


def round_to_float(value: Number, exponent_bits: int, mantissa_bits: int) -> int:
    """Return the bits of the nearest float with these fields, ties to even."""
    bias = (1 << exponent_bits - 1) - 1
    infinity = (1 << exponent_bits) - 1 << mantissa_bits
    sign = 1 << exponent_bits + mantissa_bits
    if isinstance(value, float) and math.isnan(value):
        return infinity + (1 << mantissa_bits - 1)
    negative = value < 0 or is_negative_zero(value)
    bits = infinity
    if is_finite(value):
        bits = round_magnitude(abs(Fraction(value)), bias, mantissa_bits)
    return min(bits, infinity) + (sign if negative else 0)


def is_negative_zero(value: Number) -> bool:
    """Say whether a number is -0.0, which equals 0 but is not it."""
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def is_finite(value: Number) -> bool:
    """Say whether a number is finite, even an integer too long for a float."""
    return not isinstance(value, float) or math.isfinite(value)


def round_magnitude(value: Fraction, bias: int, mantissa_bits: int) -> int:
    """Return the bits of a float that is not negative, were there no infinity."""
    if value == 0:
        return 0
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if Fraction(2) ** exponent > value:
        exponent -= 1
    exponent = max(exponent, 1 - bias)  # below it, subnormals have equal steps
    step = Fraction(2) ** (exponent - mantissa_bits)
    # The hidden bit adds 1 to the exponent's field, and so does a carry.
    return (exponent + bias - 1 << mantissa_bits) + round(value / step)
