"""Windows: how much a pixel counts in the mean by its place in the tile.

A window is the product of one profile per axis (WINDOW-001). The named profiles are
whole numbers, so that they are symmetric to the bit and their sums exact in any order.
They are computed here once, on the host, for every backend (WINDOW-014).
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
    "box": lambda x, t: 1.0,  # WINDOW-004
    "triangle": lambda x, t: 2 * x,  # WINDOW-005: 2i + 1 = 2x
    # WINDOW-006, WINDOW-007; WINDOW-008: no value lies near a tie
    "hann": lambda x, t: max(1.0, round(SCALE * math.sin(math.pi * x / t) ** 2)),
    "gaussian": lambda x, t: max(
        1.0, round(SCALE * math.exp(-0.5 * ((x - t / 2) / (t / 8)) ** 2))
    ),
}

NAMES = tuple(_FORMULAS)


@lru_cache(maxsize=256)
def named_window(name: str, length: int) -> Profile:
    """Return the profile of a tile side, whole and symmetric numbers; read-only."""
    formula = _FORMULAS[name]
    # WINDOW-003: the first half is mirrored
    half = [formula(i + 0.5, length) for i in range((length + 1) // 2)]
    profile = np.array(half + half[: length // 2][::-1], dtype=np.float64)
    profile.flags.writeable = False
    return profile


def axis_weights(window: Window, sizes: Sequence[int]) -> tuple[Profile, ...]:
    """Return one profile per axis for tiles of ``sizes``, scaled tiles included."""
    if isinstance(window, str):  # WINDOW-009
        return tuple(named_window(window, size) for size in sizes)
    for axis, (profile, size) in enumerate(zip(window, sizes, strict=True)):
        if len(profile) != size:  # WINDOW-013
            raise TilingError(
                f"the custom window has {len(profile)} weights on axis {axis}, the "
                f"tiles have {size} pixels: scaled tiles need a named window "
                f"({', '.join(NAMES)}) or a custom one of their own length"
            )
    return tuple(np.array(profile) for profile in window)


def check_window(window: Any, tile_size: tuple[int, ...]) -> Window:
    """Return a window in canonical form: a known name, or weights of largest 1."""
    if isinstance(window, str) or not is_sequence(window):  # ERROR-005
        return one_of(window, "window", NAMES)
    if len(window) != len(tile_size):  # WINDOW-010
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
    if len(profile) != size:  # WINDOW-010
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
    if not all(0 < weight < math.inf for weight in weights):  # WINDOW-011
        worst = next(w for w in weights if not 0 < w < math.inf)
        raise TilingError(f"{name} must hold finite positive weights, got {worst!r}")
    low, high = min(weights), max(weights)
    if low < high / LARGEST_RATIO:  # WINDOW-011
        raise TilingError(
            f"{name} spans {low!r} to {high!r}: the largest weight may be at most "
            "2**32 times the smallest; raise the smallest"
        )
    return tuple(weight / high for weight in weights)  # WINDOW-012
