"""What sums and comparisons are made in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from reftiler.errors import TilingError
from reftiler.torch.rounding import name

_NO_FLOAT64 = ("mps",)
_allowed = {"float32": False}


@contextmanager
def float32_sums() -> Iterator[None]:
    """Allow float32 sums on devices that have no float64, such as Apple's MPS.

    Within this context means are rounded several times there and no longer equal the
    specification's to the bit. Devices with float64 are not affected.
    """
    before = _allowed["float32"]
    _allowed["float32"] = True
    try:
        yield
    finally:
        _allowed["float32"] = before


def sum_dtype(device: torch.device) -> torch.dtype:
    """Return float64, or float32 where that is all there is and it was allowed.

    Raises
    ------
    TilingError
        If the device has no float64 and nobody said that float32 will do.
    """
    if device.type not in _NO_FLOAT64:
        return torch.float64
    if not _allowed["float32"]:
        raise TilingError(
            f"{device.type} has no float64, in which means are summed: move the tiles "
            "to the CPU, or accept inexact means by 'with "
            "reftiler.torch.float32_sums():'"
        )
    return torch.float32


def comparable(values: Tensor) -> Tensor:
    """Return values in the same order, of a dtype that torch can compare."""
    if values.dtype == torch.uint64:
        return values.view(torch.int64) ^ torch.iinfo(torch.int64).min
    if values.dtype in (torch.uint16, torch.uint32):
        return values.to(torch.int64)
    return values


def compared(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Undo `comparable`."""
    if dtype == torch.uint64:
        return (values ^ torch.iinfo(torch.int64).min).view(torch.uint64)
    return values.to(dtype)


def weakest(dtype: torch.dtype, merge: str) -> float:
    """Return the value that loses against every other of a comparable dtype."""
    highest = merge == "max"
    if dtype == torch.bool:
        return not highest
    if dtype.is_floating_point:
        return float("-inf") if highest else float("inf")
    limits = torch.iinfo(dtype)
    return limits.min if highest else limits.max


def join(best: Tensor, values: Tensor, merge: str) -> Tensor:
    """Return IEEE 754-2019 maximum or minimum: −0 is less than +0, and NaN wins."""
    extreme = torch.maximum if merge == "max" else torch.minimum
    result = extreme(best, values)
    if not values.dtype.is_floating_point:
        return result
    # torch may return either zero of −0.0 and 0.0.
    negative = torch.signbit(best)
    zero = torch.where(negative if merge == "max" else ~negative, values, best)
    return torch.where(best == values, zero, result)


def copies_lone(
    source: torch.dtype, target: torch.dtype, sums: torch.dtype, *, weighted: bool
) -> bool:
    """Tell whether the formula may round a pixel of one tile, which is copied."""
    same, long = source == target, source.itemsize >= sums.itemsize
    if weighted:
        return not same or long
    integral = not source.is_floating_point and name(source) != "bool"
    return same and long and integral


def exact_sums(source: torch.dtype, most: int) -> torch.dtype | None:
    """Return a small dtype that holds each sum of ``most`` values exactly, if any.

    That of bytes: their means are further from the middle between two bytes than
    float32 rounds, so that a quotient in float32 becomes the right byte.
    """
    if source not in (torch.uint8, torch.int8):
        return None
    return torch.int16 if most * 2**8 <= 2**15 else None
