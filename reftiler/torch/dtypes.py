"""The arithmetic of the specification that torch's dtypes lack or round twice."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from reftiler.dtypes import INTEGERS, MERGEABLE, nan_in_integers, round_to_odd
from reftiler.errors import TilingError
from reftiler.validation import Real

KNOWN = (*MERGEABLE, "bfloat16")
HALVES = (torch.float16, torch.bfloat16)
SIGNED = {
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
}
FLOAT32_MAX = torch.finfo(torch.float32).max

_NO_FLOAT64 = ("mps",)
_allowed = {"float32": False, "graphs": False}


def is_tracing() -> bool:
    """Tell whether `torch.jit.trace` records, as the older ONNX exporter does too."""
    traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    return traced


def is_in_graph() -> bool:
    """Tell whether `torch.compile`, `torch.export` or `torch.jit.trace` records."""
    return torch.compiler.is_compiling() or is_tracing()


def dtype_name(dtype: torch.dtype) -> str:
    """Return a dtype's name, as both backends call it."""
    return str(dtype).removeprefix("torch.")


@contextmanager
def float32_sums(*, graphs: bool = False) -> Iterator[None]:
    """Allow float32 sums on devices that have no float64, such as Apple's MPS.

    Within this context means are rounded several times there and no longer equal the
    specification's to the bit. Devices with float64 are not affected.

    Parameters
    ----------
    graphs : bool
        Whether graphs that are exported, traced or compiled meanwhile have no float64
        sums at all, for runtimes that lack it.
    """
    before = dict(_allowed)
    _allowed.update(float32=True, graphs=graphs)
    try:
        yield
    finally:
        _allowed.update(before)


def accumulator_dtype(device: torch.device) -> torch.dtype:
    """Return float64, or float32 where that is all there is and it was allowed."""
    if _allowed["graphs"] and is_in_graph():
        return torch.float32
    if device.type not in _NO_FLOAT64:
        return torch.float64
    if not _allowed["float32"]:
        raise TilingError(
            f"{device.type} has no float64, in which means are summed: move the tiles "
            "to the CPU, or accept inexact means by 'with "
            "reftiler.torch.float32_sums():'"
        )
    return torch.float32


# --- from float64 to the dtype of the result, rounded once ----------------------------


def rounded(total: Tensor, dtype: torch.dtype) -> Tensor:
    """Round float64 values once; a NaN must have been refused for integers."""
    if dtype in HALVES:
        return round_to_odd_float32(total).to(dtype)  # ROUND-002: never through float32
    if dtype.is_floating_point:
        return total.to(dtype)  # ROUND-001: to nearest even, beyond is an infinity
    return _round_to_int(total, dtype)


def round_to_odd_float32(total: Tensor) -> Tensor:
    """Return float64 values that torch rounds to halves, by way of float32, as if once.

    They are rounded to the neighbour whose last bit is set where the value lies
    between two, so that no tie is made. The change is added, so that gradients pass.
    """
    value = total.detach()
    near = value.to(torch.float32)
    exact = near.to(value.dtype)
    bits = near.view(torch.int32)
    bits = bits - (exact.abs() > value.abs()).to(torch.int32)  # now towards zero
    bits = bits | (exact != value).to(torch.int32)
    change = bits.view(torch.float32).to(value.dtype) - value
    # Beyond float32's range both roundings give infinity; NaN stays as it is; and
    # adding −0.0 changes nothing, not even −0.0.
    plain = (exact == value) | ~(value.abs() <= FLOAT32_MAX)
    return total + torch.where(plain, torch.full_like(change, -0.0), change)


def _round_to_int(total: Tensor, dtype: torch.dtype) -> Tensor:
    low, high = INTEGERS[dtype_name(dtype)]
    # 2**63 and 2**64 are no numbers of their dtypes: the last float below is.
    digits = 53 if total.dtype == torch.float64 else 24
    exact = high < 2**digits
    last = float(high if exact else high + 1 - (high + 1) // 2**digits)
    whole = total.round()  # ROUND-003: to nearest even
    result = whole.clamp(float(low), last).to(dtype)  # ROUND-004: saturate
    if exact:
        return result
    return where(whole >= float(high), torch.full_like(result, high), result)


def check_nan(total: Tensor, dtype: torch.dtype) -> None:
    """Refuse a NaN that would become an integer (ROUND-005); graphs by RuntimeError."""
    if is_tracing():
        raise TilingError(
            f"torch.jit.trace drops the check that no NaN becomes {dtype_name(dtype)}: "
            "merge to a float dtype and convert, or use torch.export"
        )
    lost = total.isnan()
    if torch.compiler.is_compiling():
        # aten's assertion, which graphs can hold, has no public name.
        cannot = f"NaN, which {dtype_name(dtype)} cannot hold"
        torch._assert_async(~lost.any(), cannot)  # noqa: SLF001
    elif lost.device.type != "meta" and lost.any():
        raise nan_in_integers(dtype_name(dtype))


def fill_scalar(value: Real, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a number that fits ``dtype``, rounded once, as torch does not."""
    if not dtype.is_floating_point:
        return torch.tensor(value, dtype=dtype, device=device)
    near = round_to_odd(value, dtype_name(dtype))
    total = torch.tensor(near, dtype=torch.float64, device="cpu")
    return rounded(total, dtype).to(device)


# --- what torch lacks for unsigned integers, and IEEE 754-2019 maximum ----------------


def where(condition: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Return `torch.where` of equal dtypes; torch 2.4 has none of uint16 to uint64."""
    signed = SIGNED.get(one.dtype)
    if signed is None:
        return torch.where(condition, one, other)
    return torch.where(condition, one.view(signed), other.view(signed)).view(one.dtype)


def to_sortable(values: Tensor) -> Tensor:
    """Return values in the same order, of a dtype that torch can compare."""
    if values.dtype == torch.uint64:
        return values.view(torch.int64) ^ torch.iinfo(torch.int64).min
    if values.dtype in (torch.uint16, torch.uint32):
        return values.to(torch.int64)
    return values


def from_sortable(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Undo `to_sortable`."""
    if dtype == torch.uint64:
        return (values ^ torch.iinfo(torch.int64).min).view(torch.uint64)
    return values.to(dtype)


def identity_element(dtype: torch.dtype, merge: str) -> float:
    """Return the value that loses against every other of a sortable dtype."""
    highest = merge == "max"
    if dtype == torch.bool:
        return not highest
    if dtype.is_floating_point:
        return float("-inf") if highest else float("inf")
    limits = torch.iinfo(dtype)
    return limits.min if highest else limits.max


def supersedes(values: Tensor, best: Tensor, merge: str) -> Tensor:
    """Tell where ``values`` take the place of the ``best`` so far.

    MERGE-012: −0.0 is less than +0.0, and NaN wins. Of equal values the earlier stays
    for ``max`` where they are positive and for ``min`` where they are negative; else
    the later takes its place. That decides between zeros of two signs; and it decides
    which of equal values gets the gradient.
    """
    beyond = values > best if merge == "max" else values < best
    if not values.dtype.is_floating_point:
        return beyond
    negative = torch.signbit(best)
    if is_tracing():  # the older ONNX exporter has no sign bits
        negative = (best < 0) | (best.reciprocal() < 0)
    tie = (values == best) & (negative if merge == "max" else ~negative)
    return beyond | tie | (values.isnan() & ~best.isnan())
