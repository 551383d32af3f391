"""Images and their masks on disk, one by one, in a folder or as a data set.

A data set has the layout of MVTec AD: ``train/good``, ``test/good``,
``test/<defect>`` and ``ground_truth/<defect>/<image>_mask.png``. There is one rule
for masks, wherever an image is found: the mask of ``000.png`` is called
``000_mask`` with any image suffix, and lies beside the image or, for an image in a
data set's ``test/<defect>``, in ``ground_truth/<defect>``.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import (
    IMAGE_SUFFIXES,
    open_image,
    open_mask,
    read_image,
    read_mask,
)
from reftiler.io.zarr_io import is_zarr
from reftiler.streaming import Source

__all__ = ["GOOD", "SPLITS", "ImageEntry", "find_images", "load_pair", "open_pair"]

GOOD = "good"
"""The label of images without defects."""
SPLITS = ("train", "validation", "test")
"""The folders of a data set that hold images, in the order of `find_images`."""
_TRUTH = "ground_truth"
_MARK = "_mask"
_NAMED = 3  # how many files an error names


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
    split, label : str
        The folders of a data set that it lies in, such as ``test`` and ``scratch``;
        both empty for an image outside of a data set.
    """

    image: Path
    masks: tuple[Path, ...] = ()
    split: str = ""
    label: str = ""

    @property
    def id(self) -> str:
        """Name for outputs, unique within its source: ``test/scratch/000``."""
        return "/".join(filter(None, (self.split, self.label, self.image.stem)))


def find_images(source: str | os.PathLike[str]) -> tuple[ImageEntry, ...]:
    """
    Find an image, the images of a folder, or those of a data set.

    Parameters
    ----------
    source : str or path-like
        An image file or a zarr folder; a folder of images, whose other sub-folders
        are not entered; or the root of a data set: a folder with ``train``,
        ``validation`` or ``test`` in it.
        Hidden files and those of other suffixes than `IMAGE_SUFFIXES` are passed over.

    Returns
    -------
    tuple of ImageEntry
        Ordered by split (as in `SPLITS`), label and file name.

    Raises
    ------
    TilingError
        There is no image; two images differ in their suffix alone; a mask has no
        image; or a data set's defect image has no mask. The files are named.
    """
    source = Path(source)
    try:
        if source.is_file() or is_zarr(source):
            place = _place_of(source.parent)
            return tuple(_paired([source], place, _masks_of(place)))
        if any((source / split).is_dir() for split in SPLITS):
            return _in_dataset(source)
        return _in_folder(_place_of(source))
    except OSError as error:
        cause = error.strerror or str(error)
        raise TilingError(f"cannot search {source}: {cause}") from error


def load_pair(sample: ImageEntry) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """
    Read a sample's image and mask.

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
    image = read_image(sample.image)
    if not sample.masks:
        return image, None
    masks = [read_mask(path) for path in sample.masks]
    for path, mask in zip(sample.masks, masks, strict=True):
        _check_sizes(sample, image, path, mask)
    return image, np.logical_or.reduce(masks)


def open_pair(sample: ImageEntry) -> tuple[Source, Source | None]:
    """
    Open a sample's image and mask as stores that are read by slices.

    Returns
    -------
    image : Source
        As `reftiler.io.open_image` gives it.
    mask : Source of bool, or None
        Shape ``(H, W)``; None without a mask file.

    Raises
    ------
    TilingError
        As for `load_pair`.
    """
    image = open_image(sample.image)
    if not sample.masks:
        return image, None
    mask = open_mask(sample.masks[0])
    _check_sizes(sample, image, sample.masks[0], mask)
    return image, mask


@dataclass(frozen=True)
class _Place:
    """A folder of images, where further masks may lie, and what data sets call it."""

    folder: Path
    truth: Path | None = None
    split: str = ""
    label: str = ""


def _place_of(folder: Path) -> _Place:
    """Tell whether a folder lies in a data set, by its path and its relatives."""
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay links
    split, label = whole.parent.name, whole.name
    truth = Path(os.path.normpath(folder / ".." / ".." / _TRUTH))
    if split not in SPLITS or not truth.is_dir():
        return _Place(folder)
    return _Place(folder, truth / label, split, label)


def _in_folder(place: _Place) -> tuple[ImageEntry, ...]:
    masks = _masks_of(place)
    samples = tuple(_paired(_images(place.folder), place, masks))
    if not samples:
        inner = _folders(place.folder)
        hint = f"; its sub-folders are not entered: {_few(inner)}" if inner else ""
        known = ", ".join(IMAGE_SUFFIXES)
        raise TilingError(f"no image in {place.folder}: looked for {known}{hint}")
    _refuse_extra(masks, samples)
    return samples


def _in_dataset(root: Path) -> tuple[ImageEntry, ...]:
    samples: list[ImageEntry] = []
    masks = [mask for folder in _folders(root / _TRUTH) for mask in _masks(folder)]
    for split in SPLITS:
        _refuse_loose(root / split)
        for folder in _folders(root / split):
            place = _Place(folder, root / _TRUTH / folder.name, split, folder.name)
            masks += _masks(folder)
            samples += _paired(_images(folder), place, _masks_of(place))
    if not samples:
        raise TilingError(f"no image in {root}: expected some in test/{GOOD}")
    _refuse_extra(masks, samples)
    _refuse_bare(samples)
    return tuple(samples)


def _paired(
    images: Iterable[Path], place: _Place, masks: Iterable[Path]
) -> Iterator[ImageEntry]:
    named: dict[str, list[Path]] = {}
    for mask in masks:
        named.setdefault(mask.stem, []).append(mask)
    for image in images:
        found = named.get(image.stem + _MARK, [])
        if len(found) > 1:
            raise TilingError(f"{image} has {len(found)} masks: {_few(found)}")
        yield ImageEntry(image, tuple(found), place.split, place.label)


def _images(folder: Path) -> list[Path]:
    images = [path for path in _files(folder) if not path.stem.endswith(_MARK)]
    for one, other in pairwise(sorted(images, key=lambda path: path.stem)):
        if one.stem == other.stem:
            raise TilingError(f"{one} and {other.name} have the same id: rename one")
    return images


def _masks(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if path.stem.endswith(_MARK)]


def _masks_of(place: _Place) -> list[Path]:
    """Return the masks beside a place's images and, in a test split, their truth."""
    beside = _masks(place.folder)
    if place.truth is None or place.split != "test" or not place.truth.is_dir():
        return beside
    return beside + _masks(place.truth)


def _files(folder: Path) -> list[Path]:
    """Return the image files of a folder, in the order of their names."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    inner = (path for path in folder.iterdir() if path.is_dir())
    return sorted(path for path in inner if not path.name.startswith("."))


def _refuse_loose(split: Path) -> None:
    loose = _files(split) if split.is_dir() else []
    if loose:
        place = f"{split / GOOD} or {split / '<defect>'}"
        raise TilingError(f"images belong in {place}, not beside: {_few(loose)}")


def _refuse_extra(masks: Iterable[Path], samples: Iterable[ImageEntry]) -> None:
    paired = {mask for sample in samples for mask in sample.masks}
    extra = [mask for mask in masks if mask not in paired]
    if extra:
        raise TilingError(f"masks without an image: {_few(extra)}")


def _refuse_bare(samples: Iterable[ImageEntry]) -> None:
    tested = (sample for sample in samples if sample.split == "test")
    bare = [s.image for s in tested if s.label != GOOD and not s.masks]
    if bare:
        place = f"{_TRUTH}/<defect>/<image>{_MARK}.png"
        raise TilingError(f"defect images without a mask {place}: {_few(bare)}")


def _few(names: Sequence[Path]) -> str:
    """Name the first files of a list, and how many more there are."""
    more = len(names) - _NAMED
    tail = f" and {more} more" if more > 0 else ""
    return ", ".join(map(str, names[:_NAMED])) + tail


def _check_sizes(sample: ImageEntry, image: Source, path: Path, mask: Source) -> None:
    if tuple(mask.shape) != tuple(image.shape[:2]):
        raise TilingError(
            f"a mask must have its image's size: {path} is {_size(mask)}, "
            f"{sample.image} is {_size(image)} (height x width)"
        )


def _size(picture: Source) -> str:
    return "x".join(map(str, picture.shape[:2]))
