"""From float64 to a tensor's dtype, rounded once."""

import torch
from torch import Tensor

from reftiler.dtypes import INTEGERS, MERGEABLE, round_to_odd
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


def name(dtype: torch.dtype) -> str:
    """Return a dtype's name, as both backends call it."""
    return str(dtype).removeprefix("torch.")


def constant(value: Real, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a number that fits ``dtype``, rounded once, as a tensor without axes.

    torch would round on the way to a half through float32, and a long int on the way
    to float32 through float64.
    """
    if not dtype.is_floating_point:
        return torch.tensor(value, dtype=dtype, device=device)
    total = torch.tensor(round_to_odd(value, name(dtype)), dtype=torch.float64)
    return rounded(total, dtype).to(device)


def rounded(total: Tensor, dtype: torch.dtype) -> Tensor:
    """Round float64 values to ``dtype``, to nearest even; integers saturate.

    A NaN must have been refused before, if ``dtype`` is an integer.
    """
    if dtype in HALVES:
        return odd(total).to(dtype)
    return total.to(dtype) if dtype.is_floating_point else integral(total, dtype)


def odd(total: Tensor) -> Tensor:
    """Return float64 values that torch's two roundings to a half take as one.

    torch rounds float64 to float16 and bfloat16 by way of float32, which can make a
    tie of what was none. Rounding to *odd* on the way, that is, to the neighbour
    whose last bit is set where the value lies between two, keeps what the second
    rounding must know. The change is added, so that gradients pass.
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


def integral(total: Tensor, dtype: torch.dtype) -> Tensor:
    """Round float values to an integer dtype, saturating at its ends."""
    low, high = INTEGERS[name(dtype)]
    # 2**63 and 2**64 are no numbers of their dtypes: the last float below is.
    digits = 53 if total.dtype == torch.float64 else 24
    exact = high < 2**digits
    last = float(high if exact else high + 1 - (high + 1) // 2**digits)
    whole = total.round()
    result = whole.clamp(float(low), last).to(dtype)
    if exact:
        return result
    return choose(whole >= float(high), torch.full_like(result, high), result)


def choose(where: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Return `torch.where` of equal dtypes; inductor has none of long unsigned ones."""
    signed = SIGNED.get(one.dtype)
    if signed is None:
        return torch.where(where, one, other)
    bits = torch.where(where, one.view(signed), other.view(signed))
    return bits.view(one.dtype)


def check_nan(total: Tensor, dtype: torch.dtype) -> None:
    """Refuse a NaN that would have to become an integer.

    Raises
    ------
    TilingError
        In eager mode; a compiled graph raises torch's own RuntimeError.
    """
    if dtype.is_floating_point:
        return
    lost = total.isnan()
    if torch.compiler.is_compiling():
        torch._assert_async(~lost.any(), f"NaN, which {name(dtype)} cannot hold")  # noqa: SLF001
    elif lost.device.type != "meta" and lost.any():
        raise TilingError(
            f"{int(lost.sum())} pixels of a block are NaN, which {name(dtype)} cannot "
            "hold: use a float dtype, or replace NaN in the tiles"
        )
