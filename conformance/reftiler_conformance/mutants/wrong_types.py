"""Wrong dtypes, wrong roundings, wrong windows, wrong borders and wrong scales."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

import reftiler
from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import Session, Unchecked, mutant, narrowed
from reftiler_conformance.mutants.tilers import Array, Patched
from reftiler_conformance.mutants.wrong_merges import WHERE
from reftiler_conformance.oracle import grid, merge, rounding, windows
from reftiler_conformance.oracle.grid import Grid, Pixel, TileSpec, contributes
from reftiler_conformance.oracle.merge import (
    ScaledGrid,
    convert,
    pixel_weight,
    round_mean,
    scaled_size,
)
from reftiler_conformance.oracle.rounding import DTypeInfo, round_to_float, saturated
from reftiler_conformance.oracle.settings import Number, Settings
from reftiler_conformance.oracle.windows import exact, profile, weights

Line = Sequence[float]


@mutant("ROUND-001", rounding, "round_to_float")
def float_saturates(value: Number, exponent: int, mantissa: int) -> int:
    """What is too large for a float dtype becomes its largest number."""
    found, infinity = round_to_float(value, exponent, mantissa), 2**exponent - 1
    full = math.isfinite(value) and found >> mantissa & infinity == infinity
    return found - 1 if full else found


@mutant("ROUND-001", rounding, "round_magnitude")
def result_flushed(value: Fraction, bias: int, mantissa: int) -> int:
    """Subnormal numbers become zero."""
    found = sound_magnitude(value, bias, mantissa)
    return found if found >= 1 << mantissa else 0


@mutant("ROUND-001", rounding, "round_magnitude")
def float_truncated(value: Fraction, bias: int, mantissa: int) -> int:
    """Floats are rounded towards zero."""
    found = sound_magnitude(value, bias, mantissa)
    fields = (bias + 1).bit_length(), mantissa
    infinity = (2 ** fields[0] - 1) << mantissa
    most = min(found, infinity - 1)
    return most - (most > 0 and Fraction(rounding.read_float(most, *fields)) > value)


sound_magnitude = rounding.round_magnitude


def by_float32(value: float) -> float:
    """Return a number rounded to float32."""
    with np.errstate(all="ignore"):
        return float(np.float32(value))


@mutant("ROUND-002", merge, "round_mean")
def twice_rounded(value: float, goal: DTypeInfo) -> int:
    """Means are rounded to float32 first."""
    return round_mean(by_float32(value), goal)


@mutant("ROUND-002", merge, "convert")
def twice_converted(value: Number, goal: DTypeInfo) -> int:
    """The value of one tile is rounded to float32 first, in another dtype."""
    return convert(by_float32(float(value)), goal)


narrowed(
    twice_rounded,
    "from float64 to float16",
    lambda case: (case.dtype, case.result) == ("float64", "float16"),
)


@mutant("ROUND-003", merge, "round_mean")
def means_half_up(value: float, goal: DTypeInfo) -> int:
    """Means that are halves are rounded up."""
    whole = goal.name != "float" and math.isfinite(value)
    return goal.round(math.floor(value + 0.5) if whole else value)


@mutant("ROUND-003", merge, "round_mean")
def means_truncated(value: float, goal: DTypeInfo) -> int:
    """Means lose their fraction."""
    whole = goal.name != "float" and math.isfinite(value)
    return goal.round(math.trunc(value) if whole else value)


@mutant("ROUND-003", rounding, "nearest_whole")
def half_away(value: float) -> int:
    """Halves are rounded away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


@mutant("ROUND-003", rounding, "nearest_whole")
def half_up(value: float) -> int:
    """Halves are rounded up."""
    return math.floor(value + 0.5)


@mutant("ROUND-004", rounding, "saturated")
def wraps(value: float, low: int, high: int) -> int:
    """Integers wrap around."""
    return saturated(value, -(2**70), 2**70) if math.isfinite(value) else 0


@mutant("ROUND-004", rounding, "saturated")
def infinity_zero(value: float, low: int, high: int) -> int:
    """An infinity becomes the integer 0."""
    return 0 if math.isinf(value) else saturated(value, low, high)


@mutant("ROUND-004", rounding, "saturated")
def end_of_float64(value: float, low: int, high: int) -> int:
    """What lies beyond 64-bit integers becomes the last float64 before their end."""
    found = saturated(value, low, high)
    return found if abs(found) < 2**62 else int(math.nextafter(float(found), 0))


@mutant("ROUND-005", Unchecked, "merge")
def nan_zero(self: Session, tiles: Array) -> Array:
    """A NaN becomes the integer 0."""
    whole = self.case.result_dtype.kind in "iu" and tiles.dtype.kind == "f"
    return Session.merge(self, np.where(np.isnan(tiles), 0, tiles) if whole else tiles)


@mutant("ROUND-006", merge, "convert", also=["ROUND-004"])
def convert_truncates(value: Number, goal: DTypeInfo) -> int:
    """The value of a single tile becomes an integer by truncation."""
    whole = goal.name != "float" and math.isfinite(value)
    return goal.round(float(math.trunc(value) if whole else value))


@mutant("ROUND-006", merge, "convert")
def convert_exactly(value: Number, goal: DTypeInfo) -> int:
    """A 64-bit integer becomes another dtype without float64 between."""
    if goal.name == "float":
        return round_to_float(value, goal.exponent, goal.mantissa)
    if isinstance(value, float):
        return goal.round(value)
    low, high = goal.limits
    return min(max(value, low), high) % (1 << 8 * goal.size)


@mutant("ROUND-007", merge, "convert")
def true_is_255(value: Number, goal: DTypeInfo) -> int:
    """True becomes 255."""
    return convert(255 * value if isinstance(value, bool) else value, goal)


def cast(array: Array, dtype: Any) -> Array:
    """Return an array as numpy casts it."""
    with np.errstate(all="ignore"):
        return array.astype(dtype)


@mutant("TYPE-006", Session, "merge")
def result_float(self: Session, tiles: Array) -> Array:
    """The result is float32 unless `dtype=` says otherwise."""
    found = Session.merge(self, tiles)
    number = self.case.result is None and tiles.dtype.kind != "b"
    return cast(found, np.float32) if number else found


@mutant("TYPE-006", Session, "merge")
def result_single(self: Session, tiles: Array) -> Array:
    """A float64 result is float32."""
    found = Session.merge(self, tiles)
    return cast(found, np.float32) if found.dtype == np.float64 else found


@mutant("TYPE-006", Session, "read")
def result_ignored(self: Session, case: Case) -> Case:
    """The result has the dtype of the tiles, whatever `dtype=` says."""
    return replace(case, result=None, fill=None if case.fill is None else 0)


@mutant("TYPE-006", Session, "merge")
def result_native(self: Session, tiles: Array) -> Array:
    """The result has the machine's byte order."""
    found = Session.merge(self, tiles)
    return found.astype(found.dtype.newbyteorder("="))


@mutant("TYPE-008", Session, "merge")
def order_misread(self: Session, tiles: Array) -> Array:
    """Tiles are read in the machine's byte order, whatever theirs is."""
    native = tiles.dtype.newbyteorder("=")
    found = Session.merge(self, tiles.view(native))
    return found.astype(self.case.result_dtype)


@mutant("TYPE-007", Unchecked, "merge")
def bool_result_taken(self: Session, tiles: Array) -> Array:
    """Numbers that are not zero become True."""
    if self.case.result != "bool":
        return Session.merge(self, tiles)
    return Session(replace(self.case, result=None), {}).merge(tiles) != 0


@mutant("TYPE-005", Unchecked, "merge")
def complex_taken(self: Session, tiles: Array) -> Array:
    """The real parts of complex tiles are merged."""
    return Session.merge(self, tiles.real if tiles.dtype.kind == "c" else tiles)


@mutant("TYPE-005", Unchecked, "merge")
def dates_taken(self: Session, tiles: Array) -> Array:
    """Tiles of dates are merged as their numbers."""
    dates = tiles.dtype.kind in "mM"
    return Session.merge(self, tiles.view("i8") if dates else tiles)


@mutant("TYPE-004", Session, "merge")
def wide_refused(self: Session, tiles: Array) -> Array:
    """Tiles of 64-bit integers are refused."""
    if tiles.dtype.kind in "iu" and tiles.dtype.itemsize == 8:
        raise TypeError(f"{tiles.dtype} is refused")
    return Session.merge(self, tiles)


@mutant("WINDOW-001", merge, "pixel_weight")
def window_ignored(lines: Sequence[Line], offset: Pixel) -> float:
    """All pixels weigh alike."""
    return 1.0


@mutant("WINDOW-001", merge, "pixel_weight")
def window_once(lines: Sequence[Line], offset: Pixel) -> float:
    """Only the first axis has weights."""
    return lines[0][offset[0]]


@mutant("WINDOW-001", merge, "pixel_weight")
def window_summed(lines: Sequence[Line], offset: Pixel) -> float:
    """The weights of the axes are added."""
    return sum(line[x] for line, x in zip(lines, offset, strict=True))


@mutant("WINDOW-001", merge, "pixel_weight")
def window_least(lines: Sequence[Line], offset: Pixel) -> float:
    """A pixel weighs as the least of its axes."""
    return min(line[x] for line, x in zip(lines, offset, strict=True))


@mutant("WINDOW-002", merge, "pixel_weight")
def window_backwards(lines: Sequence[Line], offset: Pixel) -> float:
    """The weights of the axes are multiplied from the last axis to the first."""
    return pixel_weight(lines[::-1], offset[::-1])


@mutant("WINDOW-003", windows, "profile")
def window_periodic(name: str, length: int) -> tuple[int, ...]:
    """A profile is the first part of one that is a place longer."""
    return profile(name, length + 1)[:length]


@mutant("WINDOW-003", windows, "profile")
def window_unmirrored(name: str, length: int) -> tuple[int, ...]:
    """The second half of a profile is its first half again."""
    found = profile(name, length)
    return found[: (length + 1) // 2] + found[: length // 2]


@mutant("WINDOW-004", windows, "profile")
def box_tapers(name: str, length: int) -> tuple[int, ...]:
    """`box` weighs the first and last pixel half."""
    found = profile(name, length)
    return (1, *[2] * (length - 2), 1)[:length] if name == "box" else found


@mutant("WINDOW-005", windows, "exact")
def triangle_steps(name: str, length: int, i: int) -> Decimal:
    """`triangle` grows by one."""
    return Decimal(i + 1) if name == "triangle" else exact(name, length, i)


@mutant("WINDOW-006", windows, "exact")
def hann_half_pixel(name: str, length: int, i: int) -> Decimal:
    """The places of `hann` are off by half a pixel."""
    if name != "hann":
        return exact(name, length, i)
    return Decimal(2**16 * math.sin(math.pi * i / length) ** 2)


@mutant("WINDOW-006", windows, "exact")
def hann_symmetric(name: str, length: int, i: int) -> Decimal:
    """`hann` is least at both ends, as numpy's is."""
    if name != "hann":
        return exact(name, length, i)
    return Decimal(2**16 * math.sin(math.pi * i / max(1, length - 1)) ** 2)


@mutant("WINDOW-006", windows, "profile")
def hann_without_floor(name: str, length: int) -> tuple[int, ...]:
    """A `hann` of 256 pixels and more is zero at both ends."""
    found = profile(name, length)
    return (0, *found[1:-1], 0) if name == "hann" and length >= 256 else found


@mutant("WINDOW-006", windows, "profile")
def hann_unrounded(name: str, length: int) -> tuple[float, ...]:
    """`hann` is not rounded to whole numbers."""
    if name != "hann":
        return profile(name, length)
    half = [float(exact(name, length, i)) for i in range((length + 1) // 2)]
    return tuple(half + half[: length // 2][::-1])


@mutant("WINDOW-008", windows, "nearest")
def weights_floored(weight: Decimal) -> int:
    """Weights are rounded down."""
    return max(1, int(weight))


@mutant("WINDOW-007", windows, "exact")
def gaussian_wide(name: str, length: int, i: int) -> Decimal:
    """The standard deviation of `gaussian` is a sixth of the tile."""
    if name != "gaussian":
        return exact(name, length, i)
    away = (i + 0.5 - length / 2) / (length / 6)
    return Decimal(2**16 * math.exp(-(away**2) / 2))


@mutant("WINDOW-007", windows, "exact")
def gaussian_half_pixel(name: str, length: int, i: int) -> Decimal:
    """The places of `gaussian` are off by half a pixel."""
    if name != "gaussian":
        return exact(name, length, i)
    away = (i - length / 2) / (length / 8)
    return Decimal(2**16 * math.exp(-(away**2) / 2))


@mutant("WINDOW-009", windows, "weights")
def window_stretched(settings: Settings, axis: int, length: int) -> list[float]:
    """Scaled tiles have the weights of the tile that was cut, stretched."""
    tile = settings.tile[axis]
    found = weights(settings, axis, tile)
    return [found[i * tile // length] for i in range(length)]


@mutant("WINDOW-011", Unchecked, "read")
def custom_unchecked(self: Session, case: Case) -> Case:
    """Weights of a custom window that are not allowed become 1."""
    if isinstance(case.window, str):
        return case
    fits = [min(line) > 0 and max(line) <= 2**32 * min(line) for line in case.window]
    finite = all(math.isfinite(w) for line in case.window for w in line)
    return case if finite and all(fits) else replace(case, window="box")


@mutant("WINDOW-012", windows, "weights")
def custom_raw(settings: Settings, axis: int, length: int) -> list[float]:
    """The numbers of a custom window are taken as they are."""
    if isinstance(settings.window, str):
        return weights(settings, axis, length)
    return [float(weight) for weight in settings.window[axis]]


@mutant("WINDOW-012", windows, "weights", also=("WINDOW-001",))
def custom_mirrored(settings: Settings, axis: int, length: int) -> list[float]:
    """The second half of a custom window mirrors the first."""
    found = weights(settings, axis, length)
    if isinstance(settings.window, str):
        return found
    return found[: (length + 1) // 2] + found[: length // 2][::-1]


@mutant("WINDOW-012", windows, "weights")
def custom_summed(settings: Settings, axis: int, length: int) -> list[float]:
    """The numbers of a custom window are divided by their sum."""
    found = weights(settings, axis, length)
    if isinstance(settings.window, str):
        return found
    return [weight / sum(found) for weight in found]


@mutant("WINDOW-013", Unchecked, "merge")
def custom_stretched(self: Session, tiles: Array) -> Array:
    """A custom window is stretched to the length of scaled tiles."""
    try:
        return Session.merge(self, tiles)
    except reftiler.TilingError:
        return Session(replace(self.case, window="box"), {}).merge(tiles)


for where in ("in interpolation", "in clamp", "in even", "in drop", "beside a border"):
    narrowed(window_ignored, where, WHERE[where])


@mutant("BORDER-001", grid, "contributes")
def border_kept(
    place: TileSpec, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """No border is removed."""
    return True


@mutant("BORDER-001", grid, "contributes")
def border_one_side(
    place: TileSpec, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """The border is removed on the low side only."""
    kept = replace(place, high=(True,) * len(offset))
    return contributes(kept, offset, tile, border)


@mutant("BORDER-001", grid, "contributes")
def border_thin(
    place: TileSpec, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """A pixel too little of the border is removed."""
    return contributes(place, offset, tile, [max(0, r - 1) for r in border])


@mutant("BORDER-001", grid, "contributes")
def border_first_axis(
    place: TileSpec, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """Every axis has the border of the first."""
    return contributes(place, offset, tile, (border[0],) * len(border))


@mutant("BORDER-002", grid, "keeps_low")
def low_rim_lost(line: Any, i: int) -> bool:
    """The low side of the frame is removed too."""
    return False


@mutant("BORDER-002", grid, "keeps_high")
def high_rim_lost(line: Any, i: int) -> bool:
    """The high side of the frame is removed too."""
    return False


for mode in ("interpolation", "clamp", "even", "drop"):
    narrowed(border_kept, f"in {mode}", WHERE[f"in {mode}"])
    narrowed(low_rim_lost, f"in {mode}", WHERE[f"in {mode}"])
narrowed(border_one_side, "with a window", WHERE["with a window"])
narrowed(border_kept, "of extremes", lambda case: case.merge in ("max", "min"))
narrowed(border_thin, "of volumes", WHERE["of volumes"])


@mutant("BORDER-003", grid, "keeps_high")
def drop_keeps_rim(line: Any, i: int) -> bool:
    """In `drop` the last tile keeps its rim wherever it ends."""
    return i == len(line.starts) - 1


@mutant("BORDER-004", grid, "scattered")
def scatter_rim_lost(settings: Settings, size: Pixel, starts: Any) -> Grid:
    """Scattered tiles lose their border at the image's rim too."""
    return rims(sound_scattered(settings, size, starts), lambda i, keeps: False)


@mutant("BORDER-004", grid, "scattered")
def scatter_rim_kept(settings: Settings, size: Pixel, starts: Any) -> Grid:
    """Scattered tiles keep their border."""
    return rims(sound_scattered(settings, size, starts), lambda i, keeps: True)


@mutant("BORDER-004", grid, "scattered")
def scatter_rim_listed(settings: Settings, size: Pixel, starts: Any) -> Grid:
    """The first scattered tile keeps its border, and the last."""
    found = sound_scattered(settings, size, starts)
    return rims(found, lambda i, keeps: i in (0, len(found.tile_specs) - 1))


sound_scattered = grid.scattered


def rims(found: Grid, keeps: Any) -> Grid:
    """Return a grid whose tiles keep their borders as is said."""
    places = []
    for i, place in enumerate(found.tile_specs):
        low = tuple(keeps(i, side) for side in place.low)
        high = tuple(keeps(i, side) for side in place.high)
        places.append(replace(place, low=low, high=high))
    return replace(found, tile_specs=tuple(places))


@mutant("BORDER-005", Unchecked, "read")
def border_unchecked(self: Session, case: Case) -> Case:
    """A border that leaves gaps is made smaller."""
    sides = zip(case.borders, case.tile, case.stride, strict=True)
    fits = [max(0, min(r, (t - s) // 2)) for r, t, s in sides]
    return replace(case, border=tuple(fits)) if case.border else case


@mutant("BORDER-006", Session, "merge")
def border_weighed(self: Session, tiles: Array) -> Array:
    """The border is weighed by zero: a NaN or an infinity there spreads."""
    found = Session.merge(self, tiles)
    if not self.case.border or found.dtype.kind != "f" or tiles.dtype.kind != "f":
        return found
    bad = np.where(np.isfinite(tiles), 0, np.nan).astype(tiles.dtype)
    whole = replace(self.case, border=(), fill=0, window="box", merge="mean")
    spread = Session(replace(whole, result=None), {}).merge(bad)
    return np.where(np.isnan(spread), np.nan, found).astype(found.dtype)


@mutant("SCALE-001", Session, "merge")
def scale_refused(self: Session, tiles: Array) -> Array:
    """Tiles of another size are refused."""
    if set(self.case.scales) != {1}:
        raise ValueError("tiles of another size")
    return Session.merge(self, tiles)


@mutant("SCALE-004", Unchecked, "merge")
def scale_floored(self: Session, tiles: Array) -> Array:
    """Scaled lengths that are not whole are rounded down."""
    try:
        return Session.merge(self, tiles)
    except reftiler.TilingError:
        floored = [(ScaledGrid, "whole", floored_length)]
        return Patched(self.case, floored).untile(tiles)


def floored_length(merging: ScaledGrid, axis: int, length: int) -> int:
    """Return a scaled length, rounded down."""
    return math.floor(length * merging.scale[axis])


@mutant("SCALE-007", ScaledGrid, "border")
def scaled_border_kept(merging: ScaledGrid) -> tuple[int, ...]:
    """The border of scaled tiles is not scaled."""
    return merging.grid.settings.borders


@mutant("SCALE-007", ScaledGrid, "before")
def scaled_lead_kept(merging: ScaledGrid, axis: int) -> int:
    """The leading padding of scaled tiles is not scaled."""
    return merging.grid.before[axis]


@mutant("SCALE-008", merge, "scaled_size")
def size_floored(length: int, scale: Fraction) -> int:
    """The scaled result is rounded down."""
    return max(1, math.floor(length * scale))


@mutant("SCALE-008", merge, "scaled_size")
def size_by_float(length: int, scale: Fraction) -> int:
    """The length of the result is computed in floating point, and rounded."""
    return max(1, round(length * float(scale)))


@mutant("SCALE-008", merge, "scaled_size")
def quarter_long(length: int, scale: Fraction) -> int:
    """At scales below a third the result is a pixel too long."""
    return scaled_size(length, scale) + (scale < Fraction(1, 3))


@mutant("SCALE-001", ScaledGrid, "whole")
def scale_by_tenths(merging: ScaledGrid, axis: int, length: int) -> int:
    """The scale is rounded to tenths."""
    return round(length * round(merging.scale[axis], 1))


@mutant("SCALE-009", ScaledGrid, "reads")
def scaled_stretch_kept(merging: ScaledGrid, axis: int) -> list[int]:
    """A scaled frame of `interpolation` is cut, not resampled."""
    if merging.scale[axis] == 1:
        return sound_reads(merging, axis)
    return [i + merging.before(axis) for i in range(merging.size[axis])]


@mutant("SCALE-009", ScaledGrid, "reads")
def scaled_after(merging: ScaledGrid, axis: int) -> list[int]:
    """In `interpolation` the result is read before it is scaled."""
    if not merging.grid.resampled or merging.scale[axis] == 1:
        return sound_reads(merging, axis)
    scale, plan = merging.scale[axis], merging.grid
    length, frame = plan.size[axis], plan.frame[axis]
    found = [
        int(-(-int(i / scale) * frame // length) * scale)
        for i in range(merging.size[axis])
    ]
    return [min(i, merging.whole(axis, frame) - 1) for i in found]


sound_reads = ScaledGrid.reads


@mutant("MERGE-020", ScaledGrid, "before")
def cut_at_zero(merging: ScaledGrid, axis: int) -> int:
    """The result begins where the frame begins."""
    return 0


@mutant("MERGE-020", ScaledGrid, "size")
def padding_stays(merging: ScaledGrid) -> tuple[int, ...]:
    """The padding stays in the result."""
    return tuple(merging.whole(a, n) for a, n in enumerate(merging.grid.frame))


narrowed(
    padding_stays, "of scaled tiles", lambda case: set(case.scales) != {1}, "SCALE-008"
)


@mutant("SCALE-010", Session, "read")
def scaled_rims(self: Session, case: Case) -> Case:
    """Which sides keep their border is decided after scaling: none, if scaled."""
    scaled = set(case.scales) != {1} and case.border and not case.starts
    fill = 0 if scaled else case.fill
    return (
        replace(case, starts=tuple(case.grid.starts), fill=fill)
        if (scaled and case.mode in ("clamp", "drop", "even") and not case.random)
        else case
    )


@mutant("MERGE-023", Session, "merge")
def padding_spoils(self: Session, tiles: Array) -> Array:
    """NaN in the padding is refused where the result is of integers."""
    whole = self.case.result_dtype.kind in "iu"
    if tiles.dtype.kind == "f" and whole and np.isnan(tiles).any():
        raise ValueError("NaN cannot become an integer")
    return Session.merge(self, tiles)


@mutant("MERGE-023", Session, "merge")
def padding_spreads(self: Session, tiles: Array) -> Array:
    """NaN in the padding makes the last pixel of the result NaN."""
    found = Session.merge(self, tiles)
    if tiles.dtype.kind == "f" and found.dtype.kind == "f":
        spoilt = np.isnan(tiles).any() and not np.isnan(found).any()
        found.flat[-1] = np.nan if spoilt else found.flat[-1]
    return found
