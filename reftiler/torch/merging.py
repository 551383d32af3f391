"""Merging in eager mode, in place, with scratch memory that is used again and again.

There are four ways, which give the same bits: tiles that do not meet are copied; most
others are merged in whole `lines`, a row of tiles at a time, dealt out to the threads;
where many pixels lie in one tile, in `cells`; and scattered or resampled tiles box by
box, with the functional body.
"""

from dataclasses import replace

import numpy as np
from torch import Tensor

from reftiler.axis import Axis
from reftiler.geometry import TileGeometry
from reftiler.plan import UntilePlan
from reftiler.torch import cells
from reftiler.torch.functional import merge_box
from reftiler.torch.lines import Lines
from reftiler.torch.planes import at, grouped, planes
from reftiler.torch.rounding import constant
from reftiler.torch.rules import Extreme, Mean

BLOCK = 2**19
"""Pixels merged at a time, of eight bytes: enough to drown the cost of an operation."""

TERMS = 2**20
"""Values of tiles converted at a time, of eight bytes: whole rows in most grids."""

BOX = 2**17
"""Elements that the functional body merges at a time: it has many temporaries."""

POINT = Axis(length=1, tile=1, padded_length=1, pad_before=0, starts=(0,))
"""An axis ahead of the only one that signals have."""


def merge(tiles: Tensor, call: UntilePlan, out: Tensor) -> None:
    """Merge ``tiles`` into ``out`` as ``call`` plans."""
    group = grouped(tiles, call.tiles, call.result.batch_size)
    target = planes(out, call.result)
    if not is_plain(call.geometry):
        _merge_boxes(group, call, target)
        return
    tiles = group.view(len(group), *call.geometry.shape, *group.shape[2:])
    if len(call.geometry.axes) == 1:
        tiles, target = tiles.unsqueeze(1).unsqueeze(-2), target.unsqueeze(2)
        call = _pointed(call)
    _merge_fitted(tiles, call, target)


def is_plain(placement: TileGeometry) -> bool:
    """Tell whether a tile's neighbouring pixels are always the image's."""
    resampled = any(axis.resampled and not axis.is_unpadded for axis in placement.axes)
    return not placement.is_irregular and not resampled


def _pointed(call: UntilePlan) -> UntilePlan:
    """Return the call with `POINT` ahead of its axis."""
    profiles = call.axis_weights
    return replace(
        call,
        geometry=TileGeometry((POINT, *call.geometry.axes), is_irregular=False),
        axis_weights=None if profiles is None else (np.ones(1), *profiles),
    )


def _merge_fitted(tiles: Tensor, call: UntilePlan, target: Tensor) -> None:
    same, apart = tiles.dtype == target.dtype, _apart(call.geometry)
    if call.num_uncovered and same:
        target.copy_(constant(call.fill, target.dtype, target.device))
    if same and apart:
        cells.copy_lone(tiles, call.geometry, target, BOX)
        return
    kind = Mean if call.merge == "mean" else Extreme
    rule = kind(call, tiles.dtype, target.dtype, tiles.device)
    if same and call.axis_weights is None and cells.pays(call):
        cells.Cells(tiles, call, target, rule, BLOCK).merge()
        return
    block = BLOCK // 4 if rule.rounds else BLOCK
    Lines(tiles, call, target, rule, (max(1, block), TERMS)).merge()
    if rule.lone:
        cells.copy_lone(tiles, call.geometry, target, BOX)


def _apart(placement: TileGeometry) -> bool:
    """Tell whether no tiles meet."""
    return all(axis.coverage.max() <= 1 for axis in placement.axes)


def _merge_boxes(group: Tensor, call: UntilePlan, target: Tensor) -> None:
    planes_at_once = min(target.shape[0] * target.shape[1], BOX)
    for box in call.geometry.blocks(BOX // planes_at_once):
        here = [slice(low, high) for low, high in box]
        at(target, here).copy_(merge_box(group, call, box, target.dtype))
