"""Anomaly maps, or masks, in files apart: which belong to which image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io.entries import ImageEntry
from reftiler.io.file_tree import bare_path, fold, image_suffix, list_files
from reftiler.io.info import ReadOptions
from reftiler.io.layouts import MASK_ENDINGS
from reftiler.io.npy import read_header
from reftiler.io.read import open_image
from reftiler.validation import count_of, first_few

Array: TypeAlias = NDArray[Any]
ENDINGS = ("_anomaly_map", "_heatmap", "_heat", "_map")
"""What follows an image's name in that of its map."""


def map_base(stem: str, endings: Sequence[str] = ENDINGS) -> str:
    """Return the name of the image whose map has this one; empty for no map."""
    ends = (end for end in endings if fold(stem).endswith(end) and len(stem) > len(end))
    return next((stem[: -len(end)] for end in ends), "")


def maps_beside(images: Iterable[Path]) -> dict[Path, tuple[Path, ...]]:
    """Return the maps that lie beside images, by image: ``NAME_map.npy`` and alike."""
    given = list(images)
    named: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for folder in {image.parent for image in given}:
        with suppress(OSError):
            for path in sorted(folder.iterdir()):
                if image_suffix(path.name) and (base := map_base(path.stem)):
                    named[folder, fold(base)].append(path)
    maps = {image: named.get((image.parent, fold(image.stem)), ()) for image in given}
    return {image: tuple(own) for image, own in maps.items() if own}


def match_maps(
    names: Sequence[str],
    images: Sequence[Path | None],
    source: Path,
    endings: Sequence[str] = ENDINGS,
    noun: str = "map",
) -> tuple[dict[int, tuple[Path, ...]], list[str]]:
    """Find the maps of images, or their masks, in a folder or a file.

    A map belongs to an image if the shorter of their paths, without suffix and what
    ``endings`` adds, is the end of the longer: ``scratch/000_map.npy`` to
    ``test/scratch/000``. Of several images the one that agrees in most folders has it.
    Returns them by the images' numbers, and what fits none; messages say ``noun``.
    """
    root, paths = _files(source, noun)
    known = defaultdict(list)
    for number, (name, image) in enumerate(zip(names, images, strict=True)):
        file = image.resolve() if image else Path(name)
        for path in {name, bare_path(name), bare_path(file.as_posix())}:
            parts = _parts(path)
            known[parts[-1]].append((number, parts))
    maps, unmatched, several = defaultdict(list), list[str](), list[str]()
    for path in paths:
        shared: dict[int, int] = {}
        for parts in _keys(path, endings):
            for number, other in known[parts[-1]]:
                count = min(len(parts), len(other))
                if parts[-count:] == other[-count:]:
                    shared[number] = max(count, shared.get(number, 0))
        best = [n for n, count in shared.items() if count == max(shared.values())]
        if len(best) == 1:
            maps[best[0]].append(root / path)
        else:
            (several if best else unmatched).append(path)
    notes = [
        f"{count_of(files, 'file')} in {source} taken for no {noun}, {why}: "
        f"{first_few(files)}"
        for files, why in (
            (unmatched, "as their names fit no image"),
            (several, "as they fit several images: give them the images' folders"),
        )
        if files
    ]
    return {number: tuple(found) for number, found in maps.items()}, notes


def with_masks_of(
    entries: Sequence[ImageEntry], source: Path
) -> tuple[list[ImageEntry], list[str]]:
    """Return images with the masks that a folder, or a file, has for them; and notes.

    A mask belongs to an image as a map does, see `match_maps`. Images that lie among
    the masks are left out, unless all do.
    """
    folder = source.resolve()
    outside = [e for e in entries if not e.image.resolve().is_relative_to(folder)]
    given = outside or entries
    names, images = [one.id for one in given], [one.image for one in given]
    found, notes = match_maps(names, images, source, MASK_ENDINGS, "mask")
    if len(given) < len(entries):
        inside = len(entries) - len(given)
        notes.append(f"took the images in {source}, {inside} of all, for masks alone")
    paired = list[ImageEntry]()
    for number, entry in enumerate(given):
        image = entry.image.resolve()
        masks = [one for one in found.get(number, ()) if one.resolve() != image]
        if len(masks) > 1:
            raise TilingError(
                f"{first_few([entry.image])} has {count_of(masks, 'mask')}: "
                f"{first_few(masks)}; keep one of them, or say which by a pattern"
            )
        paired.append(replace(entry, masks=tuple(masks)))
    return paired, notes


def _files(source: Path, noun: str) -> tuple[Path, list[str]]:
    """Return a folder and the paths in it that may be maps."""
    try:
        if source.is_dir():
            paths = list_files(source).images
            if not paths:
                raise TilingError(f"there is no .npy, .tif or .png {noun} in {source}")
            return source, paths
        source.stat()
    except OSError as error:
        raise TilingError(f"cannot read the {noun}s {source}: {error}") from error
    return source.parent, [source.name]


def _keys(path: str, endings: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the paths that the image of a map may have."""
    bare = bare_path(path)
    folder, slash, stem = bare.rpartition("/")
    base = map_base(stem, endings)
    return [_parts(bare), *([_parts(folder + slash + base)] if base else [])]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(fold(path).strip("/").split("/"))


def open_map(path: Path) -> Array:
    """Open a file as a map ``(h, w)``: mapped, not read, where the file allows it."""
    return as_map(open_image(path, ReadOptions(axes=_npy_axes(path)))[...], path.name)


def as_map(array: Array, name: str) -> Array:
    """Return numbers ``(h, w)``, ``(1, h, w)`` or ``(h, w, 1)``; bools as 0 and 1."""
    shape = tuple(length for length in array.shape if length != 1)
    if array.ndim > 2 and len(shape) == 2:
        array = array.reshape(shape)
    if array.dtype.kind not in "biuf":
        raise TilingError(
            f"{name} is no map: its values are {array.dtype}, not real numbers"
        )
    if array.ndim != 2 or 0 in array.shape:
        raise TilingError(
            f"{name} is no map: it has the shape {array.shape}, a map has one number a "
            "pixel, (H, W); a picture of a map has colours instead"
        )
    return array.view(np.uint8) if array.dtype == bool else array


def check_map_size(shape: tuple[int, int], size: tuple[int, int], name: str) -> None:
    """Refuse a map that cannot be one of the whole of an image of a size."""
    height, width = (Fraction(n, part) for n, part in zip(size, shape, strict=True))
    whole = all(1 in (one.numerator, one.denominator) for one in (height, width)) and (
        height > 1
    ) == (width > 1)
    if height == width or whole or shape[0] == shape[1]:
        return
    across, down = float(width), float(height)
    raise TilingError(
        f"{name} is {_times(shape)}, its image {_times(size)}: a pixel of the map "
        f"would cover {across:.4g} × {down:.4g} of the image's; these two must be "
        "equal or whole numbers, or the map square, as of an image that was resized to "
        "a square"
    )


def _npy_axes(path: Path) -> str | None:
    """Return the axes of an array whose first ones are of one element."""
    if path.suffix.lower() != ".npy":
        return None
    try:
        with path.open("rb") as file:
            shape = read_header(file).shape
    except (OSError, ValueError):
        return None  # who opens it says why
    leading = {3: "CYX", 4: "TCYX"}.get(len(shape))
    return leading if shape[:-2] == (1,) * (len(shape) - 2) else None


def _times(size: tuple[int, int]) -> str:
    return f"{size[1]} × {size[0]}"
