"""Tilers whose grids are wrong."""

from __future__ import annotations

from typing import Any, ClassVar

from reftiler import Grid, Tiler, TilingError
from tests.broken_apis.table import BROKEN, Broken, grids, says, takes


class Roomy(Grid):
    """Is made of images that are too small."""

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except TilingError as error:
            if "larger than the image" not in str(error):
                raise


class Floats(Grid):
    """Has starts that are floats."""

    @property
    def starts(self) -> Any:
        return super().starts.astype(float)


class Means(Grid):
    """Counts the tiles of a pixel in floats."""

    def coverage(self) -> Any:
        return super().coverage() / 1


class Moves(Grid):
    """Lies elsewhere each time that it is made."""

    made: ClassVar[int] = 0

    @property
    def boxes(self) -> Any:
        Moves.made += 1
        return super().boxes + Moves.made


class DrawsFloats(Tiler):
    """Has random starts of the kind that random numbers are."""

    def random(self, *given: Any, **named: Any) -> Grid:
        grid = super().random(*given, **named)
        return Floats(self, grid.image_size, grid.scatter)


BROKEN += [
    Broken("GRID-010", "starts in (7, 6) was taken", grids(Roomy)),
    Broken("GRID-010", "drop of (7, 6)", takes("grid", "drop: the tile")),
    Broken("GRID-010", "starts in (7, 6) was taken", takes("scatter", "larger than")),
    Broken("GRID-010", "random starts in (7, 6) was", takes("random", "larger than")),
    Broken("GRID-011", "padding is not in", says("grid", "use mode.*", "")),
    Broken("GRID-011", "17 is not in", says("scatter", "17", "tile")),
    Broken("GRID-012", "starts holds", grids(Floats)),
    Broken("GRID-012", "starts holds", DrawsFloats),
    Broken("GRID-012", "coverage holds", grids(Means)),
    Broken("GRID-012", "the same size gave other boxes", grids(Moves)),
]
