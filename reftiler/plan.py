"""The plan of a call: validated once, before any pixel is touched.

Shapes and dtype names come in, so that both backends share it: they refuse the same
calls with the same words (BACKEND-003).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from reftiler import dtypes
from reftiler.errors import TilingError
from reftiler.geometry import SELECTING, Box, TileGeometry
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout, broadcast_hint, image_layout, tiles_layout
from reftiler.settings import WEIGHTED_MERGES, TilerSettings
from reftiler.validation import Real, as_exact_ints, is_sequence, shorten
from reftiler.windows import Profile, axis_weights


@dataclass(frozen=True)
class TilePlan:
    """A call of ``tile``: how the image is laid out, its grid, the tiles' layout."""

    image: ArrayLayout
    grid: Grid
    tiles: ArrayLayout

    @property
    def geometry(self) -> TileGeometry:
        """The geometry of the tiles that are cut, with their context."""
        return self.grid.input_geometry

    @property
    def is_strided_view(self) -> bool:
        """Whether the tiles are a strided view of the image."""
        # VIEW-006; in `drop` P = L too, though the last pixels are not cut
        return not self.grid.is_irregular and all(
            axis.is_unpadded and axis.step is not None for axis in self.geometry.axes
        )

    @cached_property
    def regular(self) -> list[range]:
        """Equally spaced tiles inside the image, a range on each axis, or none."""
        if self.grid.is_irregular:
            return []
        runs = [axis.regular_run for axis in self.geometry.axes]
        return runs if all(runs) else []

    @cached_property
    def irregular(self) -> list[int]:
        """The indices of the other tiles."""
        every = range(len(self.grid))
        if not self.regular:
            return list(every)
        even = np.zeros(self.grid.shape, dtype=bool)
        even[tuple(slice(run.start, run.stop) for run in self.regular)] = True
        return np.flatnonzero(~even).tolist()

    def check_view(self) -> None:
        """Refuse tiles that are no view."""
        if not self.is_strided_view:  # VIEW-006, VIEW-007
            raise TilingError(
                "view needs tiles that lie evenly in the image itself; "
                f"{self.grid.tiler} on {self.grid.image_size} pads, resamples or "
                "spaces them unevenly: use tile()"
            )


@dataclass(frozen=True)
class UntilePlan:
    """A call of ``untile``: the geometry at the tiles' scale and what to make of it."""

    geometry: TileGeometry
    tiles: ArrayLayout
    """Without their context."""
    result: ArrayLayout
    merge: str
    axis_weights: tuple[Profile, ...] | None
    """None for the box window, with which nothing is multiplied (MERGE-006)."""
    num_uncovered: int
    """How many pixels of an image lie in no tile."""
    fill: Real
    """What these become; 0 where there are none."""
    context: tuple[int, ...] = ()
    """Pixels that are dropped on either side of the tiles; () for none."""
    omits_nan: bool = False
    """Whether NaN takes no part in the mean."""
    has_weights: bool = False
    """Whether every pixel of a tile has a weight of its own."""
    refuses_uncovered: bool = False
    """Whether it is an error that all weights of a pixel are 0."""

    @property
    def weights(self) -> ArrayLayout:
        """The layout of the given weights, without their context."""
        return replace(self.tiles, channels=None)

    def cropped(self, box: Box) -> "UntilePlan":
        """Return the plan of a box of one image, whose tiles are given alone."""
        ends = zip(self.geometry.axes, box, strict=True)
        axes = tuple(axis.cropped(*low_high) for axis, low_high in ends)
        geometry = TileGeometry(axes, self.geometry.is_irregular)
        count = self.tiles.batch_size // self.result.batch_size
        return replace(
            self,
            geometry=geometry,
            tiles=replace(self.tiles, batch=count),
            result=replace(self.result, batch=None, size=geometry.size),
        )

    def without_context(self, tiles: Any) -> Any:
        """Return tiles, or one, without the context that they were given with."""
        if not self.context:
            return tiles
        # CONTEXT-005: it is never read
        last = self.tiles.channels is not None and self.tiles.channels_last
        inner = self._inner
        return tiles[(..., *inner, slice(None)) if last else (..., *inner)]

    def weights_without_context(self, weights: Any) -> Any:
        """Return the weights of tiles, or of one, without those of their context."""
        # MERGE-036
        return weights[(..., *self._inner)] if self.context else weights

    @property
    def _inner(self) -> list[slice]:
        """Where in each axis of a tile its own pixels are."""
        sides = zip(self.context, self.tiles.size, strict=True)
        return [slice(context, context + side) for context, side in sides]


def plan_tile(
    tiler: TilerSettings, shape: Sequence[int], dtype: str, grid: Grid | None
) -> TilePlan:
    """Check a call of ``tile`` on an image of ``shape`` and ``dtype``."""
    image = image_layout(tiler, tuple(shape), "the image")
    plan = _check_grid(tiler, image.size, grid)
    # PAD-010, PAD-011, CONTEXT-002, TILE-007: no other setting has to suit the image
    if tiler.pads and tiler.pad_mode == "constant":
        dtypes.check_representable(tiler.pad_value, dtype, "pad_value")
    count = image.batch_size * len(plan)  # LAYOUT-006
    tiles = ArrayLayout(count, image.channels, tiler.input_size, tiler.channels_last)
    return TilePlan(image, plan, tiles)


def plan_untile(  # noqa: PLR0913 - a call of `untile`
    tiler: TilerSettings,
    tiles_shape: Sequence[int],
    tiles_dtype: str,
    shape: Any,
    grid: Grid | None,
    scale: Any,
    dtype: str,
    known: tuple[str, ...] = dtypes.MERGEABLE,
    weights: tuple[tuple[int, ...], str] | None = None,
) -> UntilePlan:
    """Check a call of ``untile``; ``known`` are the dtypes that the backend merges.

    Of ``weights`` the shape and the dtype are given; their values are checked by the
    backend (`reftiler.pixel_weights`).
    """
    # TYPE-004, TYPE-005, TYPE-006, TYPE-007
    dtypes.check_mergeable(tiles_dtype, "tiles", known)
    dtypes.check_mergeable(dtype, "dtype", known)
    dtypes.check_conversion(tiles_dtype, dtype)
    merge = check_merge(tiler, tiles_dtype, dtype)
    if not is_sequence(shape):
        raise TypeError(f"shape must be the tiled image's shape, got {shape!r}")
    sizes = as_exact_ints(shape, "shape", rank=len(shape), minimum=0)
    image = image_layout(tiler, sizes, "shape")
    plan = _check_grid(tiler, image.size, grid)
    tiles = tiles_layout(tiler, tuple(tiles_shape))
    _check_count(tiles.batch_size, image, plan)
    if weights is not None:
        _check_weights(*weights, merge, tiles, known)
    geometry, size, context = _scale(plan, tiles, scale)
    tiles = replace(tiles, size=size)
    uncovered = geometry.num_uncovered
    if tiler.fill is not None:  # MERGE-019
        dtypes.check_representable(tiler.fill, dtype, "fill")
    elif uncovered:  # MERGE-016, MERGE-017
        raise TilingError(
            f"{uncovered} of the pixels of {geometry.size} lie in no tile: give the "
            "Tiler a fill, another mode than 'drop', or more tiles"
        )
    if merge in SELECTING:
        geometry = geometry.selected(merge)
    profiles = None
    if merge in WEIGHTED_MERGES and tiler.window != "box":
        profiles = axis_weights(tiler.window, tiles.size)
    # LAYOUT-011: the channels are those of the tiles
    result = ArrayLayout(
        image.batch, tiles.channels, geometry.size, tiler.channels_last
    )
    fill = 0 if tiler.fill is None else tiler.fill
    omits = tiler.nan == "omit" and tiles_dtype in dtypes.OVERFLOW_THRESHOLD
    return UntilePlan(
        geometry,
        tiles,
        result,
        merge,
        profiles,
        uncovered,
        fill,
        context=context,
        omits_nan=omits,
        has_weights=weights is not None,
        refuses_uncovered=weights is not None and tiler.fill is None,
    )


def check_merge(tiler: TilerSettings, dtype: str, result: str) -> str:
    """Return how tiles of ``dtype`` are merged; refuse what has no meaning for it."""
    if tiler.merge == "vote":
        _check_labels(dtype, result)
        return "vote"
    if dtype != "bool":
        return tiler.merge or "mean"  # MERGE-010
    if tiler.merge == "mean" or tiler.window != "box":  # MERGE-011, MERGE-015
        raise TilingError(
            "the mean of bool tiles is refused (merge='mean', or a window): use "
            "merge='max' for 'any tile says so', or convert the tiles to float"
        )
    return tiler.merge or "max"


def _check_weights(
    shape: Sequence[int],
    dtype: str,
    merge: str,
    tiles: ArrayLayout,
    known: tuple[str, ...],
) -> None:
    """Refuse weights of another shape than that of the tiles, or that have no use."""
    if merge not in WEIGHTED_MERGES:  # MERGE-040
        raise TilingError(
            f"weights= has no meaning for merge={merge!r}, which weighs nothing: use "
            "merge='mean' or merge='vote', or leave weights= out"
        )
    dtypes.check_mergeable(dtype, "weights", known)  # MERGE-038
    expected = replace(tiles, channels=None).shape
    if tuple(shape) != expected:  # MERGE-036
        raise TilingError(
            f"weights are {tuple(shape)}, and tiles of {tiles.shape} need {expected}: "
            "give one weight for each pixel of each tile, for all channels together"
        )


def _check_labels(dtype: str, result: str) -> None:
    """Refuse what is no label, and a result that cannot hold every label."""
    if dtype in dtypes.OVERFLOW_THRESHOLD:  # MERGE-030
        raise TilingError(
            f"merge='vote' needs labels, whole numbers or bool, got {dtype} tiles: "
            "take the argmax over the classes of each tile first, or merge the scores "
            "by merge='mean'"
        )
    if not dtypes.holds_all(result, dtype):  # MERGE-031
        raise TilingError(
            f"dtype={result} does not hold every label of {dtype} tiles: convert the "
            "tiles first, or leave dtype= out"
        )


def _check_grid(tiler: TilerSettings, size: tuple[int, ...], grid: Any) -> Grid:
    if grid is None:  # TILE-006
        return Grid(tiler, size)
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a reftiler.Grid, got {type(grid).__name__}")
    if grid.tiler is not tiler and grid.tiler != tiler:  # TILE-005
        raise TilingError(
            f"the grid was made by {grid.tiler}, this is {tiler}: use grid.tiler, or "
            "make the grid anew"
        )
    if grid.image_size != size:
        raise TilingError(
            f"the grid is for images of {grid.image_size}, this one is {size}: make a "
            "grid for this size"
        )
    return grid


def _check_count(count: int, image: ArrayLayout, grid: Grid) -> None:
    expected = image.batch_size * len(grid)
    if count != expected:  # LAYOUT-010
        factors = grid.shape if image.batch is None else (image.batch, *grid.shape)
        raise TilingError(
            f"got {count:,} tiles, but the image {image.shape} has {expected:,} "
            f"({' × '.join(map(str, factors))}): give untile all the tiles, and the "
            "shape and grid that tile was given"
        )


def _scale(
    plan: Grid, tiles: ArrayLayout, scale: Any
) -> tuple[TileGeometry, tuple[int, ...], tuple[int, ...]]:
    """Return the grid at the resolution of the tiles, their size and their context."""
    tiler = plan.tiler  # SCALE-005: before any pixel
    try:
        if tiler.has_context:
            scales, context = _check_context(tiler, tiles.size, scale)
        else:
            scales, context = _check_scale(tiler, tiles.size, scale), ()
        sides = tuple(map(int, _scaled(tiler.tile_size, scales)))
        return plan.geometry.scaled(scales), sides, context
    except TilingError as error:
        if set(tiles.size) != {1}:
            raise
        shape = (tiles.batch_size, tiles.channels)[: 1 + (tiles.channels is not None)]
        hint = broadcast_hint(tiler, shape)  # type: ignore[arg-type]
        raise TilingError(f"{error}; {hint}") from None


def scale_of_tiles(tiler: TilerSettings, size: tuple[int, ...]) -> tuple[Fraction, ...]:
    """Return the scale of tiles of a size; with a context, of another, they have it."""
    if tiler.has_context and size == tiler.tile_size:
        return _check_context(tiler, size, None)[0]
    sides = zip(size, tiler.input_size, strict=True)
    return tuple(Fraction(side, full) for side, full in sides)


def _check_context(
    tiler: TilerSettings, size: tuple[int, ...], scale: Any
) -> tuple[tuple[Fraction, ...], tuple[int, ...]]:
    """Return the scale of tiles with or without their context, and what they have."""
    tile, full = tiler.tile_size, tiler.input_size
    if scale is None:
        ratios = {Fraction(f, t) for f, t in zip(full, tile, strict=True)}
        if size == tile and len(ratios) == 1 and min(ratios).denominator == 1:
            raise TilingError(  # CONTEXT-007
                f"tiles of {size} may be those without their context, or ones with it, "
                f"{full}, at 1/{min(ratios)} of the resolution: say which by scale=1 "
                f"or scale=Fraction(1, {min(ratios)})"
            )
        if size not in (full, tile):
            raise TilingError(
                f"tiles of {size} are neither of {full}, with their context, nor of "
                f"{tile}, without it: give scale= if their resolution differs"
            )
        return (Fraction(1),) * tiler.rank, tiler.context if size == full else ()
    scales = tuple(map(_fraction, _scales_asked(tiler, scale)))
    if _scaled(full, scales) == size:  # CONTEXT-004, CONTEXT-006
        context = _scaled(tiler.context, scales)
        for axis, part in enumerate(context):
            if part.denominator != 1:
                raise TilingError(
                    f"scale {scales[axis]} on axis {axis}: the context, "
                    f"{tiler.context[axis]}, times {scales[axis]} is not whole; it "
                    f"must be a multiple of {scales[axis].denominator}"
                )
        return scales, tuple(map(int, context))
    if _scaled(tile, scales) == size:
        return scales, ()
    with_, without = (
        " × ".join(map(str, _scaled(sides, scales))) for sides in (full, tile)
    )
    raise TilingError(
        f"scale {shorten(scale)} makes tiles of {with_} pixels with their context, or "
        f"{without} without it, got {size}: give the scale that the tiles have"
    )


def _scaled(sizes: Sequence[int], scales: Sequence[Fraction]) -> tuple[Fraction, ...]:
    return tuple(size * q for size, q in zip(sizes, scales, strict=True))


def _check_scale(
    tiler: TilerSettings, size: tuple[int, ...], scale: Any
) -> tuple[Fraction, ...]:
    # SCALE-001
    found = tuple(Fraction(s, t) for s, t in zip(size, tiler.tile_size, strict=True))
    if scale is None:
        if len(set(found)) > 1:  # SCALE-002
            raise TilingError(
                f"tiles of {size} are ({', '.join(map(str, found))}) times the tile "
                f"{tiler.tile_size}, not alike on all axes: give scale= if meant"
            )
        return found
    # SCALE-003
    asked = _scales_asked(tiler, scale)
    for axis, (want, have) in enumerate(zip(asked, found, strict=True)):
        if _fraction(want) != have:
            raise TilingError(
                f"scale {want} on axis {axis} makes tiles of "
                f"{_fraction(want) * tiler.tile_size[axis]} pixels, got {size[axis]}: "
                f"that is scale={have!r}"
            )
    return found


def _scales_asked(tiler: TilerSettings, scale: Any) -> tuple[Any, ...]:
    """Return the scale of each axis as it was given."""
    asked = scale if is_sequence(scale) else (scale,) * tiler.rank
    if len(asked) != tiler.rank:
        raise TilingError(
            f"scale must have {tiler.rank} numbers, one for each spatial axis, got "
            f"{len(asked)}"
        )
    return tuple(asked)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, float | Fraction):
        try:
            return Fraction(value)
        except (ValueError, OverflowError):
            raise TilingError(f"scale must be finite, got {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"scale must be an int, a float or a Fraction, got {value!r}")
    return Fraction(int(value))
