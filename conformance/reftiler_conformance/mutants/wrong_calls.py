"""Wrong calls: memory of earlier ones, arrays that are shared, buffers badly filled."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import as_strided

from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.steps import aliasing, as_scratch, refusing
from reftiler_conformance.mutants.tilers import Array, Session, Unchecked


class Sized(Session):
    """Knows whether something was tiled, and whether an image of another size was."""

    cold, moved = True, False

    def read_image(self, array: Array) -> Array:
        self.cold = False
        return array

    def tile_another(self, image: Array) -> None:
        self.cold, self.moved = False, True
        super().tile_another(image)


class Strided(Session):
    """Reads arrays that lie in memory in some way in the order of memory."""

    def lies(self, array: Array) -> bool:
        """Say whether an array lies so that it is read wrongly."""
        return True

    def read_image(self, array: Array) -> Array:
        stored = array.ravel(order="K").reshape(array.shape)
        return stored if self.lies(array) else array

    read_tiles = read_image


class Filling(Session):
    """Writes into ``out`` in a way of its own."""

    def filled(self, result: Array, held: Array) -> Array:
        """Return what is written where ``held`` was."""
        return result

    def give(self, result: Array, out: Array | None) -> Array:
        if out is not None:
            result = self.filled(result, out.copy())
        return super().give(result, out)


mutants_of(Session, "read_case")(
    "old_grid, TILER-003: The stride is that of the first tiler of these sizes.",
    lambda self, case: replace(
        case, stride=self.memory.setdefault((case.size, case.tile), case.stride)
    ),
    "scale_first, SCALE-001: Scales that differ by axis are refused.",
    refusing(lambda self, case: len(set(case.scale)) > 1),
)
mutants_of(Sized, "give_tiles")(
    "old_tiles, TILER-003: The tiles of an image after another one are empty.",
    lambda self, tiles: np.zeros_like(tiles) if self.moved else tiles,
)
mutants_of(Sized, "give_result")(
    "old_weights, TILER-003: The weights are those of the image that was tiled last.",
    lambda self, result: result[..., ::-1].copy() if self.moved else result,
)
mutants_of(Sized, "read_tiles")(
    "warm, TILER-003: Nothing is untiled before something was tiled.",
    refusing(lambda self, tiles: self.cold),
)
mutants_of(Session, "read_image")(
    "writes_image, TILER-005: The image is used for scratch.",
    as_scratch,
    "zero_strides, TILE-004: Arrays of strides of 0 count as broadcast zeros.",
    lambda self, image: np.zeros_like(image) if 0 in image.strides else image,
    "unaligned_refused, TILE-004: Arrays that are not aligned are refused.",
    refusing(lambda self, image: not image.flags.aligned),
)
mutants_of(Session, "read_tiles")(
    "writes_tiles, TILER-005: The tiles are used for scratch.",
    as_scratch,
    "scale_down, SCALE-001: Tiles of a quarter of the size are refused.",
    refusing(lambda self, tiles: Fraction(1, 4) in self.case.scales),
    "maps_refused, LAYOUT-011: Tiles of other channels than the image's are refused.",
    refusing(lambda self, tiles: self.case.depth != self.case.channels),
    "many_tiles, MERGE-001: From 512 tiles on, the last tile of a merge is the first.",
    lambda self, tiles: tiles[np.arange(len(tiles)) % max(511, len(tiles) - 1)],
)
mutants_of(Session, "tile")(
    "aliased, TILE-003: The tile that is the whole image is that image.",
    aliasing("tile"),
)
mutants_of(Session, "untile")(
    "aliased_merge, MERGE-021: The result that is one whole tile is that tile.",
    aliasing("untile"),
)
mutants_of(Session, "give_tiles")(
    "scattered, TILE-003: Tiles are not contiguous.",
    lambda self, tiles: np.asfortranarray(tiles),
)
mutants_of(Session, "give_result")(
    "scattered_merge, MERGE-021: The result is not contiguous.",
    lambda self, result: np.asfortranarray(result),
    "batch_lost, LAYOUT-010: A batch of one comes back as an image.",
    lambda self, result: result[0] if self.case.batch == 1 else result,
)
mutants_of(Strided, "lies")(
    "memory_order, TILE-004: Pixels are read in the order of memory.",
    lambda self, array: True,
    "negative_strides, TILE-004: Negative strides are read the other way.",
    lambda self, array: min(array.strides, default=0) < 0,
)
mutants_of(Session, "give")(
    "out_ignored, OUT-001: Nothing is written into `out`.",
    lambda self, result, out: Session.give(self, result, None),
    "out_copied, OUT-001: A copy of `out` is returned.",
    lambda self, result, out: Session.give(self, result, out).copy(),
)
mutants_of(Filling, "filled")(
    "out_added, OUT-003: The result is added to what `out` held.",
    lambda self, new, held: new + held if new.dtype.kind in "iufc" else new,
    "out_last_kept, OUT-003: The last item of `out` is not written.",
    lambda self, new, held: np.append(new.flat[:-1], held.flat[-1:]).reshape(new.shape),
    "out_fill_kept, OUT-003: Pixels of no tile keep what `out` held.",
    lambda self, new, held: np.where(new == self.case.fill, held, new),
)
mutants_of(Unchecked, "read_tiles")(
    "spare_tiles, LAYOUT-010: Tiles too many are left over.",
    lambda self, tiles: tiles[: self.case.count],
    "rank_taken, LAYOUT-012: Tiles of too many axes lose the first ones.",
    lambda self, tiles: tiles[(0,) * (tiles.ndim - self.case.rank - 2)],
)
mutants_of(Unchecked, "read_image")(
    "rank_loose, LAYOUT-004: Images of too many axes lose the first ones.",
    lambda self, image: image[(0,) * (image.ndim - self.case.rank - 2)],
)
mutants_of(Unchecked, "cut")(
    "empty_taken, LAYOUT-005: Images without channels give no tiles.",
    lambda self, image: Session.cut(self, image) if image.size else image[..., :0],
)


@mutant(Session, "cut")
def old_corner(self: Session, image: Array) -> Array:
    """TILER-003: An image with the first pixel of one that was seen has its tiles."""
    key = repr(replace(self.case, seed=0)), image[(0,) * image.ndim].tobytes()
    found = Session.cut(self, image)
    known: Array = self.memory.setdefault(key, found)
    same = (known.shape, known.dtype) == (found.shape, found.dtype)
    return known.copy() if same else found


@mutant()
class OldSums(Session):
    """TILER-003: The sums of a session go on from those of its last call."""

    sums: Array | None = None

    def give_result(self, result: Array) -> Array:
        before, self.sums = self.sums, result
        if before is None or result.dtype.kind not in "iuf":
            return result
        mean: Array = (result / 2 + before / 2).astype(result.dtype)
        return mean


@mutant(Session, "give_result")
def wanders(self: Session, result: Array) -> Array:
    """TILER-004: Every other call adds the tiles in another order."""
    self.memory["calls"] = self.memory.get("calls", 0) + 1
    if self.memory["calls"] % 2 or result.dtype.kind != "f":
        return result
    return np.asarray(np.nextafter(result, np.zeros((), result.dtype)))


@mutant(Session, "read_case")
def stale(self: Session, case: Case) -> Case:
    """TILER-004: Padding is whatever lay in memory."""
    lies = self.memory["calls"] = self.memory.get("calls", 0) % 100 + 1
    number = np.dtype(case.dtype).kind in "iuf"
    return replace(case, pad_value=lies) if number else case


@mutant(Session, "give_result")
def errors_kept(self: Session, result: Array) -> Array:
    """TILER-008: Floating-point errors raise from the first merge on."""
    np.seterr(divide="call" if np.geterr()["divide"] != "call" else "print")
    return result


@mutant(Session, "read_image")
def seeds_kept(self: Session, image: Array) -> Array:
    """TILER-008: Random generators are seeded by every call."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - it is what is wrong
    return image


@mutant(Unchecked, "give")
def out_unchecked(self: Session, result: Array, out: Array | None) -> Array:
    """OUT-002: What does not fit `out` is cast or repeated."""
    if out is not None and out.size:
        out.flat[...] = np.resize(result, out.shape).astype(out.dtype).flat
        return out
    return Session.give(self, result, out)


@mutant(Session, "give")
def out_contiguous(self: Session, result: Array, out: Array | None) -> Array:
    """OUT-004: `out` that is not contiguous is written to as if it were."""
    if out is None or out.flags.c_contiguous:
        return Session.give(self, result, out)
    out.T[...] = result.ravel(order="K")[::-1].reshape(out.T.shape)
    return out


@mutant(Session, "give")
def out_spills(self: Session, result: Array, out: Array | None) -> Array:
    """OUT-004: The memory between the items of `out` is written too."""
    found = Session.give(self, result, out)
    size, step = found.itemsize, found.strides[-1] if found.ndim else 0
    if out is not None and step >= 2 * size and out.shape[-1] > 1:
        gap = as_strided(
            out, (*out.shape[:-1], 2 * out.shape[-1] - 1), (*out.strides[:-1], size)
        )
        gap[..., 1] = gap[..., 0]
    return found


@mutant(Session, "give_tiles")
def rank_four_turned(self: Session, tiles: Array) -> Array:
    """SIZE-010: Of four axes, the last two are swapped in the tiles."""
    case = self.case
    bare = case.batch is None and case.channels is None
    if case.rank < 4 or len(set(case.tile)) > 1 or not bare:
        return tiles
    return tiles.swapaxes(-1, -2).copy()


@mutant(Session, "read_tiles")
def trip_lost(self: Session, tiles: Array) -> Array:
    """TRIP-001: From 15 tiles on an axis, the 15th tile of a merge is the 14th."""
    if len(tiles) < 15 or self.case.batch or len(self.case.grid.shape) != 1:
        return tiles
    return np.concatenate([tiles[:14], tiles[13:14], tiles[15:]])
