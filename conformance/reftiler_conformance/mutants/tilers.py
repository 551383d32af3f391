"""What mutants are made of: the reference and the oracle, asked in the same way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

import reftiler
from reftiler_conformance import oracle
from reftiler_conformance.cases import Case
from reftiler_conformance.protocol import Unsupported

Array = npt.NDArray[Any]
Patch = tuple[object, str, object]

MOST_PIXELS = 20_000
"""Pixels of tiles that the oracle is asked for: it is slow."""

_PATCHING = threading.RLock()


class Reference:
    """reftiler's tiler and grid for a case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.tiler = reftiler.Tiler(case.tile, **case.settings())
        if case.random is not None:
            self._grid = self.tiler.random(case.size, *case.random)
        elif case.starts is not None:
            self._grid = self.tiler.scatter(case.size, case.starts)
        else:
            self._grid = self.tiler.grid(case.size)

    def tile(self, image: Array, out: Array | None = None) -> Array:
        """Cut an image."""
        return self.tiler.tile(image, grid=self._grid, out=out)

    def tile_another(self, image: Array) -> Array:
        """Cut an image of any size."""
        return self.tiler.tile(image)

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        """Merge tiles."""
        case = self.case
        dtype = None if case.result is None else np.dtype(case.result)
        scale, grid = case.scale or None, self._grid
        return self.tiler.untile(
            tiles, case.shape, grid=grid, scale=scale, dtype=dtype, out=out
        )

    def view(self, image: Array) -> Array:
        """Show the windows of an image."""
        return self.tiler.view(image)

    def grid(self) -> dict[str, Any]:
        """Say where the tiles lie."""
        grid = self._grid
        clipped = [grid.slices(k) for k in range(len(grid))]
        return {
            "starts": grid.starts,
            "boxes": grid.boxes,
            "padding": grid.padding,
            "slices": [[(s.start, s.stop) for s in sides] for sides in clipped],
            "coverage": grid.coverage(),
            "uncovered": grid.uncovered,
        }

    def touching(self, mask: Array) -> Array:
        """Say which tiles hold a marked pixel."""
        return np.asarray(self._grid.touching(mask))

    def save(self) -> str:
        """Return the JSON of the grid."""
        return self._grid.to_json()


class Patched:
    """The oracle with some of its functions replaced, while it answers."""

    def __init__(self, case: Case, patches: Sequence[Patch] = ()) -> None:
        self.case, self.patches = case, patches
        self.settings = case.oracle_settings
        with patched(patches):
            self._grid = self._made(case)

    def _made(self, case: Case) -> oracle.Grid:
        """Return the grid; that of the case itself is the judge's."""
        settings, starts = self.settings, case.starts
        if case.random is not None:
            count, seed, align = case.random
            aligns = (align,) * case.rank
            drawn = oracle.random_starts(settings, case.size, count, seed, aligns)
            return oracle.scattered(settings, case.size, drawn)
        if starts is not None:
            return oracle.scattered(settings, case.size, starts)
        return oracle.fitted(settings, case.size)

    def _limit(self, space: Sequence[int]) -> None:
        """Refuse what would take too long; the case is lost, not the check."""
        if len(self._grid.tile_specs) * prod(space) > MOST_PIXELS:
            raise Unsupported(f"more than {MOST_PIXELS} pixels of tiles")

    def tile(self, image: Array) -> Array:
        """Cut an image."""
        self._limit((image.size // prod(self.case.size), *self.case.tile))
        with patched(self.patches):
            return oracle.tile(self._grid, image)

    def tile_another(self, image: Array) -> Array:
        """Cut an image of any size."""
        lead = image.ndim - self.case.rank
        first = lead - (lead > 0 and self.case.channels_last)
        size = image.shape[first : first + self.case.rank]
        self._limit((image.size,))
        with patched(self.patches):
            return oracle.tile(oracle.fitted(self.settings, size), image)

    def untile(self, tiles: Array) -> Array:
        """Merge tiles."""
        case = self.case
        self._limit((tiles.size // len(self._grid.tile_specs),))
        with patched(self.patches):
            return oracle.untile(
                self._grid, tiles, case.shape, case.scales, _result(case, tiles)
            )

    def view(self, image: Array) -> Array:
        """Show the windows of an image."""
        with patched(self.patches):
            return oracle.view(self._grid, image)

    def grid(self) -> Mapping[str, Any]:
        """Say where the tiles lie."""
        self._limit(self.case.tile)
        with patched(self.patches):
            return {
                "starts": self._grid.starts,
                "boxes": oracle.boxes(self._grid),
                "padding": oracle.padding(self._grid),
                "slices": oracle.clipped(self._grid),
                "coverage": np.array(oracle.coverage(self._grid)).reshape(
                    self.case.size
                ),
                "uncovered": oracle.uncovered(self._grid),
            }

    def touching(self, mask: Array) -> Array:
        """Say which tiles hold a marked pixel."""
        with patched(self.patches):
            return np.array(oracle.touching(self._grid, lambda p: bool(mask[p])), int)


def _result(case: Case, tiles: Array) -> np.dtype[Any]:
    return tiles.dtype if case.result is None else np.dtype(case.result)


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    """Replace attributes; the judge in this process needs the sound ones after."""
    with _PATCHING:
        sound = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
        try:
            for owner, name, wrong in patches:
                setattr(owner, name, wrong)
            yield
        finally:
            for owner, name, right in sound:
                setattr(owner, name, right)
