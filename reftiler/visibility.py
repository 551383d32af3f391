"""What is left of a defect: its size and contrast after resizing and in its tile.

The contrast of a defect is how far its strongest pixel stands out of the surface, and
the surface is guessed from the pixels around the defect. Resizing averages pixels, so
what stands out becomes smaller and fainter; a tile shows the pixels themselves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    import skimage  # its parts are loaded when they are used
except ImportError as error:
    raise missing_extra("visibility needs scikit-image", "cli", error) from error

from reftiler.apply import extract_tile
from reftiler.grid import Grid
from reftiler.io import resize
from reftiler.regions import Region, label_regions
from reftiler.validation import as_exact_ints

__all__ = ["Remains", "Visibility", "examine"]

_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]

_AROUND = 4  # pixels around a defect that tell what the surface is like
_SMOOTH = 200**2  # pixels of a region up to which its surface is interpolated


@dataclass(frozen=True)
class Remains:
    """
    What is left of a region in a smaller picture, or in a part of the picture.

    Attributes
    ----------
    size : pair of float
        Height and width of its box there, in pixels.
    area : float
        How many pixels it fills there.
    contrast : float
        Share of its contrast that is left, 0 to 1.
    """

    size: tuple[float, float]
    area: float
    contrast: float


@dataclass(frozen=True)
class Visibility:
    """
    How well a region can be seen.

    Attributes
    ----------
    region : Region
        In the image.
    contrast : float
        In the units of the image's pixels: 0 to 255 for uint8.
    resized : Remains
        In the image resized.
    tiles : tuple of int
        The tiles that hold a pixel of it; none if it lies in no tile.
    tiled : Remains
        In the tile where most of it is.
    best : int or None
        The number of that tile.
    """

    region: Region
    contrast: float
    resized: Remains
    tiles: tuple[int, ...]
    tiled: Remains
    best: int | None


def examine(
    image: NDArray[Any],
    mask: NDArray[Any],
    grid: Grid,
    size: Sequence[int],
    regions: Collection[Region] | None = None,
) -> tuple[Visibility, ...]:
    """
    Compare for each region of a mask what resizing and tiling leave of it.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
        Of real numbers.
    mask : ndarray, shape (H, W)
        What is not zero is marked.
    grid : Grid
        The tiles, for images of this size.
    size : sequence of two ints
        Height and width to which the whole image is resized.
    regions : collection of Region, optional
        Which of the mask's regions; all by default. Each takes as long as resizing
        the image does.

    Returns
    -------
    tuple of Visibility
        In the order of `find_regions`.
    """
    marked = np.asarray(mask) != 0
    if marked.shape != image.shape[:2] or grid.image_size != image.shape[:2]:
        raise TilingError(
            f"the image is {image.shape[:2]}, the mask {marked.shape}, the grid for "
            f"{grid.image_size}: give a mask and a grid of the image's size"
        )
    target = as_exact_ints(size, "size", rank=2, minimum=1)
    return tuple(
        _examine(image, labels == number, marked, region, grid, target)
        for region, number, labels in label_regions(marked)
        if regions is None or region in regions
    )


def _examine(
    image: NDArray[Any],
    alone: _Mask,
    marked: _Mask,
    region: Region,
    grid: Grid,
    target: tuple[int, ...],
) -> Visibility:
    change = _change(image, alone, marked)
    strongest = float(np.abs(change).max())
    height, width = (new / old for new, old in zip(target, alone.shape, strict=True))
    resized = Remains(
        (region.size[0] * height, region.size[1] * width),
        region.area * height * width,
        _share(resize(change, target), strongest),
    )
    tiles = grid.touching(alone).tolist()
    plain = replace(
        grid.tiler, window="box", pad_mode="constant", pad_value=0, channels_last=True
    )
    tiled = {k: _in_tile(change, alone, replace(grid, tiler=plain), k) for k in tiles}
    best = max(tiles, key=lambda k: (tiled[k][0].area, tiled[k][1]), default=None)
    return Visibility(
        region=region,
        contrast=strongest,
        resized=resized,
        tiles=tuple(tiles),
        tiled=Remains((0.0, 0.0), 0.0, 0.0) if best is None else tiled[best][0],
        best=best,
    )


def _change(image: NDArray[Any], alone: _Mask, marked: _Mask) -> _Floats:
    """Return how a region differs from the surface around it, zero elsewhere."""
    rows, columns = (  # of the region, and of what is around it
        slice(max(0, int(line[0]) - 2 * _AROUND), int(line[-1]) + 1 + 2 * _AROUND)
        for line in (np.flatnonzero(alone.any(axis=axis)) for axis in (1, 0))
    )
    part, hole = image[rows, columns].astype(np.float64), alone[rows, columns]
    unknown = marked[rows, columns]
    known = skimage.morphology.isotropic_dilation(hole, _AROUND) & ~unknown
    if not known.any():  # all is marked: there is no surface to stand out of
        known = hole
    surface = np.broadcast_to(part[known].mean(axis=0), part.shape)
    if not hole.all() and unknown.sum() <= _SMOOTH:
        low, high = part[known].min(axis=0), part[known].max(axis=0)
        channel = -1 if part.ndim == 3 else None
        smooth = skimage.restoration.inpaint_biharmonic(
            part, unknown, channel_axis=channel
        )
        surface = smooth.clip(low, high)
    change = np.zeros(image.shape)
    inside = hole[..., np.newaxis] if part.ndim == 3 else hole
    change[rows, columns] = np.where(inside, part - surface, 0)
    return change


def _in_tile(
    change: _Floats, alone: _Mask, grid: Grid, k: int
) -> tuple[Remains, float]:
    """Return what is left of a region in a tile, and how far from the tile's rim."""
    inside, shown = extract_tile(alone, grid, k), extract_tile(change, grid, k)
    lines = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    if not lines[0].size:  # interpolation may pass over single pixels
        return Remains((0.0, 0.0), 0.0, 0.0), 0.0
    height, width = (float(line[-1] - line[0] + 1) for line in lines)
    margins = [
        min(int(line[0]), side - 1 - int(line[-1]))
        for line, side in zip(lines, inside.shape, strict=True)
    ]
    contrast = _share(shown, float(np.abs(change).max()))
    remains = Remains((height, width), float(inside.sum()), contrast)
    return remains, float(min(margins))


def _share(picture: _Floats, strongest: float) -> float:
    return float(np.abs(picture).max()) / strongest if strongest else 0.0
