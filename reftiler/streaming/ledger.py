"""The ledger of a merge: which tiles were given, and which bands still await some."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray
from reftiler.errors import TilingError
from reftiler.streaming.bands import Bands
from reftiler.validation import as_int

__all__ = ["Ledger"]

NAMED = 10
"""How many tiles an error names."""


class Ledger:
    """
    Tiles and bands of all images, each numbered through.

    Parameters
    ----------
    bands : Bands
        Those of one image.
    images, tiles : int
        How many images there are, and tiles of each.

    Attributes
    ----------
    given : ndarray of bool
        Which tiles were given.
    digests : ndarray of int64
        The check sum of each band that is done, −1 for the others.
    """

    def __init__(self, bands: Bands, images: int, tiles: int) -> None:
        self.bands, self.tiles = bands, tiles
        self.given: NDArray[np.bool_] = np.zeros(images * tiles, dtype=bool)
        self.digests: IntArray = np.full(images * len(bands), -1, dtype=np.int64)
        self._waits = np.tile(bands.needs, images)

    def restore(self, given: NDArray[np.bool_], digests: IntArray) -> None:
        """Go on where another ledger was."""
        self.given, self.digests = given.copy(), digests.copy()
        for tile in np.flatnonzero(given).tolist():
            due = self.due(tile)
            self._waits[due.start : due.stop] -= 1

    def check(self, numbers: Sequence[int]) -> list[int]:
        """
        Return the numbers of tiles that may be given now.

        Raises
        ------
        TypeError
            If one is not an int.
        TilingError
            If there is no such tile, or it comes twice.
        """
        checked = [as_int(n, "a tile's number", minimum=0) for n in numbers]
        if max(checked, default=0) >= len(self.given):
            raise TilingError(
                f"there is no tile {max(checked)}: the image has {len(self.given)}, "
                "counted from 0"
            )
        known = set(np.flatnonzero(self.given[checked]).tolist())
        seen: set[int] = set()
        twice = set()
        for place, number in enumerate(checked):
            if place in known or number in seen:
                twice.add(number)
            seen.add(number)
        if twice:
            raise TilingError(
                f"{_few(sorted(twice))} came twice: give each tile once; missing() "
                "tells which are due"
            )
        return checked

    def due(self, tile: int) -> range:
        """Return the bands in which a tile takes part."""
        image, k = divmod(tile, self.tiles)
        first, own = image * len(self.bands), self.bands.of(k)
        return range(first + own.start, first + own.stop)

    def give(self, tile: int) -> list[int]:
        """Enter a tile, and return the bands that wait for nothing more."""
        self.given[tile] = True
        due = self.due(tile)
        self._waits[due.start : due.stop] -= 1
        return [band for band in due if not self._waits[band]]

    def ready(self) -> list[int]:
        """Return the bands that wait for nothing more and are not done."""
        bands: list[int] = np.flatnonzero(
            (self._waits == 0) & (self.digests < 0)
        ).tolist()
        return bands

    def close(self, band: int, digest: int) -> Iterator[int]:
        """Enter that a band is done, and go over the tiles that nothing awaits now."""
        self.digests[band] = digest
        image, inner = divmod(band, len(self.bands))
        for k in self.bands.tiles(inner):
            tile = image * self.tiles + k
            due = self.due(tile)
            if (self.digests[due.start : due.stop] >= 0).all():
                yield tile

    def check_whole(self) -> None:
        """
        Refuse to end while tiles are missing.

        Raises
        ------
        TilingError
            If some are; they are named.
        """
        missing = np.flatnonzero(~self.given).tolist()
        if missing:
            raise TilingError(
                f"{_few(missing)} of {len(self.given)} missing: add them before the "
                "result is asked for"
            )


def _few(numbers: list[int]) -> str:
    """Name the first of some tiles, and say how many more there are."""
    more = len(numbers) - NAMED
    tail = f" and {more} more" if more > 0 else ""
    word = "tile" if len(numbers) == 1 else "tiles"
    return f"{word} {', '.join(map(str, numbers[:NAMED]))}{tail}"
