"""Read the tiles of an image batch by batch, and no pixel that none of them shows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, pairwise, product
from typing import NamedTuple

import numpy as np

from reftiler.axis import Index, IntArray
from reftiler.batching import batched
from reftiler.cut import (
    Array,
    SourceIndex,
    as_nchw,
    fill,
    index_spatial,
    open_mesh,
    source_index,
)
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout
from reftiler.plan import TilePlan, plan_tile
from reftiler.settings import TilerSettings
from reftiler.streaming.stores import ReadableArray, array_index, check_readable


class TileBatch(NamedTuple):
    """Some tiles and their indices."""

    indices: range
    """Image-major, then row-major over the grid."""
    tiles: Array


class TileReader:
    """
    The tiles of an image, a batch at a time: each is read when it is asked for.

    Parameters
    ----------
    tiler : TilerSettings
        How to tile.
    image : ReadableArray
        Anything with ``shape``, ``dtype`` and slices, of the shapes that
        `reftiler.Tiler.tile` takes.
    batch_size : int
        Tiles of a batch; the last may have fewer.
    grid : Grid, optional
        A grid of this tiler's for this size; by default the fitted one.

    Attributes
    ----------
    batches : list of range
        The indices of each batch's tiles.

    Raises
    ------
    TypeError, TilingError
        As `reftiler.Tiler.tile` does.
    """

    def __init__(
        self,
        tiler: TilerSettings,
        image: ReadableArray,
        batch_size: int = 16,
        grid: Grid | None = None,
    ) -> None:
        self.image = check_readable(image, "image")
        shape, dtype = tuple(image.shape), np.dtype(image.dtype)
        self.call = plan_tile(tiler, shape, dtype.name, grid)
        self.batches = batched(self.call.tiles.batch_size, batch_size)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, batch: int) -> TileBatch:
        """Read a batch."""
        return self.read(self.batches[batch])

    def __iter__(self) -> Iterator[TileBatch]:
        return map(self.read, self.batches)

    def read(self, indices: range) -> TileBatch:
        """
        Read the tiles of some indices.

        Raises
        ------
        TilingError
            If there is no such tile.
        """
        count = self.call.tiles.batch_size
        if indices and not 0 <= min(indices) <= max(indices) < count:
            raise TilingError(f"there are tiles 0 to {count - 1}, asked for {indices}")
        return TileBatch(indices, read_tiles(self.image, self.call, indices))


def read_tiles(image: ReadableArray, call: TilePlan, indices: Iterable[int]) -> Array:
    """Read the tiles of some indices, image-major, into a new array."""
    indices, grid = list(indices), call.grid
    tiles = np.empty((len(indices), *call.tiles.shape[1:]), image.dtype)
    targets = iter(as_nchw(tiles, call.tiles))
    # Neighbours in a row are read together: pixels that they share are read once.
    in_row = 1 if grid.is_irregular else grid.shape[-1]
    for _, row in groupby(indices, key=lambda index: index // in_row):
        places = [divmod(index, len(grid)) for index in row]
        number = places[0][0]
        sources = [source_index(grid, k) for _, k in places]
        read: Callable[[Sequence[Index]], Array]
        if isinstance(image, np.ndarray):
            read = partial(_read, as_nchw(image, call.image)[number])
        else:
            read = _store_reader(image, call.image, number, union_of_sources(sources))
        for source in sources:
            fill(next(targets), source, grid, read)
    return tiles


def _read(pixels: Array, index: Sequence[Index]) -> Array:
    return index_spatial(pixels, open_mesh(index))


def _store_reader(
    image: ReadableArray, layout: ArrayLayout, number: int, pixels: Sequence[IntArray]
) -> Callable[[Sequence[Index]], Array]:
    """Read some pixels of each axis, ascending, once; return what gives any of them."""
    # In memory as in the store: to copy one order into the other is slow.
    own = replace(layout, batch=None, size=tuple(map(len, pixels)))
    region = as_nchw(np.empty(own.shape, image.dtype), own)[0]
    for in_region, in_image in _contiguous_runs(pixels):
        read = np.asarray(image[array_index(layout, number, in_image)])
        region[(slice(None), *in_region)] = as_nchw(read, layout)[0]
    return lambda index: _read(region, list(map(_locate, pixels, index)))


def union_of_sources(sources: Sequence[SourceIndex]) -> list[IntArray]:
    """Return for each axis the image pixels that some tiles show, ascending."""
    axes = zip(*(source.pixels for source in sources), strict=True)
    return [np.unique(np.r_[axis]) for axis in axes]


def _locate(pixels: IntArray, index: Index) -> Index:
    """Return where an index lies among pixels."""
    if isinstance(index, slice):
        first = int(np.searchsorted(pixels, index.start))
        return slice(first, first + index.stop - index.start)
    return np.searchsorted(pixels, index)


def _contiguous_runs(
    axes: Sequence[IntArray],
) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Yield boxes of neighbours: where they lie among the pixels, and in the image."""
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
        in_region, in_image = zip(*run, strict=True)
        yield in_region, in_image
