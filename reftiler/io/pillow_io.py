"""What Pillow decodes, as arrays: every pixel as stored, never half of them."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from reftiler.io.codecs import Picture
from reftiler.io.info import ImageInfo

__all__ = ["open_with", "picture_of", "strict_pillow"]

Array = NDArray[Any]

# channels, dtype, whether the last channel is alpha
_MODES: dict[str, tuple[int, str, bool]] = {
    "1": (1, "?", False),
    "L": (1, "u1", False),
    "P": (1, "u1", False),
    "LA": (2, "u1", True),
    "RGB": (3, "u1", False),
    "RGBA": (4, "u1", True),
    "I;16": (1, "u2", False),
    "I;16B": (1, "u2", False),
    "I": (1, "i4", False),
    "F": (1, "f4", False),
}


@dataclass
class _Switches:
    """Pillow's switches for the whole process, as they were before we came."""

    users: int = 0
    tolerant: bool = False
    max_pixels: int | None = None


_SWITCHES, _LOCK = _Switches(), threading.Lock()


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Decode without what other libraries in the process have switched on.

    ``LOAD_TRUNCATED_IMAGES`` shows truncated files half black, and
    ``MAX_IMAGE_PIXELS`` knows nothing of our limit.
    """
    with _LOCK:
        if not _SWITCHES.users:
            _SWITCHES.tolerant = ImageFile.LOAD_TRUNCATED_IMAGES
            _SWITCHES.max_pixels = Image.MAX_IMAGE_PIXELS
            ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = False, None
        _SWITCHES.users += 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is an error or a note
            yield
    finally:
        with _LOCK:
            _SWITCHES.users -= 1
            if not _SWITCHES.users:
                ImageFile.LOAD_TRUNCATED_IMAGES = _SWITCHES.tolerant
                Image.MAX_IMAGE_PIXELS = _SWITCHES.max_pixels


def picture_of(file: ImageFile.ImageFile, info: ImageInfo, indices: bool) -> Picture:
    """Describe a file that Pillow has opened, by its header.

    Palettes become RGB or RGBA, or stay indices; CMYK becomes RGB, with a note.
    """
    mode = _mode_of(file, indices)
    if mode not in _MODES:
        raise ValueError(f"pixels of mode {file.mode} are not read: convert to RGB")
    channels, dtype, alpha = _MODES[mode]
    metadata, notes = info.metadata, info.notes
    if file.mode == "P" and indices and file.palette is not None:
        metadata = replace(metadata, palette=_palette_of(file))
    if file.mode == "CMYK":
        notes += ("CMYK is converted to RGB without a colour profile",)
        metadata = replace(metadata, icc_profile=None)
    return Picture(
        shape=(file.height, file.width, channels)[: 3 if channels > 1 else 2],
        dtype=np.dtype(dtype),
        info=replace(info, alpha=alpha, metadata=metadata, notes=notes),
        decode=lambda: _load_pixels(file, mode),
    )


def _load_pixels(file: ImageFile.ImageFile, mode: str) -> Array:
    """Decode the pixels of a file in a mode."""
    with strict_pillow():
        image = file if file.mode == mode else file.convert(mode)
        if mode == "1":  # its True is the byte 255, which is no bool for numpy
            return np.asarray(np.array(image.convert("L")) != 0)
        return np.array(image)


def open_with(plugin: type[ImageFile.ImageFile], data: bytes) -> Any:
    """Open a file's bytes with one of Pillow's plugins, whatever its limits."""
    with strict_pillow():
        return plugin(io.BytesIO(data))


def _mode_of(file: ImageFile.ImageFile, indices: bool) -> str:
    if file.mode == "P" and not indices:
        return "RGBA" if "transparency" in file.info else "RGB"
    return "RGB" if file.mode == "CMYK" else file.mode


def _palette_of(file: ImageFile.ImageFile) -> bytes:
    """Return red, green and blue of each index."""
    assert file.palette is not None
    order, data = file.palette.getdata()
    entries = np.frombuffer(bytes(data), np.uint8)
    size = len(order)
    entries = entries[: len(entries) // size * size].reshape(-1, size)
    return entries[:, [order.index(color) for color in "RGB"]].tobytes()
