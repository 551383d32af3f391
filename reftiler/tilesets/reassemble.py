"""Putting the tiles of an image together, as they were cut or as a model made them.

What `reftiler.tilesets.export` cut comes back exactly. Tiles are read as they are
needed, and merged as they come.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.dtypes import check_representable
from reftiler.errors import TilingError
from reftiler.finish import Finish
from reftiler.grid import Grid
from reftiler.io.metadata import Metadata
from reftiler.layout import ArrayLayout
from reftiler.plan import UntilePlan, plan_untile, scale_of_tiles
from reftiler.streaming import Merger, Target
from reftiler.streaming.arrays import ArrayLibrary
from reftiler.tilesets.records import ImageRecord
from reftiler.tilesets.tile_arrays import TileArrays, TileForm

__all__ = [
    "TiledImage",
    "TiledImageSet",
    "in_memory",
    "reassemble",
    "tiled_image",
]

OutputFactory: TypeAlias = Callable[
    [tuple[int, ...], np.dtype[Any]], AbstractContextManager[Any]
]
"""Makes a store of a shape and a dtype, complete when its block ends."""

Scale: TypeAlias = tuple[Fraction, ...]

_BATCH = 2**24  # bytes of tiles that are read at a time
_ROWS = 256  # that are filled at a time


def in_memory(
    shape: tuple[int, ...], dtype: np.dtype[Any]
) -> AbstractContextManager[NDArray[Any]]:
    """Make an array."""
    return nullcontext(np.empty(shape, dtype))


@dataclass(frozen=True)
class TiledImage:
    """
    An image in tiles: where they lie, and what reads them.

    Attributes
    ----------
    id : str
        The image's name for outputs.
    grid : Grid
        Of the tiles that there are; it says how they merge.
    tiles : TileArrays
        As many.
    total : int
        How many tiles the image would have if none had been left out.
    metadata : Metadata
        Of the image, not of the result.
    alpha : bool
        Whether the last channel is alpha.
    labels : bool
        Whether the values are classes.
    left_out : str
        What is known of pixels in no tile, and the way out, for messages.
    finish : callable or None
        What the merged pixels become, as by `reftiler.Tiler.untile`.
    """

    id: str
    grid: Grid
    tiles: TileArrays
    total: int
    metadata: Metadata = Metadata()  # noqa: RUF009 - it is immutable
    alpha: bool = False
    labels: bool = False
    left_out: str = ""
    finish: Callable[[NDArray[Any]], NDArray[Any]] | None = None

    @property
    def missing(self) -> int:
        """How many tiles were left out."""
        return self.total - len(self.tiles)

    @cached_property
    def num_uncovered(self) -> int:
        """In how many pixels of the image no tile contributes."""
        if not len(self.tiles):
            return prod(self.grid.image_size)
        return self.grid.uncovered

    @property
    def scale(self) -> Scale:
        """Pixels of the result for one of the image, on each axis."""
        return scale_of_tiles(self.grid.tiler, self.tiles.form.shape[:2])

    @cached_property
    def result_form(self) -> TileForm:
        """The shape and dtype of the result."""
        sizes = zip(self.grid.image_size, self.scale, strict=True)
        space = tuple(ceil(length * scale) for length, scale in sizes)  # SCALE-008
        form = self.tiles.form
        channels = form.shape[2:]
        if self.finish is None:
            return TileForm((*space, *channels), form.dtype)
        (count,) = channels or (None,)
        layout = ArrayLayout(None, count, space, channels_last=True)
        found = (self.finish, self.grid.geometry, layout, form.dtype)
        last = Finish.learn(*found, ArrayLibrary())
        return TileForm(last.result.shape, last.dtype)

    @property
    def result_shape(self) -> tuple[int, ...]:
        """The shape of the result."""
        return self.result_form.shape

    @property
    def has_labels(self) -> bool:
        """Whether the values of the result are classes, as far as is known."""
        return self.labels or (
            self.finish is not None and self.result_form.dtype.kind in "biu"
        )

    @property
    def result_metadata(self) -> Metadata:
        """The metadata of the result."""
        return self.metadata.scaled(*self.scale)

    def check(self) -> None:
        """
        Refuse tiles that cannot be merged, before any of them is read.

        Raises
        ------
        TilingError
            If pixels lie in no tile and the tiler has no fill, or it does not fit; the
            scale does not fit the grid; or there is no mean of these tiles.
        """
        gaps, tiler, form = self.num_uncovered, self.grid.tiler, self.tiles.form
        if gaps and tiler.fill is None:
            why = f", since {self.missing:,} of its {self.total:,} tiles were not kept"
            way_out = self.left_out or "give the value that they shall have (--fill)"
            raise TilingError(
                f"{gaps:,} pixels of {self.id} lie in no tile"
                f"{why if self.missing else ''}: {way_out}"
            )
        if tiler.fill is not None:
            check_representable(tiler.fill, form.dtype.name, "fill")
        if len(self.tiles):
            plan(self.grid, len(self.tiles), form, self.scale)


AVERAGED = (
    "whole numbers are averaged where tiles overlap: for class numbers give "
    "--merge vote"
)
"""What is said of maps whose numbers may be those of classes."""


def averaging_notes(
    images: Sequence[TiledImage], settings: Mapping[str, Any]
) -> list[str]:
    """Say that numbers are averaged, which may be those of classes."""
    averaged = [
        image
        for image in images
        if image.tiles.form.dtype.kind in "iu"
        and image.finish is None
        and image.tiles.form.shape[2:] in ((), (1,))
        and image.grid.tiler.merge in (None, "mean")
        and image.grid.geometry.has_overlaps()
    ]
    if not averaged or "merge" in settings:
        return []
    return [AVERAGED]


@dataclass(frozen=True)
class TiledImageSet:
    """
    Images to put together, and how their tiles were found.

    Attributes
    ----------
    images : tuple of TiledImage
        In the order of the manifest.
    suffix : str
        Of the tiles' files, in lower case.
    notes : tuple of str
        Sentences for the user.
    """

    images: tuple[TiledImage, ...]
    suffix: str
    notes: tuple[str, ...] = ()


def tiled_image(
    record: ImageRecord,
    tiles: TileArrays,
    settings: Mapping[str, Any],
    grid: Grid | None = None,
) -> TiledImage:
    """
    Return the image of a record's tiles, or of what was made of them.

    Parameters
    ----------
    record : ImageRecord
        The image's record in the manifest.
    tiles : TileArrays
        For each tile of the record its own pixels, or what was made of them.
    settings : dict
        Of the tiler, instead of those with which the tiles were cut.
    grid : Grid, optional
        Of all tiles, instead of the record's.

    Raises
    ------
    TilingError
        If the settings do not fit each other.
    """
    grid = record.grid if grid is None else grid
    indices = [tile.index for tile in record.tiles]
    if settings:  # before a list is made of the grid, whose axes hold the border
        grid = replace(grid, tiler=replace(grid.tiler, **settings))
    kept = grid.select(indices) if 0 < len(indices) < len(grid) else grid
    return TiledImage(record.id, kept, tiles, len(grid), record.image_metadata)


def plan(grid: Grid, count: int, form: TileForm, scale: Scale | None) -> UntilePlan:
    """Check that so many tiles of a form merge on a grid, at a scale."""
    shape, dtype = (*grid.image_size, *form.shape[2:]), form.dtype.name
    tiles = (count, *form.shape)
    return plan_untile(grid.tiler, tiles, dtype, shape, grid, scale, dtype)


def reassemble(
    image: TiledImage,
    into: OutputFactory = in_memory,
    advance: Callable[[int], object] = lambda tiles: None,
) -> Any:
    """
    Read the tiles of an image and merge them.

    Parameters
    ----------
    image : TiledImage
        The tiles; those of another size than the grid's are merged at their scale.
    into : callable
        Makes what the result is written to, such as
        ``partial(reftiler.io.create_image, path)``; by default an array.
    advance : callable
        Called with the number of tiles that were merged since.

    Returns
    -------
    ndarray, or what ``into`` made
        Of the form ``image.result_form``.

    Raises
    ------
    TilingError
        If pixels lie in no tile and the tiler has no fill; a tile is missing,
        unreadable or of another form; the scale does not fit the grid; or the result
        cannot be written.
    """
    image.check()
    form, tiler = image.tiles.form, image.grid.tiler
    with ExitStack() as stack:

        def make(shape: tuple[int, ...], dtype: Any) -> Any:
            return stack.enter_context(into(shape, dtype))

        if not len(image.tiles):
            out = make(image.result_shape, image.result_form.dtype)
            _fill(out, image)
            return out
        merger = Merger(
            tiler,
            (*image.grid.image_size, *form.shape[2:]),
            make,
            tile_shape=form.shape,
            tile_dtype=form.dtype,
            grid=image.grid,
            scale=image.scale,
            finish=image.finish,
        )
        _merge(image.tiles, merger, advance)
        return merger.out


def _merge(tiles: TileArrays, merger: Merger, advance: Callable[[int], object]) -> None:
    size = prod(merger.tile_shape) * merger.tile_dtype.itemsize
    step = max(1, _BATCH // size)
    with merger:
        for first in range(0, len(tiles), step):
            batch = tiles.read(first, step).astype(merger.tile_dtype, copy=False)
            merger.add(range(first, first + len(batch)), batch)
            advance(len(batch))


def _fill(out: Target, image: TiledImage) -> None:
    form, value = image.tiles.form, image.grid.tiler.fill
    for first in range(0, out.shape[0], _ROWS):
        rows = min(_ROWS, out.shape[0] - first)
        shape = (rows, out.shape[1], *form.shape[2:])
        block = np.full(shape, value, form.dtype)
        finish = image.finish or (lambda pixels: pixels)
        out[first : first + rows] = finish(block)
