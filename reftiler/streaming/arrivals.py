"""Which tiles of a merge have arrived."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray
from reftiler.errors import TilingError
from reftiler.validation import as_int

MAX_NAMED = 10
"""How many tiles an error names."""


class Arrivals:
    """Which of ``count`` tiles have arrived; each may arrive once."""

    def __init__(self, count: int) -> None:
        self.arrived: NDArray[np.bool_] = np.zeros(count, dtype=bool)

    def missing(self) -> IntArray:
        """Return the indices of the tiles that have not arrived, ascending."""
        return np.flatnonzero(~self.arrived)

    def check(self, indices: Sequence[int] | IntArray, tiles: int) -> list[int]:
        """Return the indices if that many tiles may arrive with them, or refuse."""
        checked = [as_int(n, "a tile's number", minimum=0) for n in indices]
        if max(checked, default=0) >= len(self.arrived):
            raise TilingError(
                f"there is no tile {max(checked)}: the image has {len(self.arrived)}, "
                "counted from 0"
            )
        seen: set[int] = set()
        twice: set[int] = set()
        for index in checked:
            (twice if self.arrived[index] or index in seen else seen).add(index)
        if twice:
            raise TilingError(
                f"{_name(sorted(twice))} came twice: give each tile once; missing() "
                "tells which are due"
            )
        if tiles != len(checked):
            raise TilingError(
                f"{len(checked):,} numbers came with {tiles:,} tiles: give each one"
            )
        return checked

    def check_complete(self) -> None:
        """Refuse to end while tiles are missing."""
        missing = self.missing().tolist()
        if missing:
            raise TilingError(
                f"{_name(missing)} of {len(self.arrived):,} missing: add them before "
                "the result is asked for"
            )


def _name(indices: list[int]) -> str:
    more = len(indices) - MAX_NAMED
    tail = f" and {more:,} more" if more > 0 else ""
    word = "tile" if len(indices) == 1 else "tiles"
    return f"{word} {', '.join(map(str, indices[:MAX_NAMED]))}{tail}"
