"""One object of an image, as annotations and detectors describe it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.objects.polygons import Polygon, bounds, polygon_area
from reftiler.objects.rle import decode_rle
from reftiler.validation import shorten

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""
Keypoint: TypeAlias = tuple[float, float, int]
"""x, y and COCO's visibility: 0 is not labelled, 1 hidden, 2 visible."""


@dataclass(frozen=True)
class ImageObject:
    """
    An object of an image or of a tile.

    Attributes
    ----------
    category : int
        The number of its class.
    box : (x, y, width, height)
        In pixels, from the edge of the first.
    polygons : tuple of polygons
        Its outlines, each a tuple of (x, y); empty if only its box is known.
    rle : mapping or None
        Its mask as COCO's run lengths, where it has no polygons.
    keypoints : tuple of (x, y, visibility)
        COCO's.
    stated_area : float or None
        What its file says of its area; None once it was clipped or scaled.
    extra : mapping
        What else is known of it and has no place in the image: score, crowd, ids.

    Raises
    ------
    TilingError
        A number is not finite, or the box has no area.

    Examples
    --------
    >>> ImageObject(1, (10.0, 20.0, 4.0, 3.0)).area
    12.0
    """

    category: int
    box: Box
    polygons: tuple[Polygon, ...] = ()
    rle: Mapping[str, Any] | None = None
    keypoints: tuple[Keypoint, ...] = ()
    stated_area: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.box) != 4:
            raise TilingError(
                f"a box must be (x, y, width, height): {shorten(self.box)}"
            )
        points = [point[:2] for shape in self.polygons for point in shape]
        points += [point[:2] for point in self.keypoints]
        numbers = [*self.box, *(number for point in points for number in point)]
        if not all(map(math.isfinite, numbers)):
            raise TilingError("its coordinates must be finite numbers")
        if not (self.box[2] > 0 and self.box[3] > 0):
            raise TilingError(
                f"its width and height must be above 0: the box is {shorten(self.box)}"
            )
        if any(len(shape) < 3 for shape in self.polygons):
            raise TilingError("a polygon must have three corners or more")
        if self.polygons and not self.area > 0:
            raise TilingError("its polygons have no area, or cross themselves")

    @property
    def area(self) -> float:
        """The pixels of its polygons or its mask; of its box if there are none."""
        if self.polygons:
            return sum(map(polygon_area, self.polygons))
        if self.rle is not None:
            return float(np.count_nonzero(decode_rle(self.rle)))
        return self.box[2] * self.box[3]

    @classmethod
    def of_polygons(
        cls, category: int, polygons: tuple[Polygon, ...], **more: Any
    ) -> "ImageObject":
        """
        Return the object of some outlines, with the box around them.

        Raises
        ------
        TilingError
            As for the class.
        """
        left, top, right, bottom = bounds([p for shape in polygons for p in shape])
        box = (left, top, right - left, bottom - top)
        return cls(category, box, polygons, **more)


def mask_box(mask: NDArray[np.bool_]) -> Box:
    """Return the box around the marked pixels of a mask that has some."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    return (left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
