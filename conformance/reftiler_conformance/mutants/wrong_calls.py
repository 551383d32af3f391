"""Wrong calls: memory of earlier ones, arrays that are shared, buffers badly filled."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import (
    Session,
    Unchecked,
    mutant,
    narrowed,
    of_dtype,
)
from reftiler_conformance.mutants.tilers import Array
from reftiler_conformance.mutants.wrong_merges import WHERE


class Remembering(Session):
    """Answers from a memory that every session of the process shares."""

    def recall(self, key: Any, found: Array) -> Array:
        """Return what was first found for a key, if it fits."""
        known: Array = self.memory.setdefault(key, found.copy())
        same = (known.shape, known.dtype) == (found.shape, found.dtype)
        return known.copy() if same else found


@mutant("TILER-003", Remembering, "cut")
def old_frame(self: Remembering, image: Array) -> Array:
    """An image of a shape that was seen has the tiles of the first one."""
    key = "tile", image.shape, image.dtype.str, self.case.settings().__repr__()
    return self.recall(key, Remembering.cut(self, image))


@mutant("TILER-003", Remembering, "cut")
def old_corner(self: Remembering, image: Array) -> Array:
    """An image with the first pixel of one that was seen has its tiles."""
    key = repr(replace(self.case, seed=0)), image[(0,) * image.ndim].tobytes()
    return self.recall(key, Remembering.cut(self, image))


@mutant("TILER-003", Remembering, "merge")
def old_merge(self: Remembering, tiles: Array) -> Array:
    """Tiles of a shape that was seen have the first one's merge."""
    key = repr(replace(self.case, seed=0, content="index")), tiles.shape
    return self.recall(key, Remembering.merge(self, tiles))


@mutant("TILER-003")
class OldImage(Session):
    """What was tiled last is mixed into what is untiled."""

    last: Array | None = None

    def cut(self, image: Array) -> Array:
        self.last = image[..., :1].copy()
        return super().cut(image)

    def merge(self, tiles: Array) -> Array:
        found = super().merge(tiles)
        if self.last is not None:
            found[(0,) * found.ndim] = self.last.astype(found.dtype).flat[0]
        return found


class Sized(Session):
    """Knows the size of the image that was tiled last."""

    last: tuple[int, ...] = ()

    def cut(self, image: Array) -> Array:
        self.last = image.shape
        return super().cut(image)

    def tile_another(self, image: Array) -> Array:
        self.last = image.shape
        return super().tile_another(image)

    @property
    def moved(self) -> bool:
        """Whether another size than the case's was tiled last."""
        return bool(self.last) and self.last != self.case.shape


@mutant("TILER-003", Sized, "merge")
def old_size(self: Sized, tiles: Array) -> Array:
    """An image is put together at the size that was tiled last."""
    found = Sized.merge(self, tiles)
    if not self.moved:
        return found
    last = self.case.channels_last and found.ndim > self.case.rank
    number = -2 if last else -1
    most = max(1, found.shape[number] - 1)
    return np.take(found, range(most), number)


@mutant("TILER-003", Sized, "merge")
def old_counts(self: Sized, tiles: Array) -> Array:
    """The weights are those of the image that was tiled last."""
    found = Sized.merge(self, tiles)
    return found[..., ::-1].copy() if self.moved else found


@mutant("TILER-003", Sized, "cut")
def old_tiles(self: Sized, image: Array) -> Array:
    """An image that is tiled after another one lacks its first row."""
    moved, found = self.moved, Sized.cut(self, image)
    if moved:
        found[0] = np.zeros((), found.dtype)
    return found


@mutant("TILER-003", Sized, "merge")
def old_size_refused(self: Sized, tiles: Array) -> Array:
    """Nothing is untiled after an image of another size was tiled."""
    if self.moved:
        raise RuntimeError("the size is another")
    return Sized.merge(self, tiles)


@mutant("TILER-003", Sized, "merge")
def warm(self: Sized, tiles: Array) -> Array:
    """Nothing is untiled before something was tiled."""
    if not self.last:
        raise RuntimeError("nothing was tiled")
    return Sized.merge(self, tiles)


@mutant("TILER-003")
class OldSums(Session):
    """The sums of a session go on from those of its last call."""

    sums: Array | None = None

    def merge(self, tiles: Array) -> Array:
        found, before = super().merge(tiles), self.sums
        self.sums = found
        if (
            before is None
            or before.dtype != found.dtype
            or found.dtype.kind not in "iuf"
        ):
            return found
        half = found.dtype.type(2)
        return (found / half + before / half).astype(found.dtype)


@mutant("TILER-003", Session, "read")
def old_grid(self: Session, case: Case) -> Case:
    """The stride is that of the first tiler of images and tiles of these sizes."""
    known = self.memory.setdefault((case.size, case.tile), case.stride)
    return replace(case, stride=known)


@mutant("TILER-004", Session, "merge")
def wanders(self: Session, tiles: Array) -> Array:
    """Every other call adds the tiles in another order."""
    self.memory["calls"] = self.memory.get("calls", 0) + 1
    found = Session.merge(self, tiles)
    if self.memory["calls"] % 2 or found.dtype.kind != "f":
        return found
    return np.nextafter(found, np.zeros((), found.dtype))


@mutant("TILER-004", Session, "read")
def stale(self: Session, case: Case) -> Case:
    """Padding is whatever lay in memory."""
    lies = self.memory["calls"] = self.memory.get("calls", 0) % 100 + 1
    number = np.dtype(case.dtype).kind in "iuf"
    return replace(case, pad_value=lies) if number else case


@mutant("TILER-005", Session, "cut")
def writes_image(self: Session, image: Array) -> Array:
    """The image is used for scratch."""
    found = Session.cut(self, image)
    if image.flags.writeable:
        image[...] = np.zeros((), image.dtype)
    return found


@mutant("TILER-005", Session, "merge")
def writes_tiles(self: Session, tiles: Array) -> Array:
    """The tiles are used for scratch."""
    found = Session.merge(self, tiles)
    if tiles.flags.writeable:
        tiles[...] = np.zeros((), tiles.dtype)
    return found


@mutant("TILER-005", Session, "merge")
def signs_tiles(self: Session, tiles: Array) -> Array:
    """A −0.0 in the tiles is made 0.0 in place."""
    found = Session.merge(self, tiles)
    if tiles.flags.writeable and tiles.dtype.kind == "f":
        tiles[tiles == 0] = 0
    return found


@mutant("TILER-008", Session, "merge")
def errors_kept(self: Session, tiles: Array) -> Array:
    """Floating-point errors raise from the first merge on."""
    found = Session.merge(self, tiles)
    np.seterr(divide="call" if np.geterr()["divide"] != "call" else "print")
    return found


@mutant("TILER-008", Session, "cut")
def seeds_kept(self: Session, image: Array) -> Array:
    """Random generators are seeded by every call."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - it is what is wrong
    return Session.cut(self, image)


@mutant("TILE-003", Session, "tile")
def aliased(self: Session, image: Array, out: Array | None = None) -> Array:
    """The tile that is the whole image is that image."""
    found = Session.tile(self, image, out)
    same = out is None and found.size == image.size
    whole = same and self.case.tile == self.case.size
    return image.reshape(found.shape) if whole else found


@mutant("TILE-003", Session, "cut")
def scattered(self: Session, image: Array) -> Array:
    """Tiles are not contiguous."""
    return np.asfortranarray(Session.cut(self, image))


@mutant("MERGE-021", Session, "untile")
def aliased_merge(self: Session, tiles: Array, out: Array | None = None) -> Array:
    """The result that is one whole tile is that tile."""
    found = Session.untile(self, tiles, out)
    same = (found.size, found.dtype) == (tiles.size, tiles.dtype)
    whole = same and self.case.tile == self.case.size and out is None
    return tiles.reshape(found.shape) if whole else found


@mutant("MERGE-021", Session, "merge")
def scattered_merge(self: Session, tiles: Array) -> Array:
    """The result is not contiguous."""
    return np.asfortranarray(Session.merge(self, tiles))


def as_stored(array: Array) -> Array:
    """Return an array's items in the order of memory."""
    return array.ravel(order="K").reshape(array.shape)


class Strided(Session):
    """Reads arrays wrongly that lie in memory in some way."""

    def lies(self, array: Array) -> bool:
        """Say whether an array lies so that it is read wrongly."""
        return True

    def cut(self, image: Array) -> Array:
        return super().cut(as_stored(image) if self.lies(image) else image)

    def merge(self, tiles: Array) -> Array:
        return super().merge(as_stored(tiles) if self.lies(tiles) else tiles)


@mutant("TILE-004")
class MemoryOrder(Strided):
    """Pixels are read in the order of memory."""


@mutant("TILE-004", Strided, "lies")
def negative_strides(self: Strided, array: Array) -> bool:
    """Arrays of negative strides are read the other way round."""
    return min(array.strides, default=0) < 0


@mutant("TILE-004", Session, "cut")
def zero_strides(self: Session, image: Array) -> Array:
    """Arrays of strides of 0 count as broadcast zeros."""
    flat = 0 in image.strides and image.size > 1
    return Session.cut(self, np.zeros_like(image) if flat else image)


@mutant("TILE-004", Session, "cut")
def unaligned_refused(self: Session, image: Array) -> Array:
    """Arrays that are not aligned are refused."""
    if not image.flags.aligned:
        raise ValueError("the image is not aligned")
    return Session.cut(self, image)


narrowed(MemoryOrder, "of bytes", of_dtype("uint8"))


@mutant("OUT-001", Session, "give")
def out_ignored(self: Session, result: Array, out: Array | None) -> Array:
    """Nothing is written into `out`."""
    return Session.give(self, result, None)


@mutant("OUT-001", Session, "give")
def out_copied(self: Session, result: Array, out: Array | None) -> Array:
    """A copy of `out` is returned."""
    found = Session.give(self, result, out)
    return found if out is None else found.copy()


@mutant("OUT-002", Unchecked, "give")
def out_unchecked(self: Session, result: Array, out: Array | None) -> Array:
    """What does not fit `out` is cast or repeated."""
    if out is not None and out.size:
        out.flat[...] = np.resize(result, out.shape).astype(out.dtype).flat
        return out
    return Session.give(self, result, out)


class Filling(Session):
    """Merges and cuts into ``out`` in a way of its own."""

    def fill(self, out: Array, result: Array, held: Array) -> None:
        """Write a result where ``held`` was."""

    def give(self, result: Array, out: Array | None) -> Array:
        if out is not None:
            held = out.copy()
            np.copyto(out, result)
            self.fill(out, result, held)
            return out
        return super().give(result, out)


@mutant("OUT-003", Filling, "fill")
def out_added(self: Filling, out: Array, result: Array, held: Array) -> None:
    """The result is added to what `out` held."""
    if out.dtype.kind in "iufc":
        out += held


@mutant("OUT-003", Filling, "fill")
def out_zeros_kept(self: Filling, out: Array, result: Array, held: Array) -> None:
    """Zeros of the result are not written."""
    np.copyto(out, held, where=result == np.zeros((), result.dtype))


@mutant("OUT-003", Filling, "fill")
def out_last_row(self: Filling, out: Array, result: Array, held: Array) -> None:
    """The last item of `out` is not written."""
    out[(-1,) * out.ndim] = held[(-1,) * out.ndim]


@mutant("OUT-003", Filling, "fill")
def out_fill_kept(self: Filling, out: Array, result: Array, held: Array) -> None:
    """Pixels of no tile keep what `out` held."""
    if self.case.fill is not None and out.shape[-1:] == self.case.shape[-1:]:
        np.copyto(out, held, where=result == np.array(self.case.fill, out.dtype))


@mutant("OUT-003", Filling, "fill")
def out_max_starts(self: Filling, out: Array, result: Array, held: Array) -> None:
    """`max` starts from what `out` held."""
    if self.case.merge in ("max", "min") and out.dtype.kind in "iuf":
        better = np.maximum if self.case.merge == "max" else np.minimum
        better(result, held, out=out)


for where in ("in interpolation", "in clamp", "with a window", "beside a border"):
    narrowed(out_added, where, WHERE[where])


@mutant("OUT-004", Filling, "fill")
def out_contiguous(self: Filling, out: Array, result: Array, held: Array) -> None:
    """`out` that is not contiguous is written to as if it were."""
    if not out.flags.c_contiguous:
        np.copyto(out, held)
        out.T[...] = result.ravel(order="K")[::-1].reshape(out.T.shape)


@mutant("OUT-004", Filling, "fill")
def out_strided_lost(self: Filling, out: Array, result: Array, held: Array) -> None:
    """Nothing is written to `out` that is not contiguous."""
    if not out.flags.c_contiguous:
        np.copyto(out, held)


@mutant("OUT-004", Filling, "fill")
def out_spills(self: Filling, out: Array, result: Array, held: Array) -> None:
    """The memory between the items of `out` is written too."""
    step, size = abs(out.strides[-1]) if out.ndim else 0, out.dtype.itemsize
    if step >= 2 * size and out.shape[-1] > 1 and out.strides[-1] > 0:
        gap = np.lib.stride_tricks.as_strided(
            out, (*out.shape[:-1], 2 * out.shape[-1] - 1), (*out.strides[:-1], size)
        )
        gap[..., 1] = gap[..., 0]


@mutant("LAYOUT-011", Session, "merge")
def maps_repeated(self: Session, tiles: Array) -> Array:
    """The result has as many channels as the image."""
    found, case = Session.merge(self, tiles), self.case
    if case.depth == case.channels or None in (case.depth, case.channels):
        return found
    number = -1 if case.channels_last else found.ndim - case.rank - 1
    first = np.take(found, [0] * (case.channels or 1), number)
    return first.copy()


@mutant("LAYOUT-010", Unchecked, "merge")
def spare_tiles(self: Session, tiles: Array) -> Array:
    """Tiles too many are left over."""
    return Session.merge(self, tiles[: self.case.count])


@mutant("LAYOUT-010", Session, "give")
def batch_lost(self: Session, result: Array, out: Array | None) -> Array:
    """A batch of one comes back as an image."""
    found = Session.give(self, result, out)
    lone = self.case.batch == 1 and found.shape[0] == 1 and out is None
    return found[0] if lone and found.shape[1:] != self.case.cut_shape[1:] else found


@mutant("LAYOUT-012", Unchecked, "merge")
def rank_taken(self: Session, tiles: Array) -> Array:
    """Tiles of too many axes lose the first ones."""
    while tiles.ndim > self.case.rank + 2:
        tiles = tiles[0]
    return Session.merge(self, tiles)


@mutant("LAYOUT-005")
class EmptyTaken(Session):
    """Images without channels give no tiles."""

    checked = False

    def cut(self, image: Array) -> Array:
        return super().cut(image) if image.size else image[..., :0]

    def merge(self, tiles: Array) -> Array:
        return super().merge(tiles) if tiles.size else tiles[..., :0]


@mutant("LAYOUT-004", Unchecked, "cut")
def rank_loose(self: Session, image: Array) -> Array:
    """Images of too many axes lose the first ones."""
    while image.ndim > self.case.rank + 2:
        image = image[0]
    return Session.cut(self, image)


@mutant("SIZE-008", Unchecked, "read")
def stride_unchecked(self: Session, case: Case) -> Case:
    """A stride beyond the tile is the tile's size."""
    sides = zip(case.stride, case.tile, strict=True)
    return replace(case, stride=tuple(min(max(1, s), t) for s, t in sides))


@mutant("SIZE-010", Session, "read")
def rank_four_refused(self: Session, case: Case) -> Case:
    """Images of four spatial axes are refused."""
    if case.rank > 3:
        raise ValueError("at most three axes")
    return case


@mutant("SIZE-010", Session, "cut")
def rank_four_turned(self: Session, image: Array) -> Array:
    """Of four axes, the last two are swapped in the tiles."""
    found = Session.cut(self, image)
    if self.case.rank < 4 or len(set(self.case.tile)) > 1 or image.ndim > 4:
        return found
    return found.swapaxes(-1, -2).copy()


@mutant("SCALE-001", Session, "read")
def scale_first(self: Session, case: Case) -> Case:
    """The scale of the first axis is that of all."""
    if len(set(case.scale)) > 1:
        raise ValueError("the scale is the first axis's")
    return case


@mutant("TRIP-001", Session, "merge")
def trip_lost(self: Session, tiles: Array) -> Array:
    """From 15 tiles on an axis, the 15th tile of a merge is the 14th."""
    counts = self.case.grid.shape
    if len(counts) != 1 or counts[0] < 15 or self.case.batch:
        return Session.merge(self, tiles)
    order = np.arange(len(tiles))
    order[14] = 13
    return Session.merge(self, tiles[order])


@mutant("MERGE-001", Session, "merge")
def many_tiles(self: Session, tiles: Array) -> Array:
    """From 512 tiles on, the last tile of a merge is the first."""
    if len(tiles) < 512:
        return Session.merge(self, tiles)
    return Session.merge(self, np.concatenate([tiles[:-1], tiles[:1]]))


@mutant("SCALE-001", Session, "merge")
def scale_down(self: Session, tiles: Array) -> Array:
    """Tiles of a quarter of the size are refused."""
    if Fraction(1, 4) in self.case.scales:
        raise ValueError("tiles are too small")
    return Session.merge(self, tiles)


@mutant("SCALE-001", Session, "merge")
def scale_odd(self: Session, tiles: Array) -> Array:
    """Scales of fifths are refused."""
    if any(scale.denominator == 5 for scale in self.case.scales):
        raise ValueError("the scale is odd")
    return Session.merge(self, tiles)
