"""Plans of calls from text, in which form settings go through operators and graphs."""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from reftiler.grid import Grid
from reftiler.plan import TilePlan, UntilePlan, plan_tile, plan_untile
from reftiler.settings import TilerSettings
from reftiler.torch.dtypes import KNOWN, dtype_name
from reftiler.validation import is_sequence

Weights = tuple[tuple[int, ...], str] | None
"""The shape of weights of pixels and the name of their dtype."""

_known_grids: WeakValueDictionary[str, Grid] = WeakValueDictionary()


def grid_text(grid: Grid | None) -> str | None:
    """Return a grid as text, and keep it in mind as long as it lives."""
    if grid is None:
        return None
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a reftiler.Grid, got {type(grid).__name__}")
    text = grid.to_json()
    if not torch.compiler.is_compiling():
        _known_grids.setdefault(text, grid)
    return text


tiler_of = lru_cache(maxsize=64)(TilerSettings.from_json)
_read_grid = lru_cache(maxsize=8)(Grid.from_json)


def _grid_of(text: str | None) -> Grid | None:
    if text is None:
        return None
    return _known_grids.get(text) or _read_grid(text)


def encode_scale(scale: Any) -> str | None:
    """Return a scale as text that `_decode_scale` reads; None if it cannot be one."""
    if scale is None:
        return None
    if isinstance(scale, (tuple, list)):  # in torch 2.4 graphs take no union
        return ",".join([encode_scale(part) or "?" for part in scale]) + ","
    if isinstance(scale, Fraction):
        return f"{scale.numerator}/{scale.denominator}"
    return repr(scale)


def _decode_scale(text: str | None) -> Any:
    if text is None:
        return None
    if text.endswith(","):
        return tuple(map(_decode_scale, text[:-1].split(",")))
    if "/" in text:
        return Fraction(text)
    try:
        return int(text)
    except ValueError:
        return float(text)


def new_untile_plan(
    tiles_shape: Sequence[int],
    tiles_dtype: torch.dtype,
    shape: Any,
    tiler: TilerSettings,
    grid: Grid | None,
    scale: Any,
    dtype: torch.dtype,
    weights: Weights = None,
) -> UntilePlan:
    """Plan a call of ``untile`` as it was made."""
    names = dtype_name(tiles_dtype), dtype_name(dtype)
    rest = (shape, grid, scale, names[1], KNOWN, weights)
    return plan_untile(tiler, tiles_shape, names[0], *rest)


def _plan_tile(
    shape: tuple[int, ...], dtype: torch.dtype, tiler: str, grid: str | None
) -> TilePlan:
    return plan_tile(tiler_of(tiler), shape, dtype_name(dtype), _grid_of(grid))


def _plan_untile(
    tiles_shape: tuple[int, ...],
    tiles_dtype: torch.dtype,
    shape: tuple[int, ...],
    tiler: str,
    grid: str | None,
    scale: str | None,
    *rest: Any,
) -> UntilePlan:
    asked = tiler_of(tiler), _grid_of(grid), _decode_scale(scale)
    return new_untile_plan(tiles_shape, tiles_dtype, shape, *asked, *rest)


_cached_tile = lru_cache(maxsize=32)(_plan_tile)
_cached_untile = lru_cache(maxsize=32)(_plan_untile)


def cached_tile_plan(shape: Sequence[int], *rest: Any) -> TilePlan:
    """Plan a call of ``tile``, or recall the plan."""
    shape = tuple(shape)
    plain = all(type(n) is int for n in shape)  # no symbols
    return (_cached_tile if plain else _plan_tile)(shape, *rest)


def cached_untile_plan(
    tiles_shape: Sequence[int], dtype: torch.dtype, shape: Sequence[int], *rest: Any
) -> UntilePlan:
    """Plan a call of ``untile``, or recall the plan."""
    tiles_shape, shape = tuple(tiles_shape), tuple(shape)
    if all(type(n) is int for n in (*tiles_shape, *shape)):
        return _cached_untile(tiles_shape, dtype, shape, *rest)
    # Of symbols, which stand for sizes in graphs, only N and C may stay open.
    rank, last = tiler_of(rest[0]).rank, tiler_of(rest[0]).channels_last
    space = range(1, 1 + rank) if last else range(len(tiles_shape) - rank, 99)
    fixed = tuple(int(n) if a in space else n for a, n in enumerate(tiles_shape))
    return _plan_untile(fixed, dtype, shape, *rest)


def eager_tile(
    image: Tensor, tiler: TilerSettings, grid: Grid | None
) -> tuple[tuple[Any, ...], TilePlan]:
    """Return the arguments of the operator ``tile`` after the image, and the plan."""
    spec = (tiler.to_json(), grid_text(grid))
    return spec, cached_tile_plan(image.shape, image.dtype, *spec)


def eager_untile(
    tiles: Tensor,
    shape: Any,
    tiler: TilerSettings,
    grid: Grid | None,
    scale: Any,
    dtype: torch.dtype,
    weights: Tensor | None = None,
) -> tuple[tuple[Any, ...], UntilePlan]:
    """Return the arguments of the operator ``untile`` after the tiles, and the plan."""
    given = form_of(weights)
    if scale is None and is_sequence(shape) and all(type(n) is int for n in shape):
        spec: tuple[Any, ...]
        spec = (tuple(shape), tiler.to_json(), grid_text(grid), None)
        call = cached_untile_plan(tiles.shape, tiles.dtype, *spec, dtype, given)
        return (*spec[:-1], scale_of(call, tiler)), call
    # Anything may have been given: the plan checks it, then it is text.
    asked = (shape, tiler, grid, scale, dtype, given)
    call = new_untile_plan(tiles.shape, tiles.dtype, *asked)
    text = scale_of(call, tiler, always=True)
    spec = (tuple(map(int, shape)), tiler.to_json(), grid_text(grid), text)
    return spec, call


def form_of(weights: Tensor | None) -> Weights:
    """Return what a plan must know of weights of pixels."""
    if weights is None:
        return None
    return tuple(weights.shape), dtype_name(weights.dtype)


def scale_of(
    call: UntilePlan, tiler: TilerSettings, *, always: bool = False
) -> str | None:
    """Return the scale as text; None where the size of the tiles tells it."""
    if not (always or tiler.has_context):
        return None
    sides = zip(call.tiles.size, tiler.tile_size, strict=True)
    return encode_scale([Fraction(*side) for side in sides])
