"""Tilers that merge, show or write wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np

import reftiler.torch
from reftiler import Tiler, TilingError
from reftiler_conformance.peers.reftiler_own import TorchApi
from tests.broken_apis.table import BROKEN, Broken, breaks


@breaks("LAYOUT-010", "8 tiles for (2, 8, 8) was taken")
class BatchesByCount(Tiler):
    def untile(self, tiles: Any, shape: Any, *given: Any, **named: Any) -> Any:
        batch = len(shape) == 3 and len(tiles) == 4 * shape[0] and shape[0] > 1
        return super().untile(
            tiles, (shape[0], 1, *shape[1:]) if batch else shape, *given, **named
        )


@breaks("LAYOUT-010", "1 tiles for two starts was taken")
class RepeatsTiles(Tiler):
    def untile(self, tiles: Any, shape: Any, grid: Any = None, **named: Any) -> Any:
        tiles = tiles if grid is None else np.resize(tiles, (len(grid), 4, 4))
        return super().untile(tiles, shape, grid, **named)


@breaks("LAYOUT-011", "tiles (4, 4, 4) of (3, 8, 8) became (3, 8, 8)")
class ChannelsOfTheShape(Tiler):
    def untile(self, tiles: Any, shape: Any, *given: Any, **named: Any) -> Any:
        result = super().untile(tiles, shape, *given, **named)
        return np.resize(result, shape) if len(shape) == 3 else result


@breaks("LAYOUT-011", "channels last, became (2, 8, 8)")
class ChannelsAhead(Tiler):
    def untile(self, tiles: Any, *given: Any, **named: Any) -> Any:
        result = super().untile(tiles, *given, **named)
        behind = self.channels_last and tiles.ndim == 4
        return np.moveaxis(result, -1, -3) if behind else result


@breaks("LAYOUT-009", "raised TilingError: a tuple")
class ShapesAreTuples(Tiler):
    def untile(self, tiles: Any, shape: Any, *given: Any, **named: Any) -> Any:
        if not isinstance(shape, tuple):
            raise TilingError("a tuple")
        return super().untile(tiles, shape, *given, **named)


@breaks("LAYOUT-009", "the shape became (8, 3)")
class ReadsShapesAhead(Tiler):
    def untile(self, tiles: Any, shape: Any, *given: Any, **named: Any) -> Any:
        result = super().untile(tiles, shape, *given, **named)
        return result[0, :, :3] if self.channels_last else result


@breaks("OUT-001", "tile returned another array")
class CopiesOut(Tiler):
    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(image, **named).copy()


@breaks("OUT-001", "untile returned another")
class IgnoresOut(Tiler):
    def untile(self, *given: Any, out: Any = None, **named: Any) -> Any:
        return super().untile(*given, **named)


@breaks("OUT-001", "tile wrote others")
class WritesNothing(Tiler):
    def tile(self, image: Any, *, out: Any = None, **named: Any) -> Any:
        tiles = super().tile(image, **named)
        return tiles if out is None else out


@breaks("OUT-001", "tile wrote beside the strides")
class WritesOutFlat(Tiler):
    def tile(self, image: Any, *, out: Any = None, **named: Any) -> Any:
        tiles = super().tile(image, **named)
        if out is None:
            return tiles
        out.reshape(-1)[:] = tiles.reshape(-1)
        return out


@breaks("PAD-010", "pad_value=0.5 of uint8 was taken")
class ChecksWhatPads(Tiler):
    def tile(self, image: Any, **named: Any) -> Any:
        fits = not np.any(self.grid(image.shape[-2:]).padding)
        plain = Tiler(self.tile_size, self.stride) if fits else self
        return Tiler.tile(plain, image, **named)


@breaks("PAD-011", "raised TilingError: the pad value does not fit")
class ChecksEverywhere(Tiler):
    def tile(self, image: Any, **named: Any) -> Any:
        if self.mode == "even" and isinstance(self.pad_value, float):
            raise TilingError("the pad value does not fit")
        return super().tile(image, **named)


@breaks("PAD-011", "pad_value changes the tiles of {'mode': 'drop'}")
class PadsEverywhere(Tiler):
    def tile(self, image: Any, **named: Any) -> Any:
        tiles = super().tile(image, **named)
        odd = self.mode == "drop" and self.pad_value
        return tiles + 1 if odd else tiles


@breaks("SCALE-002", "at half the size the result is (16, 16)")
class KeepsTheSize(Tiler):
    def untile(self, tiles: Any, shape: Any, *given: Any, **named: Any) -> Any:
        return np.resize(super().untile(tiles, shape, *given, **named), shape)


@breaks("SCALE-003", "a float near 1/3 was taken")
class RoundsScales(Tiler):
    def untile(self, *given: Any, scale: Any = None, **named: Any) -> Any:
        near = scale if scale != 1 / 3 else None
        return super().untile(*given, scale=near, **named)


@breaks("SCALE-003", "raised TypeError: one number")
class OneScaleOnly(Tiler):
    def untile(self, *given: Any, scale: Any = None, **named: Any) -> Any:
        if isinstance(scale, list):
            raise TypeError("one number")
        return super().untile(*given, scale=scale, **named)


@breaks("SCALE-005", "pixels were merged before the refusal")
class ClearsFirst(Tiler):
    def untile(self, *given: Any, out: Any = None, **named: Any) -> Any:
        if out is not None:
            out[...] = 0
        return super().untile(*given, out=out, **named)


@breaks("TYPE-006", "dtype=uint8 gave float64")
class AlwaysDouble(Tiler):
    def untile(self, *given: Any, **named: Any) -> Any:
        return super().untile(*given, **named).astype(np.float64)


@breaks("TYPE-006", "tiles of int64 gave float32")
class SingleByDefault(Tiler):
    def untile(self, tiles: Any, *given: Any, **named: Any) -> Any:
        single = "float32" if tiles.dtype == np.int64 else None
        return super().untile(tiles, *given, **{"dtype": single, **named})


@breaks("TYPE-007", "dtype=bool of bool gave uint8")
class BytesForBools(Tiler):
    def untile(self, *given: Any, **named: Any) -> Any:
        merged = super().untile(*given, **named)
        return merged.astype(np.uint8) if merged.dtype == bool else merged


@breaks("VIEW-004", "a new pixel shows in 0 windows")
class CopiesWindows(Tiler):
    def view(self, image: Any) -> Any:
        return super().view(image).copy()


@breaks("VIEW-004", "with channels last it shows in 0 windows")
class CopiesChannels(Tiler):
    def view(self, image: Any) -> Any:
        windows = super().view(image)
        return windows.copy() if self.channels_last else windows


@breaks("VIEW-005", "the view can be written to")
class ShowsToWrite(Tiler):
    def view(self, image: Any) -> Any:
        shown = super().view(image)
        return np.lib.stride_tricks.as_strided(image, shown.shape, shown.strides)


@breaks("VIEW-005", "the image cannot be written to")
class LocksTheImage(Tiler):
    def view(self, image: Any) -> Any:
        image.flags.writeable = False
        return super().view(image)


@breaks("VIEW-006", "raised TilingError: no view of interpolation")
class NeverOfFrames(Tiler):
    def view(self, image: Any) -> Any:
        if self.mode == "interpolation":
            raise TilingError("no view of interpolation")
        return super().view(image)


class ClonesTensors(reftiler.torch.Tiler):
    """Shows a copy of a tensor."""

    def view(self, image: Any) -> Any:
        return super().view(image).clone()


class OnHost(TorchApi):
    """The twin on the host."""

    def __init__(self) -> None:
        super().__init__("cpu")


BROKEN += [Broken("VIEW-005", "does not write to the image", ClonesTensors, api=OnHost)]
