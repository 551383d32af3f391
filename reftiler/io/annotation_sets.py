"""What files say of the objects in a set of images."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reftiler.errors import TilingError
from reftiler.objects import ImageObject

__all__ = [
    "AnnotatedImage",
    "AnnotationFile",
    "Annotations",
    "check_inside",
    "fingerprint_of",
]


@dataclass(frozen=True)
class AnnotationFile:
    """
    A file of annotations, or a set of them with the same classes.

    Attributes
    ----------
    path : Path
        COCO's JSON, or YOLO's ``data.yaml``.
    header : mapping
        All in it but images and objects: categories, licences, names of classes.
    """

    path: Path
    header: Mapping[str, Any]


@dataclass(frozen=True)
class AnnotatedImage:
    """
    An image and its objects.

    Attributes
    ----------
    objects : tuple of ImageObject
        In the image's pixels; COCO's, or YOLO's as shares of the image's size.
    file : int
        The number of the `AnnotationFile`.
    size : (int, int) or None
        Height and width as the file says; None if it does not, and coordinates are
        shares of them.
    content : mapping
        What the file says of the image besides.
    """

    objects: tuple[ImageObject, ...]
    file: int = 0
    size: tuple[int, int] | None = None
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotations:
    """
    The objects of a set of images.

    Attributes
    ----------
    format : str
        ``coco`` or ``yolo``.
    files : tuple of AnnotationFile
        Where they stand.
    images : mapping of str to AnnotatedImage
        By `ImageEntry.id`; images of which nothing is said are not in it.
    fingerprint : str
        Tells the files from changed ones.
    notes : tuple of str
        Sentences on what was passed over.
    faults : tuple of str
        The objects that are wrong, and why; they are not in `images`.
    """

    format: str
    files: tuple[AnnotationFile, ...]
    images: Mapping[str, AnnotatedImage]
    fingerprint: str
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def check_inside(found: ImageObject, size: tuple[int, int]) -> None:
    """
    Refuse an object that has no place in an image of a height and a width.

    Raises
    ------
    TilingError
        It lies outside, or its mask has another size.
    """
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
