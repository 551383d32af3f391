"""The dtypes that untiling takes, by name, and what each can hold.

Names stand for dtypes, because both backends need the same rules: ``float32`` is
``numpy.float32`` and ``torch.float32``.
"""

import math
from fractions import Fraction
from typing import Any

from reftiler.errors import TilingError
from reftiler.validation import Real

INTEGERS = {
    f"{sign}int{bits}": (
        (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}

# The least magnitude that rounds to infinity: half a step above the largest number.
OVERFLOW_THRESHOLD = {
    "float16": Fraction(2**16 - 2**4),
    "bfloat16": Fraction(2**128 - 2**119),
    "float32": Fraction(2**128 - 2**103),
    "float64": Fraction(2**1024 - 2**970),
}

# Floats hold every whole number up to this magnitude.
EXACT_INTEGERS = {
    "float16": 2**11,
    "bfloat16": 2**8,
    "float32": 2**24,
    "float64": 2**53,
}

MERGEABLE = ("bool", *INTEGERS, "float16", "float32", "float64")


def name_of(dtype: Any) -> str:
    """Return a dtype's name, which numpy and torch share."""
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def is_nonfinite(value: Real) -> bool:
    """Tell whether ``value`` is NaN or infinite; ints of any size are neither."""
    return isinstance(value, float) and not math.isfinite(value)


def check_mergeable(dtype: str, what: str, known: tuple[str, ...] = MERGEABLE) -> None:
    """Refuse a dtype that ``untile`` cannot average exactly, by name."""
    if dtype not in known:  # TYPE-004, TYPE-005
        raise TilingError(
            f"{what} cannot be {dtype}: untile takes {', '.join(known)}; convert first"
        )


def check_representable(value: Real, dtype: str, name: str) -> None:
    """Refuse a number that ``dtype`` cannot hold.

    Integers hold it exactly; floats round it, but never from finite to infinity. Of a
    dtype that is not a real number only zero is known.
    """
    if dtype in ("bool", *INTEGERS):  # VALUE-001, VALUE-002
        low, high = (0, 1) if dtype == "bool" else INTEGERS[dtype]
        fits = isinstance(value, int) and low <= value <= high
        room = f"it holds the whole numbers {low} to {high}"
    elif dtype in OVERFLOW_THRESHOLD:  # VALUE-003
        fits = is_nonfinite(value) or abs(Fraction(value)) < OVERFLOW_THRESHOLD[dtype]
        room = "it would become infinite"
    else:  # VALUE-004
        fits, room = isinstance(value, int) and value == 0, "only 0 has a meaning there"
    if not fits:  # VALUE-005
        raise TilingError(f"{name}={value!r} does not fit {dtype}: {room}")


def holds_all(dtype: str, source: str) -> bool:
    """Tell whether ``dtype`` holds every value of an integer dtype, or of bool."""
    if dtype == source:
        return True
    low, high = INTEGERS.get(source, (0, 1))
    if dtype in EXACT_INTEGERS:
        return max(-low, high) <= EXACT_INTEGERS[dtype]
    least, most = INTEGERS.get(dtype, (0, 0))
    return least <= low and high <= most


def round_to_odd(value: Real, dtype: str) -> float:
    """Return the float64 that rounds to ``dtype`` as ``value`` itself does.

    An int of more than 53 bits is rounded to odd, so that no tie appears on the way.
    """
    near = float(value)
    if dtype == "float64" or near == value or math.isnan(near):
        return near
    mantissa = int(near / math.ulp(near))
    if mantissa % 2:
        return near
    return math.nextafter(near, math.inf if value > near else -math.inf)


def nan_in_integers(dtype: str) -> TilingError:
    """Return the error for a NaN that would have to become an integer (ROUND-005)."""
    return TilingError(
        f"some pixels are NaN, which {dtype} cannot hold: use a float dtype, or "
        "replace NaN in the tiles"
    )


def check_conversion(source: str, target: str) -> None:
    """Refuse results that no rule defines: a bool of something else than bools."""
    if target == "bool" and source != "bool":  # TYPE-007
        raise TilingError(
            f"dtype=bool needs bool tiles, got {source}: compare with a threshold "
            "before untile or after it"
        )
