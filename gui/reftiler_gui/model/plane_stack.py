"""Arrays of any number of axes as pictures: planes of rows and columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["PlaneStack"]

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class PlaneStack:
    """
    An array as a stack of pictures.

    Attributes
    ----------
    stack : ndarray, shape (P, H, W)
        Bool or float64. The array's last two axes are rows and columns, the others
        count planes; of less than two axes it is one row.
    shape : tuple of int
        The array's.
    dtype : str
        The name of the array's dtype.
    """

    stack: Array
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, values: Array, dtype: str = "") -> PlaneStack:
        """Stack the planes of an array of real numbers."""
        whole = values.reshape((1,) * (2 - values.ndim) + values.shape)
        planes = math.prod(whole.shape[:-2])
        stack = whole.reshape(planes, *whole.shape[-2:])
        if stack.dtype != bool:
            stack = stack.astype(np.float64)
        return cls(stack, values.shape, dtype or values.dtype.name)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest finite value; 0 and 1 if there is none."""
        finite = self.stack[np.isfinite(self.stack)]
        if not finite.size:
            return 0.0, 1.0
        return float(finite.min()), float(finite.max())

    def place(self, index: tuple[int, ...]) -> tuple[int, int, int]:
        """Return the plane, row and column of an item of the array."""
        full = (0,) * (2 - len(index)) + tuple(index)
        lead = self.shape[:-2]
        plane = int(np.ravel_multi_index(full[:-2], lead)) if lead else 0
        return plane, full[-2], full[-1]

    def label(self, plane: int) -> str:
        """Return a plane's index among the array's leading axes: ``[2, 0]``."""
        lead = self.shape[:-2]
        if not lead:
            return ""
        return f"[{', '.join(map(str, map(int, np.unravel_index(plane, lead))))}]"
