"""Comparing what came back with what is right; what differs is a `Mismatch`.

*bits*: type, dtype, shape and every byte. *numbers*: the values alone, whatever the
dtype, so that a lost dtype is one failure and not a hundred. *merge*: within what the
rounding of any order of summation can do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.expected import expected_merge, merge_of
from reftiler_conformance.features import MEANS
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.slices import coverage_of, values

Index = tuple[int, ...]

DOUBLE = 2.0**-53  # the unit roundoff of float64, in which the exact mean is reckoned
SINGLE = 2.0**-24  # the unit roundoff of float32


class Mismatch(AssertionError):  # noqa: N818 - it is a finding
    """What came back is not right, where ``mask`` says; of another clause, if named."""

    def __init__(
        self, message: str, mask: Array | None = None, clause: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.mask, self.clause = message, mask, clause

    def __str__(self) -> str:
        """Say what differs."""
        return self.message


def same_shape(got: Array, want: Array) -> None:
    """Fail unless two arrays have the same shape, and hold something."""
    if got.shape != want.shape:
        raise Mismatch(f"the shape is {got.shape}, should be {want.shape}")
    if want.size == 0:
        raise ValueError("an empty comparison proves nothing")


def same_dtype(got: Array, want: np.dtype[Any]) -> None:
    """Fail unless an array has a dtype, byte order included."""
    if got.dtype != want:
        raise Mismatch(f"the dtype is {name_of(got.dtype)}, should be {name_of(want)}")


def same_bits(
    got: object,
    want: Array,
    *,
    nan: Literal["bits", "any"] = "bits",
    where: Array | bool = True,
) -> None:
    """Fail unless two arrays are equal in type, dtype, shape and every bit.

    ``nan="any"`` leaves the sign and payload of a NaN free.
    """
    if type(got) is not np.ndarray:
        raise Mismatch(f"the type is {type(got).__name__}, should be ndarray")
    same_dtype(got, want.dtype)
    same_shape(got, want)
    if got.tobytes() == want.tobytes():  # as it mostly is, and cheap in memory
        return
    wrong = bits_differ(got, want)
    if nan == "any":
        wrong &= ~(is_nan(got) & is_nan(want))
    _report(wrong & where, got, want)


def same_numbers(got: Array, want: Array, *, where: Array | bool = True) -> None:
    """Fail unless two arrays hold the same numbers, whatever their dtypes."""
    same_shape(got, want)
    if got.dtype == want.dtype or not (_is_real(got) and _is_real(want)):
        same_bits(got, want, nan="any", where=where)
    else:
        _report(~_equal(got, want) & where, got, want)


def same_merge(
    got: Array,
    case: Case,
    tiles: Array | None = None,
    *,
    half: float = 0.5,
    least: float = 0.0,
    where: Array | bool = True,
) -> None:
    """Fail unless a merge is right within `allowance`; extremes to the bit.

    The dtype is left aside.
    """
    given = case.tiles() if tiles is None else tiles
    want = expected_merge(case) if tiles is None else merge_of(case, tiles)
    if case.merge not in MEANS or want.dtype.kind == "b":
        same_numbers(got, want, where=where)
        return
    wide = replace(case, result="float64")
    with np.errstate(all="ignore"):
        exact, size = merge_of(wide, given), merge_of(wide, np.abs(values(given)))
    _near(got, want, exact, allowance(case, size, half, least), where)


def same_near(
    got: Array, image: Array, case: Case, *, where: Array | bool = True
) -> None:
    """Fail unless merged tiles of an image are the image, as `same_merge` says."""
    exact = values(image)
    _near(got, image, exact, allowance(case, np.abs(exact)), where)


def _near(
    got: Array, want: Array, exact: Array, slack: Array, where: Array | bool
) -> None:
    """Fail unless what came back is right, or within the slack of the exact mean."""
    same_shape(got, want)
    with np.errstate(all="ignore"):
        near = np.abs(values(got) - exact) <= slack
    _report(~(near | _equal(got, want)) & where, got, want)


def allowance(case: Case, size: Array, half: float = 0.5, least: float = 0.0) -> Array:
    """Return how far each pixel of a merge may be from its mean, reckoned in float64.

    A subject that is not ``exact`` may add in any order, in the coarsest float type
    that the tiles or the result allow, with a unit roundoff u of at least ``least``.
    By the textbooks' model n operations are right but for ``n u / (1 - n u)``, relative
    to ``size``, which is ``sum |w v| / sum w``. Of a pixel of k tiles n is

    - without weights, k - 1 additions, one division (or two, by way of a reciprocal),
      one rounding to the result: k + 2;
    - with weights of rank R, both sums, 2 (k - 1); each weight above and below the
      line, 2 (2R - 1); ``w v``, the division, the result: 2k + 4R - 1;
    - and one more for integers that become floats.

    What underflows adds one smallest subnormal, rounding to a whole number ``half``.
    """
    count, kind = coverage_of(case), case.numpy_dtype
    steps = count + 2
    if case.window != "box":
        steps = 2 * count + 4 * case.rank - 1
    if kind.kind != "f" and kind != BFLOAT16:
        steps = steps + 1
    unit_of_result, smallest = _precision(case.result_dtype)
    unit = max(_precision(kind)[0], unit_of_result, least)
    with np.errstate(all="ignore"):
        found: Array = (_drift(steps, unit) + _drift(steps, DOUBLE)) * size
    return found + smallest + (half if case.result_dtype.kind in "iu" else 0.0)


def _drift(steps: Array, unit: float) -> Array:
    """Return by what factor so many roundings may be wrong; without end if too many."""
    lost = steps * unit
    with np.errstate(all="ignore"):
        found: Array = np.where(lost < 1, lost / (1 - lost), np.inf)
    return found


def _precision(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the unit roundoff and the smallest subnormal; integers add as float32."""
    if dtype == BFLOAT16:
        return 2.0**-8, 2.0**-133
    if dtype.kind != "f":
        return SINGLE, 0.0
    info = np.finfo(dtype)
    return float(info.eps) / 2, float(info.smallest_subnormal)


def is_nan(array: Array) -> Array:
    """Say where an array holds NaN."""
    if array.dtype == BFLOAT16:
        return np.isnan(values(array))
    if array.dtype.kind in "fc":
        return np.isnan(array)
    return np.zeros(array.shape, bool)


def name_of(dtype: np.dtype[Any]) -> str:
    """Return the name by which a dtype is known."""
    return "bfloat16" if dtype == BFLOAT16 else str(dtype)


def _is_real(array: Array) -> bool:
    return array.dtype.kind in "biuf" or array.dtype == BFLOAT16


def _equal(got: Array, want: Array) -> Array:
    left, right = values(got), values(want)
    same: Array = (left == right) | (np.isnan(left) & np.isnan(right))
    return same


def _report(wrong: Array, got: Array, want: Array) -> None:
    """Raise `Mismatch` where something is wrong."""
    if not wrong.any():
        return
    first = first_of(wrong)
    raise Mismatch(
        f"{int(wrong.sum())} of {want.size} differ; the first, at {first}, "
        f"is {item(got, first)}, should be {item(want, first)}",
        wrong,
    )


def bits_differ(got: Array, want: Array) -> Array:
    """Say where two arrays of one shape and dtype differ in a bit."""
    raw = [
        np.frombuffer(a.tobytes(), np.uint8).reshape(a.size, -1) for a in (got, want)
    ]
    wrong: Array = (raw[0] != raw[1]).any(axis=-1).reshape(want.shape)
    return wrong


def first_of(wrong: Array) -> Index:
    """Return the index of the first item that is wrong."""
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def item(array: Array, index: Index) -> str:
    """Return one item as text that tells it from its neighbours."""
    if array.dtype == BFLOAT16:
        return str(values(array[index].reshape(1))[0])
    value: Any = array[index]
    return str(value) if array.dtype.kind in "biufcmM" else repr(value.item())
