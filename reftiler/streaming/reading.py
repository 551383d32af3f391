"""Reading tiles from a store, batch by batch, and no pixel that none of them shows."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from reftiler.batches import split
from reftiler.cut import Array, as_nchw, fill, source_index
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.plan import TilePlan, plan_tile
from reftiler.settings import TilerSettings
from reftiler.streaming.pieces import Piece, WholeImage, shown_by
from reftiler.streaming.stores import Source, check_source

__all__ = ["Batch", "Batches", "read_tiles"]


class Batch(NamedTuple):
    """Some tiles and which they are."""

    numbers: range
    """Image-major, then row-major over the grid."""
    tiles: Array


class Batches:
    """
    The tiles of an image, batch by batch: each is read when its turn comes.

    Parameters
    ----------
    tiler : BaseTiler
        How to cut.
    image : Source
        Anything with ``shape``, ``dtype`` and slices, of the shapes that
        `reftiler.Tiler.tile` takes.
    batch_size : int
        How many tiles a batch has; the last may have fewer.
    grid : Grid, optional
        A plan of this tiler's for this size; by default the fitted one.

    Raises
    ------
    TypeError, TilingError
        As `reftiler.Tiler.tile` does.
    """

    def __init__(
        self,
        tiler: TilerSettings,
        image: Source,
        batch_size: int = 16,
        grid: Grid | None = None,
    ) -> None:
        self.image = check_source(image, "image")
        shape, dtype = tuple(image.shape), np.dtype(image.dtype)
        self.call = plan_tile(tiler, shape, dtype.name, grid)
        self.numbers = split(self.call.tiles.batch_size, batch_size)
        """Which tiles each batch has."""

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Batch:
        """Read a batch."""
        return self.read(self.numbers[index])

    def __iter__(self) -> Iterator[Batch]:
        return map(self.read, self.numbers)

    def read(self, numbers: range) -> Batch:
        """
        Read the tiles of some numbers.

        Raises
        ------
        TilingError
            If there is no such tile.
        """
        count = self.call.tiles.batch_size
        if numbers and not 0 <= min(numbers) <= max(numbers) < count:
            raise TilingError(f"there are tiles 0 to {count - 1}, asked for {numbers}")
        return Batch(numbers, read_tiles(self.image, self.call, numbers))


def read_tiles(source: Source, call: TilePlan, numbers: Iterable[int]) -> Array:
    """
    Read some tiles of a store.

    Tiles that follow each other in a row of the grid are read together, so that what
    they share is read once.

    Parameters
    ----------
    source : Source
        Of the layout ``call.image``.
    call : TileCall
        The checked call.
    numbers : iterable of int
        Which tiles, image-major.

    Returns
    -------
    ndarray
        New, of the layout ``call.tiles`` but for their number.
    """
    numbers, grid = list(numbers), call.grid
    tiles = np.empty((len(numbers), *call.tiles.shape[1:]), source.dtype)
    targets = iter(as_nchw(tiles, call.tiles))
    in_row = 1 if grid.is_irregular else grid.shape[-1]
    for _, row in groupby(numbers, key=lambda number: number // in_row):
        places = [divmod(number, len(grid)) for number in row]
        image = places[0][0]
        seen = [source_index(grid, k) for _, k in places]
        if isinstance(source, np.ndarray):
            pixels: WholeImage | Piece = WholeImage(as_nchw(source, call.image)[image])
        else:
            pixels = Piece(source, call.image, image, shown_by(seen))
        for shown in seen:
            fill(next(targets), shown, grid, pixels.at)
    return tiles
