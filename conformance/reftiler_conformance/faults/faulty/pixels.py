"""Tiles of wrong pixels."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.plain import Plain


@fault("TILE-001")
class ChannelsMixed(Plain):
    """The channels of tiles come in the other order."""

    def framed(self, image: Array) -> Array:
        return super().framed(image)[:, ::-1]


@fault("TILE-001")
class HalfTurned(Plain):
    """Every tile is mirrored along its last axis."""

    def piece(self, frame: Array, start: Array) -> Array:
        return super().piece(frame, start)[..., ::-1]


@fault("LAYOUT-007")
class FirstImage(Plain):
    """All tiles of a batch come from its first image."""

    def framed(self, image: Array) -> Array:
        frame = super().framed(image)
        return np.repeat(frame[:1], len(frame), axis=0)


@fault("LAYOUT-007")
class TileMajor(Plain):
    """Tiles of a batch are ordered tile by tile."""

    def joined(self, tiles: Array) -> Array:
        return super().joined(tiles.swapaxes(0, 1))


@fault("LAYOUT-002")
class LastReshaped(Plain):
    """Channels that come last are reshaped, not moved."""

    def apart(self, image: Array) -> Array:
        found = super().apart(image)
        return image.reshape(found.shape)


@fault("LAYOUT-006")
class LastFirst(Plain):
    """The tiles have their channels first, wherever the image has them."""

    def laid(self, tiles: Array, ndim: int) -> Array:
        return tiles if ndim > self.case.rank else super().laid(tiles, ndim)


@fault("TILE-002")
class PayloadLost(Plain):
    """A NaN in tiles is a plain NaN."""

    def framed(self, image: Array) -> Array:
        frame = super().framed(image)
        if frame.dtype.kind == "f":
            frame[np.isnan(frame)] = np.nan
        return frame


@fault("TILE-002")
class SignLost(Plain):
    """A −0.0 in tiles is 0.0."""

    def framed(self, image: Array) -> Array:
        frame = super().framed(image)
        if frame.dtype.kind == "f":
            frame[frame == 0] = 0
        return frame


class Typed(Plain):
    """Gives tiles in a dtype of its own."""

    def typed(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the dtype of the tiles."""
        return dtype

    def laid(self, tiles: Array, ndim: int) -> Array:
        with np.errstate(all="ignore"):
            return super().laid(tiles, ndim).astype(self.typed(tiles.dtype))


@fault("TYPE-002")
class AlwaysFloat(Typed):
    """Tiles are float32, whatever the image is."""

    def typed(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(np.float32) if dtype.kind in "biuf" else dtype


@fault("TYPE-002")
class DoubleLost(Typed):
    """Tiles of float64 are float32."""

    def typed(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(np.float32) if dtype == np.float64 else dtype


@fault("TYPE-002")
class OrderLost(Typed):
    """Tiles have the machine's byte order."""

    def typed(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        return dtype.newbyteorder("=")


@fault("TILE-003")
class Aliased(Plain):
    """The tile that is the whole image is that image."""

    def tile(self, image: Array, out: Array | None = None) -> Array:
        tiles = super().tile(image, out)
        whole = out is None and tiles.size == image.size and len(self.starts) == 1
        same = whole and self.case.tile == self.case.size
        return image.reshape(tiles.shape) if same else tiles


@fault("TILE-003")
class Scattered(Plain):
    """Tiles are not contiguous."""

    def laid(self, tiles: Array, ndim: int) -> Array:
        return np.asfortranarray(super().laid(tiles, ndim))


@fault("TILE-004")
class MemoryOrder(Plain):
    """Pixels are read in the order of memory."""

    def apart(self, image: Array) -> Array:
        return super().apart(image.ravel(order="K").reshape(image.shape))


@fault("TILER-005")
class WritesImage(Plain):
    """The image is used for scratch."""

    def tile(self, image: Array, out: Array | None = None) -> Array:
        tiles = super().tile(image, out)
        if image.flags.writeable:
            image[...] = np.zeros((), image.dtype)
        return tiles


@fault("TILE-007")
class BorderCut(Plain):
    """The border is removed from the tiles, not in the merge alone."""

    def piece(self, frame: Array, start: Array) -> Array:
        found = super().piece(frame, start).copy()
        sides = zip(self.case.borders, self.case.tile, strict=True)
        border = np.ones(self.case.tile, bool)
        border[tuple(slice(rim, tile - rim) for rim, tile in sides)] = False
        found[..., border] = np.zeros((), found.dtype)
        return found


@fault("VIEW-004")
class ViewCopies(Plain):
    """The view is a copy."""

    def view(self, image: Array) -> Array:
        windows = super().view(image).copy()
        windows.flags.writeable = False
        return windows


@fault("VIEW-006")
class ViewUneven(Plain):
    """Starts that are not evenly spaced are viewed as if they were."""

    def demand_even(self) -> None:
        pass


@fault("VIEW-001")
class ViewTransposed(Plain):
    """The view's grid comes after its tiles."""

    def view(self, image: Array) -> Array:
        windows = super().view(image)
        rank, first = self.case.rank, image.ndim - self.case.rank
        first -= self.case.channels_last and first > 0
        middle = range(first, first + 2 * rank)
        turned = [*middle[rank:], *middle[:rank]]
        rest = range(first + 2 * rank, windows.ndim)
        return windows.transpose(*range(first), *turned, *rest)


@fault("VIEW-002")
class ViewChannels(Plain):
    """The view has its channels before its tiles."""

    def view(self, image: Array) -> Array:
        windows = super().view(image)
        last = self.case.channels_last and image.ndim > self.case.rank
        return np.moveaxis(windows, -1, -1 - self.case.rank) if last else windows


@fault("VIEW-003")
class ViewDense(Plain):
    """The view's windows follow each other pixel by pixel."""

    def step(self, starts: Array) -> int:
        return 1
