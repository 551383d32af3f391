"""Wrong padding, wrong resampling, and tiles of wrong pixels."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

import reftiler
from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import (
    Session,
    Unchecked,
    in_mode,
    mutant,
    narrowed,
)
from reftiler_conformance.mutants.tilers import Array
from reftiler_conformance.oracle import axis, tiling
from reftiler_conformance.oracle.axis import (
    extend,
    leading,
    reflected,
    symmetric,
    wrapped,
)
from reftiler_conformance.oracle.grid import Grid, Pixel
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.oracle.tiling import constant, shown


@mutant("PAD-001", axis, "leading", also=["PAD-002"])
def pads_before(padding: int, side: str) -> int:
    """All padding comes before the image."""
    return leading(padding, side) if side == "both" else padding


@mutant("PAD-002", axis, "leading")
def larger_half_first(padding: int, side: str) -> int:
    """The larger half of the padding comes first."""
    return padding - padding // 2 if side == "both" else 0


@mutant("PAD-002", axis, "leading")
def side_ignored(padding: int, side: str) -> int:
    """All padding comes after the image, whatever `pad_side` says."""
    return 0


@mutant("PAD-003", tiling, "shown")
def tile_wise(plan: Grid, pixel: Pixel) -> Pixel | None:
    """Every tile is padded from its own pixels."""
    found = []
    for line, j, x in zip(plan.axes, pixel, shown(plan, pixel) or pixel, strict=False):
        start = max((s for s in line.starts if s <= j), default=0) - line.before
        low, high = max(0, start), min(line.length, start + line.tile)
        outside = not 0 <= j - line.before < line.length and high > low
        inner = extend(j - line.before - low, high - low, plan.settings.pad_mode)
        found.append(low + inner if outside and inner is not None else x)
    return tuple(found) if found and shown(plan, pixel) else shown(plan, pixel)


@mutant("PAD-006", axis, "extend")
def edge_wraps(i: int, length: int, pad_mode: str) -> int | None:
    """`edge` begins anew."""
    return extend(i, length, "wrap" if pad_mode == "edge" else pad_mode)


@mutant("PAD-006", axis, "extend")
def edge_once(i: int, length: int, pad_mode: str) -> int | None:
    """`edge` goes back after the first pixel of padding."""
    near = -1 <= i <= length
    return extend(i, length, "reflect" if pad_mode == "edge" and not near else pad_mode)


@mutant("PAD-007", axis, "wrapped")
def wrap_off(i: int, length: int) -> int:
    """`wrap` skips a pixel."""
    return wrapped(i + (i >= length), length)


@mutant("PAD-007", axis, "wrapped")
def wrap_turns(i: int, length: int) -> int:
    """`wrap` takes the remainder of negative numbers as C does, without the sign."""
    return abs(int(math.fmod(i, length)))


@mutant("PAD-008", axis, "symmetric")
def symmetric_skips(i: int, length: int) -> int:
    """`symmetric` does not repeat the edge."""
    return reflected(i, length)


@mutant("PAD-008", axis, "symmetric")
def symmetric_once(i: int, length: int) -> int:
    """`symmetric` goes back once; then comes the edge."""
    return symmetric(min(max(i, -length), 2 * length - 1), length)


@mutant("PAD-009", axis, "reflected")
def reflect_short(i: int, length: int) -> int:
    """A reflection is no longer than the image; then comes its edge."""
    return reflected(min(max(i, 1 - length), 2 * length - 2), length)


@mutant("PAD-009", axis, "reflected")
def reflect_repeats(i: int, length: int) -> int:
    """`reflect` repeats the edge."""
    return symmetric(i, length)


@mutant("PAD-009", axis, "extend", also=["PAD-005"])
def pad_mode_ignored(i: int, length: int, pad_mode: str) -> int | None:
    """Padding is constant, whatever `pad_mode` says."""
    return extend(i, length, "constant")


@mutant("PAD-005", tiling, "shown")
def first_axis_pads(plan: Grid, pixel: Pixel) -> Pixel | None:
    """The last axis is padded by its edge, whatever `pad_mode` says."""
    found = shown(plan, pixel)
    if not plan.axes or found is None or len(pixel) < 2:
        return found
    last = plan.axes[-1]
    return *found[:-1], extend(pixel[-1] - last.before, last.length, "edge") or 0


narrowed(first_axis_pads, "in wrap", lambda case: case.pad_mode == "wrap")


@mutant("PAD-004", Session, "read")
def pad_value_ignored(self: Session, case: Case) -> Case:
    """Padding is zero, whatever `pad_value` says."""
    return replace(case, pad_value=0)


@mutant("PAD-004", Session, "read")
def pad_value_nine(self: Session, case: Case) -> Case:
    """Padding is nine."""
    held = np.dtype(case.dtype).kind in "iuf"
    return replace(case, pad_value=9 if held else case.pad_value)


@mutant("PAD-004", tiling, "shown")
def corners_from_edge(plan: Grid, pixel: Pixel) -> Pixel | None:
    """Pixels outside on two axes are those of the nearest edge, not `pad_value`."""
    found = shown(plan, pixel)
    if found is not None or not plan.axes:
        return found
    near = [
        extend(j - line.before, line.length, "edge") or 0
        for line, j in zip(plan.axes, pixel, strict=True)
    ]
    sides = zip(plan.axes, pixel, strict=True)
    outside = sum(not 0 <= j - line.before < line.length for line, j in sides)
    return tuple(near) if outside > 1 else None


@mutant("PAD-010", Unchecked, "read")
def pad_value_unchecked(self: Session, case: Case) -> Case:
    """A pad value that does not fit the dtype is zero."""
    tiler = reftiler.Tiler([1], pad_value=case.pad_value)
    try:
        tiler.tile(np.zeros(1, case.dtype))
    except reftiler.TilingError:
        return replace(case, pad_value=0)
    return case


@mutant("PAD-011", Session, "read")
def side_moves_scattered(self: Session, case: Case) -> Case:
    """Scattered tiles lie a pixel further where padding is on both sides."""
    if case.starts is None or case.pad_side != "both":
        return case
    most = np.subtract(case.size, case.tile)
    moved = np.minimum(np.add(case.starts, 1), most).tolist()
    return replace(case, starts=tuple(map(tuple, moved)))


@mutant("PAD-011", axis, "source")
def pad_mode_resamples(line: axis.Axis, j: int, pad_mode: str) -> int | None:
    """In `interpolation` with `wrap` the frame wraps."""
    if line.mode == "interpolation" and pad_mode == "wrap":
        return j % line.length
    return axis_source(line, j, pad_mode)


axis_source = axis.source


@mutant("INTERP-001", axis, "stretched")
def stretch_centred(j: int, length: int, frame: int) -> int:
    """A frame pixel reads the image pixel nearest to its middle."""
    return (2 * j + 1) * length // (2 * frame)


@mutant("INTERP-001", axis, "stretched")
def stretch_to_the_ends(j: int, length: int, frame: int) -> int:
    """The ends of the frame are the ends of the image."""
    return j * (length - 1) // max(1, frame - 1)


@mutant("INTERP-003", axis, "stretched")
def stretch_floats(j: int, length: int, frame: int) -> int:
    """The frame is resampled in floating point."""
    return int(j * (length / frame))


@mutant("INTERP-003", axis, "stretched")
def stretch_float32(j: int, length: int, frame: int) -> int:
    """The frame is resampled in float32."""
    return min(
        length - 1, int(np.float32(j) * (np.float32(length) / np.float32(frame)))
    )


@mutant("INTERP-002", axis, "shrunk", also=["SCALE-009", "COORD-006"])
def shrink_floored(i: int, length: int, frame: int) -> int:
    """An image pixel reads the frame pixel before it."""
    return i * frame // length


@mutant("INTERP-003", axis, "shrunk")
def shrink_floats(i: int, length: int, frame: int) -> int:
    """The result is resampled in floating point."""
    return min(frame - 1, math.ceil(i * (frame / length)))


@mutant("INTERP-002", axis, "shrunk")
def shrink_centred(i: int, length: int, frame: int) -> int:
    """An image pixel reads the frame pixel nearest to its middle."""
    return min(frame - 1, (2 * i + 1) * frame // (2 * length))


@mutant("VALUE-002", tiling, "constant")
def short_constants_swapped(value: Number, dtype: np.dtype[Any]) -> bytes:
    """Integers of 16 bits hold constants in the other byte order."""
    found = constant(value, dtype)
    return found[::-1] if dtype.kind in "iu" and dtype.itemsize == 2 else found


@mutant("VALUE-003", tiling, "constant")
def constant_by_float32(value: Number, dtype: np.dtype[Any]) -> bytes:
    """Constants of float16 are rounded to float32 first, those of float64 stay so."""
    wide = dtype.kind == "f" and math.isfinite(value) and abs(value) < 1e38
    return constant(float(np.float32(value)) if wide else value, dtype)


@mutant("VALUE-004", Session, "cut")
def odd_padding(self: Session, image: Array) -> Array:
    """Padding of dtypes that are no numbers is not zero."""
    found = Session.cut(self, image)
    if image.dtype.kind in "biuf" or self.case.pad_mode != "constant":
        return found
    if self.case.mode != "padding" or self.case.starts or self.case.random:
        return found
    marks = replace(self.case, dtype="uint8", pad_value=1)
    inside = Session(marks, {}).cut(np.zeros(image.shape, np.uint8)) == 0
    wrong = np.full(found.nbytes, 1, np.uint8).view(found.dtype)
    return np.where(inside, found, wrong.reshape(found.shape))


@mutant("TILE-001", Session, "cut")
def channels_mixed(self: Session, image: Array) -> Array:
    """The channels of tiles come in the other order."""
    if image.ndim == self.case.rank:
        return Session.cut(self, image)
    return np.flip(
        Session.cut(self, image), -1 if self.case.channels_last else 1
    ).copy()


@mutant("TILE-001", Session, "cut")
def half_turned(self: Session, image: Array) -> Array:
    """Every tile is mirrored along its first axis."""
    found = Session.cut(self, image)
    first = 2 if found.ndim == self.case.rank + 2 else 1
    return np.flip(found, first - (self.case.channels_last and first == 2)).copy()


for mode in ("clamp", "even", "drop", "interpolation"):
    narrowed(half_turned, f"in {mode}", in_mode(mode))


@mutant("LAYOUT-007", Session, "cut")
def first_image(self: Session, image: Array) -> Array:
    """All tiles of a batch come from its first image."""
    if image.ndim == self.case.rank + 2:
        image = np.repeat(image[:1], len(image), axis=0)
    return Session.cut(self, image)


@mutant("LAYOUT-007", Session, "cut")
def tile_major(self: Session, image: Array) -> Array:
    """Tiles of a batch are ordered tile by tile."""
    found = Session.cut(self, image)
    batch = self.case.batch or 1
    stacks = found.reshape(batch, -1, *found.shape[1:])
    return stacks.swapaxes(0, 1).reshape(found.shape).copy()


narrowed(tile_major, "of scattered tiles", lambda case: case.starts is not None)


@mutant("LAYOUT-002", Session, "cut", also=["LAYOUT-006"])
def last_reshaped(self: Session, image: Array) -> Array:
    """Channels that come last are reshaped, not moved."""
    found = Session.cut(self, image)
    if not self.case.channels_last or image.ndim == self.case.rank:
        return found
    space, channels = found.shape[1:-1], found.shape[-1]
    first = np.moveaxis(found, -1, 1).reshape(len(found), *space, channels)
    return first.copy()


@mutant("LAYOUT-006", Session, "cut")
def last_first(self: Session, image: Array) -> Array:
    """The tiles have their channels first, wherever the image has them."""
    found, last = Session.cut(self, image), self.case.channels_last
    move = last and image.ndim > self.case.rank
    return np.moveaxis(found, -1, 1).copy() if move else found


@mutant("LAYOUT-003", Session, "cut")
def last_spatial(self: Session, image: Array) -> Array:
    """With channels last, an image without channels gets one."""
    found = Session.cut(self, image)
    bare = self.case.channels_last and image.ndim == self.case.rank
    return found[..., np.newaxis] if bare else found


@mutant("TILE-002", Session, "cut")
def payload_lost(self: Session, image: Array) -> Array:
    """A NaN in tiles is a plain NaN."""
    found = Session.cut(self, image)
    if found.dtype.kind == "f":
        found[np.isnan(found)] = np.nan
    return found


@mutant("TILE-002", Session, "cut")
def sign_lost(self: Session, image: Array) -> Array:
    """A −0.0 in tiles is 0.0."""
    found = Session.cut(self, image)
    if found.dtype.kind == "f":
        found[found == 0] = 0
    return found


@mutant("TILE-002", Session, "cut")
def flushed(self: Session, image: Array) -> Array:
    """Subnormal numbers in tiles are zero."""
    found = Session.cut(self, image)
    if found.dtype.kind == "f":
        found[np.abs(found) < np.finfo(found.dtype).smallest_normal] *= 0
    return found


@mutant("TYPE-002", Session, "cut", also=["VALUE-002", "VALUE-003"])
def always_float(self: Session, image: Array) -> Array:
    """Tiles are float32, whatever the image is."""
    found = Session.cut(self, image)
    with np.errstate(all="ignore"):
        return found.astype(np.float32) if found.dtype.kind in "biuf" else found


@mutant("TYPE-002", Session, "cut")
def double_lost(self: Session, image: Array) -> Array:
    """Tiles of float64 are float32."""
    found = Session.cut(self, image)
    with np.errstate(all="ignore"):
        return found.astype(np.float32) if found.dtype == np.float64 else found


@mutant("TYPE-002", Session, "cut")
def order_lost(self: Session, image: Array) -> Array:
    """Tiles have the machine's byte order."""
    found = Session.cut(self, image)
    return found.astype(found.dtype.newbyteorder("="))


@mutant("TYPE-001", Session, "cut")
def records_refused(self: Session, image: Array) -> Array:
    """Images that are no numbers are refused."""
    if image.dtype.kind not in "biufc":
        raise TypeError(f"{image.dtype} is refused")
    return Session.cut(self, image)


@mutant("TYPE-001", Session, "cut")
def complex_halved(self: Session, image: Array) -> Array:
    """Complex images lose their imaginary part."""
    found = Session.cut(self, image)
    return found.real.astype(found.dtype) if found.dtype.kind == "c" else found


@mutant("TILE-007", Session, "cut")
def border_cut(self: Session, image: Array) -> Array:
    """The border is removed from the tiles, not in the merge alone."""
    found, case = Session.cut(self, image), self.case
    border = np.ones(case.tile, bool)
    sides = zip(case.borders, case.tile, strict=True)
    border[tuple(slice(rim, tile - rim) for rim, tile in sides)] = False
    last = case.channels_last and found.ndim == case.rank + 2
    where = (..., border, slice(None)) if last else (..., border)
    found[where] = np.zeros((), found.dtype)
    return found


@mutant("TILE-007", Session, "cut")
def window_tiles(self: Session, image: Array) -> Array:
    """With a window, tiles come from the last to the first."""
    found = Session.cut(self, image)
    return found if self.case.window == "box" else found[::-1].copy()


@mutant("VIEW-004", Session, "view")
def view_copies(self: Session, image: Array) -> Array:
    """The view is a copy."""
    windows = Session.view(self, image).copy()
    windows.flags.writeable = False
    return windows


@mutant("VIEW-006", Session, "view")
def view_uneven(self: Session, image: Array) -> Array:
    """What has no view is cut, and shaped like one."""
    try:
        return Session.view(self, image)
    except reftiler.TilingError:
        return self.cut(image)


@mutant("VIEW-001", Session, "view")
def view_transposed(self: Session, image: Array) -> Array:
    """The view's grid comes after its tiles."""
    windows = Session.view(self, image)
    rank, first = self.case.rank, image.ndim - self.case.rank
    first -= self.case.channels_last and first > 0
    middle = range(first, first + 2 * rank)
    turned = [*middle[rank:], *middle[:rank]]
    rest = range(first + 2 * rank, windows.ndim)
    return windows.transpose(*range(first), *turned, *rest)


@mutant("VIEW-002", Session, "view")
def view_channels(self: Session, image: Array) -> Array:
    """The view has its channels before its tiles."""
    windows = Session.view(self, image)
    last = self.case.channels_last and image.ndim > self.case.rank
    return np.moveaxis(windows, -1, -1 - self.case.rank) if last else windows


@mutant("VIEW-003", Session, "view")
def view_mirrored(self: Session, image: Array) -> Array:
    """The view's windows go from the last to the first on the last axis."""
    windows, case = Session.view(self, image), self.case
    channels = case.channels_last and image.ndim > case.rank
    return np.flip(windows, windows.ndim - case.rank - channels - 1)


@mutant("VIEW-003", Session, "view")
def view_dense(self: Session, image: Array) -> Array:
    """The view's windows follow each other pixel by pixel."""
    windows, case = Session.view(self, image), self.case
    last = windows.ndim - (case.channels_last and image.ndim > case.rank)
    steps = list(windows.strides)
    steps[last - 2 * case.rank : last - case.rank] = steps[last - case.rank : last]
    return np.lib.stride_tricks.as_strided(
        windows, windows.shape, steps, writeable=False
    )
