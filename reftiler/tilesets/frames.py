"""The frame that tiles are cut from, when only some of its tiles are there.

Seen from the frame, tiles of any mode are scattered: each lies where it was cut.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import Axis, IntArray
from reftiler.grid import Grid
from reftiler.streaming import Target

__all__ = ["Frame", "frame_pixels", "part_of_frame"]


class Frame:
    """
    The frame of an image, of which only the pixels that the image shows are kept.

    Parameters
    ----------
    image : Target
        What is written.
    size : sequence of int
        The frame's.
    pixels : sequence of ndarray
        For each axis the frame pixel that each image pixel reads, ascending.
    """

    def __init__(
        self, image: Target, size: tuple[int, ...], pixels: list[IntArray]
    ) -> None:
        self._image, self._pixels = image, pixels
        self.shape = (*size, *image.shape[2:])
        self.dtype = np.dtype(image.dtype)

    def __getitem__(self, index: tuple[slice, ...], /) -> NDArray[Any]:
        """Return nothing: the frame is there to be written."""
        return np.zeros([part.stop - part.start for part in index], self.dtype)

    def __setitem__(self, index: tuple[slice, ...], value: NDArray[Any], /) -> None:
        """Write what the image shows of some slices."""
        here, there = [], []
        for part, pixels in zip(index, self._pixels, strict=False):
            low, high = np.searchsorted(pixels, (part.start, part.stop)).tolist()
            here.append(pixels[low:high] - part.start)
            there.append(slice(low, high))
        if all(len(pixels) for pixels in here):
            self._image[(*there, *index[2:])] = value[np.ix_(*here)]


def part_of_frame(grid: Grid, kept: list[int]) -> Grid:
    """Return the grid of some of the tiles, with the frame as its image."""
    frame = tuple(axis.padded_length for axis in grid.axes)
    return Grid(grid.tiler, frame, grid.starts[kept].tolist())


def frame_pixels(grid: Grid) -> list[IntArray]:
    """Return for each axis the frame pixels that become the image's, ascending."""
    return list(map(_axis_pixels, grid.axes))


def _axis_pixels(axis: Axis) -> IntArray:
    pixels = np.arange(axis.length, dtype=np.int64)
    if axis.resampled:
        return -(-pixels * axis.padded_length // axis.length)
    return pixels + axis.pad_before
