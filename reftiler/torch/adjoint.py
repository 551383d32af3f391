"""What gradients need: the adjoints of cutting and merging, block by block.

``<tile(x), y> = <x, adjoint(y)>``. No clause prescribes the bits of gradients.
"""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from reftiler.axis import Index
from reftiler.geometry import Box, Overlap, TileGeometry, center_distance
from reftiler.plan import TilePlan, UntilePlan
from reftiler.torch import cut as plain_cut
from reftiler.torch import dispatch
from reftiler.torch.cut import tile_sources
from reftiler.torch.dtypes import HALVES, identity_element, supersedes
from reftiler.torch.layout import (
    as_nchw,
    by_image,
    from_nchw,
    index_spatial,
    on_device,
    open_mesh,
)
from reftiler.torch.merge import for_each_block, tile_weights, weights_at


def sum_tiles(tiles: Tensor, call: TilePlan, out: Tensor) -> None:
    """Add to every pixel of ``out``, 0 at first, what the tiles that show it hold."""
    if _moves_pixels(call) and not out.is_complex():
        # The tiles' pixels near their edges too.
        axes = tuple(replace(axis, border=0) for axis in call.geometry.axes)
        geometry = TileGeometry(axes, call.grid.is_irregular)
        layouts, uncovered = (call.tiles, call.image), geometry.num_uncovered
        plan = UntilePlan(geometry, *layouts, "sum", None, uncovered, 0)
        dispatch.merge(tiles, plan, out)
        return
    # Halves are summed in float32 and rounded once.
    sums = out.to(torch.float32) if out.dtype in HALVES else out
    image = as_nchw(sums, call.image)
    group = by_image(tiles, call.tiles, call.image.batch_size)
    for k in range(len(call.grid)):
        pixels, within = tile_sources(call.grid, k)
        values = index_spatial(group[:, k], within).to(sums.dtype)
        region = []
        for axis, index in enumerate(pixels, start=2):
            if isinstance(index, slice):
                region.append(index)
            else:
                low, high = int(index.min()), int(index.max()) + 1
                shape = (*values.shape[:axis], high - low, *values.shape[axis + 1 :])
                (place,) = on_device(values.device, index - low)
                values = values.new_zeros(shape).index_add_(axis, place, values)
                region.append(slice(low, high))
        index_spatial(image, region).add_(values)
    if sums is not out:
        out.copy_(sums)


def _moves_pixels(call: TilePlan) -> bool:
    """Tell whether tiles hold pixels of the image, each once, and constant padding."""
    tiler = call.grid.tiler
    repeats = tiler.pads and tiler.pad_mode != "constant"
    return all(
        axis.is_unpadded or not (axis.resampled or repeats)
        for axis in call.geometry.axes
    )


def spread_mean(
    image: Tensor, call: UntilePlan, cut: TilePlan | None, out: Tensor
) -> None:
    """Give each pixel of a tile its share of the image: its weight over their sum.

    ``out`` is 0 at first. ``cut`` is the plan that cuts such an image into the tiles,
    if their resolution is that of the tiler.
    """
    dtype = torch.float32 if out.dtype in HALVES else out.dtype
    tiles = by_image(out, call.tiles, call.result.batch_size)
    weights = tile_weights(call, out.device)
    whole: Box = tuple((0, length) for length in call.geometry.size)
    overlaps = list(call.geometry.overlaps(whole))
    # Pixels of no tile are read by none.
    (total,) = on_device(out.device, call.geometry.coverage(whole), dtype=dtype)
    if weights is not None:
        total.zero_()
        for overlap in overlaps:
            total[overlap.in_block] += weights_at(weights, overlap.in_tile)
    scaled = (as_nchw(image, call.result).to(dtype) / total).to(out.dtype)
    if cut and _moves_pixels(cut) and not any(a.border for a in cut.grid.axes):
        plain_cut.cut(from_nchw(scaled, call.result), cut, out, zeros=True)
    else:
        for overlap in overlaps:
            place: Any = (..., *open_mesh(overlap.in_tile, out.device))
            tiles[:, overlap.tile][place] = index_spatial(scaled, overlap.in_block)
    if weights is not None:
        everywhere = [slice(0, side) for side in call.tiles.size]
        tiles.mul_(weights_at(weights, everywhere).to(dtype))


def find_winners(tiles: Tensor, call: UntilePlan, out: Tensor) -> None:
    """Find where each pixel of a merge comes from that takes one tile's value.

    ``out``, int64, becomes ``k * T + t`` of pixel t of tile k, in row-major order of
    all T of a tile; -1 where there is none. Of equal values: see `dtypes.supersedes`.
    """
    group = by_image(tiles, call.tiles, call.result.batch_size)
    size, device = call.tiles.size, tiles.device
    weakest = 0.0
    if call.merge in ("max", "min"):
        weakest = identity_element(tiles.dtype, call.merge)
    whole: Box = tuple((0, length) for length in call.geometry.size)
    out.fill_(-1)
    for image, target in zip(group, as_nchw(out, call.result), strict=True):

        def work(
            channels: slice, box: Box, index: Tensor, image: Tensor = image
        ) -> None:
            best = torch.full(index.shape, weakest, dtype=tiles.dtype, device=device)
            far = torch.full(index.shape[1:], 2**63 - 1, device=device)
            for part in call.geometry.overlaps(box):
                tile = image[part.tile, channels]
                values = index_spatial(tile, open_mesh(part.in_tile, device))
                old = index_spatial(best, part.in_block)
                source = index_spatial(index, part.in_block)
                if call.merge in ("max", "min"):
                    better = supersedes(values, old, call.merge)
                else:
                    better = _comes_first(part, call, far, source)
                first = part.tile * math.prod(size)
                place = _places(part.in_tile, size, device) + first
                old.copy_(torch.where(better, values, old))
                source.copy_(torch.where(better, place, source))

        for_each_block(work, call.geometry, whole, target)


def _comes_first(
    part: Overlap, call: UntilePlan, least: Tensor, source: Tensor
) -> Tensor:
    """Tell where a tile takes the place of those before it, whatever the values are."""
    if call.merge != "center":  # MERGE-024
        return (source < 0) | (call.merge == "last")
    (far,) = on_device(source.device, center_distance(part.in_tile, call.tiles.size))
    here = index_spatial(least, part.in_block)
    nearer = far < here  # MERGE-025
    here.copy_(torch.minimum(far, here))
    return nearer.expand(source.shape)


def _places(
    there: tuple[Index, ...], size: tuple[int, ...], device: torch.device
) -> Tensor:
    """Return the row-major numbers of some pixels of a tile."""
    place = torch.zeros((), dtype=torch.int64, device=device)
    for pixels, length in zip(there, size, strict=True):
        if isinstance(pixels, slice):
            first, last = pixels.start, pixels.stop
            line = torch.arange(first, last, dtype=torch.int64, device=device)
        else:
            (line,) = on_device(device, pixels)
        place = place.unsqueeze(-1) * length + line
    return place
