"""``tile`` and ``untile`` as operators of `torch.library`, with their derivatives.

Tensors go in and out; settings and grids travel as JSON, scales as text. Behind the
operators the bodies are chosen (`dispatch`), so that training and compiled graphs use
the kernels too:

reftiler::tile_kernel     cut an image
reftiler::tile_adjoint    sum tiles into an image; what gradients of ``tile`` need
reftiler::untile_kernel   merge tiles, whose pixels may have weights
reftiler::untile_adjoint  spread an image over tiles; what those of a mean need
reftiler::winners         where pixels come from that are each one tile's value

Each cut and each mean is the adjoint of its adjoint, which gives derivatives of every
order. Exported and traced graphs hold plain operations of torch instead, so that they
run where reftiler is not installed; strict export keeps the operators.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op

from reftiler.errors import TilingError
from reftiler.geometry import SELECTING
from reftiler.grid import Grid
from reftiler.plan import TilePlan, plan_tile
from reftiler.settings import TilerSettings
from reftiler.torch import adjoint, dispatch
from reftiler.torch import cut as plain_cut
from reftiler.torch.cut import cut_graph
from reftiler.torch.dtypes import HALVES, dtype_name, is_tracing
from reftiler.torch.layout import as_nchw, by_image, from_nchw, unflatten
from reftiler.torch.merge import merge_graph
from reftiler.torch.pixel_weights import check_weights, refuse_gradient
from reftiler.torch.plans import (
    cached_tile_plan,
    cached_untile_plan,
    eager_tile,
    eager_untile,
    encode_scale,
    form_of,
    grid_text,
    new_untile_plan,
    scale_of,
    tiler_of,
)
from reftiler.torch.validation import empty_aligned

Body = Callable[..., tuple[Sequence[int], torch.dtype, Callable[[Tensor], Any]]]
"""Returns a result's shape and dtype, and what writes it."""


def _operator(schema: str) -> Callable[[Body], Callable[..., Tensor]]:
    """Define an operator, and its fake, on the device of its first tensor."""
    name, parenthesis, rest = schema.partition("(")

    def define(body: Body) -> Callable[..., Tensor]:
        def run(tensor: Tensor, *rest: Any) -> Tensor:
            shape, dtype, write = body(tensor, *rest)
            out = empty_aligned(tuple(shape), dtype, tensor.device)
            write(out)
            return out

        def fake(tensor: Tensor, *rest: Any) -> Tensor:
            shape, dtype, _ = body(tensor, *rest)
            return tensor.new_empty(tuple(shape), dtype=dtype)

        typed = parenthesis + rest
        found = custom_op(f"reftiler::{name}", run, mutates_args=(), schema=typed)
        found.register_fake(fake)
        return found

    return define


@_operator("tile_kernel(Tensor image, str tiler, str? grid, bool zeros) -> Tensor")
def _tile(image: Tensor, tiler: str, grid: str | None, zeros: bool) -> Any:
    call = cached_tile_plan(image.shape, image.dtype, tiler, grid)
    cut = partial(plain_cut.cut, zeros=True) if zeros else dispatch.cut
    return call.tiles.shape, image.dtype, partial(cut, image, call)


@_operator("tile_adjoint(Tensor tiles, SymInt[] shape, str tiler, str? grid) -> Tensor")
def _tile_adjoint(tiles: Tensor, shape: Sequence[int], *spec: Any) -> Any:
    call = cached_tile_plan(shape, tiles.dtype, *spec)

    def write(out: Tensor) -> None:
        adjoint.sum_tiles(tiles, call, out.zero_())

    return shape, tiles.dtype, write


@_operator(
    "untile_kernel(Tensor tiles, SymInt[] shape, str tiler, str? grid, str? scale, "
    "ScalarType dtype, bool zeros=False, Tensor? weights=None) -> Tensor"
)
def _untile(
    tiles: Tensor,
    shape: Sequence[int],
    tiler: str,
    grid: str | None,
    scale: str | None,
    dtype: torch.dtype,
    zeros: bool = False,
    weights: Tensor | None = None,
) -> Any:
    spec = (shape, tiler, grid, scale, dtype, form_of(weights))
    call = cached_untile_plan(tiles.shape, tiles.dtype, *spec)

    def write(out: Tensor) -> None:
        if weights is not None:
            check_weights(weights)
        plan = replace(call, fill=0) if zeros else call
        dispatch.merge(tiles, plan, out, weights)

    return call.result.shape, dtype, write


@_operator(
    "untile_adjoint(Tensor image, SymInt[] tiles_shape, ScalarType dtype, "
    "SymInt[] shape, str tiler, str? grid, str? scale) -> Tensor"
)
def _untile_adjoint(image: Tensor, *rest: Any) -> Any:
    tiles_shape, dtype, *spec = rest
    call = cached_untile_plan(tiles_shape, dtype, *spec, image.dtype)

    def write(out: Tensor) -> None:
        cut, tiler = None, tiler_of(spec[1])
        if call.tiles.size == tiler.tile_size and not tiler.has_context:
            grid = cached_tile_plan(spec[0], image.dtype, *spec[1:3]).grid
            cut = TilePlan(call.result, grid, call.tiles)
        adjoint.spread_mean(image, call, cut, out.zero_())

    return tiles_shape, dtype, write


@_operator(
    "winners(Tensor tiles, SymInt[] shape, str tiler, str? grid, str? scale) -> Tensor"
)
def _winners(tiles: Tensor, *spec: Any) -> Any:
    call = cached_untile_plan(tiles.shape, tiles.dtype, *spec, tiles.dtype)
    return call.result.shape, torch.int64, partial(adjoint.find_winners, tiles, call)


OPERATORS: dict[str, Callable[..., Tensor]] = {
    "tile": _tile,
    "tile_adjoint": _tile_adjoint,
    "untile": _untile,
    "untile_adjoint": _untile_adjoint,
    "winners": _winners,
}


def tile(image: Tensor, tiler: TilerSettings, grid: Grid | None) -> Tensor:
    """Cut an image in eager mode."""
    spec, _ = eager_tile(image, tiler, grid)  # refuses here, not in the operator
    return call_operator("tile", image, *spec, False)


def untile(
    tiles: Tensor,
    shape: Any,
    tiler: TilerSettings,
    grid: Grid | None,
    scale: Any,
    dtype: torch.dtype,
    weights: Tensor | None = None,
) -> Tensor:
    """Merge tiles in eager mode."""
    spec, call = eager_untile(tiles, shape, tiler, grid, scale, dtype, weights)
    tiles = call.without_context(tiles)
    if not dtype.is_floating_point:
        tiles = tiles.detach()  # integers have no gradients
    if weights is not None:
        weights = call.weights_without_context(weights)
        return untile_weighted(tiles, weights, *spec, dtype)
    return call_operator("untile", tiles, *spec, dtype, False)


# What `torch.compile` puts into its graph: the compiler takes it apart later, so that
# all derivatives and transformations find their way to the operators below.
torch.library.define("reftiler::tile", "(Tensor image, str tiler, str? grid) -> Tensor")
torch.library.define(
    "reftiler::untile",
    "(Tensor tiles, SymInt[] shape, str tiler, str? grid, str? scale, "
    "ScalarType dtype, Tensor? weights=None) -> Tensor",
)


@torch.library.impl("reftiler::tile", "CompositeImplicitAutograd")
def _compiled_tile(image: Tensor, *spec: Any) -> Tensor:
    with suppress(NotImplementedError):
        return call_operator("tile", image, *spec, False)
    # Derivatives by torch.func inside of torch.compile know no operators.
    return cut_graph(image, cached_tile_plan(image.shape, image.dtype, *spec))


@torch.library.impl("reftiler::untile", "CompositeImplicitAutograd")
def _compiled_untile(
    tiles: Tensor,
    shape: Sequence[int],
    tiler: str,
    grid: str | None,
    scale: str | None,
    dtype: torch.dtype,
    weights: Tensor | None = None,
) -> Tensor:
    settings = tiler_of(tiler)
    spec = (shape, tiler, grid, scale, dtype)
    if settings.has_context:
        form = form_of(weights)
        call = cached_untile_plan(tiles.shape, tiles.dtype, *spec, form)
        tiles = call.without_context(tiles)
        if weights is not None:
            weights = call.weights_without_context(weights)
        spec = (shape, tiler, grid, scale_of(call, settings), dtype)
    tiles = tiles if dtype.is_floating_point else tiles.detach()
    with suppress(NotImplementedError):
        if weights is not None:
            return untile_weighted(tiles, weights, *spec)
        return call_operator("untile", tiles, *spec, False)
    if weights is not None:
        raise TilingError(
            "weights= does not go with torch.func inside of torch.compile: call "
            "torch.compile inside of torch.func, or neither"
        )
    call = cached_untile_plan(tiles.shape, tiles.dtype, *spec)
    return merge_graph(tiles, call, dtype)


def tile_in_graph(image: Tensor, tiler: TilerSettings, grid: Grid | None) -> Tensor:
    """Cut an image while a graph is recorded."""
    if torch.compiler.is_dynamo_compiling():
        tiles: Tensor = torch.ops.reftiler.tile(image, tiler.to_json(), grid_text(grid))
        return tiles
    call = plan_tile(tiler, _sizes(image), dtype_name(image.dtype), grid)
    return cut_graph(image, call)


def untile_in_graph(
    tiles: Tensor,
    shape: Any,
    tiler: TilerSettings,
    grid: Grid | None,
    scale: Any,
    dtype: torch.dtype,
    weights: Tensor | None = None,
) -> Tensor:
    """Merge tiles while a graph is recorded."""
    if torch.compiler.is_dynamo_compiling():
        spec = (shape, tiler.to_json(), grid_text(grid), encode_scale(scale), dtype)
        image: Tensor = torch.ops.reftiler.untile(tiles, *spec, weights)
        return image
    if weights is not None:
        raise TilingError(
            "weights= must be checked, which an exported or traced graph of plain "
            "operations cannot do: untile outside of the graph, or export with "
            "strict=True, which keeps reftiler's operator"
        )
    if is_tracing():
        shape = tuple(map(int, shape))
    sizes = _sizes(tiles)
    call = new_untile_plan(sizes, tiles.dtype, shape, tiler, grid, scale, dtype)
    return merge_graph(call.without_context(tiles), call, dtype)


def _sizes(tensor: Tensor) -> tuple[int, ...]:
    """Return a tensor's shape; `torch.jit.trace` has tensors there."""
    return tuple(map(int, tensor.shape) if is_tracing() else tensor.shape)


# --- derivatives, which follow from the operators' being linear -----------------------


def call_operator(name: str, tensor: Tensor, *spec: Any) -> Tensor:
    """Call an operator on a tensor that may have derivatives or be batched."""
    result: Tensor = _Operator.apply(tensor, name, *spec)  # type: ignore[no-untyped-call]
    return result


def _takes_one(name: str, spec: Sequence[Any]) -> bool:
    """Tell whether each pixel of a merge is the value of one tile."""
    one = ("max", "min", *SELECTING)
    return name == "untile" and tiler_of(spec[1]).merge in one


def _omits(name: str, spec: Sequence[Any]) -> bool:
    """Tell whether a merge leaves NaN out of its mean."""
    return name == "untile" and tiler_of(spec[1]).nan == "omit"


def _share_of_numbers(
    tiles: Tensor, spec: Sequence[Any]
) -> tuple[Tensor, Tensor, list[Any]]:
    """Return where numbers are, their share of each pixel's weights, a linear call."""
    shape, tiler, grid, *rest = spec
    plain = {"nan": "propagate", "fill": 0}
    settings = TilerSettings.from_dict({**tiler_of(tiler).to_dict(), **plain})
    if grid is not None:
        grid = replace(Grid.from_json(grid), tiler=settings).to_json()
    linear = [shape, settings.to_json(), grid, *rest]
    dtype = torch.float32 if tiles.dtype in HALVES else tiles.dtype
    numbers = (~tiles.detach().isnan()).to(dtype)
    share = call_operator("untile", numbers, *linear, dtype, True)
    return numbers, torch.where(share > 0, share, torch.ones_like(share)), linear


def _pull(name: str, like: Any, spec: Sequence[Any], given: Tensor) -> Tensor:
    """Return the gradient of an operator's tensor, from that of its result."""
    if name == "tile":
        tiler, grid, _ = spec
        return call_operator("tile_adjoint", given, like.shape, tiler, grid)
    if name == "tile_adjoint":
        return call_operator("tile", given, *spec[1:], True)
    if name == "untile_adjoint":
        return call_operator("untile", given, *spec[2:], like.dtype, True)
    *rest, _, _ = spec
    if _takes_one(name, spec):
        return _scatter(like, rest, given)
    if _omits(name, spec):
        numbers, share, linear = _share_of_numbers(like, rest)
        given = given / share.to(given.dtype)
        found = call_operator("untile_adjoint", given, like.shape, like.dtype, *linear)
        return found * numbers.to(found.dtype)
    return call_operator("untile_adjoint", given, like.shape, like.dtype, *rest)


def _push(name: str, like: Any, spec: Sequence[Any], given: Tensor) -> Tensor:
    """Return the derivative of an operator's result along a tangent of its tensor."""
    if _takes_one(name, spec):
        *rest, dtype, _ = spec
        return _gather(like, rest, given, dtype)
    if _omits(name, spec):
        *rest, dtype, _ = spec
        numbers, share, linear = _share_of_numbers(like, rest)
        given = given * numbers.to(given.dtype)
        return call_operator("untile", given, *linear, dtype, True) / share.to(dtype)
    if name in ("tile", "untile"):  # padding and fill are constant
        spec = (*spec[:-1], True)
    return call_operator(name, given, *spec)


def _scatter(tiles: Tensor, spec: Sequence[Any], image: Tensor) -> Tensor:
    """Give each pixel of an image to the pixel of a tile that it comes from."""
    call = cached_untile_plan(tiles.shape, tiles.dtype, *spec, tiles.dtype)
    place = as_nchw(call_operator("winners", tiles.detach(), *spec), call.result)
    given = as_nchw(image, call.result).to(tiles.dtype)
    given = torch.where(place >= 0, given, torch.zeros_like(given)).flatten(2)
    pixels = len(call.geometry) * math.prod(call.tiles.size)
    spread = given.new_zeros((*given.shape[:2], pixels))
    spread = spread.scatter_add(2, place.clamp(min=0).flatten(2), given)
    tiles = unflatten(spread, 2, (-1, *call.tiles.size)).movedim(1, 2)
    return from_nchw(tiles.flatten(0, 1), call.tiles)


def _gather(
    tiles: Tensor, spec: Sequence[Any], given: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return for each pixel of an image what is given for its pixel of a tile."""
    call = cached_untile_plan(tiles.shape, tiles.dtype, *spec, tiles.dtype)
    place = as_nchw(call_operator("winners", tiles.detach(), *spec), call.result)
    flat = by_image(given, call.tiles, call.result.batch_size).movedim(2, 1).flatten(2)
    found = flat.gather(2, place.clamp(min=0).flatten(2)).view(place.shape)
    found = torch.where(place >= 0, found, torch.zeros_like(found))
    return from_nchw(found.to(dtype), call.result)


def _batched(name: str, tensor: Tensor, spec: Sequence[Any]) -> Tensor:
    """Call an operator on a batch, the first axis of ``tensor``, as on more images."""
    count = tensor.shape[0]
    if name == "tile":
        tiler = tiler_of(spec[0])
        channel, bare = -1 if tiler.channels_last else 1, tensor.dim() == tiler.rank + 1
        whole = tensor.unsqueeze(channel) if bare else tensor
        if tensor.dim() == tiler.rank + 3:
            whole = tensor.flatten(0, 1)
        tiles = call_operator("tile", whole, *spec)
        return unflatten(tiles.squeeze(channel) if bare else tiles, 0, (count, -1))
    if name == "untile_adjoint":
        tiles_shape, dtype, shape, tiler, *rest = spec
        many, more = _batch_shape(count, shape, tiler)
        whole = tensor.flatten(0, 1) if many else tensor
        first, *others = tiles_shape
        spec = ((count * first, *others), dtype, more, tiler, *rest)
        return unflatten(call_operator(name, whole, *spec), 0, (count, -1))
    shape, tiler, *rest = spec
    many, more = _batch_shape(count, shape, tiler)
    tiles = tensor.flatten(0, 1)
    if name == "tile_adjoint":
        if len(shape) == tiler_of(tiler).rank:
            tiles = tiles.unsqueeze(-1 if tiler_of(tiler).channels_last else 1)
        image = call_operator(name, tiles, more, tiler, *rest)
        return image.reshape(count, *shape)
    image = call_operator(name, tiles, more, tiler, *rest)
    return unflatten(image, 0, (count, -1)) if many else image


def _batch_shape(
    count: int, shape: Sequence[int], tiler: str
) -> tuple[bool, tuple[int, ...]]:
    """Tell whether ``shape`` is of a batch; return it with ``count`` as many images."""
    settings, shape = tiler_of(tiler), tuple(shape)
    many = len(shape) == settings.rank + 2
    if len(shape) == settings.rank:
        shape = (*shape, 1) if settings.channels_last else (1, *shape)
    if many:
        return True, (count * shape[0], *shape[1:])
    return False, (count, *shape)


class _Operator(torch.autograd.Function):
    """An operator with what `torch.library` lacks: forward mode, vmap in torch 2.4."""

    @staticmethod
    def forward(tensor: Tensor, name: str, *spec: Any) -> Tensor:
        return OPERATORS[name](tensor, *spec)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        tensor, ctx.name, *ctx.spec = inputs
        ctx.like = SimpleNamespace(shape=tensor.shape, dtype=tensor.dtype)
        # Only the derivatives of these need the values.
        if _takes_one(ctx.name, ctx.spec) or _omits(ctx.name, ctx.spec):
            ctx.save_for_backward(tensor)
            ctx.save_for_forward(tensor)
        if ctx.name == "winners":
            ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> Any:
        found = _pull(ctx.name, _recall(ctx), ctx.spec, given)
        return found, None, *(None for _ in ctx.spec)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> Any:
        return _push(ctx.name, _recall(ctx), ctx.spec, tangent)

    @staticmethod
    def vmap(_: Any, in_dims: Any, tensor: Tensor, name: str, *spec: Any) -> Any:
        return _batched(name, tensor.movedim(in_dims[0], 0), spec), 0


def _recall(ctx: Any) -> Any:
    return ctx.saved_tensors[0] if ctx.saved_tensors else ctx.like


# --- weights of pixels ----------------------------------------------------------------


def untile_weighted(tiles: Tensor, weights: Tensor, *spec: Any) -> Tensor:
    """Merge tiles whose pixels have weights; the tiles may have derivatives."""
    if not torch.is_grad_enabled():
        weights = weights.detach()
    result: Tensor = _WeightedUntile.apply(tiles, weights, *spec)  # type: ignore[no-untyped-call]
    return result


class _WeightedUntile(torch.autograd.Function):
    """A merge with weights of pixels, whose derivatives are those of plain torch."""

    @staticmethod
    def forward(tiles: Tensor, weights: Tensor, *spec: Any) -> Tensor:
        return OPERATORS["untile"](tiles, *spec, False, weights)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        tiles, weights, *ctx.spec = inputs
        if ctx.needs_input_grad[1]:
            refuse_gradient()
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(tiles, weights)
        ctx.save_for_forward(tiles, weights)

    @staticmethod
    def backward(ctx: Any, given: Tensor | None) -> Any:
        if given is None:
            return (None,) * (2 + len(ctx.spec))
        tiles, weights = ctx.saved_tensors
        (found,) = _pull_weighted(tiles, weights, ctx.spec)(given)
        return found, None, *(None for _ in ctx.spec)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, of_weights: Any, *_: Any) -> Any:
        if of_weights is not None:
            refuse_gradient()
        tiles, weights = ctx.saved_tensors
        pull = _pull_weighted(tiles, weights, ctx.spec)
        # Of what is linear, the adjoint of the adjoint is the derivative.
        form = form_of(weights)
        call = cached_untile_plan(tiles.shape, tiles.dtype, *ctx.spec, form)
        shape = call.result.shape
        zeros = tiles.new_zeros(shape, dtype=ctx.spec[-1])
        push = torch.func.vjp(lambda image: pull(image)[0], zeros)[1]
        return push(tangent)[0]

    @staticmethod
    def vmap(
        info: Any, in_dims: Any, tiles: Tensor, weights: Tensor, *spec: Any
    ) -> Any:
        count, (shape, tiler, *rest) = info.batch_size, spec
        flat = []
        for tensor, axis in zip((tiles, weights), in_dims, strict=False):
            if axis is None:
                stack = tensor.expand(count, *tensor.shape)
            else:
                stack = tensor.movedim(axis, 0)
            flat.append(stack.flatten(0, 1))
        many, more = _batch_shape(count, shape, tiler)
        image = untile_weighted(*flat, more, tiler, *rest)
        return unflatten(image, 0, (count, -1)) if many else image, 0


def _pull_weighted(
    tiles: Tensor, weights: Tensor, spec: Sequence[Any]
) -> Callable[[Tensor], tuple[Tensor]]:
    """Return what makes the gradient of tiles of that of their merge."""
    call = cached_untile_plan(tiles.shape, tiles.dtype, *spec, form_of(weights))
    found: Callable[[Tensor], tuple[Tensor]]
    found = torch.func.vjp(lambda t: merge_graph(t, call, spec[-1], weights), tiles)[1]
    return found
