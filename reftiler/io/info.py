"""How an image is to be read, and what its file says of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reftiler.io.metadata import Metadata

MAX_BYTES = 2**31
"""Bytes of pixels up to which a file that must be decoded whole is read."""


@dataclass(frozen=True)
class ReadOptions:
    """
    How an image is to be read.

    Attributes
    ----------
    page : int or None
        Which of the images of a TIFF, GIF, plate, bioformats2raw group or stack of an
        array, from 0; None where there is one.
    level : int
        Which resolution of a pyramid; 0 is the full one.
    channels : tuple of int, or None
        Which channels are kept, in this order; None keeps all.
    axes : str or None
        A letter for each axis of an array: ``YX``, ``YXC``, ``CYX``, ``TCZYX``, …; None
        takes what the file says, or channels last.
    orient : bool
        Whether the orientation of EXIF and TIFF is applied.
    max_bytes : int
        Bytes of pixels up to which a file that must be decoded whole, or a chunk, is
        read.
    guess : bool
        Whether axes that nobody names are guessed from the sizes, where they may be
        others, and of several images the first is read; the notes say so. Programs
        that show an image, and what was guessed, have use for it.
    """

    page: int | None = None
    level: int = 0
    channels: tuple[int, ...] | None = None
    axes: str | None = None
    orient: bool = True
    max_bytes: int = MAX_BYTES
    guess: bool = False


DEFAULT_OPTIONS = ReadOptions()


@dataclass(frozen=True)
class ImageInfo:
    """
    What a file says of its image.

    Attributes
    ----------
    format : str
        PNG, JPEG, TIFF, …
    alpha : bool
        Whether the last channel is alpha: as the format says, never guessed.
    orientation : int
        EXIF's and TIFF's number, 1 to 8; `oriented` says whether it was applied.
    oriented : bool
        Whether the pixels were turned upright.
    lossy : bool
        Whether the format keeps pixels only nearly.
    metadata : Metadata
        Of the pixels as they are given, turned upright where they were.
    notes : tuple of str
        Sentences for the user: what was passed over, what was guessed.
    axes : str
        A letter for each axis of the array that is stored, of which the image may be
        one of several; empty where the format has but one image.
    pages : int
        How many images there are for ``page`` to pick from.
    """

    format: str = ""
    alpha: bool = False
    orientation: int = 1
    oriented: bool = False
    lossy: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    axes: str = ""
    pages: int = 1
