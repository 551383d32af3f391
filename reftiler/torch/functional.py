"""Tiling and merging as gathers, with no write in place.

Slower than the eager bodies and alike to the bit. Gradients flow through them, and
`torch.compile`, `torch.export` and `torch.vmap` take them as they are: tensors go in
and out, and the plan travels as text.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from reftiler.geometry import Box
from reftiler.grid import Grid
from reftiler.plan import TilePlan, UntilePlan, plan_tile, plan_untile
from reftiler.settings import TilerSettings
from reftiler.torch.planes import at, grouped, laid_out, planes
from reftiler.torch.rounding import KNOWN, check_nan, choose, constant, name, rounded
from reftiler.torch.sums import (
    comparable,
    compared,
    copies_lone,
    join,
    sum_dtype,
    weakest,
)
from reftiler.torch.tables import along, layers, on, sources


class Ratio(NamedTuple):
    """A Fraction that can stand in a graph."""

    numerator: int
    denominator: int


Body = TypeVar("Body", bound=Callable[..., Tensor])


def in_graph(body: Body) -> Body:
    """Mark a function that `torch.compile` takes over whole, planning and all."""
    return cast(Body, torch.compiler.allow_in_graph(body))  # type: ignore[no-untyped-call]


@in_graph
def tile(image: Tensor, tiler: str, grid: str | None) -> Tensor:
    """Cut an image; ``tiler`` and ``grid`` are JSON."""
    plan = None if grid is None else Grid.from_json(grid)
    settings = TilerSettings.from_json(tiler)
    call = plan_tile(settings, image.shape, name(image.dtype), plan)
    return gather_tiles(image, call)


@in_graph
def untile(
    tiles: Tensor,
    shape: Sequence[int],
    tiler: str,
    grid: str | None,
    scale: Any,
    dtype: torch.dtype,
) -> Tensor:
    """Merge tiles; ``tiler`` and ``grid`` are JSON, ``scale`` is `packed`."""
    plan = None if grid is None else Grid.from_json(grid)
    settings = TilerSettings.from_json(tiler)
    call = plan_untile(
        settings,
        tiles.shape,
        name(tiles.dtype),
        shape,
        plan,
        _unpacked(scale),
        name(dtype),
        KNOWN,
    )
    group = grouped(tiles, call.tiles, call.result.batch_size)
    whole = tuple((0, length) for length in call.geometry.size)
    merged = merge_box(group, call, whole, dtype)
    return laid_out(merged, call.result)


def packed(scale: Any) -> Any:
    """Return a scale in which every Fraction is a `Ratio`."""
    if isinstance(scale, tuple | list):
        return tuple(packed(part) for part in scale)
    if isinstance(scale, Fraction):
        return Ratio(scale.numerator, scale.denominator)
    return scale


def _unpacked(scale: Any) -> Any:
    if isinstance(scale, Ratio):
        return Fraction(*scale)
    if isinstance(scale, tuple):
        return tuple(_unpacked(part) for part in scale)
    return scale


def gather_tiles(image: Tensor, call: TilePlan) -> Tensor:
    """Cut an image by one gather."""
    axes, scattered = call.grid.axes, call.grid.is_irregular
    mode = call.grid.tiler.pad_mode
    places = len(call.grid.shape)
    index, masks = [], []
    for a, axis in enumerate(axes):
        pixels, inside = sources(axis, mode)
        dims = (0 if scattered else a, places + a)
        index.append(along(pixels, dims, places + len(axes)))
        masks.append(along(inside, dims, places + len(axes)))
    tiles = at(planes(image, call.image), on(image.device, *index))
    if not all(mask.all() for mask in masks):
        inside = masks[0]
        for mask in masks[1:]:
            inside = inside & mask
        value = constant(call.grid.tiler.pad_value, image.dtype, image.device)
        tiles = choose(on(image.device, inside)[0], tiles, value)
    flat = tiles.flatten(2, 1 + places).movedim(2, 1).flatten(0, 1)
    return laid_out(flat, call.tiles)


def merge_box(group: Tensor, call: UntilePlan, box: Box, dtype: torch.dtype) -> Tensor:
    """Merge the tiles (N, K, C, *T) in one box of the image, to (N, C, *box)."""
    stacked = group.movedim(2, 1)
    kind = _Mean if call.merge == "mean" else _Extreme
    merger = kind(call, stacked, dtype)
    first: Any = None
    count: Any = 0
    for layer in layers(call.geometry, box):
        tile, valid, *pixel = on(group.device, layer.tile, layer.valid, *layer.pixel)
        values = at(stacked, (tile, *pixel))
        merger.add(values, valid, pixel)
        first = values if first is None else first
        count = count + valid.to(torch.int64)
    result = merger.result(count, first)
    if call.num_uncovered:
        fill = constant(call.fill, dtype, group.device)
        result = choose(count > 0, result, fill)
    return result


class _Mean:
    """Weighted sum over sum of weights, layer by layer."""

    def __init__(self, call: UntilePlan, tiles: Tensor, dtype: torch.dtype) -> None:
        self.source, self.dtype = tiles.dtype, dtype
        self.sums = sum_dtype(tiles.device)
        self.profiles: list[Tensor] | None = None
        if call.axis_weights is not None:
            self.profiles = on(tiles.device, *call.axis_weights, dtype=self.sums)
        zero = torch.tensor(-0.0, dtype=self.sums, device=tiles.device)
        self.total, self.weight = zero, zero

    def add(self, values: Tensor, valid: Tensor, pixel: list[Tensor]) -> None:
        term = values.to(self.sums)
        if self.profiles is not None:
            weight = self.profiles[0][pixel[0]]
            for profile, index in zip(self.profiles[1:], pixel[1:], strict=True):
                weight = weight * profile[index]
            term = weight * term
            self.weight = torch.where(valid, self.weight + weight, self.weight)
        self.total = torch.where(valid, self.total + term, self.total)

    def result(self, count: Tensor, first: Tensor) -> Tensor:
        weight = count if self.profiles is None else self.weight
        divisor = torch.where(count > 0, weight, torch.ones_like(weight))
        mean = self.total / divisor.to(self.sums)
        if self.source.is_floating_point:
            check_nan(mean, self.dtype)
        merged = rounded(mean, self.dtype)
        weighted = self.profiles is not None
        if not copies_lone(self.source, self.dtype, self.sums, weighted=weighted):
            return merged
        lone = first
        if self.source != self.dtype:
            lone = rounded(first.to(self.sums), self.dtype)
        return choose(count == 1, lone, merged)


class _Extreme:
    """The largest or the smallest of the tiles' values, layer by layer."""

    def __init__(self, call: UntilePlan, tiles: Tensor, dtype: torch.dtype) -> None:
        self.merge = call.merge
        self.source, self.dtype = tiles.dtype, dtype
        self.best: Tensor | None = None

    def add(self, values: Tensor, valid: Tensor, pixel: list[Tensor]) -> None:
        del pixel  # only a mean has weights
        values = comparable(values)
        if self.best is None:
            self.best = torch.full_like(values, weakest(values.dtype, self.merge))
        self.best = torch.where(valid, join(self.best, values, self.merge), self.best)

    def result(self, count: Tensor, first: Tensor) -> Tensor:
        del count, first
        assert self.best is not None
        best = compared(self.best, self.source)
        if self.source == self.dtype:
            return best
        total = best.to(sum_dtype(best.device))
        check_nan(total, self.dtype)
        return rounded(total, self.dtype)
