"""Cut tensors: one strided copy for the regular run of tiles, gathers for the rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from reftiler.axis import Axis, IntArray
from reftiler.grid import Grid
from reftiler.padding import source_indices
from reftiler.plan import TilePlan
from reftiler.torch.dtypes import fill_scalar, where
from reftiler.torch.layout import (
    along,
    as_nchw,
    by_image,
    from_nchw,
    index_spatial,
    on_device,
    open_mesh,
    unflatten,
)


def cut(image: Tensor, call: TilePlan, out: Tensor, *, zeros: bool = False) -> None:
    """Cut an image into ``out``; ``zeros`` pads with 0 instead of ``pad_value``."""
    source = as_nchw(image, call.image)
    target = by_image(out, call.tiles, call.image.batch_size)  # LAYOUT-007: image-major
    if call.regular:
        steps = _windows(source, call.grid, call.regular).movedim(
            1, 1 + len(call.regular)
        )
        tiles = unflatten(target, 1, call.grid.shape)  # LAYOUT-008: row-major
        # TILE-001, TILE-002: frame pixels [start, start + t), their bits moved
        tiles[(slice(None), *(slice(r.start, r.stop) for r in call.regular))] = steps
    for k in call.irregular:
        cut_tile(source, call.grid, k, target[:, k], zeros=zeros)


def cut_tile(
    source: Tensor, grid: Grid, k: int, target: Tensor, *, zeros: bool = False
) -> None:
    """Copy tile ``k`` of every plane of ``source`` (…, *S) to ``target`` (…, *T)."""
    pixels, within = tile_sources(grid, k)
    inside = index_spatial(target, within)
    if inside.shape != target.shape:
        # PAD-003, PAD-004: outside the image on any axis is ``pad_value``
        value = 0 if zeros else grid.tiler.pad_value
        target.copy_(fill_scalar(value, target.dtype, target.device))
    inside.copy_(index_spatial(source, open_mesh(pixels, source.device)))


def tile_sources(grid: Grid, k: int) -> tuple[list[Any], list[slice]]:
    """Return the image pixels that tile ``k`` shows, and where in the tile they go.

    On each axis a slice, or an index for each pixel of the tile: of padding (PAD-005 to
    PAD-009) or of an image resampled (INTERP-001).
    """
    pixels: list[Any] = []
    within = []
    geometry = grid.input_geometry
    for axis, number in zip(geometry.axes, geometry.unravel(k), strict=True):
        found = source_indices(axis, axis.starts[number], grid.tiler.pad_mode)
        inner = slice(0, axis.tile)
        if isinstance(found, slice):
            first = found.start
            found = slice(max(first, 0), min(found.stop, axis.length))
            inner = slice(found.start - first, found.stop - first)
        pixels.append(found)
        within.append(inner)
    return pixels, within


def frame_sources(axis: Axis, pad_mode: str) -> IntArray:
    """Return the image pixel that every frame pixel shows; -1 in constant padding."""
    found = source_indices(replace(axis, tile=axis.padded_length), 0, pad_mode)
    pixels = np.arange(found.start, found.stop) if isinstance(found, slice) else found
    return np.where((pixels >= 0) & (pixels < axis.length), pixels, -1)


def cut_graph(image: Tensor, call: TilePlan) -> Tensor:
    """Cut an image by one gather, with no write in place, for graphs."""
    tiles = cut_planes(as_nchw(image, call.image), call)
    return from_nchw(tiles.movedim(2, 1).flatten(0, 1), call.tiles)


def cut_planes(source: Tensor, call: TilePlan) -> Tensor:
    """Cut any number of images (N, C, *S) into tiles (N, C, K, *T)."""
    grid = call.grid
    lead, rank = len(grid.shape), len(grid.axes)
    index, masks = [], []
    for a, axis in enumerate(call.geometry.axes):
        frame = axis.start_array[:, np.newaxis] + np.arange(axis.tile)
        pixels = frame_sources(axis, grid.tiler.pad_mode)[frame]
        dims = (0 if grid.is_irregular else a, lead + a)
        index.append(along(np.maximum(pixels, 0), dims, lead + rank))
        masks.append(along(pixels >= 0, dims, lead + rank))
    tiles = index_spatial(source, on_device(source.device, *index))
    value = fill_scalar(grid.tiler.pad_value, source.dtype, source.device)
    for mask in masks:
        if not mask.all():
            tiles = where(on_device(source.device, mask)[0], tiles, value)
    return tiles.flatten(2, 1 + lead)


def view(image: Tensor, call: TilePlan) -> Tensor:
    """View the windows of an image as (…, *grid, *T) (VIEW-001 to VIEW-005)."""
    windows = _windows(as_nchw(image, call.image), call.grid, call.regular)
    if call.image.channels is None:
        windows = windows.squeeze(1)
    elif call.image.channels_last:
        windows = windows.movedim(1, -1)
    return windows if call.image.batch is not None else windows.squeeze(0)


def _windows(source: Tensor, grid: Grid, runs: Sequence[range]) -> Tensor:
    """View (N, C, *S) as (N, C, *runs, *T): of each axis a run of regular tiles."""
    axes = grid.input_geometry.axes
    for a, (axis, run) in enumerate(zip(axes, runs, strict=True)):
        pixels, step = axis.slices(run)
        source = source.narrow(2 + a, pixels.start, pixels.stop - pixels.start)
        source = source.unfold(2 + a, axis.tile, step)
    return source
