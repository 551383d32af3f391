"""The demo in words: what resizing and tiling leave of the defects, all computed."""

import math
from dataclasses import dataclass
from functools import cached_property

from rich import box
from rich.table import Table

from reftiler.cli.console import count, times
from reftiler.grid import Grid
from reftiler.samples import SampleImage
from reftiler.visibility import Remains, Visibility, examine


@dataclass(frozen=True)
class Story:
    """
    An image of the sample and the two ways to make it fit for a model.

    Attributes
    ----------
    sample : SampleImage
        The image, its mask and its defects.
    grid : Grid
        The tiles; a model that takes them takes the image resized to that size too.
    """

    sample: SampleImage
    grid: Grid

    @property
    def size(self) -> tuple[int, int]:
        """What the model takes, and the image is resized to."""
        height, width = self.grid.tiler.tile_size
        return height, width

    @cached_property
    def seen(self) -> tuple[Visibility, ...]:
        """What is left of each defect."""
        return examine(self.sample.image, self.sample.mask, self.grid, self.size)

    @cached_property
    def held(self) -> list[int]:
        """The tiles that hold a marked pixel."""
        return [int(k) for k in self.grid.touching(self.sample.mask)]

    def kind(self, seen: Visibility) -> str:
        """Return what sort of defect a region is."""
        kinds = {defect.box: defect.kind for defect in self.sample.defects}
        return kinds.get(seen.region.box, "defect")

    def sentences(self) -> list[str]:
        """Tell the story."""
        size = times(self.size)
        pixels = math.prod(self.grid.image_size)
        image = times(self.grid.image_size)
        lines = [
            f"The image is {image} px, and the model takes {size} px.",
            self._tiling(),
        ]
        share = pixels / math.prod(self.size)
        if share > 1:
            lines.insert(1, f"Resizing makes one pixel of {number(share)}.")
        return lines + [self._sentence(seen) for seen in self.seen]

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
        held = count(len(self.held), "tile")
        return (
            f"Tiling makes {count(len(grid), 'tile')} {how}: {kept}, and {held} "
            f"{'hold' if len(self.held) != 1 else 'holds'} a defect."
        )

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
            f"of its {seen.region.area} pixels, with {share(tiled.contrast)} of it."
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
