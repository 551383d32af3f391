"""The merge of an image's tiles, of which only what is read is merged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reftiler.axis import SampledAxis
from reftiler.cut import Array
from reftiler.dtypes import check_mergeable
from reftiler.errors import TilingError
from reftiler.finish import Finish
from reftiler.geometry import TileGeometry, TileLookup
from reftiler.grid import Grid
from reftiler.layout import tiles_layout
from reftiler.merge import merge_block
from reftiler.pixel_weights import check_weights
from reftiler.plan import plan_untile
from reftiler.settings import TilerSettings
from reftiler.streaming.arrays import ArrayLibrary


class MergedArray:
    """
    The merge of an image's tiles, of which only what is read is merged.

    Reading a slice gives the bits of that slice of `reftiler.Tiler.untile`, and asks
    for those tiles alone that contribute to it. With a step, as in
    ``merged[::8, ::8]``, only the pixels of the slice are merged.

    Parameters
    ----------
    tiler : TilerSettings
        How the tiles were cut, and how they merge.
    tiles : array, sequence, mapping or TileLookup
        ``tiles[k]`` is tile ``k``, laid out as the tiler's tiles are.
    tile_shape : sequence of int
        Of one tile.
    dtype : dtype
        Of the tiles, and of the result.
    shape : sequence of int
        Of the image that was tiled, without a batch; channels may differ from the
        tiles', as in `reftiler.Tiler.untile`.
    grid : Grid, optional
        Of the tiles; by default the fitted one.
    scale : optional
        Of the tiles, as `reftiler.Tiler.untile` takes it.
    finish : callable, optional
        What is made of the pixels that are read, as by `reftiler.Tiler.untile`.
    weights : array, sequence, mapping or TileLookup, optional
        ``weights[k]`` are those of the pixels of tile ``k``, as
        `reftiler.Tiler.untile` takes them.

    Attributes
    ----------
    shape : tuple of int
        Of the result.
    dtype : dtype
        Of the result.
    plan : UntilePlan
        The checked call.

    Raises
    ------
    TypeError, TilingError
        As `reftiler.Tiler.untile` does.

    Examples
    --------
    >>> from reftiler import Tiler
    >>> tiler, image = Tiler(64, 48), np.arange(40_000.0).reshape(200, 200)
    >>> tiles = tiler.tile(image)
    >>> merged = MergedArray(tiler, tiles, (64, 64), image.dtype, image.shape)
    >>> np.array_equal(merged[50:60, ::2], image[50:60, ::2])
    True
    """

    def __init__(  # noqa: PLR0913 - all but five are optional
        self,
        tiler: TilerSettings,
        tiles: TileLookup | Array,
        tile_shape: Sequence[int],
        dtype: Any,
        shape: Sequence[int],
        grid: Grid | None = None,
        scale: Any = None,
        finish: Callable[[Array], Array] | None = None,
        weights: TileLookup | Array | None = None,
    ) -> None:
        grid = Grid(tiler, _space(tiler, shape)) if grid is None else grid
        self.dtype = self._merged_dtype = np.dtype(dtype)
        self._tiles, self._tile_shape = tiles, tuple(tile_shape)
        self._weights, layout = weights, tiles_layout(tiler, (len(grid), *tile_shape))
        self._weights_shape = layout.size
        self.plan = plan_untile(
            tiler,
            (len(grid), *tile_shape),
            self.dtype.name,
            shape,
            grid,
            scale,
            self.dtype.name,
            weights=(
                None
                if weights is None
                else ((len(grid), *self._weights_shape), "float64")
            ),
        )
        if self.plan.result.batch is not None:
            raise TilingError(
                f"shape must be that of one image, got {tuple(shape)}: read the "
                "images of a batch one by one"
            )
        self._layout, self._finish = self.plan.result, None
        if finish is not None:
            form = self.plan.geometry, self.plan.result, self.dtype
            self._finish = Finish.learn(finish, *form, ArrayLibrary())
            self._layout, self.dtype = self._finish.result, self._finish.dtype
        self.shape: tuple[int, ...] = self._layout.shape
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[...].astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index: Any, /) -> Array:
        """
        Merge some pixels.

        Parameters
        ----------
        index : int, slice with a positive step, Ellipsis, or a tuple of these
            As numpy takes it.
        """
        asked = _expanded(index, self.ndim)
        layout, rank = self._layout, len(self.plan.geometry.axes)
        first = 0 if layout.channels is None or layout.channels_last else 1
        space = range(first, first + rank)
        pixels, rest = list[range](), list[Any](asked)
        for axis in space:
            part, whole = asked[axis], range(self.shape[axis])
            if isinstance(part, slice):
                pixels.append(whole[part])
                rest[axis] = slice(None)
            else:
                pixels.append(range(whole[part], whole[part] + 1))
                rest[axis] = 0
        return np.asarray(self._finished(pixels)[tuple(rest)])

    def _finished(self, pixels: list[range]) -> Array:
        """Return some pixels in the layout of the result."""
        out, layout = self._merged(pixels), self.plan.result
        if layout.channels is None:
            out = out[0]
        elif layout.channels_last:
            out = np.moveaxis(out, 0, -1)
        if self._finish is None:
            return out
        box = tuple((p.start, p.stop) for p in pixels)
        return np.asarray(self._finish.of_block(out, box))

    def _merged(self, pixels: list[range]) -> Array:
        """Merge the pixels of some ranges, (C, *lengths)."""
        geometry = self.plan.geometry
        axes = [
            axis if p == range(axis.length) else SampledAxis.of(axis, p)
            for axis, p in zip(geometry.axes, pixels, strict=True)
        ]
        shape = (self.plan.tiles.channels or 1, *map(len, pixels))
        out = np.empty(shape, self._merged_dtype)
        if out.size:
            plan = replace(
                self.plan, geometry=TileGeometry(tuple(axes), geometry.is_irregular)
            )
            region = tuple((0, len(p)) for p in pixels)
            weights = None if self._weights is None else _Once(self._read_weights)
            merge_block(_Once(self._read_tile), plan, region, out, weights)
        return out

    def _read_tile(self, k: int) -> Array:
        """Return a tile as (C, *T)."""
        tile: Array = ArrayLibrary().as_array(self._tiles[k])
        layout = self.plan.tiles
        if tile.shape != self._tile_shape:
            raise TilingError(
                f"tile {k} has the shape {tile.shape}, and all tiles must have "
                f"{self._tile_shape}"
            )
        tile = self.plan.without_context(tile)
        if layout.channels is None:
            return tile[np.newaxis]
        return np.moveaxis(tile, -1, 0) if layout.channels_last else tile

    def _read_weights(self, k: int) -> Array:
        """Return the weights of a tile as (*T), or refuse them."""
        assert self._weights is not None
        found: Array = ArrayLibrary().as_weights(self._weights[k])
        check_mergeable(found.dtype.name, "weights")
        if found.shape != self._weights_shape:
            raise TilingError(
                f"the weights of tile {k} have the shape {found.shape}, and all must "
                f"have {self._weights_shape}"
            )
        found = self.plan.weights_without_context(found)
        check_weights(found[np.newaxis], [k])
        return found


class _Once(dict[int, Array]):
    """What a function returns for tiles, each asked for once."""

    def __init__(self, read: Callable[[int], Array]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, k: int) -> Array:
        self[k] = self._read(k)
        return self[k]


def _space(tiler: TilerSettings, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the spatial axes of an image's shape."""
    if tiler.channels_last and len(shape) > tiler.rank:
        return tuple(shape[-1 - tiler.rank : -1])
    return tuple(shape[-tiler.rank :])


def _expanded(index: Any, ndim: int) -> tuple[Any, ...]:
    """Return an index with a part for each axis."""
    given = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in given:
        place = given.index(Ellipsis)
        given[place : place + 1] = [slice(None)] * (ndim - len(given) + 1)
    given += [slice(None)] * (ndim - len(given))
    for part in given:
        step = part.step if isinstance(part, slice) else 1
        if not (isinstance(part, slice) or hasattr(part, "__index__")) or (
            step is not None and step < 1
        ):
            raise TilingError(
                f"merged arrays are read by ints and slices of positive steps, got "
                f"{part!r}"
            )
    if len(given) != ndim:
        raise IndexError(f"the merged image has {ndim} axes, got {len(given)} indices")
    return tuple(given)
