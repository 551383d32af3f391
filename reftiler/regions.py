"""The regions of a mask: marked pixels that hang together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    import scipy  # which scikit-image needs
    import skimage  # its parts are loaded when they are used
except ImportError as error:
    raise missing_extra("finding regions needs scikit-image", "cli", error) from error

__all__ = ["Region", "find_regions", "label_regions"]


@dataclass(frozen=True)
class Region:
    """
    Marked pixels that hang together, corners included.

    Attributes
    ----------
    box : pair of pairs of int
        Rows and columns, ``((top, bottom), (left, right))``, ends not included.
    area : int
        How many pixels are marked.
    """

    box: tuple[tuple[int, int], tuple[int, int]]
    area: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the box."""
        (top, bottom), (left, right) = self.box
        return bottom - top, right - left


def find_regions(mask: NDArray[Any]) -> tuple[Region, ...]:
    """
    Find the regions of a mask.

    Parameters
    ----------
    mask : ndarray, shape (H, W)
        What is not zero is marked.

    Returns
    -------
    tuple of Region
        From top to bottom, then from left to right.
    """
    return tuple(region for region, _, _ in label_regions(np.asarray(mask) != 0))


def label_regions(
    marked: NDArray[np.bool_],
) -> list[tuple[Region, int, NDArray[np.int64]]]:
    """Return the regions, each with its number and the array of all numbers."""
    if marked.ndim != 2:
        raise TilingError(f"a mask has two axes, got the shape {marked.shape}")
    labels = skimage.measure.label(marked, connectivity=2)
    areas = np.bincount(labels.ravel()).tolist()
    found = []
    boxes = scipy.ndimage.find_objects(labels) if labels.size else []
    for number, (rows, columns) in enumerate(boxes, start=1):
        box = (rows.start, rows.stop), (columns.start, columns.stop)
        found.append((Region(box, areas[number]), number, labels))
    return sorted(found, key=lambda one: (one[0].box[0][0], one[0].box[1][0], one[1]))
