"""Objects of an image to those of its tiles, and from a tile back to the image."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray, scale_index
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.objects.image_object import Box, ImageObject, Keypoint, mask_box
from reftiler.objects.polygons import Point, bounds, clip_polygon, polygon_area
from reftiler.objects.rle import decode_rle, encode_rle
from reftiler.validation import as_int, as_real

MIN_VISIBLE = 0.1
"""How much of an object a tile shows at least, for the tile to have it."""
_ROUNDING = 1 - 1e-9  # a share that is just what is asked for counts


@dataclass(frozen=True)
class TiledObjects:
    """
    The objects of some tiles of an image.

    Attributes
    ----------
    tiles : tuple of tuples of ImageObject
        Of each tile, in the tile's pixels.
    dropped : int
        How many pieces of objects were left out, as too little of them is visible.
    lost : tuple of int
        The objects of which no tile has anything.
    """

    tiles: tuple[tuple[ImageObject, ...], ...]
    dropped: int
    lost: tuple[int, ...]


def check_min_visible(value: Any) -> float:
    """Return a share from 0 to 1, or refuse what is none."""
    share = float(as_real(value, "min_visible"))
    if not 0 <= share <= 1:
        raise TilingError(
            f"min_visible must be a share from 0 to 1, such as 0.1, got {value!r}"
        )
    return share


def cut_objects(
    objects: Sequence[ImageObject],
    grid: Grid,
    indices: Iterable[int] | None = None,
    min_visible: float = MIN_VISIBLE,
) -> TiledObjects:
    """
    Cut the objects of an image as the image is cut.

    Boxes, polygons and masks are clipped to what a tile shows of the image; padding
    holds no objects. A polygon may fall into several. In mode ``interpolation`` they
    are scaled as the image is. What lies whole in a tile is moved and nothing else.

    Parameters
    ----------
    objects : sequence of ImageObject
        In the image's pixels.
    grid : Grid
        Of two axes.
    indices : iterable of int, optional
        The tiles; by default all.
    min_visible : float
        How much of an object a tile must show to have it: the visible share of its
        area, divided by the largest share that a tile of this size can show of a box
        like its own. So an object much larger than the tile is not lost.

    Raises
    ------
    TilingError
        The grid has another number of axes, or the share is not from 0 to 1.

    Examples
    --------
    >>> from reftiler import Tiler
    >>> grid = Tiler(tile_size=64).grid((64, 128))
    >>> scratch = ImageObject(1, (50.0, 10.0, 20.0, 4.0))
    >>> for tile in cut_objects([scratch], grid).tiles:
    ...     print([piece.box for piece in tile])
    [(50.0, 10.0, 14.0, 4.0)]
    [(0.0, 10.0, 6.0, 4.0)]
    """
    _check_rank(grid)
    least = check_min_visible(min_visible)
    chosen = list(range(len(grid)) if indices is None else indices)
    frames = _frames(grid, chosen)
    shown = np.array([(f.low, f.high) for f in frames]).reshape(-1, 2, 2)
    tiles: list[list[ImageObject]] = [[] for _ in chosen]
    dropped, lost = 0, []
    for number, whole in enumerate(objects):
        cutter, found = _Cutter(whole, least), False
        left, top, right, bottom = cutter.extent
        near = (shown[:, 0] < (right, bottom)) & (shown[:, 1] > (left, top))
        for k in np.flatnonzero(near.all(axis=1)).tolist():
            piece, visible = cutter.cut(frames[k])
            if piece is not None:
                tiles[k].append(piece)
            dropped += visible and piece is None
            found |= piece is not None
        if not found:
            lost.append(number)
    return TiledObjects(tuple(map(tuple, tiles)), dropped, tuple(lost))


def object_to_image(found: ImageObject, grid: Grid, index: int) -> ImageObject:
    """
    Return an object of a tile in the image's pixels.

    It is moved, and scaled where the image was resampled. It is not clipped: a detector
    may say that an object reaches beyond its tile. A mask is, to the image.

    Parameters
    ----------
    found : ImageObject
        In the tile's pixels.
    grid : Grid
        Of two axes.
    index : int
        The tile's number.

    Raises
    ------
    TilingError
        The grid has no such tile.

    Examples
    --------
    >>> from reftiler import Tiler
    >>> grid = Tiler(tile_size=64).grid((64, 128))
    >>> object_to_image(ImageObject(1, (0.0, 10.0, 6.0, 4.0)), grid, 1).box
    (64.0, 10.0, 6.0, 4.0)
    """
    _check_rank(grid)
    (frame,) = _frames(grid, [as_int(index, "index", minimum=0)])
    return _moved(found, frame, back=True)


def _check_rank(grid: Grid) -> None:
    if len(grid.image_size) != 2:
        raise TilingError(
            f"objects lie in images of two axes, the grid's has {grid.image_size}"
        )


@dataclass(frozen=True)
class _Frame:
    """A tile of a grid: points are (x, y), the grid's axes y and x."""

    grid: Grid
    index: int
    low: Point
    """The corner of what the tile shows of the image, padding not counted."""
    high: Point

    def moved(self, points: Iterable[Sequence[float]], *, back: bool) -> list[Point]:
        """Move points into the tile, or back into the image."""
        found = [point[1::-1] for point in points]
        if not found:
            return []
        move = self.grid.to_image if back else self.grid.to_tile
        return [(x, y) for y, x in move(self.index, found).tolist()]

    def sides(self, width: float, height: float, *, back: bool) -> Point:
        """Scale lengths, if the image is resampled."""
        scaled = []
        for axis, side in zip(self.grid.axes[::-1], (width, height), strict=True):
            above, below = 1, 1
            if axis.resampled and not axis.is_unpadded:
                above, below = axis.padded_length, axis.length
            scaled.append(side * below / above if back else side * above / below)
        return scaled[0], scaled[1]

    def source(self, a: int) -> IntArray:
        """For each pixel of the tile on an axis the image's, -1 in padding."""
        axis = self.grid.input_geometry.axes[a]
        pixels = self._start(a) + np.arange(axis.tile)
        if axis.resampled:
            return scale_index(pixels, axis.length, axis.padded_length)
        pixels -= axis.pad_before
        return np.where((pixels >= 0) & (pixels < axis.length), pixels, -1)

    def target(self, a: int) -> tuple[IntArray, IntArray]:
        """Return the pixels of the image that read the tile, and which of it."""
        axis = self.grid.input_geometry.axes[a]
        pixels = axis.merge_source - self._start(a)
        shown = np.flatnonzero((pixels >= 0) & (pixels < axis.tile))
        return shown, pixels[shown]

    def _start(self, a: int) -> int:
        return self.grid.input_geometry.axes[a].starts[
            self.grid.geometry.unravel(self.index)[a]
        ]


def _frames(grid: Grid, indices: Sequence[int]) -> list[_Frame]:
    whole = [[(0, side) for side in grid.image_size]] * len(indices)
    shown = grid.clip(whole, np.asarray(indices)).tolist() if indices else []
    return [
        _Frame(grid, index, (left, top), (right, bottom))
        for index, ((top, bottom), (left, right)) in zip(indices, shown, strict=True)
    ]


def _moved(found: ImageObject, frame: _Frame, *, back: bool = False) -> ImageObject:
    """Move an object into a tile, or back into the image."""
    corner, *points = frame.moved(
        [found.box, *(p for shape in found.polygons for p in shape), *found.keypoints],
        back=back,
    )
    polygons = []
    for shape in found.polygons:
        polygons.append(tuple(points[: len(shape)]))
        points = points[len(shape) :]
    keypoints = tuple(
        (*point, seen) if seen else (0, 0, 0)
        for point, (_, _, seen) in zip(points, found.keypoints, strict=True)
    )
    rle = found.rle
    if rle is not None:
        mask = decode_rle(rle)
        mask = _mask_in_image(mask, frame) if back else _mask_in_tile(mask, frame)
        rle = encode_rle(mask, as_text=isinstance(rle["counts"], str | bytes))
    is_scaled = frame.sides(1, 1, back=back) != (1, 1)
    return replace(
        found,
        box=(*corner, *frame.sides(*found.box[2:], back=back)),
        stated_area=None if is_scaled else found.stated_area,
        polygons=tuple(polygons),
        keypoints=keypoints,
        rle=rle,
    )


class _Cutter:
    """Cuts one object: what of it is the same for all tiles is computed once."""

    def __init__(self, whole: ImageObject, min_visible: float) -> None:
        self._whole, self._least = whole, min_visible
        self._mask = None if whole.rle is None else decode_rle(whole.rle)
        self._area = whole.area if self._mask is None else float(self._mask.sum())
        boxes = [whole.box]
        if self._mask is not None and self._mask.any():
            boxes.append(mask_box(self._mask))
        corners = [(x + w * n, y + h * n) for x, y, w, h in boxes for n in (0, 1)]
        self.extent = bounds([*corners, *(p for one in whole.polygons for p in one)])

    def cut(self, frame: _Frame) -> tuple[ImageObject | None, bool]:
        """Return an object's piece in a tile, and whether anything of it is there."""
        (left, top), (right, bottom) = frame.low, frame.high
        x0, y0, x1, y1 = self.extent
        if left <= x0 and top <= y0 and x1 <= right and y1 <= bottom:
            return _moved(self._whole, frame), True
        whole = replace(
            self._whole, rle=None, stated_area=None, keypoints=self._keypoints(frame)
        )
        if self._mask is not None:
            return self._cut_mask(whole, frame)
        if self._whole.polygons:
            parts = tuple(
                part
                for shape in self._whole.polygons
                for part in clip_polygon(shape, frame.low, frame.high)
            )
            if not parts or not self._is_enough(sum(map(polygon_area, parts)), frame):
                return None, bool(parts)
            box = ImageObject.of_polygons(0, parts).box
            return _moved(replace(whole, box=box, polygons=parts), frame), True
        box = _clipped_box(whole.box, frame)
        if min(box[2:]) <= 0 or not self._is_enough(box[2] * box[3], frame):
            return None, min(box[2:]) > 0
        return _moved(replace(whole, box=box), frame), True

    def _cut_mask(
        self, whole: ImageObject, frame: _Frame
    ) -> tuple[ImageObject | None, bool]:
        assert self._mask is not None
        assert self._whole.rle is not None
        mask = _mask_in_tile(self._mask, frame)
        visible = int(np.count_nonzero(mask))
        area = visible * math.prod(frame.sides(1, 1, back=True))
        if not visible or not self._is_enough(area, frame):
            return None, bool(visible)
        as_text = isinstance(self._whole.rle["counts"], str | bytes)
        rle = encode_rle(mask, as_text=as_text)
        return replace(_moved(whole, frame), box=mask_box(mask), rle=rle), True

    def _keypoints(self, frame: _Frame) -> tuple[Keypoint, ...]:
        """Return the points that a tile shows; the others are not labelled."""
        (left, top), (right, bottom) = frame.low, frame.high
        return tuple(
            point if left <= point[0] <= right and top <= point[1] <= bottom
            else (0, 0, 0)
            for point in self._whole.keypoints
        )  # fmt: skip

    def _is_enough(self, visible: float, frame: _Frame) -> bool:
        height, width = frame.grid.tiler.input_size
        tile = frame.sides(width, height, back=True)
        possible = self._area
        for most, side in zip(tile, self._whole.box[2:], strict=True):
            possible *= min(1.0, most / side)
        return visible > 0 and visible >= self._least * possible * _ROUNDING


def _clipped_box(box: Box, frame: _Frame) -> Box:
    """Clip a box to what a tile shows; a side that is whole in it keeps its length."""
    corner, sides = [], []
    for low, high, start, side in zip(
        frame.low, frame.high, box[:2], box[2:], strict=True
    ):
        is_whole = low <= start and start + side <= high
        first = max(low, start)
        corner.append(first)
        sides.append(side if is_whole else min(high, start + side) - first)
    return corner[0], corner[1], sides[0], sides[1]


def _mask_in_tile(mask: NDArray[np.bool_], frame: _Frame) -> NDArray[np.bool_]:
    """Cut a mask as its image is cut; padding is not marked."""
    rows, columns = frame.source(0), frame.source(1)
    tile = mask[np.ix_(rows, columns)]
    return tile & (rows >= 0)[:, np.newaxis] & (columns >= 0)


def _mask_in_image(tile: NDArray[np.bool_], frame: _Frame) -> NDArray[np.bool_]:
    """Return the mask of a tile in the image, each pixel as the merge reads it."""
    if tile.shape != frame.grid.tiler.input_size:
        raise TilingError(
            f"the mask of an object of a tile must be {frame.grid.tiler.input_size}, "
            f"got {tile.shape}"
        )
    mask = np.zeros(frame.grid.image_size, dtype=bool)
    (rows, from_rows), (columns, from_columns) = frame.target(0), frame.target(1)
    mask[np.ix_(rows, columns)] = tile[np.ix_(from_rows, from_columns)]
    return mask
