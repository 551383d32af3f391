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

Array = NDArray[Any]


def tile(image: Array, call: TilePlan, out: Array | None) -> Array:
    """Cut an image into the tiles that ``call`` plans."""
    result = check_out(out, call.tiles.shape, image.dtype, image)
    source = as_nchw(image, call.image)
    target = by_image(result, call.tiles, call.image.batch_size)
    if call.regular:
        _cut_even(source, call.grid, call.regular, target)

    def cut_some(some: Sequence[int]) -> None:
        for k in some:
            cut(source, call.grid, k, target[:, k])

    size = result.nbytes * len(call.irregular) // len(call.grid)
    parallel_for(cut_some, call.irregular, size)
    return result


def _cut_even(source: Array, grid: Grid, runs: Sequence[range], target: Array) -> None:
    """Copy all tiles of even runs at once, which is as fast as memory allows."""
    steps = np.moveaxis(window_view(source, grid, runs), 1, len(runs) + 1)
    tiles = target.reshape(len(target), *grid.shape, *target.shape[2:])
    tiles = tiles[(slice(None), *(slice(run.start, run.stop) for run in runs))]
    axis = int(np.argmax(steps.shape[:2]))  # images, or the first axis of the grid

    def copy(some: Sequence[int]) -> None:
        here = (slice(None),) * axis + (slice(some[0], some[-1] + 1),)
        np.copyto(tiles[here], steps[here])

    parallel_for(copy, range(steps.shape[axis]), tiles.nbytes)


def cut(source: Array, grid: Grid, k: int, target: Array) -> None:
    """Copy tile ``k`` of every plane of ``source`` (…, *S) to ``target`` (…, *T)."""
    shown = source_index(grid, k)
    fill(target, shown, grid, lambda pixels: index_spatial(source, open_mesh(pixels)))


class SourceIndex(NamedTuple):
    """What a tile shows of an image, axis by axis."""

    pixels: tuple[Index, ...]
    """The image's pixels: neighbours, or one for each of the tile's."""
    within: tuple[slice, ...]
    """Where in the tile they go; the rest is constant padding."""


def source_index(grid: Grid, k: int) -> SourceIndex:
    """Return what tile ``k`` shows."""
    mode = grid.tiler.pad_mode
    pixels: list[Index] = []
    within: list[slice] = []
    for axis, number in zip(grid.axes, grid.geometry.unravel(k), strict=True):
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
    shown: SourceIndex,
    grid: Grid,
    read: Callable[[tuple[Index, ...]], Array],
) -> None:
    """Fill a tile with what it shows, which ``read`` gets, and with padding."""
    inside = index_spatial(target, shown.within)
    if inside.shape != target.shape:
        target[...] = fill_scalar(grid.tiler.pad_value, target.dtype)
    np.copyto(inside, read(shown.pixels))


def view(image: Array, call: TilePlan) -> Array:
    """Return a grid's windows of an image without a copy, read-only."""
    layout = call.image
    steps = window_view(as_nchw(image, layout), call.grid, call.regular)
    if layout.channels is None:
        steps = steps[:, 0]
    elif layout.channels_last:
        steps = np.moveaxis(steps, 1, -1)
    return steps if layout.batch is not None else steps[0]


def window_view(source: Array, grid: Grid, runs: Sequence[range]) -> Array:
    """View planes (N, C, *S) as (N, C, *grid, *T), of a run of tiles for each axis."""
    axes = zip(grid.axes, runs, strict=True)
    pixels, steps = zip(*(axis.slices(run) for axis, run in axes), strict=True)
    every = np.lib.stride_tricks.sliding_window_view(
        index_spatial(source, pixels),
        grid.tiler.tile_size,
        axis=tuple(range(-len(runs), 0)),
    )
    return every[(slice(None), slice(None), *(slice(None, None, n) for n in steps))]


def as_nchw(array: Array, layout: ArrayLayout) -> Array:
    """View an array of ``layout`` as (batch, channels, *space)."""
    if layout.batch is None:
        array = array[np.newaxis]
    if layout.channels is None:
        return array[:, np.newaxis]
    return np.moveaxis(array, -1, 1) if layout.channels_last else array


def by_image(tiles: Array, layout: ArrayLayout, images: int) -> Array:
    """View tiles of ``layout`` as (images, K, channels, *T)."""
    flat = as_nchw(tiles, layout)
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
    """Return a number as ``dtype``; zero has a meaning in dtypes without numbers."""
    if dtype.kind == "f":
        return np.array(round_to_odd(value, dtype.name)).astype(dtype)
    return np.array(value, dtype) if dtype.kind in "biu" else np.zeros((), dtype)


def check_out(
    out: Array | None, shape: tuple[int, ...], dtype: DTypeLike, source: Array
) -> Array:
    """Return ``out`` if it can take the result, or a new array.

    Raises
    ------
    TypeError
        If ``out`` is not an array.
    TilingError
        If its shape or dtype differs, or writing to it would change the input.
    """
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, got {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise TilingError(
            f"out is {out.dtype} {out.shape}, the result {np.dtype(dtype)} {shape}: "
            "give a buffer of that dtype and shape"
        )
    if not out.flags.writeable:
        raise TilingError("out is read-only: give an array that can be written")
    if shares_memory(out, source):
        raise TilingError("out shares memory with the input: give a buffer of its own")
    return out


def shares_memory(one: Array, other: Array) -> bool:
    """Tell whether two arrays share memory."""
    try:
        # numpy takes any number here; its stub knows two.
        return np.shares_memory(one, other, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True  # so tangled that nobody would give it on purpose
