"""Cutting with numpy: which bits go where, each copied once."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reftiler.axis import Index
from reftiler.dtypes import round_to_odd
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout
from reftiler.padding import source_indices
from reftiler.parallel import parallel_for
from reftiler.plan import TilePlan
from reftiler.validation import refuse_masked

Array = NDArray[Any]


def tile(image: Array, plan: TilePlan, out: Array | None) -> Array:
    """Cut an image into tiles."""
    # TILE-003: a new contiguous array; OUT-001: or the one that was given; TYPE-002
    result = check_out(out, plan.tiles.shape, image.dtype, image)
    source = as_nchw(image, plan.image)
    target = by_image(result, plan.tiles, plan.image.batch_size)
    if plan.regular:
        _cut_regular(source, plan, target)
    parallel_for(lambda k: cut_tile(source, plan.grid, k, target[:, k]), plan.irregular)
    return result


def _cut_regular(source: Array, plan: TilePlan, target: Array) -> None:
    """Copy the equally spaced tiles inside the image as views of it."""
    shape, runs = plan.grid.shape, plan.regular
    view = np.moveaxis(window_view(source, plan.grid, runs), 1, len(runs) + 1)
    tiles = target.reshape(len(target), *shape, *target.shape[2:])
    tiles = tiles[(slice(None), *(slice(run.start, run.stop) for run in runs))]
    rows = [(n, i) for n in range(len(view)) for i in range(view.shape[1])]
    # TILE-002: bits are moved, never changed
    parallel_for(lambda row: np.copyto(tiles[row], view[row]), rows)


def cut_tile(source: Array, grid: Grid, k: int, target: Array) -> None:
    """Copy tile ``k`` of every plane of ``source`` (…, *S) to ``target`` (…, *T)."""
    fill(
        target,
        source_index(grid, k),
        grid,
        lambda pixels: index_spatial(source, open_mesh(pixels)),
    )


class SourceIndex(NamedTuple):
    """The image pixels that a tile is cut from, axis by axis."""

    pixels: tuple[Index, ...]
    """The image's pixels: neighbours, or one for each of the tile's."""
    within: tuple[slice, ...]
    """Where in the tile they go; the rest is constant padding."""


def source_index(grid: Grid, k: int) -> SourceIndex:
    """Return the image pixels that tile ``k`` is cut from."""
    mode = grid.tiler.pad_mode
    pixels: list[Index] = []
    within: list[slice] = []
    geometry = grid.input_geometry
    for axis, number in zip(geometry.axes, geometry.unravel(k), strict=True):
        # TILE-001: the padded pixels [start, start + t)
        found, inner = source_indices(axis, axis.starts[number], mode), slice(axis.tile)
        if isinstance(found, slice):
            first = found.start
            found = slice(max(first, 0), min(found.stop, axis.length))
            inner = slice(found.start - first, found.stop - first)
        pixels.append(found)
        within.append(inner)
    return SourceIndex(tuple(pixels), tuple(within))


def fill(
    target: Array,
    index: SourceIndex,
    grid: Grid,
    read: Callable[[tuple[Index, ...]], Array],
) -> None:
    """Fill a tile with the pixels of ``index``, which ``read`` gets, and padding."""
    inside = index_spatial(target, index.within)
    if inside.shape != target.shape:  # PAD-003, PAD-004
        target[...] = fill_scalar(grid.tiler.pad_value, target.dtype)
    np.copyto(inside, read(index.pixels))


def view(image: Array, plan: TilePlan) -> Array:
    """Return a grid's windows of an image without a copy, read-only."""
    layout = plan.image
    windows = window_view(as_nchw(image, layout), plan.grid, plan.regular)
    if layout.channels is None:
        windows = windows[:, 0]
    elif layout.channels_last:  # VIEW-002
        windows = np.moveaxis(windows, 1, -1)
    return windows if layout.batch is not None else windows[0]


def window_view(source: Array, grid: Grid, runs: Sequence[range]) -> Array:
    """View an image (N, C, *S) as (N, C, *grid, *T), of a run of tiles on each axis."""
    axes = zip(grid.input_geometry.axes, runs, strict=True)
    pixels, steps = zip(*(axis.slices(run) for axis, run in axes), strict=True)
    # VIEW-001, VIEW-003, VIEW-004, VIEW-005: read-only, and nothing is copied
    windows = np.lib.stride_tricks.sliding_window_view(
        index_spatial(source, pixels),
        grid.tiler.input_size,
        axis=tuple(range(-len(runs), 0)),
    )
    return windows[(slice(None), slice(None), *(slice(None, None, n) for n in steps))]


def as_nchw(array: Array, layout: ArrayLayout) -> Array:
    """View an array of ``layout`` as (batch, channels, *space) (TILE-004)."""
    if layout.batch is None:
        array = array[np.newaxis]
    if layout.channels is None:
        return array[:, np.newaxis]
    return np.moveaxis(array, -1, 1) if layout.channels_last else array


def by_image(tiles: Array, layout: ArrayLayout, images: int) -> Array:
    """View tiles of ``layout`` as (images, K, channels, *T)."""
    flat = as_nchw(tiles, layout)
    # LAYOUT-007: tiles are image-major
    return flat.reshape(images, len(flat) // images, *flat.shape[1:])


def index_spatial(array: Array, index: Sequence[Any]) -> Array:
    """Index the spatial axes, which are an array's last."""
    box: Array = array[(..., *index)]
    return box


def open_mesh(index: Sequence[Index]) -> tuple[Any, ...]:
    """Make slices and index arrays into one index of a box of pixels."""
    if all(isinstance(i, slice) for i in index):
        return tuple(index)
    return np.ix_(
        *(np.arange(i.start, i.stop) if isinstance(i, slice) else i for i in index)
    )


def fill_scalar(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a number as ``dtype``, rounded once; zero is known to every dtype."""
    if dtype.kind == "f":  # VALUE-003
        with np.errstate(all="ignore"):
            return np.array(round_to_odd(value, dtype.name)).astype(dtype)
    # VALUE-004
    return np.array(value, dtype) if dtype.kind in "biu" else np.zeros((), dtype)


def check_out(
    out: Array | None, shape: tuple[int, ...], dtype: DTypeLike, source: Array
) -> Array:
    """Return ``out`` if it can take the result, or a new array."""
    if out is None:
        return np.empty(shape, dtype)
    # OUT-002; OUT-003, OUT-004: every item is written, by index, and nothing else
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, got {type(out).__name__}")
    refuse_masked(out, "out")
    if out.shape != shape or out.dtype != dtype:
        raise TilingError(
            f"out is {out.dtype} {out.shape}, the result {np.dtype(dtype)} {shape}: "
            "give a buffer of that dtype and shape"
        )
    if not out.flags.writeable:
        raise TilingError("out is read-only: give an array that can be written")
    if overlaps_itself(out.shape, out.strides, out.itemsize):
        raise TilingError("pixels of out share memory: give a buffer of its own")
    if shares_memory(out, source):
        raise TilingError("out shares memory with the input: give a buffer of its own")
    return out


def overlaps_itself(
    shape: Sequence[int], strides: Sequence[int], itemsize: int
) -> bool:
    """Tell whether some elements of an array may lie in the same memory.

    The few odd arrays that interleave without overlap are taken to overlap.
    """
    extent = itemsize
    for stride, length in sorted(zip(map(abs, strides), shape, strict=True)):
        if length > 1:
            if stride < extent:
                return True
            extent += stride * (length - 1)
    return False


def shares_memory(one: Array, other: Array) -> bool:
    """Tell whether two arrays share memory."""
    try:
        # numpy takes any number here; its stub knows two.
        return np.shares_memory(one, other, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True  # too tangled to tell
