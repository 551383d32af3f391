"""What each tile's pixels weigh in the mean, and the sums to divide by."""

import math
from collections.abc import Sequence

import numpy as np

from reftiler.placement import Box, Part, Placement, outer
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

    def __init__(self, placement: Placement, profiles: tuple[Profile, ...]) -> None:
        self.placement = placement
        self.profiles = profiles
        self.totals = _totals(placement, profiles)

    def of(self, part: Part) -> Profile:
        """Return the weights of the pixels of ``part``."""
        return outer(
            [p[index] for p, index in zip(self.profiles, part.there, strict=True)]
        )

    def total(self, box: Box) -> Profile:
        """Return the sum of the tiles' weights at each pixel of ``box``."""
        if self.totals is not None:
            return outer(
                [t[lo:hi] for t, (lo, hi) in zip(self.totals, box, strict=True)]
            )
        total = np.full([high - low for low, high in box], -0.0)
        for part in self.placement.parts(box):
            total[part.here] += self.of(part)
        return total


def _totals(placement: Placement, profiles: Sequence[Profile]) -> list[Profile] | None:
    """Return the sums of the weights axis by axis, if their products are exact.

    In a fitted grid the sum of products is the product of sums; to the bit too, where
    all of them are whole numbers that float64 holds.
    """
    if placement.scattered or not all((p == np.rint(p)).all() for p in profiles):
        return None
    axes = zip(placement.axes, profiles, strict=True)
    totals = [axis.total(profile) for axis, profile in axes]
    exact = math.prod(int(total.max()) for total in totals) <= EXACT
    return totals if exact else None
