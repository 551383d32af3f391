"""The bundled sample: textured surfaces with painted defects and exact masks.

Nothing is downloaded: the textures come with scikit-image and are enlarged, lit and
scratched here, in integers alone, so that every machine and version makes the same
pixels. An image differs from its clean surface exactly where its mask is marked.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    from skimage import data
except ImportError as error:
    raise missing_extra("the sample needs scikit-image", "cli", error) from error

from reftiler.io import write_image
from reftiler.io.datasets import GOOD, ImageSet, find_images
from reftiler.samples.painting import Defect, paint
from reftiler.validation import as_int, one_of

__all__ = [
    "CONTENTS",
    "SIDE",
    "TEXTURES",
    "Defect",
    "SampleImage",
    "sample",
    "samples",
    "write_dataset",
]

SIDE = 1024
"""Height and width of every image."""
TEXTURES = ("brick", "grass", "gravel")
"""The surfaces, each a data set of its own."""

_Ints = NDArray[np.int64]
_CROP = 456  # pixels of texture that are enlarged to SIDE
_DARKEST, _BRIGHTEST = 24, 231  # of a clean surface: a defect can always be seen

# The defects of each test image: kind, (top, left), (height, width). Some lie across
# the seams of 256 x 256 tiles, which is where tiling and merging go wrong.
_Plan = tuple[tuple[str, tuple[int, int], tuple[int, int]], ...]
_PLANS: dict[str, tuple[_Plan, ...]] = {
    "good": ((),) * 20,  # an AUROC of images needs more than a few good ones
    "dent": (
        (("dent", (236, 610), (40, 40)),),
        (("dent", (700, 300), (12, 9)), ("dent", (420, 760), (24, 30))),
    ),
    "scratch": (
        (("scratch", (504, 180), (17, 40)),),
        (("scratch", (150, 760), (40, 12)), ("scratch", (820, 600), (7, 24))),
    ),
    "spot": (
        (("spot", (330, 410), (2, 2)), ("spot", (640, 800), (5, 5))),
        (
            ("glint", (560, 200), (2, 2)),
            ("spot", (762, 640), (12, 9)),
            ("glint", (90, 90), (4, 3)),
        ),
    ),
}
CONTENTS: dict[str, dict[str, int]] = {
    "train": {"good": 6},
    "test": {label: len(plans) for label, plans in _PLANS.items()},
}
"""How many images each split has of each label."""


@dataclass(frozen=True, eq=False)
class SampleImage:
    """
    An image of the sample in memory.

    Attributes
    ----------
    image : ndarray of uint8
        Shape ``(SIDE, SIDE)``, grey.
    mask : ndarray of bool
        Where its defects are; the same shape.
    clean : ndarray of uint8
        The same surface without them.
    defects : tuple of Defect
        What was painted.
    path : str
        Its place in the data set, without a suffix: ``test/spot/000``.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    clean: NDArray[np.uint8]
    defects: tuple[Defect, ...]
    path: str


def sample(
    texture: str = "brick", label: str = "spot", index: int = 0, split: str = "test"
) -> SampleImage:
    """
    Make one image of the sample.

    Parameters
    ----------
    texture : str
        One of `TEXTURES`.
    label : str
        good, dent, scratch or spot; train images are all good.
    index : int
        Which of the images that `CONTENTS` counts.
    split : str
        train or test.

    Returns
    -------
    SampleImage
        New arrays, the same pixels on every machine.
    """
    one_of(texture, "texture", TEXTURES)
    counts = CONTENTS[one_of(split, "split", tuple(CONTENTS))]
    count = counts[one_of(label, f"label of a {split} image", tuple(counts))]
    if as_int(index, "index", minimum=0) >= count:
        raise TilingError(f"{split}/{label} has {count} images, got index {index}")
    numbers = [TEXTURES.index(texture), list(CONTENTS).index(split)]
    clean = _surface(texture, (*numbers, list(counts).index(label), index))
    image, mask = clean.astype(np.int64), np.zeros(clean.shape, dtype=bool)
    plan = _PLANS[label][index] if split == "test" else ()
    defects = tuple(
        paint(image, mask, kind, np.stack([start, np.add(start, size)], axis=1))
        for kind, start, size in plan
    )
    path = f"{split}/{label}/{index:03d}"
    return SampleImage(image.astype(np.uint8), mask, clean, defects, path)


def samples(
    texture: str = "brick", max_good: int | None = None
) -> Iterator[SampleImage]:
    """Make all images of a texture, in the order in which `find_images` has them.

    Of the test images without defects, ``max_good`` are made, or all.
    """
    for split, counts in CONTENTS.items():
        for label in sorted(counts):
            count = counts[label]
            if split == "test" and label == GOOD and max_good is not None:
                count = min(count, max_good)
            for index in range(count):
                yield sample(texture, label, index, split)


def write_dataset(
    root: str | os.PathLike[str],
    texture: str = "brick",
    *,
    max_good: int | None = None,
) -> ImageSet:
    """
    Write the images and masks of a texture in the layout of MVTec AD.

    Parameters
    ----------
    root : str or path-like
        The data set's root, a new or empty folder: nothing is ever overwritten.
    texture : str
        One of `TEXTURES`.
    max_good : int, optional
        How many test images without defects are written; all of them by default.

    Returns
    -------
    ImageSet
        What was written, as `find_images` finds it.
    """
    root = Path(root)
    one_of(texture, "texture", TEXTURES)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise TilingError(f"the sample is written to a new or empty folder, not {root}")
    if max_good is not None:
        as_int(max_good, "max_good", minimum=0)
    for made in samples(texture, max_good):
        image = root / f"{made.path}.png"
        write_below(image, made.image)
        if made.defects:
            truth = root / "ground_truth" / image.parent.name
            write_below(truth / f"{image.stem}_mask.png", made.mask)
    return find_images(root)


def write_below(path: Path, image: NDArray[Any]) -> None:
    """Write an image into folders that are made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TilingError(f"cannot make {path.parent}: {error.strerror}") from error
    write_image(path, image)


def _surface(texture: str, numbers: tuple[int, ...]) -> NDArray[np.uint8]:
    """Cut, mirror, enlarge and light a texture, by draws that `numbers` key."""
    key = sum(number << 16 * place for place, number in enumerate(numbers))
    words = np.random.Philox(key=key).random_raw(7).tolist()
    draws = [word >> 32 for word in words]
    whole: _Ints = getattr(data, texture)().astype(np.int64)
    top, left = (draw % (len(whole) - _CROP + 1) for draw in draws[:2])
    crop = whole[top : top + _CROP, left : left + _CROP]
    crop = crop[:: 1 - 2 * (draws[2] % 2), :: 1 - 2 * (draws[3] % 2)]
    level, down, across = (draw % 65 - 32 for draw in draws[4:])
    slope = 2 * np.arange(SIDE) + 1 - SIDE
    light = (256 + level) * SIDE + down * slope[:, np.newaxis] + across * slope
    lit = _enlarge(_enlarge(crop, 0), 1) * light // (256 * SIDE)
    return np.asarray(lit.clip(_DARKEST, _BRIGHTEST), dtype=np.uint8)


def _enlarge(image: _Ints, axis: int) -> _Ints:
    """Stretch an axis to SIDE linearly, in exact integers rounded half up."""
    length = image.shape[axis]
    place = (2 * np.arange(SIDE) + 1) * length - SIDE  # in steps of 1 / (2 SIDE)
    place = place.clip(0, 2 * SIDE * (length - 1))
    below, part = np.divmod(place, 2 * SIDE)
    above = np.minimum(below + 1, length - 1)
    part = part.reshape(-1, 1) if axis == 0 else part
    mixed = image.take(below, axis) * (2 * SIDE - part) + image.take(above, axis) * part
    return np.asarray((mixed + SIDE) // (2 * SIDE))
