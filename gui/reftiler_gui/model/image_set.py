"""What is opened: images with their masks, found by reftiler, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reftiler import samples
from reftiler.errors import TilingError
from reftiler.io import open_mask
from reftiler.io.datasets import GOOD, ImageEntry, find_images
from reftiler_gui.model.file_pixels import mapped_file
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.mask_pyramid import MaskPyramid

__all__ = ["ImageItem", "ImageSet", "LoadedImage", "bundled"]

Array = NDArray[Any]

CASES = (".npz", ".jsonl")
"""Suffixes of what the conformance kit writes."""
SETTINGS = (".yaml", ".yml")
"""Suffixes of tiling settings."""


@dataclass(frozen=True)
class ImageItem:
    """
    An image that can be shown.

    Attributes
    ----------
    name : str
        Unique within its source: ``part`` or ``test/scratch/000``.
    image : Path or None
        The file; no image file means an image of the bundled sample.
    split, label : str
        The folders of a data set that it lies in; empty outside of one.
    """

    name: str
    image: Path | None = None
    masks: tuple[Path, ...] = ()
    split: str = ""
    label: str = ""
    make: Callable[[], tuple[Array, Array | None]] | None = None

    @property
    def has_mask(self) -> bool:
        """Whether there should be a mask."""
        return bool(self.masks) or (self.image is None and self.label != GOOD)

    @property
    def files(self) -> list[Path]:
        """The files it is read from."""
        return [*([self.image] if self.image else []), *self.masks]

    def load(self) -> LoadedImage:
        """Read image and mask; what cannot be read is told, and costs nothing else."""
        try:
            image, mask = self._images()
        except TilingError as error:
            return LoadedImage(self, None, None, str(error))
        notes = list(image.notes)
        if self.masks:
            try:
                opened = open_mask(self.masks)
                mask = opened[...]
                mask = mask if mapped_file(mask) is None else mask.copy()
                notes += opened.notes
            except TilingError as error:
                notes.append(f"{error}; the image is shown without it")
        if mask is not None and mask.shape != image.size:
            notes.append(self._misfit(mask, image))
            mask = None
        if mask is not None and mask.all():
            notes.append("the mask marks the whole image")
        found = None if mask is None else MaskPyramid(mask)
        return LoadedImage(self, image, found, "; ".join(notes))

    def _images(self) -> tuple[ImagePyramid, Array | None]:
        if self.make is not None:
            array, mask = self.make()
            return ImagePyramid(array), mask
        assert self.image is not None
        return ImagePyramid.open(self.image), None

    def _misfit(self, mask: Array, image: ImagePyramid) -> str:
        sizes = (" × ".join(map(str, size)) for size in (mask.shape, image.size))
        mask_size, image_size = sizes
        where = self.masks[0] if self.masks else self.name
        return (
            f"the mask {where} is {mask_size} (height × width), its "
            f"image {image_size}: the image is shown without it"
        )


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """
    An item as it was read.

    Attributes
    ----------
    item : ImageItem
        What was to be read.
    image : ImagePyramid or None
        None if it cannot be read.
    mask : MaskPyramid or None
        None if there is none, or it cannot be read or has another size.
    words : str
        A sentence for each of these misfortunes, and for what was decided in reading
        them; empty if all is well.
    """

    item: ImageItem
    image: ImagePyramid | None
    mask: MaskPyramid | None
    words: str


@dataclass(frozen=True)
class ImageSet:
    """
    What is open.

    Attributes
    ----------
    items : tuple of ImageItem
        In the order in which they were given and found.
    problems : tuple of str
        A sentence for each path in which there is nothing to show.
    notes : tuple of str
        What `find_images` passed over or guessed.
    cases, settings : tuple of Path
        Files for other parts of the viewer: what the conformance kit wrote, and YAML.
    title : str
        What to call it.
    """

    items: tuple[ImageItem, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cases: tuple[Path, ...] = ()
    settings: tuple[Path, ...] = ()
    title: str = ""

    @property
    def start(self) -> int:
        """The item to show first: one with a defect, if there is one."""
        marked = (n for n, item in enumerate(self.items) if item.has_mask)
        return next(marked, 0)

    @classmethod
    def open(cls, paths: Iterable[str | Path]) -> ImageSet:
        """
        Open images, folders, data sets and other files, all alike.

        Nothing given means the bundled sample. An image that is found twice is shown
        once, and a mask that is given beside its image is its mask alone.
        """
        given = [Path(path) for path in paths]
        if not given:
            return bundled()
        found: list[ImageEntry] = []
        problems, notes = [], list[str]()
        others = {suffix: _files(given, suffix) for suffix in (CASES, SETTINGS)}
        cases = list(others[CASES])
        for path in given:
            if any(path in files for files in others.values()):
                continue
            try:
                images = find_images(path)
                found += images
                notes += images.notes
            except TilingError as error:
                records = _records(path)
                cases += records
                if not records:
                    problems.append(str(error))
        more = f" and {len(given) - 1} more" if len(given) > 1 else ""
        return cls(
            items=tuple(_items(found)),
            problems=tuple(problems),
            notes=tuple(notes),
            cases=tuple(cases),
            settings=others[SETTINGS],
            title=given[0].resolve().name + more,
        )


def _files(paths: Iterable[Path], suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(p for p in paths if p.suffix.lower() in suffixes and not p.is_dir())


def _records(folder: Path) -> list[Path]:
    """Return what the conformance kit wrote into a folder: records, or else cases."""
    for suffix in (".jsonl", ".npz"):
        found = sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []
        if found:
            return found
    return []


def bundled(texture: str = "brick") -> ImageSet:
    """Return the bundled sample: its defects first, then what is good."""
    rows = [
        (split, label, index)
        for split, labels in samples.CONTENTS.items()
        for label, count in labels.items()
        for index in range(count)
    ]
    rows.sort(key=lambda row: (row[0] != "test", row[1] == GOOD, row[1] != "spot"))
    items = (
        ImageItem(
            f"{split}/{label}/{index:03d}",
            split=split,
            label=label,
            make=partial(_made, texture, label, index, split),
        )
        for split, label, index in rows
    )
    return ImageSet(tuple(items), title=f"bundled sample ({texture})")


def _made(
    texture: str, label: str, index: int, split: str
) -> tuple[Array, Array | None]:
    made = samples.sample(texture, label, index, split)
    return made.image, made.mask if made.defects else None


def _items(found: Iterable[ImageEntry]) -> Iterator[ImageItem]:
    """Yield what was found, each image once and no mask as an image."""
    found = list(found)
    seen = {mask.resolve() for sample in found for mask in sample.masks}
    for sample in found:
        place = sample.image.resolve()
        if place not in seen:
            seen.add(place)
            yield ImageItem(
                sample.id, sample.image, sample.masks, sample.split, sample.label
            )
