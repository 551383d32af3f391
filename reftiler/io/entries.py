"""Images on disk with what is known of them, sets of them, and how they are opened."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import LazyImage, Mask, ReadOptions, open_image, open_mask, read_image
from reftiler.io.info import DEFAULT_OPTIONS
from reftiler.validation import first_few

GOOD = "good"
"""The label of images without defects, whatever their data set calls it."""
SPLITS = ("train", "validation", "test")
"""The splits of a data set, in the order of `find_images`."""


@dataclass(frozen=True)
class ImageEntry:
    """
    An image on disk and what is known about it.

    Attributes
    ----------
    image : Path
        The image file.
    masks : tuple of Path
        The mask files; where there are several, a pixel is what any of them marks.
    split : str
        ``train``, ``validation``, ``test``; another name for images of which nobody
        has labels (``test_private``); empty outside of a data set.
    label : str
        `GOOD` or the name of a defect; empty where it is not known.
    name : str
        What tells the image from others of its split and label: the file's stem,
        unless more is needed.
    problems : tuple of str
        Why the entry may be wrong, a sentence each; empty unless it was found by
        ``find_images(..., strict=False)``.
    """

    image: Path
    masks: tuple[Path, ...] = ()
    split: str = ""
    label: str = ""
    name: str = ""
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.image.stem)

    @property
    def id(self) -> str:
        """Name for outputs, unique within its source: ``test/scratch/000``."""
        return "/".join(filter(None, (self.split, self.label, self.name)))


@dataclass(frozen=True)
class ImageSet(Sequence[ImageEntry]):
    """
    What `find_images` found: a sequence of `ImageEntry`.

    Attributes
    ----------
    entries : tuple of ImageEntry
        Ordered by split (as in `SPLITS`), label and file name.
    layout : str
        The layout by which they were found, as ``--layout`` takes it.
    notes : tuple of str
        Sentences for the user: what was passed over, and what was guessed.
    """

    entries: tuple[ImageEntry, ...]
    layout: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[ImageEntry]:
        return iter(self.entries)

    @overload
    def __getitem__(self, index: int) -> ImageEntry: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ImageEntry, ...]: ...

    def __getitem__(self, index: int | slice) -> ImageEntry | tuple[ImageEntry, ...]:
        return self.entries[index]


def sort_key(entry: ImageEntry) -> tuple[int, str, str, str]:
    """Order entries by split, label and file."""
    known = SPLITS.index(entry.split) if entry.split in SPLITS else len(SPLITS)
    return known, entry.split, entry.label, os.fspath(entry.image)


def load_pair(
    entry: ImageEntry,
    options: ReadOptions = DEFAULT_OPTIONS,
    mask_threshold: float | None = None,
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """
    Read an entry's image and mask.

    Parameters
    ----------
    entry : ImageEntry
        As `reftiler.io.datasets.find_images` found it.
    options : ReadOptions
        How the image is read, and the mask as far as it has the same pages and axes.
    mask_threshold : float, optional
        As for `reftiler.io.open_mask`.

    Returns
    -------
    image : ndarray
        As `reftiler.io.read_image` gives it.
    mask : ndarray of bool, or None
        Shape ``(H, W)``; None without a mask file.

    Raises
    ------
    TilingError
        A file cannot be read, or the mask has another size than the image.
    """
    _, mask = open_pair(entry, options, mask_threshold)
    image = read_image(entry.image, options)
    return image, None if mask is None else mask[...]


def open_pair(
    entry: ImageEntry,
    options: ReadOptions = DEFAULT_OPTIONS,
    mask_threshold: float | None = None,
) -> tuple[LazyImage, Mask | None]:
    """
    Open an entry's image and mask as pictures that are read by slices.

    Parameters
    ----------
    entry, options, mask_threshold
        As for `load_pair`.

    Returns
    -------
    image : LazyImage
        As `reftiler.io.open_image` gives it.
    mask : Mask or None
        What any of the entry's masks marks; None without a mask file.

    Raises
    ------
    TilingError
        As for `load_pair`.
    """
    image = open_image(entry.image, options)
    if not entry.masks:
        return image, None
    mask = open_mask(entry.masks, options, mask_threshold)
    if mask.shape != image.shape[:2]:
        raise TilingError(
            f"a mask must have its image's size: {first_few(entry.masks)} is "
            f"{_size(mask.shape)}, {first_few([entry.image])} is {_size(image.shape)} "
            f"(height x width){_turned(image, mask)}"
        )
    return image, mask


def _turned(image: LazyImage, mask: Mask) -> str:
    """Say that the image was turned, where the mask has the size that it had before."""
    info = image.info
    if not info.oriented or info.orientation < 5 or mask.shape != image.shape[1::-1]:
        return ""
    return (
        f"; the image was turned by its orientation {info.orientation}, the mask was "
        "not: read it as stored (--no-orient, orient=False), or turn the mask"
    )


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[:2]))
