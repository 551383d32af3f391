"""The tiles of the open image as the library cuts them, one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import scale_index
from reftiler.batching import batched
from reftiler.plan import plan_tile
from reftiler.streaming.reading import read_tiles
from reftiler_gui.model.anomaly_map import AnomalyMap, MapSettings
from reftiler_gui.model.array_types import Array, Box, Ints
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tile_results import TileResults


class ImageTiles:
    """The tiles of an image; TilingError if its dtype cannot hold ``pad_value``."""

    def __init__(
        self,
        loaded: LoadedImage,
        view: GridLookup,
        results: TileResults | None = None,
    ) -> None:
        assert loaded.image is not None
        self.results = results
        known = results.indices if results else ()
        self._known = None if known is None else frozenset(known)
        self.source, self.view = loaded.image, view
        tiler = replace(view.grid.tiler, channels_last=True)
        self._image, grid = self.source.array, replace(view.grid, tiler=tiler)
        self._plan = plan_tile(tiler, self._image.shape, self.source.dtype.name, grid)
        self._mask = loaded.mask
        # As `reftiler tile` cuts masks: constant padding is not marked.
        tiler = replace(
            tiler, window="box", merge=None, nan="propagate", pad_value=0, fill=None
        )
        grid = replace(grid, tiler=tiler)
        self._mask_plan = plan_tile(tiler, view.size, "bool", grid)

    def __len__(self) -> int:
        return len(self.view)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a tile."""
        height, width = self.view.grid.tiler.tile_size
        return height, width

    def pixels(self, tile: int) -> Array:
        """Return ``tiler.tile(image)[tile]``; no more of the image is read."""
        return np.asarray(read_tiles(self._image, self._plan, [tile])[0])

    def picture(self, tile: int) -> ImagePyramid:
        """Return a tile, shown as its image is."""
        return self.source.like(self.pixels(tile))

    def load_results(self, tiles: Iterable[int]) -> Work[None]:
        """Make sure that the results of some tiles are known."""
        if self.results is not None:
            yield from self.results.load(filter(self.has_result, tiles))

    def has_result(self, tile: int) -> bool:
        """Tell whether something came back for a tile."""
        return self._known is None or tile in self._known

    def result(self, tile: int) -> AnomalyMap | ImagePyramid | None:
        """Return what came back for a tile: a map of it, or a picture like it."""
        if self.results is None or not self.has_result(tile):
            return None
        array = self.results.tile(tile)
        if self.results.kind == "image":
            return self.source.like(array)
        if array.ndim == 3:
            array = np.fmax.reduce(array, axis=2)  # the largest of the channels
        return AnomalyMap(array, self.size, f"the result of tile {tile}")

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and largest value of the results seen so far."""
        return (self.results.low, self.results.high) if self.results else (0.0, 1.0)

    def map_settings(self, *, over: bool) -> MapSettings:
        """Return how maps of tiles are coloured, all in one range."""
        low, high = (None if np.isnan(value) else value for value in self.limits)
        return MapSettings(opacity=0.6 if over else 1.0, low=low, high=high)

    def largest_results(self) -> Work[NDArray[np.float64]]:
        """Return the largest value of each tile's result; NaN where there is none."""
        found = np.full(len(self), np.nan)
        known = [tile for tile in range(len(self)) if self.has_result(tile)]
        assert self.results is not None
        for batch in batched(len(known), 64):
            some = [known[place] for place in batch]
            yield from self.results.load(some)
            for tile in some:
                found[tile] = np.fmax.reduce(self.results.tile(tile), axis=None)
            yield batch.stop / len(known)
        return found

    def mask(self, tile: int) -> MaskPyramid | None:
        """Return the tile of the mask; None if there is no mask."""
        if self._mask is None:
            return None
        plan = self._mask_plan
        return self._mask.cut(lambda array: read_tiles(array, plan, [tile])[0])

    def coordinates(self, tile: int) -> tuple[Ints, Ints]:
        """Return the image's row or column at each of a tile's, outside in padding."""
        found = []
        grid = self.view.grid
        for axis, number in zip(grid.axes, grid.geometry.unravel(tile), strict=True):
            place = np.arange(axis.tile, dtype=np.int64) + axis.starts[number]
            found.append(
                scale_index(place, axis.length, axis.padded_length)
                if axis.resampled
                else place - axis.pad_before
            )
        return found[0], found[1]

    def padding(self, tile: int) -> list[Box]:
        """Return the parts of the tile that are padding, as boxes in the tile."""
        height, width = self.size
        places = zip(self.coordinates(tile), self.view.size, strict=True)
        (top, bottom), (left, right) = (
            np.searchsorted(place, [0, length]).tolist() for place, length in places
        )
        parts = (
            ((0, top), (0, width)),
            ((bottom, height), (0, width)),
            ((top, bottom), (0, left)),
            ((top, bottom), (right, width)),
        )
        return [box for box in parts if all(low < high for low, high in box)]

    def merged_part(self, tile: int) -> Box:
        """Return the tile's rows and columns that a merge reads."""
        grid, spans = self.view.grid, []
        for axis, number in zip(grid.axes, grid.geometry.unravel(tile), strict=True):
            low, high = axis.valid[number].tolist()
            index = axis.tile_index(number, low, high)
            if not isinstance(index, slice):  # resampled: one for each image pixel
                ends = index[[0, -1]].tolist() if low < high else (0, -1)
                index = slice(ends[0], ends[1] + 1)
            spans.append((index.start, index.stop))
        return spans[0], spans[1]

    def coverage(self, tile: int) -> Ints:
        """Return how many tiles contribute to each pixel; 0 in padding."""
        return self.view.coverage(*self.coordinates(tile))


def sorted_tiles(
    count: int, values: Array | None = None, keep: NDArray[np.bool_] | None = None
) -> Ints:
    """Return the tiles that are kept: the largest values first, NaN last."""
    order = np.arange(count)
    if values is not None:
        order = np.argsort(-values.astype(np.float64), kind="stable")
    return order if keep is None else order[keep[order]]


def by_tile(view: GridLookup, picture: Array) -> Work[Array]:
    """Return for each tile the marked pixels of a mask, or the largest number."""
    counting = picture.dtype == bool
    join: np.ufunc = np.add if counting else np.maximum
    dtype = np.dtype(np.int64) if counting else picture.dtype
    result = np.zeros(len(view), dtype)
    if view.scattered:
        for number in range(len(view)):
            part = picture[view.grid.slices(number)]
            result[number] = join.reduce(part, axis=None, dtype=dtype)
            if number % 256 == 0:
                yield number / len(view)
        return result
    rows, columns = (axis.boxes.clip(0, axis.length) for axis in view.grid.axes)
    for number, (top, bottom) in enumerate(rows.tolist()):
        line = join.reduce(picture[top:bottom], axis=0, dtype=dtype)
        # reduceat takes only indices as ends: one more number makes L an index
        longer = np.concatenate([line, np.zeros(1, line.dtype)])
        found = join.reduceat(longer, columns.ravel())[::2]
        result.reshape(view.shape)[number] = found
        yield (number + 1) / len(rows)
    return result
