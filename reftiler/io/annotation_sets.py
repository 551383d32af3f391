"""What files say of the objects in a set of images."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reftiler.errors import TilingError
from reftiler.objects import ImageObject


@dataclass(frozen=True)
class AnnotationFile:
    """A file of annotations, or a set of them with the same classes."""

    path: Path  # COCO's JSON, or YOLO's data.yaml
    header: Mapping[str, Any]  # all but images and objects


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and its objects."""

    objects: tuple[ImageObject, ...]  # in pixels, or YOLO's shares of the size
    file: int = 0  # the number of the AnnotationFile
    size: tuple[int, int] | None = None  # height, width; None: not said
    # what the file says of the image besides
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotations:
    """The objects of a set of images."""

    format: str  # coco or yolo
    files: tuple[AnnotationFile, ...]
    images: Mapping[str, AnnotatedImage]  # by ImageEntry.id
    fingerprint: str  # tells the files from changed ones
    notes: tuple[str, ...] = ()  # on what was passed over
    faults: tuple[str, ...] = ()  # wrong objects, which are not in images


def check_inside(found: ImageObject, size: tuple[int, int]) -> None:
    """Refuse an object that has no place in an image of a height and a width."""
    (height, width), (x, y, w, h) = size, found.box
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise TilingError(
            f"its box {found.box} lies outside of the image, {width} x {height} "
            "(width x height)"
        )
    if found.rle is not None and tuple(found.rle["size"]) != size:
        raise TilingError(f"its mask is {found.rle['size']}, the image {[*size]}")


def fingerprint_of(contents: Iterable[tuple[Path, bytes]]) -> str:
    """Return what tells the contents of files from changed ones."""
    digest = hashlib.sha256()
    for path, content in contents:
        digest.update(f"{path.name}\0{len(content)}\0".encode(errors="replace"))
        digest.update(content)
    return digest.hexdigest()
