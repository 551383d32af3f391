"""Recipes of tilings and merges: small, printable, replayable; never pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy.typing as npt

from reftiler_conformance.contents import fill_with
from reftiler_conformance.definition import Merging, Plan, Wish, fitted, scattered
from reftiler_conformance.definition.grid import Pixel
from reftiler_conformance.definition.layout import join

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """An image to be cut; ``starts`` only where the tiles are scattered."""

    wish: Wish
    size: tuple[int, ...]
    batch: int | None = None
    channels: int | None = None
    dtype: str = "uint8"
    content: str = "index"
    seed: int = 0
    starts: tuple[Pixel, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the image."""
        return join(self.batch, self.channels, self.size, self.wish.channels_last)

    @property
    def plan(self) -> Plan:
        """Where the definition puts the tiles."""
        if self.starts is None:
            return fitted(self.wish, self.size)
        return scattered(self.wish, self.size, self.starts)

    def image(self) -> Array:
        """Return the image, read-only: nobody may write to what is given."""
        return fill_with(self.content, self.shape, self.dtype, self.seed)

    def tiler(self, tiler: Any) -> Any:
        """Return the tiler of a class that has these settings."""
        return tiler(self.wish.tile, **arguments(self.wish))

    def grid(self, tiler: Any) -> Any:
        """Return the grid of a tiler that should be the plan."""
        if self.starts is None:
            return tiler.grid(self.size)
        return tiler.scatter(self.size, self.starts)


@dataclass(frozen=True)
class MergeCase:
    """Tiles to be merged; ``case`` says what they were cut from."""

    case: Case
    channels: int | None = None
    scale: tuple[Fraction, ...] = ()
    result: str | None = None

    @property
    def scales(self) -> tuple[Fraction, ...]:
        """The scale of each axis."""
        return self.scale or (Fraction(1),) * self.case.wish.rank

    def tiles(self) -> Array:
        """Return tiles that do not agree where they overlap, read-only."""
        case, plan = self.case, self.case.plan
        space = Merging(plan, self.scales).tile
        count = (case.batch or 1) * len(plan.places)
        shape = join(count, self.channels, space, case.wish.channels_last)
        return fill_with(case.content, shape, case.dtype, case.seed)

    def scale_argument(self) -> Mapping[str, Any]:
        """Return what untile must be told of the scale: nothing if all are equal."""
        if len(set(self.scales)) == 1:
            return {}
        return {"scale": self.scales}


def arguments(wish: Wish) -> dict[str, Any]:
    """Return the keyword arguments of the Tiler that has these settings."""
    return {
        "stride": wish.stride,
        "mode": wish.mode,
        "pad_mode": wish.pad_mode,
        "pad_value": wish.pad_value,
        "pad_side": wish.pad_side,
        "window": wish.window,
        "merge": wish.merge,
        "remove_border_count": wish.borders,
        "channels_last": wish.channels_last,
        "fill": wish.fill,
    }
