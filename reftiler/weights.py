"""What each tile's pixels weigh in the mean, and the sums to divide by."""

import math
from collections.abc import Sequence

import numpy as np

from reftiler.geometry import Box, Overlap, TileGeometry, outer_product
from reftiler.windows import Profile

EXACT = 2**53
"""Whole numbers up to here are exact in float64, and so are their sums."""


class Weights:
    """The weight of each pixel of a tile, and their sums over the tiles.

    Attributes
    ----------
    totals : list of ndarray, or None
        The sums axis by axis, if the products of these are exact: those of all pixels.
    """

    def __init__(self, geometry: TileGeometry, profiles: tuple[Profile, ...]) -> None:
        self.geometry = geometry
        self.profiles = profiles
        self.totals = _totals(geometry, profiles)

    def of(self, part: Overlap) -> Profile:
        """Return the weights of the pixels of ``part``."""
        return outer_product(
            [p[index] for p, index in zip(self.profiles, part.in_tile, strict=True)]
        )

    def total(self, box: Box) -> Profile:
        """Return the sum of the tiles' weights at each pixel of ``box``."""
        if self.totals is not None:
            return outer_product(
                [t[lo:hi] for t, (lo, hi) in zip(self.totals, box, strict=True)]
            )
        total = np.full([high - low for low, high in box], -0.0)
        for part in self.geometry.overlaps(box):
            total[part.in_block] += self.of(part)
        return total


def _totals(
    geometry: TileGeometry, profiles: Sequence[Profile]
) -> list[Profile] | None:
    """Return the sums of the weights axis by axis, if their products are exact.

    In a fitted grid the sum of products is the product of sums; to the bit too, where
    all of them are whole numbers that float64 holds.
    """
    if geometry.is_irregular or not all((p == np.rint(p)).all() for p in profiles):
        return None
    axes = zip(geometry.axes, profiles, strict=True)
    totals = [axis.weight_sum(profile) for axis, profile in axes]
    exact = math.prod(int(total.max()) for total in totals) <= EXACT
    return totals if exact else None
