"""Wrong calls: memory of earlier ones, arrays that are shared, refusals missed."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.faults import demands
from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.merging import Parts
from reftiler_conformance.faults.plain import Plain


@fault("TILER-003")
class OldFrame(Plain):
    """Tiles are cut from the first image of a session."""

    first: Array | None = None

    def framed(self, image: Array) -> Array:
        if self.first is None or self.first.dtype != image.dtype:
            self.first = super().framed(image)
        return self.first


@fault("TILER-003")
class OldImage(Plain):
    """What was tiled last is mixed into what is untiled."""

    last: Array | None = None

    def tile(self, image: Array, out: Array | None = None) -> Array:
        self.last = image[..., :1].copy()
        return super().tile(image, out)

    def copy(self, result: Array, parts: Parts, lone: Array) -> None:
        super().copy(result, parts, lone)
        if self.last is not None:
            result[(0,) * result.ndim] = self.last.flat[0]


@fault("TILER-003")
class Warm(Plain):
    """Nothing is untiled before something was tiled."""

    tiled = False

    def tile(self, image: Array, out: Array | None = None) -> Array:
        self.tiled = True
        return super().tile(image, out)

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        demands.need(self.tiled, "nothing was tiled")
        super().demand_tiles(tiles, target)


@fault("TILER-003")
class OldSums(Plain):
    """The sums of a session go on from those of its last call."""

    kept_sums: tuple[Array, Array] | None = None

    def sums(self, parts: Parts) -> tuple[Array, Array]:
        above, below = super().sums(parts)
        if self.kept_sums is not None and self.kept_sums[0].shape == above.shape:
            above, below = above + self.kept_sums[0], below + self.kept_sums[1]
        self.kept_sums = above, below
        return above, below


@fault("TILER-003")
class OldGrid(Plain):
    """The stride is that of the first tiler of images and tiles of these sizes."""

    def read(self, case: Case) -> Case:
        known = self.memory.setdefault(f"{case.size} {case.tile}", case.stride)
        return replace(case, stride=known)


@fault("TILER-004")
class Wanders(Plain):
    """Every call adds the tiles in another order."""

    def turn(self, count: int) -> Iterable[int]:
        first = self.memory["calls"] = (self.memory.get("calls", -1) + 1) % count
        return [*range(first, count), *range(first)]


@fault("TILER-004")
class Stale(Plain):
    """Padding is whatever lay in memory."""

    def constant(self, image: Array) -> Array:
        lies = self.memory["calls"] = self.memory.get("calls", 0) % 251 + 1
        rest = np.full(image.dtype.itemsize, lies, np.uint8)
        return rest.view(image.dtype)[0]


@fault("TILER-005")
class WritesTiles(Plain):
    """The tiles are used for scratch."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        result = super().untile(tiles, out)
        if tiles.flags.writeable:
            tiles[...] = np.zeros((), tiles.dtype)
        return result


@fault("MERGE-021")
class AliasedMerge(Plain):
    """The result that is one whole tile is that tile."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        result = super().untile(tiles, out)
        same = out is None and result.dtype == tiles.dtype and len(self.starts) == 1
        whole = same and result.size == tiles.size and self.case.tile == self.case.size
        return tiles.reshape(result.shape) if whole else result


@fault("MERGE-021")
class ScatteredMerge(Plain):
    """The result is not contiguous."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        result = super().untile(tiles, out)
        return result if result is out else np.asfortranarray(result)


@fault("OUT-001")
class OutIgnored(Plain):
    """Nothing is written into `out`."""

    def give(self, result: Array, given: Array, out: Array | None) -> Array:
        return super().give(result, given, None)


@fault("OUT-001")
class OutCopied(Plain):
    """A copy of `out` is returned."""

    def give(self, result: Array, given: Array, out: Array | None) -> Array:
        found = super().give(result, given, out)
        return found if out is None else found.copy()


@fault("OUT-002")
class OutUnchecked(Plain):
    """What does not fit `out` is cast or repeated."""

    def demand_out(self, out: Array, result: Array, given: Array) -> None:
        pass


@fault("LAYOUT-011")
class MapsRepeated(Plain):
    """The result has as many channels as the image."""

    def stacked(self, tiles: Array) -> Array:
        stack, channels = super().stacked(tiles), self.case.channels or 1
        same = stack.shape[2] == channels
        return stack if same else np.repeat(stack[:, :, :1], channels, 2)


@fault("LAYOUT-010")
class SpareTiles(Plain):
    """Tiles too many are left over."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        return super().untile(tiles[: (self.case.batch or 1) * len(self.starts)], out)


@fault("LAYOUT-010")
class BatchLost(Plain):
    """A batch of one comes back as an image."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        result = super().untile(tiles, out)
        return result[0] if self.case.batch == 1 and out is None else result


@fault("SIZE-008")
class SettingsUnchecked(Plain):
    """No setting is refused."""

    def demand(self) -> None:
        pass


@fault("GRID-009")
class ShortRefused(Plain):
    """Images shorter than the tile are refused."""

    def demand(self) -> None:
        super().demand()
        fits = [n >= t for n, t in zip(self.case.size, self.case.tile, strict=True)]
        demands.need(all(fits), "the image is shorter than the tile")
