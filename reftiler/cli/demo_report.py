"""The demo in words: what resizing and tiling leave of the defects, all computed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from reftiler.cli.console import times
from reftiler.errors import count
from reftiler.figures import overlay, to_rgb
from reftiler.grid import Grid
from reftiler.io import resize
from reftiler.regions import Region, find_regions
from reftiler.visibility import Remains, Visibility, examine

MAX_REGIONS = 8
"""Defects of which words and close-ups tell; the smallest, if there are more."""

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class DemoReport:
    """An image and the two ways to make it fit for a model."""

    image: NDArray[Any]  # (H, W) or (H, W, C): finite numbers, without alpha
    mask: NDArray[np.bool_] | None  # without it nothing is said of defects
    grid: Grid  # whose tiles a model takes, and the image resized to their size
    kinds: Mapping[Any, str] = field(default_factory=dict)  # of defects, by their boxes
    notes: tuple[str, ...] = ()  # on how the image was read

    @property
    def size(self) -> tuple[int, int]:
        """What the model takes, and the image is resized to."""
        height, width = self.grid.tiler.tile_size
        return height, width

    @cached_property
    def shown(self) -> Rgb:
        """The image as figures show it: from its darkest to its brightest value."""
        colours = self.image
        if colours.ndim == 3:
            colours = colours[..., : 3 if colours.shape[2] >= 3 else 1]
        if colours.dtype in (np.uint8, np.bool_):
            return to_rgb(colours)
        low, high = float(colours.min()), float(colours.max())
        return to_rgb(colours, (low, high if high > low else low + 1))

    @cached_property
    def marked(self) -> Rgb:
        """The same with its defects in rings."""
        return self.shown if self.mask is None else overlay(self.shown, self.mask)

    @cached_property
    def resized(self) -> Rgb:
        """What figures show of the image resized."""
        return np.asarray(resize(self.shown, self.size), dtype=np.uint8)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """All defects."""
        return () if self.mask is None else find_regions(self.mask)

    @cached_property
    def seen(self) -> tuple[Visibility, ...]:
        """What is left of each defect; of the smallest, if there are many."""
        if self.mask is None:
            return ()
        smallest = sorted(self.regions, key=lambda region: region.area)[:MAX_REGIONS]
        return examine(self.image, self.mask, self.grid, self.size, smallest)

    @cached_property
    def held(self) -> list[int]:
        """The tiles that hold a marked pixel."""
        if self.mask is None:
            return []
        return [int(k) for k in self.grid.touching(self.mask)]

    def kind(self, seen: Visibility) -> str:
        """Return what sort of defect a region is."""
        return self.kinds.get(seen.region.box, "defect")

    def sentences(self) -> list[str]:
        """Tell what happens to the image and to its defects."""
        size, image = times(self.size), times(self.grid.image_size)
        lines = [f"The image is {image} px, and the model takes {size} px."]
        share = math.prod(self.grid.image_size) / math.prod(self.size)
        if share > 1:
            lines.append(f"Resizing makes one pixel of {number(share)}.")
        lines.append(self._tiling())
        if len(self.seen) < len(self.regions):
            lines.append(
                f"The mask marks {len(self.regions):,} defects; here are the "
                f"{len(self.seen)} smallest."
            )
        return [*self.notes, *lines, *map(self._sentence, self.seen)]

    def table(self) -> Table:
        """Show the same in numbers."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in ("defect", "image", "resized", "contrast", "tile", "", "contrast"):
            table.add_column(name, justify="left" if name == "defect" else "right")
        for seen in self.seen:
            cells = [self.kind(seen), f"{times(seen.region.size)} px"]
            cells += [f"{extent(seen.resized)} px", percent(seen.resized.contrast)]
            if seen.best is None:
                cells += ["none"]
            else:
                size = f"{extent(seen.tiled)} px"
                cells += [str(seen.best), size, percent(seen.tiled.contrast)]
            table.add_row(*cells)
        return table

    def _tiling(self) -> str:
        grid = self.grid
        how = f"in a grid of {times(grid.shape)}"
        if grid.is_irregular:
            how = "at random places"
        elif any(grid.tiler.overlap):
            how += f" with an overlap of {times(grid.tiler.overlap)} px"
        bare = grid.uncovered
        kept = "every pixel is kept" if not bare else f"{count(bare, 'pixel')} are lost"
        made = f"Tiling makes {count(len(grid), 'tile')} {how}: {kept}"
        if self.mask is None:
            return f"{made}."
        if not self.regions:
            return f"{made}; the mask marks nothing."
        held = count(len(self.held), "tile")
        hold = "holds" if len(self.held) == 1 else "hold"
        return f"{made}, and {held} {hold} a defect."

    def _sentence(self, seen: Visibility) -> str:
        (top, _), (left, _) = seen.region.box
        after = seen.resized
        words = (
            f"The {times(seen.region.size)} px {self.kind(seen)} at row {top}, column "
            f"{left} is {extent(after)} px after resizing and keeps "
            f"{share(after.contrast)} of its contrast. "
        )
        if seen.best is None:
            return words + "It lies in no tile."
        tiled = seen.tiled
        if tiled.area == seen.region.area:
            return words + (
                f"In tile {seen.best} it is {extent(tiled)} px and keeps "
                f"{share(tiled.contrast)} of it."
            )
        return words + (
            f"In tile {seen.best}, the best of {len(seen.tiles)}, are {tiled.area:.0f} "
            f"of its {seen.region.area:,} pixels, with {share(tiled.contrast)} of it."
        )


def extent(remains: Remains) -> str:
    """Write a height and a width that need not be whole."""
    return " × ".join(map(number, remains.size))


def number(value: float) -> str:
    """Write a number with one digit behind the point, if it is not whole."""
    return f"{value:.1f}".removesuffix(".0")


def percent(part: float) -> str:
    """Write a share in per cent."""
    return f"{100 * part:.0f} %"


def share(part: float) -> str:
    """Write a share in per cent, or that nothing is missing."""
    return "all" if part > 0.9995 else percent(part)
