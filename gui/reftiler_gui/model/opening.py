"""Image files as arrays: small ones read whole, large ones mapped into memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray

from reftiler.io import codecs, read_image

__all__ = ["MAPPED_FROM", "open_image", "release"]

Array: TypeAlias = NDArray[Any]

MAPPED_FROM = 2**25
"""Bytes from which a file is mapped. Smaller ones are read: a mapped file that somebody
cuts short takes the program down with it."""

_AXES = ("YX", "YXS")
_KINDS = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)


def open_image(path: Path) -> Array:
    """
    Open a picture; a large NPY or uncompressed TIFF file is mapped, not read.

    Returns
    -------
    ndarray
        Shape ``(H, W)`` or ``(H, W, C)``, read-only where it is mapped.

    Raises
    ------
    TilingError
        As `reftiler.io.read_image`, which reads whatever is not mapped.
    """
    mapped = _mapped(path)
    return read_image(path) if mapped is None else mapped


def release(array: Array) -> None:
    """Give back the memory in which a mapped file has been read so far.

    The system would take it back itself when it runs short; until then it counts as
    ours, and of a huge image that is alarming to see.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _mapped(path: Path) -> Array | None:
    """Map a file; None where it is small or not of that kind, or damaged."""
    try:
        if path.stat().st_size < MAPPED_FROM:
            return None
        with path.open("rb") as file:
            start = file.read(6)
        if start == b"\x93NUMPY":
            found: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        elif start[:2] in (b"II", b"MM"):
            found = _mapped_tiff(path)
        else:
            return None
        return codecs.check_picture(found)
    except Exception:  # noqa: BLE001 - of damaged files anything may come
        return None  # reading it whole will say what is wrong


def _mapped_tiff(path: Path) -> Array:
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        plain = page.axes in _AXES and page.photometric in _KINDS
        if len(file.pages) > 1 or not plain or not page.is_memmappable:
            raise ValueError("not one plain uncompressed picture")
    return tifffile.memmap(path, page=0, mode="r")
