"""Recipes: what is to be tiled and how, as text that replays; never pixels."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reftiler_conformance.oracle import (
    BFLOAT16,
    Grid,
    ScaledGrid,
    Settings,
    fitted,
    random_starts,
    random_starts_inside,
    scattered,
    select,
)
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.testdata import fill_with, weigh_with

Array = npt.NDArray[Any]
Sizes = tuple[int, ...]
_GIVEN = (
    *("stride", "mode", "pad_mode", "pad_value", "pad_side", "window", "merge"),
    *("channels_last", "fill", "nan"),
)


@dataclass(frozen=True, repr=False)
class Case:
    """
    An image, its tiling and its merging; every tuple has an entry per spatial axis.

    Parameters
    ----------
    size, tile, stride
        Of the image's spatial axes, of the tiles, and from tile to tile, in pixels.
    batch, channels
        How many images and channels; None where the image has no such axis.
    mode, pad_mode, pad_value, pad_side, window, merge, border, fill, channels_last
    align, context, nan
        The settings, as the specification names them.
    dtype, content, seed
        What the pixels are; see `reftiler_conformance.testdata`.
    starts
        Where the tiles lie, if they are scattered.
    random
        ``(count, seed, align)`` of random tiles, instead of ``starts``.
    inside, share
        The marked pixels of which a share of the random tiles hold one.
    bare
        Whether the tiles to be merged come without their context.
    selection
        Which tiles of that grid are selected, and in which order; None means all.
    maps
        The channels of the tiles to be merged: a number, None, or as the image's.
    scale
        Of the tiles to be merged, an entry per axis; nothing means 1.
    result
        The dtype to merge into; None means that of the tiles.
    weights, weights_dtype
        What the weights of the tiles' pixels are, a word of `testdata.WEIGHTS` or of
        those that must be refused, and their dtype; None means that there are none.
    finish
        What is made of the merged pixels: a name of
        `reftiler_conformance.finishes.FINISHES`, or nothing.
    """

    size: Sizes
    tile: Sizes
    stride: Sizes
    batch: int | None = None
    channels: int | None = None
    mode: str = "padding"
    pad_mode: str = "constant"
    pad_value: Number = 0
    pad_side: str = "end"
    window: str | tuple[tuple[float, ...], ...] = "box"
    merge: str | None = None
    border: Sizes = ()
    fill: Number | None = None
    align: Sizes = ()
    context: Sizes = ()
    channels_last: bool = False
    dtype: str = "float32"
    content: str = "index"
    seed: int = 0
    starts: tuple[Sizes, ...] | None = None
    random: tuple[int, int, int] | None = None
    inside: tuple[Sizes, ...] | None = None
    share: Fraction | None = None
    selection: Sizes | None = None
    bare: bool = False
    maps: int | Literal["same"] | None = "same"
    scale: tuple[Fraction, ...] = ()
    result: str | None = None
    nan: str = "propagate"
    weights: str | None = None
    weights_dtype: str = "float64"
    finish: str = ""

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.tile)

    @property
    def borders(self) -> Sizes:
        """The removed border of each axis."""
        return self.border or (0,) * self.rank

    @property
    def scales(self) -> tuple[Fraction, ...]:
        """The scale of each axis."""
        return self.scale or (Fraction(1),) * self.rank

    @property
    def shape(self) -> Sizes:
        """The shape of the image."""
        return join(self.batch, self.channels, self.size, self.channels_last)

    @property
    def depth(self) -> int | None:
        """The channels of the tiles to be merged."""
        return self.channels if self.maps == "same" else self.maps

    @cached_property
    def oracle_settings(self) -> Settings:
        """The settings, as the oracle takes them."""
        names = [field.name for field in fields(Settings)]
        return Settings(**{name: getattr(self, name) for name in names})

    @cached_property
    def grid(self) -> Grid:
        """Where the oracle puts the tiles."""
        starts = self.starts
        if self.random is not None:
            count, seed, align = self.random
            aligns = (align,) * self.rank
            given = (self.oracle_settings, self.size, count, seed, aligns)
            if self.inside is None:
                starts = tuple(random_starts(*given))
            else:
                share = Fraction(1 / 3 if self.share is None else self.share)
                starts = tuple(random_starts_inside(*given, self.inside, share))
        if starts is None:
            whole = fitted(self.oracle_settings, self.size)
        else:
            whole = scattered(self.oracle_settings, self.size, starts)
        return whole if self.selection is None else select(whole, self.selection)

    @property
    def count(self) -> int:
        """How many tiles there are, of all images."""
        return (self.batch or 1) * len(self.grid.tile_specs)

    @property
    def cut_shape(self) -> Sizes:
        """The shape of the tiles that are cut."""
        space = self.oracle_settings.cut_size
        return join(self.count, self.channels, space, self.channels_last)

    @property
    def tiles_shape(self) -> Sizes:
        """The shape of the tiles to be merged."""
        return join(self.count, self.depth, self._tile_space, self.channels_last)

    @property
    def _tile_space(self) -> Sizes:
        """The spatial sizes of the tiles to be merged."""
        scaled = ScaledGrid(self.grid, self.scales)
        if not any(self.context) or self.bare:
            return scaled.tile
        sides = zip(scaled.tile, scaled.context, strict=True)
        return tuple(t + 2 * c for t, c in sides)

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype of the pixels; bfloat16 as an array that carries its bits."""
        return as_dtype(self.dtype)

    @property
    def result_dtype(self) -> np.dtype[Any]:
        """The dtype to merge into."""
        return as_dtype(self.result or self.dtype)

    def mask(self) -> Array:
        """Return where the pixels are marked that random tiles hold."""
        marked = np.zeros(self.size, bool)
        for pixel in self.inside or ():
            marked[pixel] = True
        return marked

    def image(self) -> Array:
        """Return the image, read-only."""
        return fill_with(self.content, self.shape, self.dtype, self.seed)

    def tiles(self) -> Array:
        """Return tiles that do not agree where they overlap, read-only."""
        return fill_with(self.content, self.tiles_shape, self.dtype, self.seed)

    def pixel_weights(self) -> Array | None:
        """Return the weights of the tiles' pixels, (K, *T), read-only, if any."""
        if self.weights is None:
            return None
        shape = (self.count, *self._tile_space)
        return weigh_with(self.weights, shape, self.weights_dtype, self.seed)

    def settings(self) -> dict[str, Any]:
        """Return the arguments of reftiler's constructor, the tile size apart."""
        given = {name: getattr(self, name) for name in _GIVEN}
        settings = self.oracle_settings
        more = {"align": settings.aligns, "context": settings.contexts}
        return {**given, "remove_border_count": self.borders, **more}

    def __repr__(self) -> str:
        """Write the recipe as code, without what is as usual."""
        given = [(f, getattr(self, f.name)) for f in fields(self)]
        shown = [f"{f.name}={v!r}" for f, v in given if repr(v) != repr(f.default)]
        return f"Case({', '.join(shown)})"


def as_dtype(name: str) -> np.dtype[Any]:
    """Return numpy's dtype of a name; bfloat16 as the oracle carries it."""
    return BFLOAT16 if name == "bfloat16" else np.dtype(name)


@lru_cache(maxsize=256)
def parse(text: str) -> Case:
    """Read a recipe that was printed; raise `ValueError` if the text is none."""
    try:
        return _case(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"no recipe: {text!r}: {error}") from error


def _case(call: ast.expr) -> Case:
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "Case":
        raise ValueError("it is no call of Case")
    values = {word.arg: _value(word.value) for word in call.keywords}
    return Case(**values)  # type: ignore[arg-type]


_NAMES = {"nan": math.nan, "inf": math.inf}


def _value(node: ast.expr) -> Any:
    """Return what a literal means: Python's own, nan, inf and fractions."""
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Fraction":
        return Fraction(*(_value(item) for item in node.args))
    return ast.literal_eval(node)
