"""Tilers that disagree with others, or with themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler import Grid, Tiler, TilingError
from tests.broken_apis.table import breaks, wishes


class Cuts(Tiler):
    """Cuts something else than the image."""

    def image(self, image: Any) -> Any:
        return image

    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(self.image(image), **named)


class Merges(Tiler):
    """Merges something else than the tiles."""

    def tiles(self, tiles: Any) -> Any:
        return tiles

    def untile(self, tiles: Any, *given: Any, **named: Any) -> Any:
        return super().untile(self.tiles(tiles), *given, **named)


@breaks("BACKEND-001", "content='special'")
class LosesSigns(Cuts):
    def image(self, image: Any) -> Any:
        return image + image.dtype.type(0) if image.dtype.kind == "f" else image


@breaks("BACKEND-001", "window='hann', dtype='float64'")
class SumsInSingle(Tiler):
    def untile(self, tiles: Any, *given: Any, **named: Any) -> Any:
        if tiles.dtype != np.float64:
            return super().untile(tiles, *given, **named)
        single = super().untile(tiles.astype(np.float32), *given, **named)
        return single.astype(named.get("dtype", np.float64))


@breaks("BACKEND-001", "mode='interpolation', dtype='uint8'")
class Clamps(Tiler):
    def untile(self, tiles: Any, *given: Any, **named: Any) -> Any:
        plain = wishes(lambda _: {"mode": "padding"}).from_other(self)
        return Tiler.untile(plain, tiles, *given, **named)


@breaks("BACKEND-002", "Tiler is another with the same settings")
class OwnKindOnly(Tiler):
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and Tiler.__eq__(self, other)

    __hash__ = Tiler.__hash__


@breaks("BACKEND-002", "equal tilers have other hashes")
class HashesItsKind(Tiler):
    __eq__ = Tiler.__eq__

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._json))


@breaks("BACKEND-002", "from_other() makes another tiler")
class OfSizesOnly(Tiler):
    @classmethod
    def from_other(cls, tiler: Any) -> Any:
        return cls(tiler.tile_size, tiler.stride)


@breaks("BACKEND-002", "raised TilingError: a grid of another backend")
class OwnGridsOnly(Tiler):
    def tile(self, image: Any, *, grid: Grid | None = None, **named: Any) -> Any:
        if grid is not None and type(grid.tiler) is not type(self):
            raise TilingError("a grid of another backend")
        return super().tile(image, grid=grid, **named)


@breaks("TILE-004", "a strided image gives other tiles")
class ReadsInARow(Cuts):
    def image(self, image: Any) -> Any:
        base = image if image.base is None else image.base
        flat = np.frombuffer(np.ascontiguousarray(base), image.dtype, image.size)
        return flat.reshape(image.shape) if image.strides[-1] == 8 else image


@breaks("TILE-004", "a column-major tiles give another image")
class ReadsAsItLies(Merges):
    def tiles(self, tiles: Any) -> Any:
        return tiles.ravel("K").reshape(tiles.shape)


@breaks("TILE-004", "raised ValueError: read-only")
class NeedsToWrite(Cuts):
    def image(self, image: Any) -> Any:
        if not image.flags.writeable:
            raise ValueError("read-only")
        return image


@breaks("TILE-005", "raised TilingError: the grid is of another")
class ItsOwnGridOnly(Tiler):
    def tile(self, image: Any, *, grid: Grid | None = None, **named: Any) -> Any:
        if grid is not None and grid.tiler is not self:
            raise TilingError("the grid is of another")
        return super().tile(image, grid=grid, **named)


@breaks("TILE-005", "another window was taken")
class ComparesSizes(Tiler):
    def tile(self, image: Any, *, grid: Grid | None = None, **named: Any) -> Any:
        alike = grid is not None and grid.tiler.stride == self.stride
        return super().tile(image, grid=None if alike else grid, **named)


@breaks("TILE-006", "without a grid clamp gives other tiles")
class CutsEvenly(Tiler):
    def tile(self, image: Any, *, grid: Grid | None = None, **named: Any) -> Any:
        clamp = grid is None and self.mode == "clamp"
        even = Tiler(self.tile_size, self.stride, mode="even") if clamp else self
        return Tiler.tile(even, image, grid=grid, **named)


@breaks("TILE-006", "without a grid padding gives another image")
class MergesByAnother(Tiler):
    def untile(self, tiles: Any, shape: Any, grid: Any = None, **named: Any) -> Any:
        merged = super().untile(tiles, shape, grid, **named)
        return merged[..., ::-1] if grid is None else merged
