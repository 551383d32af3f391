"""The values that weights of pixels may have: 0, and what no sum of them loses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError

__all__ = ["LARGEST", "SMALLEST", "bad_weight", "check_weights", "no_weight"]

SMALLEST, LARGEST = 2.0**-512, 2.0**512
"""Products with a window's weights, and sums of these, neither vanish nor overflow."""


def check_weights(weights: NDArray[Any], indices: Sequence[int]) -> None:
    """Refuse values (B, *T) that cannot be weights; indices are those of the tiles."""
    if weights.dtype.kind in "bu":
        return
    for index, tile in zip(indices, weights, strict=True):
        found = tile.astype(np.float64, copy=False)
        # NaN is neither
        valid = (found == 0) | ((found >= SMALLEST) & (found <= LARGEST))
        if not valid.all():  # MERGE-039
            place = np.unravel_index(int(valid.argmin()), valid.shape)
            raise bad_weight(float(found[place]), int(index), tuple(map(int, place)))


def bad_weight(
    value: float,
    tile: int,
    pixel: tuple[int, ...],
    limits: tuple[float, float] = (SMALLEST, LARGEST),
) -> TilingError:
    """Return the error for a value that cannot be a weight."""
    low, high = limits
    return TilingError(
        f"the weight of pixel {pixel} of tile {tile} is {value!r}: weights must be 0, "
        f"or lie within {low:.3g} and {high:.3g}; scale or clip them"
    )


def no_weight(count: int) -> TilingError:
    """Return the error for pixels in which no tile has a weight."""
    # MERGE-016, MERGE-017, MERGE-037
    return TilingError(
        f"the weights of all tiles are 0 in {count:,} pixels of the result: give the "
        "Tiler a fill, or some tile a weight there"
    )
