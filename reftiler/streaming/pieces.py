"""Pieces of an image: the pixels that some tiles show, read from a store."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np

from reftiler.axis import Index, IntArray
from reftiler.cut import Array, SourceIndex, as_nchw, index_spatial, open_mesh
from reftiler.layout import ArrayLayout
from reftiler.streaming.stores import Slices, Source, place

__all__ = ["Piece", "WholeImage", "shown_by"]


class WholeImage:
    """
    An image that is an array, memory-mapped or not: nothing need be read ahead.

    Parameters
    ----------
    image : ndarray, shape (C, *S)
    """

    def __init__(self, image: Array) -> None:
        self.image = image

    def at(self, index: Sequence[Index]) -> Array:
        """Return the pixels (C, *lengths) of an index."""
        return index_spatial(self.image, open_mesh(index))


class Piece:
    """
    Some pixels of an image of a store, each read once.

    Parameters
    ----------
    source : Source
        Of the layout ``layout``.
    image : int
        Which image of the batch.
    pixels : sequence of ndarray
        For each spatial axis the numbers of the pixels, ascending.
    """

    def __init__(
        self,
        source: Source,
        layout: ArrayLayout,
        image: int,
        pixels: Sequence[IntArray],
    ) -> None:
        self.pixels = pixels
        # In memory as in the store: to copy one order into the other is slow.
        own = replace(layout, batch=None, size=tuple(map(len, pixels)))
        self.box = as_nchw(np.empty(own.shape, source.dtype), own)[0]
        for here, there in _runs(pixels):
            read = np.asarray(source[place(layout, image, there)])
            self.box[(slice(None), *here)] = as_nchw(read, layout)[0]

    def at(self, index: Sequence[Index]) -> Array:
        """Return the pixels (C, *lengths) of an index, all of which were read."""
        return index_spatial(self.box, open_mesh(list(map(_found, self.pixels, index))))


def shown_by(tiles: Sequence[SourceIndex]) -> list[IntArray]:
    """Return which pixels of each axis some tiles show, ascending."""
    axes = zip(*(shown.pixels for shown in tiles), strict=True)
    return [np.unique(np.concatenate(list(map(_numbers, axis)))) for axis in axes]


def _numbers(index: Index) -> IntArray:
    if isinstance(index, slice):
        return np.arange(index.start, index.stop, dtype=np.int64)
    return index


def _found(pixels: IntArray, index: Index) -> Index:
    """Return where an index lies among pixels."""
    if isinstance(index, slice):
        first = int(np.searchsorted(pixels, index.start))
        return slice(first, first + index.stop - index.start)
    return np.searchsorted(pixels, index)


def _runs(axes: Sequence[IntArray]) -> Iterator[tuple[Slices, Slices]]:
    """Go over boxes of neighbours: where they lie among the pixels and in the image."""
    runs: list[list[tuple[slice, slice]]] = []
    for pixels in axes:
        cuts = np.flatnonzero(np.diff(pixels) > 1) + 1
        ends = pairwise([0, *cuts.tolist(), len(pixels)])
        runs.append(
            [
                (slice(low, high), slice(int(pixels[low]), int(pixels[high - 1]) + 1))
                for low, high in ends
                if high > low
            ]
        )
    for run in product(*runs):
        here, there = zip(*run, strict=True)
        yield here, there
