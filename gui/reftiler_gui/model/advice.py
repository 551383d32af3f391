"""Which tile size and overlap suit the defects of a folder: a table to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler import Grid, Tiler
from reftiler.regions import Region
from reftiler_gui.model.defect_metrics import look
from reftiler_gui.model.defects import Defects, find_defects
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.steps import Work

__all__ = ["Candidate", "Survey", "candidates", "count_contained"]

Ints: TypeAlias = NDArray[np.int64]
Size: TypeAlias = tuple[int, int]

TILES = (128, 192, 256, 384, 512, 768, 1024)
"""Sides of tiles that are tried, in pixels."""
OVERLAPS = (0, 8, 4, 2)
"""What neighbours share is nothing, or the tile by one of these."""
LOOKED_AT = 60
"""Defects of which the contrast is measured; more are a sample."""


@dataclass(frozen=True)
class Candidate:
    """
    What a setting does to the defects of all images.

    Attributes
    ----------
    settings : FormSettings
        What is tried.
    whole : int
        Defects that lie whole in some tile.
    tiles : int
        Tiles of all images.
    work : float
        Pixels of all tiles for each pixel of the images: what a model must look at.
    resized : float or None
        Median height or width, whichever is less, of the defects after the images are
        resized to one tile, in pixels; None without defects.
    contrast : float or None
        Median share of contrast that is left of them then; None while unknown.
    refused : str
        Why reftiler does not cut an image so; empty if it does.
    front : bool
        Whether no other holds at least as many defects whole with no more work and
        no larger tiles.
    """

    settings: FormSettings
    whole: int = 0
    tiles: int = 0
    work: float = 0.0
    resized: float | None = None
    contrast: float | None = None
    refused: str = ""
    front: bool = False


def candidates(
    current: FormSettings, longest: int, tiles: Sequence[int] = TILES
) -> tuple[FormSettings, ...]:
    """Return settings to try, ``current`` first, its mode and border kept.

    ``longest`` is the longer side of the images: larger tiles are left out.
    """
    plain = replace(
        current, overlapping=False, random=None, border=(0, 0), window="box"
    )
    tried = [
        replace(plain, tile=(side, side), step=(side - shared, side - shared))
        for side, part in product([t for t in tiles if t <= longest], OVERLAPS)
        for shared in [side // part if part else 0]
    ]
    return tuple(dict.fromkeys([current, *tried]))


class Survey:
    """
    What is known of the defects of some images, while it is being found out.

    Parameters
    ----------
    items : sequence of ImageItem
        Those without a mask count for tiles, but not for defects.
    tried : sequence of FormSettings
        Of `candidates`.

    Attributes
    ----------
    rows : tuple of Candidate
        In the order of ``tried``; replaced, never changed, as more is known.
    problems : tuple of str
        A sentence for each image or mask that could not be read.
    images : int
        How many have been searched.
    """

    def __init__(
        self, items: Sequence[ImageItem], tried: Sequence[FormSettings]
    ) -> None:
        self.items = tuple(items)
        self.rows = tuple(Candidate(settings) for settings in tried)
        self.problems: tuple[str, ...] = ()
        self.images = 0
        self._found: list[tuple[ImageItem, Size, Defects]] = []
        self._pixels = 0
        self._contrasts: dict[Size, list[float]] = {}

    @property
    def sizes(self) -> Ints:
        """Heights and widths of the defects found so far, shape (n, 2)."""
        sizes = [defects.sizes for _, _, defects in tuple(self._found)]
        return np.concatenate([np.zeros((0, 2), np.int64), *sizes])

    def run(self) -> Work[None]:
        """Search the images, then measure how much contrast is left."""
        for number, item in enumerate(self.items):
            self._search(item)
            yield 0.5 * (number + 1) / len(self.items)
        yield from self._measure()

    def _search(self, item: ImageItem) -> None:
        loaded = item.load()
        if loaded.words:
            self.problems += (f"{item.name}: {loaded.words}",)
        if loaded.image is None:
            return
        size = loaded.image.size
        defects = find_defects(loaded.mask) if loaded.mask else Defects(())
        if len(defects):
            self._found.append((item, size, defects))
        self.images += 1
        self._pixels += size[0] * size[1]
        counted = [self._counted(row, size, defects) for row in self.rows]
        self.rows = _fronted(counted)

    def _counted(self, row: Candidate, size: Size, defects: Defects) -> Candidate:
        """Add an image, by geometry alone."""
        grid = row.settings.plan(size)
        if row.refused or isinstance(grid, ValidationError):
            words = grid.words if isinstance(grid, ValidationError) else row.refused
            return Candidate(row.settings, refused=row.refused or words)
        tiles = row.tiles + len(grid)
        height, width = row.settings.tile
        return replace(
            row,
            whole=row.whole + count_contained(grid, defects.boxes),
            tiles=tiles,
            work=tiles * height * width / self._pixels,
            resized=self._resized(row.settings.tile),
        )

    def _resized(self, tile: Size) -> float | None:
        shorter = [
            (defects.sizes * (np.array(tile) / size)).min(axis=1)
            for _, size, defects in self._found
        ]
        return float(np.median(np.concatenate(shorter))) if shorter else None

    def _measure(self) -> Work[None]:
        """Measure the contrast of defects, evenly chosen, for each size of tile."""
        places = [
            (number, k)
            for number, (_, _, defects) in enumerate(self._found)
            for k in range(len(defects))
        ]
        chosen = places[:: -(-len(places) // LOOKED_AT) or 1]
        targets = tuple(
            {row.settings.tile: None for row in self.rows if not row.refused}
        )
        loaded: LoadedImage | None = None
        for done, (number, k) in enumerate(chosen):
            item, _, defects = self._found[number]
            if loaded is None or loaded.item is not item:
                loaded = item.load()
            for part, target in enumerate(targets):
                self._look(loaded, defects.regions[k], target)
                yield 0.5 + 0.5 * (done + (part + 1) / len(targets)) / len(chosen)

    def _look(self, loaded: LoadedImage, region: Region, target: Size) -> None:
        if loaded.image is None or loaded.mask is None:
            return  # it has vanished since
        whole = GridLookup(Tiler(loaded.image.size).grid(loaded.image.size))
        seen = look(loaded.image.array, loaded.mask, region, whole, target)
        shares = self._contrasts.setdefault(target, [])
        shares.append(seen.resized.contrast)
        left = float(np.median(shares))
        self.rows = tuple(
            replace(row, contrast=left) if row.settings.tile == target else row
            for row in self.rows
        )


def count_contained(grid: Grid, boxes: Ints) -> int:
    """
    Return how many boxes lie whole in some tile.

    Parameters
    ----------
    grid : Grid
        The tiles.
    boxes : ndarray of int64, shape (n, 2, 2)
        First and one past last, of rows and columns.
    """
    if grid.is_irregular:
        view = GridLookup(grid)
        return sum(view.holding(tuple(r), tuple(c)).size > 0 for r, c in boxes.tolist())
    held = np.ones(len(boxes), dtype=bool)
    for number, axis in enumerate(grid.axes):
        # Of the tiles that begin early enough the last one reaches farthest.
        low, high = boxes[:, number, 0], boxes[:, number, 1]
        last = np.searchsorted(axis.boxes[:, 0], low, side="right") - 1
        held &= (last >= 0) & (axis.boxes[last.clip(0), 1] >= high)
    return int(held.sum())


def _fronted(rows: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Mark those that no other beats in all that counts."""
    counted = [row for row in rows if not row.refused]
    return tuple(
        replace(row, front=not row.refused and not any(_beats(o, row) for o in counted))
        for row in rows
    )


def _beats(one: Candidate, other: Candidate) -> bool:
    first, second = (
        (-row.whole, row.work, row.settings.tile[0] * row.settings.tile[1])
        for row in (one, other)
    )
    no_worse = all(a <= b for a, b in zip(first, second, strict=True))
    return no_worse and first != second
