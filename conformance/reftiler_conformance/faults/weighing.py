"""How the plain tiler weighs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.faults.cutting import Cutting

Array = npt.NDArray[Any]


class Weighing(Cutting):
    """Knows the weights of a tile's pixels."""

    def weights(self, size: Sequence[int]) -> Array:
        """Return the weights of a tile of a size."""
        lines = [self.profile(axis, length) for axis, length in enumerate(size)]
        return reduce(np.multiply.outer, lines)

    def profile(self, axis: int, length: int) -> Array:
        """Return the weights along an axis."""
        window = self.case.window
        if not isinstance(window, str):
            given = np.array(window[axis], float)
            found: Array = given / given.max()
            return found
        half = self.curve(window, np.arange((length + 1) // 2), length)
        return np.concatenate([half, half[: length // 2][::-1]])

    def curve(self, window: str, i: Array, length: int) -> Array:
        """Return the first half of a named profile."""
        x = i + 0.5
        if window == "triangle":
            return 2.0 * i + 1
        if window == "hann":
            found: Array = 2**16 * np.sin(np.pi * x / length) ** 2
        elif window == "gaussian":
            found = 2**16 * np.exp(-(((x - length / 2) / (length / 8)) ** 2) / 2)
        else:
            found = np.ones(len(i))
        return np.maximum(1.0, np.rint(found))
