"""Wrong padding, wrong resampling, and tiles of wrong pixels."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

import reftiler
from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.steps import (
    anyway,
    channel_axes,
    first_axis,
    of_kinds,
    refusing,
    regrouped,
    taken_for,
)
from reftiler_conformance.mutants.tilers import Array, Session, Unchecked
from reftiler_conformance.oracle import axis, tiling
from reftiler_conformance.oracle.axis import (
    extend,
    leading,
    reflected,
    source,
    symmetric,
)
from reftiler_conformance.oracle.grid import Grid, Pixel
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.oracle.tiling import constant, shown

mutants_of(axis, "leading")(
    "pads_before, PAD-001/PAD-002: All padding comes before the image.",
    lambda padding, side: leading(padding, side) if side == "both" else padding,
    "larger_half_first, PAD-002: The larger half of the padding comes first.",
    lambda padding, side: padding - padding // 2 if side == "both" else 0,
)
mutants_of(axis, "extend")(
    "edge_wraps, PAD-006: `edge` begins anew.",
    lambda i, n, mode: extend(i, n, "wrap" if mode == "edge" else mode),
    "edge_once, PAD-006: `edge` goes back from the second pixel after the image on.",
    lambda i, n, mode: extend(i, n, "reflect" if mode == "edge" and i > n else mode),
    "pad_mode_ignored, PAD-009/PAD-005: Padding is constant in every `pad_mode`.",
    lambda i, n, mode: extend(i, n, "constant"),
)
mutants_of(axis, "wrapped")(
    "wrap_turns, PAD-007: `wrap` takes remainders as C does, without their sign.",
    lambda i, n: abs(int(math.fmod(i, n))),
)
mutants_of(axis, "symmetric")(
    "symmetric_skips, PAD-008: `symmetric` does not repeat the edge.",
    reflected,
    "symmetric_once, PAD-008: `symmetric` goes back once; then comes the edge.",
    lambda i, n: symmetric(min(max(i, -n), 2 * n - 1), n),
)
mutants_of(axis, "reflected")(
    "reflect_short, PAD-009: `reflect` goes back once; then comes the edge.",
    lambda i, n: reflected(min(max(i, 1 - n), 2 * n - 2), n),
)
mutants_of(axis, "stretched")(
    "stretch_centred, INTERP-001: A frame pixel reads the pixel nearest to it.",
    lambda j, n, frame: (2 * j + 1) * n // (2 * frame),
    "stretch_to_the_ends, INTERP-001: The ends of the frame are the ends of the image.",
    lambda j, n, frame: j * (n - 1) // max(1, frame - 1),
    "stretch_floats, INTERP-003: The frame is resampled in floating point.",
    lambda j, n, frame: int(j * (n / frame)),
)
mutants_of(axis, "shrunk")(
    "shrink_floored, INTERP-002/SCALE-009: A pixel reads the frame pixel before it.",
    lambda i, n, frame: i * frame // n,
    "coverage_floored, COORD-006: The coverage is that of the frame pixel before it.",
    lambda i, n, frame: i * frame // n,
)
mutants_of(tiling, "constant")(
    "short_constants_swapped, VALUE-002: 16 bits have constants in the other order.",
    lambda value, kind: constant(value, kind)[:: -1 if kind.str[1:] == "i2" else 1],
    "odd_padding, VALUE-004: Padding of dtypes that are no numbers is not zero.",
    lambda value, kind: (
        constant(value, kind) if kind.kind in "biuf" else b"\1" * kind.itemsize
    ),
)
mutants_of(Unchecked, "tile")(
    "pad_value_unchecked, PAD-010: A pad value that does not fit the dtype is zero.",
    anyway("tile", pad_value=0),
)
mutants_of(Session, "read_case")(
    "pad_value_ignored, PAD-004: Padding is zero, whatever `pad_value` says.",
    taken_for(lambda case: True, pad_value=0),
)
mutants_of(Session, "give_tiles")(
    "channels_mixed, TILE-001: The channels of tiles come in the other order.",
    lambda self, tiles: np.flip(tiles, channel_axes(self.case, tiles)).copy(),
    "half_turned, TILE-001: Every tile is mirrored along its first axis.",
    lambda self, tiles: np.flip(tiles, first_axis(self.case, tiles)).copy(),
    "tile_major, LAYOUT-007: Tiles of a batch are ordered tile by tile.",
    lambda self, tiles: regrouped(tiles, self.case.batch or 1),
    "last_first, LAYOUT-006: The tiles have their channels first.",
    lambda self, tiles: (
        np.moveaxis(tiles, -1, 1).copy()
        if channel_axes(self.case, tiles) == (-1,)
        else tiles
    ),
    "window_tiles, TILE-007: With a window, tiles come from the last to the first.",
    lambda self, tiles: tiles if self.case.window == "box" else tiles[::-1].copy(),
    "border_tiles, TILE-007: With a border, tiles come from the last to the first.",
    lambda self, tiles: tiles[::-1].copy() if self.case.border else tiles,
    "payload_lost, TILE-002: A NaN in tiles is a plain NaN.",
    of_kinds("f", lambda a: np.where(np.isnan(a), a.dtype.type(np.nan), a)),
    "sign_lost, TILE-002: A −0.0 in tiles is 0.0.",
    of_kinds("f", lambda a: np.where(a == 0, np.abs(a), a)),
    "flushed, TILE-002: Subnormal numbers in tiles are zero.",
    of_kinds("f", lambda a: a * (np.abs(a) >= np.finfo(a.dtype).smallest_normal)),
    "always_float, TYPE-002/VALUE-002/VALUE-003: Tiles of numbers are float32.",
    of_kinds("biuf", lambda a: a.astype(np.float32)),
    "order_lost, TYPE-002: Tiles have the machine's byte order.",
    lambda self, tiles: tiles.astype(tiles.dtype.newbyteorder("=")),
    "complex_halved, TYPE-001: Complex images lose their imaginary part.",
    of_kinds("c", lambda a: a.real.astype(a.dtype)),
)
mutants_of(Session, "read_tiles")(
    "tile_major_merged, LAYOUT-007: The tiles of a batch are taken tile by tile.",
    lambda self, tiles: regrouped(tiles, len(tiles) // (self.case.batch or 1)),
)
mutants_of(Session, "read_image")(
    "records_refused, TYPE-001: Images that are no numbers are refused.",
    refusing(lambda self, image: image.dtype.kind not in "biufc"),
)
mutants_of(Session, "view")(
    "view_copies, VIEW-004: The view is a copy.",
    lambda self, image: as_strided(Session.view(self, image).copy(), writeable=False),
)


@mutant(tiling, "shown")
def tile_wise(plan: Grid, pixel: Pixel) -> Pixel | None:
    """PAD-003: Every tile is padded from its own pixels."""
    found = []
    for line, j, x in zip(plan.axes, pixel, shown(plan, pixel) or pixel, strict=False):
        start = max((s for s in line.starts if s <= j), default=0) - line.before
        low, high = max(0, start), min(line.length, start + line.tile)
        outside = not 0 <= j - line.before < line.length and high > low
        inner = extend(j - line.before - low, high - low, plan.settings.pad_mode)
        found.append(low + inner if outside and inner is not None else x)
    return tuple(found) if found and shown(plan, pixel) else shown(plan, pixel)


@mutant(tiling, "shown")
def first_axis_pads(plan: Grid, pixel: Pixel) -> Pixel | None:
    """PAD-005: The last axis is padded by its edge, whatever `pad_mode` says."""
    found = shown(plan, pixel)
    if not plan.axes or found is None or len(pixel) < 2:
        return found
    last = plan.axes[-1]
    return *found[:-1], extend(pixel[-1] - last.before, last.length, "edge") or 0


@mutant(tiling, "shown")
def corners_from_edge(plan: Grid, pixel: Pixel) -> Pixel | None:
    """PAD-004: Pixels outside on two axes are those of the nearest edge."""
    places = [j - line.before for line, j in zip(plan.axes, pixel, strict=False)]
    sides = list(zip(places, plan.size, strict=False))
    outside = [not 0 <= i < length for i, length in sides]
    near = tuple(min(max(0, i), length - 1) for i, length in sides)
    return near if sum(outside) > 1 else shown(plan, pixel)


@mutant(Session, "read_case")
def side_moves_scattered(self: Session, case: Case) -> Case:
    """PAD-011: Scattered tiles lie a pixel further where padding is on both sides."""
    if case.starts is None or case.pad_side != "both":
        return case
    most = np.subtract(case.size, case.tile)
    moved = np.minimum(np.add(case.starts, 1), most).tolist()
    return replace(case, starts=tuple(map(tuple, moved)))


@mutant(axis, "source")
def pad_mode_resamples(line: axis.Axis, j: int, pad_mode: str) -> int | None:
    """PAD-011: In `interpolation` with `wrap` the frame wraps."""
    wraps = line.mode == "interpolation" and pad_mode == "wrap"
    return j % line.length if wraps else source(line, j, pad_mode)


@mutant(tiling, "constant")
def constant_by_float32(value: Number, dtype: np.dtype[Any]) -> bytes:
    """VALUE-003: Constants of floats are rounded to float32 first."""
    wide = dtype.kind == "f" and math.isfinite(value) and abs(value) < 1e38
    return constant(float(np.float32(value)) if wide else value, dtype)


@mutant(Session, "give_tiles")
def last_reshaped(self: Session, tiles: Array) -> Array:
    """LAYOUT-002/LAYOUT-006: Channels that come last are reshaped, not moved."""
    if channel_axes(self.case, tiles) != (-1,):
        return tiles
    return np.moveaxis(tiles, -1, 1).reshape(tiles.shape)


@mutant(Session, "give_tiles")
def last_spatial(self: Session, tiles: Array) -> Array:
    """LAYOUT-003: With channels last, an image without channels gets one."""
    bare = self.case.channels_last and not channel_axes(self.case, tiles)
    return tiles[..., np.newaxis] if bare else tiles


@mutant(Session, "view")
def view_uneven(self: Session, image: Array) -> Array:
    """VIEW-006: What has no view is cut, and shaped like one."""
    try:
        return Session.view(self, image)
    except reftiler.TilingError:
        return self.cut(image)


@mutant(Session, "view")
def view_transposed(self: Session, image: Array) -> Array:
    """VIEW-001: The view's grid comes after its tiles."""
    windows, rank = Session.view(self, image), self.case.rank
    last = self.case.channels_last and image.ndim > rank
    grid = range(windows.ndim - 2 * rank - last, windows.ndim - rank - last)
    return np.moveaxis(windows, grid, [number + rank for number in grid])


@mutant(Session, "view")
def view_channels(self: Session, image: Array) -> Array:
    """VIEW-002: The view has its channels before its tiles."""
    windows = Session.view(self, image)
    last = self.case.channels_last and image.ndim > self.case.rank
    return np.moveaxis(windows, -1, -1 - self.case.rank) if last else windows


@mutant(Session, "view")
def view_dense(self: Session, image: Array) -> Array:
    """VIEW-003: The view's windows follow each other pixel by pixel."""
    windows, rank = Session.view(self, image), self.case.rank
    last = windows.ndim - (self.case.channels_last and image.ndim > rank)
    steps = list(windows.strides)
    steps[last - 2 * rank : last - rank] = steps[last - rank : last]
    return as_strided(windows, windows.shape, steps, writeable=False)
