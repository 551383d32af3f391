"""How the plain tiler cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.faults import demands
from reftiler_conformance.faults.grid import Box, Grid

Array = npt.NDArray[Any]


class Cutting(Grid):
    """Cuts images, which are of shape (N, C, *S) in here."""

    def tile(self, image: Array, out: Array | None = None) -> Array:
        """Cut an image."""
        self.demand_image(image)
        frame = self.framed(self.apart(image))
        shape = (frame.shape[0], len(self.starts), frame.shape[1], *self.case.tile)
        tiles = np.empty(shape, image.dtype)
        for k, start in enumerate(self.starts):
            tiles[:, k] = self.piece(frame, start)
        return self.give(self.laid(self.joined(tiles), image.ndim), image, out)

    def demand_image(self, image: Array) -> None:
        """Refuse an image that cannot be cut."""
        demands.image(image, self.case)
        self.demand_value(image)

    def demand_value(self, image: Array) -> None:
        """Refuse a pad value that the image cannot hold."""
        demands.pad_value(image.dtype, self.case)

    def apart(self, image: Array) -> Array:
        """Return an image with its batch and its channels before its space."""
        extra = image.ndim - self.case.rank
        if extra and self.case.channels_last:
            image = np.moveaxis(image, -1, image.ndim - self.case.rank - 1)
        return image[(None,) * (2 - extra)]

    def framed(self, image: Array) -> Array:
        """Return the image, padded or resampled."""
        for axis in range(self.case.rank):
            source = self.source(axis)
            inside = source >= 0
            image = image.take(np.maximum(source, 0), axis + 2)
            image[(slice(None),) * (axis + 2) + (~inside,)] = self.constant(image)
        return image

    def source(self, axis: int) -> Array:
        """Return the image pixel of each frame pixel; -1 is the pad value."""
        case, pixels = self.case, np.arange(self.frame[axis])
        length = case.size[axis]
        if self.fitted and case.mode == "interpolation":
            return self.resampled(pixels, length, self.frame[axis])
        found = self.extended(pixels - self.before[axis], length)
        if case.pad_mode == "constant":
            found[(pixels < self.before[axis]) | (pixels >= self.end(axis))] = -1
        return found

    def end(self, axis: int) -> int:
        """Return the frame pixel at which the image ends."""
        return self.before[axis] + self.case.size[axis]

    def resampled(self, pixels: Array, length: int, frame: int) -> Array:
        """Return the image pixels that frame pixels show in interpolation."""
        return pixels * length // frame

    def extended(self, x: Array, length: int) -> Array:
        """Return the image pixels at positions of an endlessly extended axis."""
        kind = self.case.pad_mode
        if kind == "wrap":
            return self.wrapped(x, length)
        if kind == "symmetric":
            return self.symmetric(x, length)
        if kind == "reflect":
            return self.reflected(x, length)
        return np.clip(x, 0, length - 1)

    def wrapped(self, x: Array, length: int) -> Array:
        """Begin anew."""
        return x % length

    def symmetric(self, x: Array, length: int) -> Array:
        """Go back, the edge twice."""
        y = x % (2 * length)
        return np.where(y < length, y, 2 * length - 1 - y)

    def reflected(self, x: Array, length: int) -> Array:
        """Go back, the edge once."""
        period = max(1, 2 * (length - 1))
        y = x % period
        return np.where(y < length, y, period - y)

    def constant(self, image: Array) -> Array:
        """Return the pad value in the image's dtype."""
        if image.dtype.kind not in "biuf":
            return np.zeros((), image.dtype)
        return np.array(self.case.pad_value).astype(image.dtype)

    def piece(self, frame: Array, start: Array) -> Array:
        """Return a tile."""
        sides = zip(start, self.case.tile, strict=True)
        where: Box = (..., *(slice(s, s + t) for s, t in sides))
        found: Array = frame[where]
        return found

    def joined(self, tiles: Array) -> Array:
        """Return tiles of shape (N, K, C, *T) image by image."""
        return tiles.reshape(-1, *tiles.shape[2:])

    def laid(self, tiles: Array, ndim: int) -> Array:
        """Return tiles of shape (N*K, C, *T) as they are handed out."""
        return self.together(tiles, ndim)

    def together(self, array: Array, ndim: int) -> Array:
        """Return an array of shape (N, C, *S) as its channels are laid out."""
        if ndim == self.case.rank:
            array = array[:, 0]
        elif self.case.channels_last:
            array = np.moveaxis(array, 1, -1)
        return np.ascontiguousarray(array)

    def give(self, result: Array, given: Array, out: Array | None) -> Array:
        """Return a result, in ``out`` if there is one."""
        if out is None:
            return result
        self.demand_out(out, result, given)
        np.copyto(out, result, casting="unsafe")
        return out

    def demand_out(self, out: Array, result: Array, given: Array) -> None:
        """Refuse an array that cannot take the result."""
        demands.out(out, result, given)

    def view(self, image: Array) -> Array:
        """Show the windows of an image."""
        self.demand_image(image)
        self.demand_even()
        last = self.case.channels_last and image.ndim > self.case.rank
        first = image.ndim - self.case.rank - last
        axes = tuple(range(first, first + self.case.rank))
        windows = np.lib.stride_tricks.sliding_window_view(
            image, self.case.tile, axis=axes
        )
        lines = [np.unique(column) for column in self.starts.T]
        steps = [slice(s[0], s[-1] + 1, self.step(s)) for s in lines]
        windows = windows[(slice(None),) * first + tuple(steps)]
        return np.moveaxis(windows, first + len(axes), -1) if last else windows

    def demand_even(self) -> None:
        """Refuse a view where there is none."""
        demands.even(self.starts, self.frame, self.case)

    def step(self, starts: Array) -> int:
        """Return the step from window to window."""
        return int(starts[1] - starts[0]) if len(starts) > 1 else 1
