"""Wrong windows and wrong borders: pixels that count too much or too little."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.steps import anyway, opened_anyway
from reftiler_conformance.mutants.tilers import Array, Session, Unchecked, reference
from reftiler_conformance.oracle import grid, merge, windows
from reftiler_conformance.oracle.grid import TileSpec, contributes
from reftiler_conformance.oracle.merge import pixel_weight
from reftiler_conformance.oracle.settings import Settings
from reftiler_conformance.oracle.windows import exact, profile, weights


def shaped(window: str, right: Any, wrong: Any) -> Any:
    """Return what replaces a function of `windows` for one named window alone."""
    return lambda name, *rest: (wrong if name == window else right)(name, *rest)


def sine_squared(x: float) -> Decimal:
    """Return a weight of a window that is the square of half a sine wave."""
    return Decimal(2**16 * math.sin(math.pi * x) ** 2)


def bell(x: float, deviation: float) -> Decimal:
    """Return a weight of a window that is a bell curve."""
    return Decimal(2**16 * math.exp(-((x / deviation) ** 2) / 2))


# Of the weights along each axis of a tile, and a pixel of it.
mutants_of(merge, "pixel_weight")(
    "window_ignored, WINDOW-001: All pixels weigh alike.",
    lambda lines, pixel: 1.0,
    "window_least, WINDOW-001: A pixel weighs as the least of its axes.",
    lambda lines, pixel: min(line[x] for line, x in zip(lines, pixel, strict=True)),
    "window_backwards, WINDOW-002: The axes are multiplied from the last to the first.",
    lambda lines, pixel: pixel_weight(lines[::-1], pixel[::-1]),
)
mutants_of(windows, "profile")(
    "window_periodic, WINDOW-003: A profile is the start of a longer one.",
    lambda name, n: profile(name, n + 1)[:n],
    "box_tapers, WINDOW-004: `box` weighs the first and last pixel half.",
    shaped("box", profile, lambda name, n: (1, *[2] * (n - 2), 1)[:n]),
)
mutants_of(windows, "exact")(
    "triangle_steps, WINDOW-005: `triangle` grows by one.",
    shaped("triangle", exact, lambda name, n, i: Decimal(i + 1)),
    "gaussian_wide, WINDOW-007: The deviation of `gaussian` is a sixth of the tile.",
    shaped("gaussian", exact, lambda name, n, i: bell((i + 0.5) / n - 0.5, 1 / 6)),
    "hann_symmetric, WINDOW-006: `hann` is least at both ends, as numpy's is.",
    shaped("hann", exact, lambda name, n, i: sine_squared(i / max(1, n - 1))),
)
mutants_of(windows, "nearest")(
    "weights_unrounded, WINDOW-006/WINDOW-008: Weights are not rounded.",
    float,
    "weights_floored, WINDOW-008: Weights are rounded down.",
    lambda weight: max(1, int(weight)),
)
mutants_of(Unchecked, "read_case")(
    "custom_unchecked, WINDOW-011: Custom windows that are not allowed are `box`.",
    opened_anyway(lambda case: replace(case, window="box")),
    "border_unchecked, BORDER-005: A border that leaves gaps has no effect.",
    opened_anyway(lambda case: replace(case, border=())),
)
mutants_of(Unchecked, "untile")(
    "custom_stretched, WINDOW-013: A custom window has no effect on scaled tiles.",
    anyway("untile", window="box"),
)
mutants_of(grid, "contributes")(
    "border_kept, BORDER-001: No border is removed.",
    lambda *asked: True,
    "border_one_side, BORDER-001: The border is removed on the low side only.",
    lambda place, pixel, *sizes: contributes(
        replace(place, high=(True,) * len(pixel)), pixel, *sizes
    ),
    "border_thin, BORDER-001: A pixel too little of the border is removed.",
    lambda place, pixel, tile, border: contributes(
        place, pixel, tile, [max(0, rim - 1) for rim in border]
    ),
)
mutants_of(grid, "keeps_low")(
    "low_rim_lost, BORDER-002: The low side of the frame is removed too.",
    lambda line, i: False,
)
mutants_of(grid, "keeps_high")(
    "drop_keeps_rim, BORDER-003: In `drop` the last tile always keeps its rim.",
    lambda line, i: i == len(line.starts) - 1,
)
mutants_of(grid, "TileSpec")(
    "scatter_rim_lost, BORDER-004: Scattered tiles lose every border.",
    lambda start, low, high: TileSpec(start, (False,) * len(low), (False,) * len(high)),
    "scatter_rim_swapped, BORDER-004: Low borders are kept where high ones should be.",
    lambda start, low, high: TileSpec(start, high, low),
)


@mutant(windows, "profile")
def hann_without_floor(name: str, length: int) -> tuple[int, ...]:
    """WINDOW-006: A `hann` of 256 pixels and more is zero at both ends."""
    found = profile(name, length)
    return (0, *found[1:-1], 0) if name == "hann" and length >= 256 else found


@mutant(windows, "weights")
def custom_raw(settings: Settings, axis: int, length: int) -> Sequence[float]:
    """WINDOW-012: The numbers of a custom window are taken as they are."""
    given = settings.window
    return weights(settings, axis, length) if isinstance(given, str) else given[axis]


@mutant(windows, "weights")
def window_stretched(settings: Settings, axis: int, length: int) -> list[float]:
    """WINDOW-009: Scaled tiles have the weights of the tile that was cut, stretched."""
    tile = settings.tile[axis]
    found = weights(settings, axis, tile)
    return [found[i * tile // length] for i in range(length)]


@mutant(Session, "merge")
def border_weighed(self: Session, tiles: Array) -> Array:
    """BORDER-006: The border is weighed by zero: a NaN or an infinity there spreads."""
    found = Session.merge(self, tiles)
    if not self.case.border or {found.dtype.kind, tiles.dtype.kind} != {"f"}:
        return found
    bad = np.where(np.isfinite(tiles), 0, np.nan).astype(tiles.dtype)
    whole = replace(self.case, border=(), fill=0, window="box", merge="mean")
    spread = reference(replace(whole, result=None)).untile(bad)
    return np.where(np.isnan(spread), np.nan, found).astype(found.dtype)
