"""Image and mask files: read exactly as they are stored, written whole or not at all.

A picture is an array of shape ``(H, W)`` or ``(H, W, C)``. Nothing is scaled or
converted in silence on the way in, and only lossless formats are written. What does not
fit into memory is opened and created by slices: `open_image`, `open_mask`,
`create_image`.

Importing this package is cheap: what reads a format is imported when a file of that
format is met.
"""

from typing import TYPE_CHECKING, Any

from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage
from reftiler.io.masks import Mask, open_mask, read_mask
from reftiler.io.metadata import Metadata
from reftiler.io.read import open_image, read_image
from reftiler.io.resizing import resize

if TYPE_CHECKING:
    from reftiler.io.write import create_image, write_image

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageInfo",
    "LazyImage",
    "Mask",
    "Metadata",
    "ReadOptions",
    "create_image",
    "open_image",
    "open_mask",
    "read_image",
    "read_mask",
    "resize",
    "write_image",
]

IMAGE_SUFFIXES = (
    ".bmp",
    ".btf",
    ".gif",
    ".jfif",
    ".jp2",
    ".jpeg",
    ".jpg",
    ".npy",
    ".png",
    ".svs",
    ".tif",
    ".tiff",
    ".webp",
    ".zarr",
)
"""The suffixes, in lower case, by which folders are searched for images. What ends in
.zarr is a folder."""


def __getattr__(name: str) -> Any:
    """Import what writes images when it is asked for: it needs tifffile."""
    if name in ("create_image", "write_image"):
        from reftiler.io import write  # noqa: PLC0415 - reading needs no tifffile

        return getattr(write, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
