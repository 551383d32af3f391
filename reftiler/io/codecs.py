"""Formats of one picture: told apart by content, described by header, decoded whole.

Each opener takes the bytes of a file and returns a `Picture`; the modules of a format,
and with them Pillow, are imported when a file of that format is met.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra
from reftiler.io.axes import picture_axes
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage, size_of

Array = NDArray[Any]
AnyPicture = TypeVar("AnyPicture", bound=Any)  # an array, or what is read by slices

_BOX = b"\0\0\0\x0cjP  \r\n\x87\n"
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    _BOX: "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x93NUMPY": "NPY",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF"),
}
_OPENERS = {  # module and function of each, and the package that they need
    "TIFF": ("tiff", "open_tiff", "tifffile"),
    "PNG": ("png", "open_png", "Pillow"),
    "JPEG": ("jpeg", "open_jpeg", "Pillow"),
    "BMP": ("pillow_io", "open_bmp", "Pillow"),
    "GIF": ("pillow_io", "open_gif", "Pillow"),
    "WebP": ("pillow_io", "open_webp", "Pillow"),
    "JPEG 2000": ("jpeg2000", "open_jpeg2000", "Pillow"),
}
_OVERHEAD = 2**26  # bytes that a file may have beside its pixels: profiles, texts


@dataclass(frozen=True)
class Picture:
    """A picture ``(H, W[, C])`` as its file's header describes it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    info: ImageInfo
    decode: Callable[[], Array]


def format_of(start: bytes) -> str:
    """Return the name of a file's format, by its first 12 bytes."""
    if not start:
        raise ValueError("the file is empty")
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    for signature, name in _SIGNATURES.items():
        if start.startswith(signature):
            return name
    tiff, *others = _OPENERS
    raise ValueError(f"not a {tiff}, NPY, {', '.join(others)} file")


def load(module: str, what: str, extra: str = "cli") -> Any:
    """Import what an extra brings when it is needed; else say what needs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing_extra(what, extra, error) from error


def opener(name: str) -> Callable[..., Any]:
    """Import what opens a format when a file of that format is met."""
    module, function, package = _OPENERS[name]
    found = load(f"reftiler.io.{module}", f"{name} files need {package}")
    return cast(Callable[..., Any], getattr(found, function))


def has_imagecodecs() -> bool:
    """Tell whether the extra is installed."""
    try:
        import imagecodecs  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return False
    return True


def open_decoded(
    path: Path, name: str, options: ReadOptions, *, indices: bool = False
) -> LazyImage:
    """Open a picture that is decoded whole, when its first pixels are read."""
    size = path.stat().st_size
    if size > options.max_bytes + _OVERHEAD:
        raise ValueError(_too_large(f"the file has {size:,} bytes", options))
    picture: Picture = opener(name)(path.read_bytes(), options, indices=indices)
    check_size(picture.shape, picture.dtype, options)
    read = _DecodedOnce(check_picture(picture))
    image = LazyImage(path, picture.shape, picture.dtype, read, picture.info)
    return _with_channels(image, name, options)


def check_picture(image: AnyPicture) -> AnyPicture:
    """Return `image` if it is ``(H, W)`` or ``(H, W, C)`` and holds real numbers."""
    if len(image.shape) not in (2, 3) or min(image.shape) < 1:
        raise ValueError(
            f"not a picture (H, W) or (H, W, C): the shape is {image.shape}"
        )
    if image.dtype.kind not in "biuf":
        raise ValueError(f"not a picture of real numbers: the dtype is {image.dtype}")
    return image


def check_size(shape: tuple[int, ...], dtype: Any, options: ReadOptions) -> None:
    """Refuse pixels that take more memory than the caller allows."""
    room = size_of(shape, dtype)
    if room > options.max_bytes:
        size = " x ".join(map(str, shape))
        raise ValueError(_too_large(f"{size} pixels take {room:,} bytes", options))


class _DecodedOnce:
    """Read slices of a picture that is decoded when the first is asked for."""

    def __init__(self, picture: Picture) -> None:
        self._lock = threading.Lock()
        self._picture: Picture | None = picture
        self._array: Array = np.empty(0)

    def __call__(self, index: tuple[slice, ...]) -> Array:
        with self._lock:
            if self._picture is not None:
                array = self._picture.decode()
                if array.shape != self._picture.shape:  # a header that lied
                    raise ValueError(f"the pixels have the shape {array.shape}")
                self._array, self._picture = array, None  # lets the file's bytes go
        return self._array[index]


def _too_large(found: str, options: ReadOptions) -> str:
    return (
        f"{found}, more than the {options.max_bytes:,} that are read: raise the limit "
        "by --max-bytes, max_bytes= in Python"
    )


def _with_channels(image: LazyImage, name: str, options: ReadOptions) -> LazyImage:
    """Keep the channels that were asked for; the axes are the format's own."""
    if options.level != 0:
        raise ValueError(f"a {name} file has one resolution: --level is 0")
    if options.channels is None:
        return image
    names = "YXC"[: len(image.shape)]
    shape, read = picture_axes(
        names, image.shape, replace(options, page=None), image.__getitem__
    )
    count = image.shape[2] if len(image.shape) == 3 else 1
    alpha = image.info.alpha and options.channels[-1] == count - 1
    info = replace(image.info, alpha=alpha)
    return LazyImage(image.path, shape, image.dtype, read, info)


def refuse_pages(options: ReadOptions, count: int, name: str) -> int:
    """Return which of a file's pictures is to be read, or refuse."""
    if options.page is None and count > 1 and not options.guess:
        raise TilingError(f"the {name} holds {count:,} pictures: choose one by --page")
    page = options.page or 0
    if not 0 <= page < count:
        raise TilingError(f"the {name} holds the pictures 0 to {count - 1}, not {page}")
    return page
