"""Weight profiles: how much a pixel counts by its place in the tile.

A window is the product of one profile per axis. The named profiles are whole
numbers, so that they are symmetric to the bit and their sums exact in any order.
They are computed here once, on the host, for every backend.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.validation import is_sequence, one_of

Profile: TypeAlias = NDArray[np.float64]
Window: TypeAlias = str | tuple[tuple[float, ...], ...]

SCALE = 2**16
LARGEST_RATIO = 2.0**32

_FORMULAS: dict[str, Callable[[float, int], float]] = {
    "box": lambda x, t: 1.0,
    "triangle": lambda x, t: 2 * x,
    "hann": lambda x, t: max(1.0, rint(SCALE * math.sin(math.pi * x / t) ** 2)),
    "gaussian": lambda x, t: max(
        1.0, rint(SCALE * math.exp(-0.5 * ((x - t / 2) / (t / 8)) ** 2))
    ),
}

NAMES = tuple(_FORMULAS)


def rint(value: float) -> float:
    """Round to the nearest whole number, ties to even."""
    return float(round(value))


@lru_cache(maxsize=256)
def named_window(name: str, length: int) -> Profile:
    """Return the profile ``name`` of a tile side of ``length`` pixels.

    Returns
    -------
    ndarray of float64, shape (length,)
        Whole numbers, positive, symmetric; read-only.
    """
    formula = _FORMULAS[name]
    half = [formula(i + 0.5, length) for i in range((length + 1) // 2)]
    profile = np.array(half + half[: length // 2][::-1])
    profile.flags.writeable = False
    return profile


def axis_weights(window: Window, sizes: Sequence[int]) -> tuple[Profile, ...]:
    """Return one profile per axis for tiles of ``sizes``, scaled tiles included.

    Raises
    ------
    TilingError
        If a custom window has another length than the tiles.
    """
    if isinstance(window, str):
        return tuple(named_window(window, size) for size in sizes)
    for axis, (profile, size) in enumerate(zip(window, sizes, strict=True)):
        if len(profile) != size:
            raise TilingError(
                f"the custom window has {len(profile)} weights on axis {axis}, the "
                f"tiles have {size} pixels: scaled tiles need a named window "
                f"({', '.join(NAMES)}) or a custom one of their own length"
            )
    return tuple(np.array(profile) for profile in window)


def check_window(window: Any, tile_size: tuple[int, ...]) -> Window:
    """Return a window in canonical form: a known name, or weights of largest 1."""
    if isinstance(window, str) or not is_sequence(window):
        return one_of(window, "window", NAMES)
    if len(window) != len(tile_size):
        raise TilingError(
            f"a custom window needs {len(tile_size)} profiles, one for each spatial "
            f"axis, got {len(window)}"
        )
    return tuple(
        _check_profile(profile, size, f"window[{axis}]")
        for axis, (profile, size) in enumerate(zip(window, tile_size, strict=True))
    )


def _check_profile(profile: Any, size: int, name: str) -> tuple[float, ...]:
    if not is_sequence(profile):
        raise TypeError(f"{name} must be a sequence of {size} numbers, got {profile!r}")
    if len(profile) != size:
        raise TilingError(
            f"{name} must have {size} weights, one for each pixel of the tile, got "
            f"{len(profile)}"
        )
    for weight in profile:
        if isinstance(weight, bool | str | bytes | complex) or weight is None:
            raise TypeError(f"{name} must hold real numbers, got {weight!r}")
    try:
        weights = [float(weight) for weight in profile]
    except OverflowError:  # an int beyond all floats
        weights = [math.inf]
    if not all(0 < weight < math.inf for weight in weights):
        worst = next(w for w in weights if not 0 < w < math.inf)
        raise TilingError(f"{name} must hold finite positive weights, got {worst!r}")
    low, high = min(weights), max(weights)
    if low < high / LARGEST_RATIO:
        raise TilingError(
            f"{name} spans {low!r} to {high!r}: the largest weight may be at most "
            "2**32 times the smallest; raise the smallest"
        )
    return tuple(weight / high for weight in weights)
