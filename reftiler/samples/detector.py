"""A small anomaly detector that needs no download, and its maps of the sample.

It describes each pixel by its surroundings at two scales, and scores it by how far
that is from the nearest of those in images without defects. What it says of a pixel
depends on the `REACH` pixels around it and on nothing else, so that tiles whose borders
are left out of the merge give the bits of the whole image.

``python -m reftiler.samples.detector FOLDER`` writes a texture of the sample into
``FOLDER/brick`` and three sets of maps of its test images into ``FOLDER/maps``:
*resized*, *tiled* and *whole*. ``reftiler evaluate`` compares them.
"""

import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

from reftiler.errors import TilingError
from reftiler.io import read_image, resize
from reftiler.io.datasets import find_images
from reftiler.samples import CONTENTS, TEXTURES, sample, write_below, write_dataset
from reftiler.tiler import Tiler
from reftiler.validation import one_of

__all__ = [
    "MAPS",
    "REACH",
    "TILER",
    "Detector",
    "brick",
    "grass",
    "gravel",
    "write_maps",
]

Array = NDArray[Any]

REACH = 32
"""Pixels around one on which its score depends."""
TILER = Tiler(256, 192, remove_border_count=REACH)
"""For a map that equals that of the whole image."""
MAPS = ("resized", "tiled", "whole")
"""The sets of maps: of images shrunk to one tile, of tiles, and of whole images."""

_SCALES = (1, 3)
_WIDEST = 3 * max(_SCALES)
_REMEMBERED = 300  # surroundings of pixels of good images


class Detector:
    """
    Scores pixels by how far their surroundings are from all in good images.

    Parameters
    ----------
    good : iterable of ndarray, shape (H, W)
        Grey images without defects.

    Examples
    --------
    >>> good = [sample("brick", "good", k, "train").image for k in range(2)]
    >>> detector = Detector(good)
    >>> wall = sample("brick", "spot", 0)
    >>> heat = TILER.apply(detector, wall.image)
    >>> heat.shape, heat.dtype
    ((512, 512), dtype('float32'))
    >>> bool((heat == detector(wall.image[np.newaxis])[0]).all())
    True
    """

    def __init__(self, good: Iterable[Array]) -> None:
        seen = np.concatenate([_describe(one).reshape(-1, 5) for one in good])
        self._spread = seen.std(axis=0)
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(seen), min(_REMEMBERED, len(seen)), replace=False)
        self._known = spatial.cKDTree(seen[chosen] / self._spread)

    def __call__(self, images: Array) -> Array:
        """
        Return the anomaly maps of images or tiles.

        Parameters
        ----------
        images : ndarray, shape (B, h, w), (B, h, w, 1) or (B, 1, h, w)
            Grey, of even height and width.

        Returns
        -------
        ndarray of float32, shape (B, h / 2, w / 2)
            With an axis of one channel where the images have one.
        """
        one = () if images.ndim == 3 else (1 if images.shape[1] == 1 else -1,)
        if images.ndim not in (3, 4) or (one and images.shape[one[0]] != 1):
            raise TilingError(
                f"the detector takes grey images (B, h, w), got {images.shape}"
            )
        described = [_describe(image) for image in images.squeeze(one)]
        distance, _ = self._known.query(np.stack(described) / self._spread, workers=-1)
        found = np.asarray(distance, np.float32)
        return np.expand_dims(found, one) if one else found


def _describe(image: Array) -> Array:
    """Return the surroundings of every second pixel, shape (h, w, 5)."""
    image = image.astype(np.float32)
    cut = REACH / _WIDEST - 0.05  # the widest filter reaches as far, no further
    found = [image]
    for scale in _SCALES:
        blurred = ndimage.gaussian_filter(image, scale, truncate=cut)
        wider = ndimage.gaussian_filter(image, 3 * scale, truncate=cut)
        slope = ndimage.gaussian_gradient_magnitude(image, scale, truncate=cut)
        found += [blurred - wider, slope]
    return np.stack(found, axis=-1)[::2, ::2]


@cache
def _trained(texture: str, size: tuple[int, int] | None = None) -> Detector:
    """Return the detector of a texture, or of its images resized."""
    count = CONTENTS["train"]["good"]
    images = [sample(texture, "good", k, "train").image for k in range(count)]
    return Detector(images if size is None else (resize(one, size) for one in images))


def brick(images: Array) -> Array:
    """Score images or tiles of the texture brick, as `Detector` does."""
    return _trained("brick")(images)


def grass(images: Array) -> Array:
    """Score images or tiles of the texture grass, as `Detector` does."""
    return _trained("grass")(images)


def gravel(images: Array) -> Array:
    """Score images or tiles of the texture gravel, as `Detector` does."""
    return _trained("gravel")(images)


def write_maps(
    root: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    texture: str = "brick",
    maps: Iterable[str] = MAPS,
) -> None:
    """
    Write anomaly maps of the test images of a texture, as NPY files.

    Parameters
    ----------
    root : path-like
        The data set, as `reftiler.samples.write_dataset` wrote it.
    folder : path-like
        Gets a folder for each set of maps, ``tiled/test/spot/000.npy`` and so on.
        Files that are there are replaced.
    texture : str
        One of `reftiler.samples.TEXTURES`.
    maps : iterable of str
        Which of `MAPS`. *resized* has its own detector, of resized images.

    Raises
    ------
    TilingError
        There is no such texture or set of maps, or a file cannot be read or written.
    """
    one_of(texture, "texture", TEXTURES)
    names = [one_of(name, "maps", MAPS) for name in maps]
    for entry in find_images(root):
        if entry.split == "test":
            image = read_image(entry.image)
            for name in names:
                path = Path(folder) / name / f"{entry.id}.npy"
                write_below(path, _map(name, texture, image))


def _map(name: str, texture: str, image: Array) -> Array:
    if name == "tiled":
        return np.asarray(TILER.apply(_trained(texture), image))
    size = None
    if name == "resized":
        size = TILER.tile_size[0], TILER.tile_size[1]
        image = resize(image, size)
    (found,) = _trained(texture, size)(image[np.newaxis])
    return np.asarray(found)


def _main(folder: Path, texture: str = "brick") -> None:
    """Write a texture where it is not there yet, and its maps."""
    one_of(texture, "texture", TEXTURES)
    if not (folder / texture).exists():
        write_dataset(folder / texture, texture)
    write_maps(folder / texture, folder / "maps", texture)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("python -m reftiler.samples.detector FOLDER [TEXTURE]")
    _main(Path(sys.argv[1]), *sys.argv[2:])
