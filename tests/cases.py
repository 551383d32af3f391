"""Recipes of tilings and merges: small, printable, replayable; never pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy.typing as npt

from reftiler_conformance.oracle import (
    Grid,
    ScaledGrid,
    Settings,
    fitted,
    scattered,
    select,
)
from reftiler_conformance.oracle.grid import Pixel
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.testdata import fill_with, weigh_with

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """An image to be cut; ``starts`` only where the tiles are scattered.

    ``selection`` are the tiles of the grid that are selected; None means all.
    """

    settings: Settings
    size: tuple[int, ...]
    batch: int | None = None
    channels: int | None = None
    dtype: str = "uint8"
    content: str = "index"
    seed: int = 0
    starts: tuple[Pixel, ...] | None = None
    selection: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the image."""
        return join(self.batch, self.channels, self.size, self.settings.channels_last)

    @property
    def oracle_grid(self) -> Grid:
        """Where the definition puts the tiles."""
        if self.starts is None:
            whole = fitted(self.settings, self.size)
        else:
            whole = scattered(self.settings, self.size, self.starts)
        return whole if self.selection is None else select(whole, self.selection)

    @property
    def is_irregular(self) -> bool:
        """Whether the tiles are a list."""
        return self.starts is not None or self.selection is not None

    def image(self) -> Array:
        """Return the image, read-only: nobody may write to what is given."""
        return fill_with(self.content, self.shape, self.dtype, self.seed)

    def tiler(self, tiler: Any) -> Any:
        """Return the tiler of a class that has these settings."""
        return tiler(self.settings.tile, **arguments(self.settings))

    def grid(self, tiler: Any) -> Any:
        """Return the grid of a tiler that should be the plan."""
        if self.starts is None:
            whole = tiler.grid(self.size)
        else:
            whole = tiler.scatter(self.size, self.starts)
        return whole if self.selection is None else whole.select(self.selection)


@dataclass(frozen=True)
class MergeCase:
    """Tiles to be merged; ``case`` says what they were cut from."""

    case: Case
    channels: int | None = None
    scale: tuple[Fraction, ...] = ()
    result: str | None = None
    bare: bool = False
    weights: str | None = None
    weights_dtype: str = "float64"

    @property
    def scales(self) -> tuple[Fraction, ...]:
        """The scale of each axis."""
        return self.scale or (Fraction(1),) * self.case.settings.rank

    def tiles(self) -> Array:
        """Return tiles that do not agree where they overlap, read-only."""
        case = self.case
        count, space = self._count_and_space()
        shape = join(count, self.channels, space, case.settings.channels_last)
        return fill_with(case.content, shape, case.dtype, case.seed)

    def pixel_weights(self) -> Array | None:
        """Return the weights of the tiles' pixels, read-only, if they have some."""
        if self.weights is None:
            return None
        count, space = self._count_and_space()
        shape = (count, *space)
        return weigh_with(self.weights, shape, self.weights_dtype, self.case.seed)

    def _count_and_space(self) -> tuple[int, tuple[int, ...]]:
        """Return how many tiles there are, of all images, and their spatial sizes."""
        case, plan = self.case, self.case.oracle_grid
        scaled = ScaledGrid(plan, self.scales)
        space = scaled.tile
        if any(case.settings.contexts) and not self.bare:
            sides = zip(space, scaled.context, strict=True)
            space = tuple(t + 2 * c for t, c in sides)
        return (case.batch or 1) * len(plan.tile_specs), space

    def scale_argument(self) -> Mapping[str, Any]:
        """Return what untile must be told of the scale: nothing if all are equal."""
        if len(set(self.scales)) == 1 and not any(self.case.settings.contexts):
            return {}
        return {"scale": self.scales}


def arguments(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments of the Tiler that has these settings."""
    return {
        "stride": settings.stride,
        "mode": settings.mode,
        "pad_mode": settings.pad_mode,
        "pad_value": settings.pad_value,
        "pad_side": settings.pad_side,
        "window": settings.window,
        "merge": settings.merge,
        "remove_border_count": settings.borders,
        "channels_last": settings.channels_last,
        "fill": settings.fill,
        "align": settings.aligns,
        "context": settings.contexts,
        "nan": settings.nan,
    }
