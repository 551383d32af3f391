"""The weight profiles, with so many digits that their rounding is certain."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import cache

from reftiler_conformance.oracle.settings import Settings

# Forty digits are right to about 1e-30 here; the nearest any weight comes to a tie
# is about 1e-9 (test_windows.py measures it), so no rounding hangs on them.
PRECISE = Context(prec=40, rounding=ROUND_HALF_EVEN)
PI = Decimal("3.14159265358979323846264338327950288419716939937510")


def sine(x: Decimal) -> Decimal:
    """Return sin(x) by its series, for 0 <= x <= 2."""
    total, term, k = Decimal(0), x, 1
    while abs(term) > Decimal(10) ** -42:
        total += term
        term = -term * x * x / ((k + 1) * (k + 2))
        k += 2
    return total


def exact(name: str, length: int, i: int) -> Decimal:
    """Return weight i of the first half of a profile before it is rounded."""
    with localcontext(PRECISE):
        x = Decimal(2 * i + 1) / 2
        if name == "box":
            return Decimal(1)
        if name == "triangle":
            return Decimal(2 * i + 1)
        if name == "hann":
            return 2**16 * sine(PI * x / length) ** 2
        if name == "gaussian":
            t = Decimal(length)
            return 2**16 * (-(((x - t / 2) / (t / 8)) ** 2) / 2).exp()
    raise ValueError(f"no such window: {name}")


@cache
def profile(name: str, length: int) -> tuple[int, ...]:
    """Return a named profile: whole numbers, the second half mirrors the first."""
    half = [nearest(exact(name, length, i)) for i in range((length + 1) // 2)]
    return tuple(half + half[: length // 2][::-1])


def nearest(weight: Decimal) -> int:
    """Return the nearest whole number, at least 1: WINDOW-006 and WINDOW-008."""
    return max(1, int(weight.to_integral_value(ROUND_HALF_EVEN)))


def weights(settings: Settings, axis: int, length: int) -> list[float]:
    """Return the weights along one axis of a tile that is ``length`` long."""
    if isinstance(settings.window, str):
        return [float(weight) for weight in profile(settings.window, length)]
    given = settings.window[axis]
    if len(given) != length:
        raise ValueError("a custom window has the length of the tile")
    return [float(weight) / float(max(given)) for weight in given]
