"""Blocks of neighbouring tiles, and the chunks of images that belong to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from reftiler.axis import Axis, IntArray
from reftiler.geometry import Box, TileGeometry
from reftiler.grid import Grid

__all__ = ["Chunks", "TileBlocks", "chunk_boxes", "chunks_meeting"]

Chunks = tuple[tuple[int, ...], ...]
"""For each axis the lengths of the chunks, as dask counts them."""


@dataclass(frozen=True)
class TileBlocks:
    """
    Blocks of tiles of one image that go through the model in one task.

    Parameters
    ----------
    grid : Grid
        Where they lie.
    size : int
        About how many tiles a block has.

    Notes
    -----
    Blocks of a regular grid are as square as may be, so that few neighbours share
    pixels with them; of an irregular one, tiles that follow each other.
    """

    grid: Grid
    size: int

    @property
    def steps(self) -> tuple[int, ...]:
        """Tiles of a block along each axis of the grid."""
        shape, left = self.grid.shape, self.size
        steps = []
        # Short axes first: what they do not use, the others may.
        for rank, axis in enumerate(sorted(range(len(shape)), key=shape.__getitem__)):
            side = max(1, round(left ** (1 / (len(shape) - rank))))
            steps.append((axis, min(side, shape[axis])))
            left = max(1, left // steps[-1][1])
        return tuple(step for _, step in sorted(steps))

    def tiles(self) -> list[IntArray]:
        """Return the indices of each block's tiles, ascending."""
        indices = np.arange(len(self.grid)).reshape(self.grid.shape)
        blocks = [
            [slice(low, low + step) for low in range(0, count, step)]
            for count, step in zip(self.grid.shape, self.steps, strict=True)
        ]
        return [indices[block].ravel() for block in product(*blocks)]

    def image_chunks(self) -> Chunks:
        """Return chunks of the image that begin where blocks do."""
        axes = self.grid.input_geometry.axes
        starts = [axis.boxes[:, 0] for axis in axes]
        return self._chunks(axes, starts)

    def result_chunks(self, geometry: TileGeometry) -> Chunks:
        """Return chunks of the result that begin where blocks begin to contribute."""
        return self._chunks(geometry.axes, [a.valid[:, 0] for a in geometry.axes])

    def _chunks(self, axes: tuple[Axis, ...], starts: list[IntArray]) -> Chunks:
        found = []
        for number, (axis, first) in enumerate(zip(axes, starts, strict=True)):
            if self.grid.is_irregular:
                step = axis.tile * max(1, round(self.size ** (1 / len(axes))))
                edges = set(range(0, axis.length, step))
            else:
                edges = set(first[:: self.steps[number]].clip(0).tolist())
            edges = {edge for edge in edges if edge < axis.length} | {0}
            ends = pairwise([*sorted(edges), axis.length])
            found.append(tuple(high - low for low, high in ends))
        return tuple(found)


def chunk_boxes(chunks: Chunks) -> Iterator[tuple[tuple[int, ...], Box]]:
    """Go over the chunks: their index and the pixels that they have."""
    axes = []
    for lengths in chunks:
        edges = [0, *np.cumsum(lengths).tolist()]
        axes.append(list(enumerate(pairwise(edges))))
    for combined in product(*axes):
        yield tuple(i for i, _ in combined), tuple(ends for _, ends in combined)


def chunks_meeting(chunks: Chunks, pixels: list[IntArray]) -> list[tuple[int, ...]]:
    """Return the indices of the chunks in which some pixels lie."""
    found = []
    for lengths, wanted in zip(chunks, pixels, strict=True):
        edges = np.cumsum(lengths)
        found.append(np.unique(np.searchsorted(edges, wanted, "right")).tolist())
    return list(product(*found))
