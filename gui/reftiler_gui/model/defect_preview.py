"""A defect at a glance: what resizing the image makes of it, and the defect itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.io import resize
from reftiler.regions import Region
from reftiler_gui.model.defect_metrics import crop_of
from reftiler_gui.model.image_pyramid import ImagePyramid

__all__ = ["DefectPreview", "preview_of_defect"]

Pixels: TypeAlias = NDArray[np.uint32]

_AROUND = 4  # what is shown around a defect, in pixels of the resized image
_LEAST = 6  # the same, in pixels of the image


@dataclass(frozen=True, eq=False)
class DefectPreview:
    """
    Two pictures of one place, a pixel for each of the image's.

    Attributes
    ----------
    resized, original : ndarray of uint32, shape (h, w)
        To paint, as `ImagePyramid.region` gives them.
    opaque : bool
        Whether they are.
    """

    resized: Pixels
    original: Pixels
    opaque: bool


def preview_of_defect(
    source: ImagePyramid, region: Region, target: Sequence[int]
) -> DefectPreview:
    """
    Show a defect, after the image is resized and as it is.

    Only its surroundings are resized: milliseconds, however large the image.

    Parameters
    ----------
    source : ImagePyramid
        The image.
    region : Region
        The defect.
    target : sequence of two ints
        Height and width to which the whole image is resized.

    Raises
    ------
    TilingError
        If it cannot be resized.
    """
    crops = [
        crop_of(span, length, side)
        for span, length, side in zip(region.box, source.size, target, strict=True)
    ]
    rows, columns = (slice(start, stop) for start, stop, _ in crops)
    small = resize(source.array[rows, columns], [size for _, _, size in crops])
    picture = source.like(small)
    shrunk = max(
        length / side for length, side in zip(source.size, target, strict=True)
    )
    spans = _spans(region, source.size, shrunk, crops)
    under = [
        (np.arange(low - start, high - start) * size) // (stop - start)
        for (low, high), (start, stop, size) in zip(spans, crops, strict=True)
    ]
    pixels = picture.region(0, (0, picture.size[0]), (0, picture.size[1]))
    return DefectPreview(
        np.ascontiguousarray(pixels[np.ix_(*under)]),
        source.region(0, spans[0], spans[1]),
        not source.has_alpha,
    )


def _spans(
    region: Region,
    size: tuple[int, int],
    shrunk: float,
    crops: Sequence[tuple[int, int, int]],
) -> list[tuple[int, int]]:
    """Return a square around a defect, moved into the image and into what is known."""
    side = max(region.size) + 2 * max(_LEAST, math.ceil(_AROUND * max(1.0, shrunk)))
    spans = []
    for (low, high), length, (start, stop, _) in zip(
        region.box, size, crops, strict=True
    ):
        first = min(max((low + high - side) // 2, 0), max(0, length - side))
        spans.append((max(first, start), min(first + side, stop)))
    return spans
