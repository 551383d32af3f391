"""How far the rounding of any order of summation can take a mean from the exact one.

A subject that is not ``exact`` may add in any order, in the coarsest float type that
the tiles or the result allow, with a unit roundoff u. The model is that of every
textbook: each operation is right but for a factor 1 + d, ``|d| <= u``, so that n of
them are right but for ``n u / (1 - n u)``. Of a pixel in which k tiles take part:

- without weights, k - 1 additions, one division (or two, by way of a reciprocal), one
  rounding to the result: n = k + 2, and one more for integers that become floats;
- with weights of rank R, both sums, 2 (k - 1); each weight, above and below the line,
  2 (2R - 1), for it is R numbers rounded and R - 1 products; the product ``w v``, the
  division and the result, 3: n = 2k + 4R - 1, and one more for integers.

All this is relative to ``sum |w v| / sum w``. What underflows adds one smallest
subnormal, and rounding to a whole number adds a half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.slices import coverage_of

Array = npt.NDArray[Any]

DOUBLE = 2.0**-53
"""The unit roundoff of float64, in which the exact mean is reckoned."""

SINGLE = 2.0**-24
"""The unit roundoff of float32."""


def allowance(case: Case, size: Array, least: float = 0.0) -> Array:
    """
    Return how far each pixel of a merge may be from its mean, reckoned in float64.

    Parameters
    ----------
    case
        Whose tiles were merged.
    size
        ``sum |w v| / sum w`` of each pixel.
    least
        The unit roundoff to reckon with at least.
    """
    count, kind = coverage_of(case), case.numpy_dtype
    steps = count + 2
    if case.window != "box":
        steps = 2 * count + 4 * case.rank - 1
    if kind.kind != "f" and kind != BFLOAT16:
        steps = steps + 1
    unit_of_result, smallest = precision(case.result_dtype)
    unit = max(precision(kind)[0], unit_of_result, least)
    with np.errstate(all="ignore"):
        found: Array = (drift(steps, unit) + drift(steps, DOUBLE)) * size
    return found + smallest


def drift(steps: Array, unit: float) -> Array:
    """Return by what factor so many roundings may be wrong; without end if too many."""
    lost = steps * unit
    with np.errstate(all="ignore"):
        found: Array = np.where(lost < 1, lost / (1 - lost), np.inf)
    return found


def precision(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the unit roundoff and the smallest subnormal of a dtype.

    Integers may be added as float32, and nothing of them underflows.
    """
    if dtype == BFLOAT16:
        return 2.0**-8, 2.0**-133
    if dtype.kind != "f":
        return SINGLE, 0.0
    info = np.finfo(dtype)
    return float(info.eps) / 2, float(info.smallest_subnormal)
