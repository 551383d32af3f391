"""Where a result is wrong, and what stands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.compare import values
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.reports import arrays

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class First:
    """The first item that differs: where, what came back, what is right."""

    index: tuple[int, ...]
    got: str
    want: str
    got_bits: str
    want_bits: str


def mask_of(found: Evidence) -> Array | None:
    """
    Say where the result of a trial is wrong; None if the arrays do not compare.

    As the check says, if it does; else where the bits differ, or the numbers if the
    dtypes are not the same.
    """
    got, want = found.got, found.want
    if got is None or want is None or got.shape != want.shape:
        return None
    if found.mask is not None and found.mask.shape == got.shape:
        return found.mask
    if got.dtype == want.dtype:
        size = got.dtype.itemsize
        raw = [
            np.frombuffer(a.tobytes(), np.uint8).reshape(-1, size) for a in (got, want)
        ]
        differ: Array = (raw[0] != raw[1]).any(axis=-1).reshape(got.shape)
        return differ
    if any(a.dtype.kind not in "biuf" and a.dtype != BFLOAT16 for a in (got, want)):
        return None
    left, right = values(got), values(want)
    unequal: Array = ~((left == right) | (np.isnan(left) & np.isnan(right)))
    return unequal


def first_of(found: Evidence, mask: Array | None) -> First | None:
    """Return the first item that is wrong."""
    got, want = found.got, found.want
    if got is None or want is None or mask is None or not mask.any():
        return None
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    return First(
        index,
        arrays.item(got, index),
        arrays.item(want, index),
        arrays.bits(got, index),
        arrays.bits(want, index),
    )
