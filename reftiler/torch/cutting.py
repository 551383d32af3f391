"""Cutting in eager mode: one strided copy for the tiles that lie evenly inside."""

from collections.abc import Sequence

from torch import Tensor

from reftiler.grid import Grid
from reftiler.padding import source_indices
from reftiler.plan import TilePlan
from reftiler.torch.planes import at, grouped, planes
from reftiler.torch.rounding import constant
from reftiler.torch.tables import mesh


def tile(image: Tensor, call: TilePlan, out: Tensor) -> None:
    """Cut an image into ``out``."""
    grid = call.grid
    source = planes(image, call.image)
    target = grouped(out, call.tiles, call.image.batch_size)
    if call.regular:
        _copy_even(source, target, grid, call.regular)
    for k in call.irregular:
        cut(source, grid, k, target[:, k])


def _copy_even(
    source: Tensor, target: Tensor, grid: Grid, runs: Sequence[range]
) -> None:
    rank = len(runs)
    tiles = target.view(len(target), *grid.shape, *target.shape[2:])
    for a, (axis, run) in enumerate(zip(grid.axes, runs, strict=True)):
        pixels, step = axis.slices(run)
        source = source.narrow(2 + a, pixels.start, pixels.stop - pixels.start)
        source = source.unfold(2 + a, axis.tile, step)
        tiles = tiles.narrow(1 + a, run[0], len(run))
    tiles.copy_(source.movedim(1, 1 + rank))


def cut(source: Tensor, grid: Grid, k: int, target: Tensor) -> None:
    """Copy tile ``k`` of every plane of ``source`` (…, *S) to ``target`` (…, *T)."""
    axes, mode = grid.axes, grid.tiler.pad_mode
    index = [
        source_indices(axis, axis.starts[number], mode)
        for axis, number in zip(axes, grid.geometry.unravel(k), strict=True)
    ]
    slices = [pixels for pixels in index if isinstance(pixels, slice)]
    if len(slices) < len(index):
        target.copy_(at(source, mesh(index, source.device)))
        return
    inside = [
        slice(max(s.start, 0), min(s.stop, axis.length))
        for s, axis in zip(slices, axes, strict=True)
    ]
    if inside != slices:
        target.copy_(constant(grid.tiler.pad_value, source.dtype, source.device))
        shown = [
            slice(i.start - s.start, i.stop - s.start)
            for i, s in zip(inside, slices, strict=True)
        ]
        target = at(target, shown)
    target.copy_(at(source, inside))


def view(image: Tensor, call: TilePlan) -> Tensor:
    """View the windows of an image as (…, *grid, *T)."""
    windows = planes(image, call.image)
    for a, axis in enumerate(call.grid.axes):
        windows = windows.narrow(2 + a, 0, axis.starts[-1] + axis.tile)
        windows = windows.unfold(2 + a, axis.tile, axis.step or 1)
    if call.image.channels is None:
        windows = windows.squeeze(1)
    elif call.image.channels_last:
        windows = windows.movedim(1, -1)
    return windows if call.image.batch is not None else windows.squeeze(0)
