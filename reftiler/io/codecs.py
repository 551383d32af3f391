"""Image formats: the bytes of a file become an array, and an array becomes bytes.

The decoders are those that scikit-image brings along, Pillow and tifffile, called
directly: `skimage.io` guesses at the order of axes and lets pass in silence what is
checked here, such as a TIFF whose strips are missing.
"""

import io
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

try:
    import tifffile
    from PIL import BmpImagePlugin, JpegImagePlugin, TiffImagePlugin
except ImportError as error:
    raise ImportError(
        'images need scikit-image and what comes with it: pip install "reftiler[cli]"'
    ) from error

from reftiler.io.png import SIGNATURE, decode_png, encode_png, mask_as_bytes, pixels

Array = NDArray[Any]
Picture = TypeVar("Picture", bound=Any)  # an array, or a store that is read by slices

# The TIFF photometrics in which the stored numbers are the picture.
_TIFF_KINDS = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
_NPY = b"\x93NUMPY"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def decode(data: bytes) -> Array:
    """
    Decode a file, told apart by its first bytes.

    Parameters
    ----------
    data : bytes
        A whole PNG, TIFF, JPEG, BMP or NPY file.

    Returns
    -------
    ndarray
        Shape ``(H, W)`` or ``(H, W, C)``, dtype as stored.

    Raises
    ------
    Exception
        The data is damaged: ValueError from here, anything from the decoders.
    """
    if not data:
        raise ValueError("the file is empty")
    for signature, decoder in _DECODERS.items():
        if data.startswith(signature):
            return check_picture(decoder(data))
    raise ValueError("not a PNG, TIFF, JPEG, BMP or NPY file")


def is_npy(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a NPY file."""
    return start.startswith(_NPY)


def is_tiff(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a TIFF."""
    return start.startswith(_TIFF)


def only_page(file: tifffile.TiffFile) -> tifffile.TiffPage:
    """
    Return the page of a TIFF that holds one image.

    Raises
    ------
    ValueError
        It holds more, or lacks some of its pixels.
    """
    if len(file.pages) != 1:
        raise ValueError(f"the TIFF holds {len(file.pages)} images, not one")
    page = file.pages.first
    _check_segments(page, file.filehandle.size)
    return page


def is_plain(page: tifffile.TiffPage) -> bool:
    """Tell whether the stored numbers of a TIFF are the picture."""
    kind = tifffile.PHOTOMETRIC(page.photometric)
    return kind in _TIFF_KINDS and page.axes in ("YX", "YXS", "SYX")


def encode(image: Array, suffix: str) -> bytes:
    """
    Encode a picture without loss.

    Parameters
    ----------
    image : ndarray
        Shape ``(H, W)`` or ``(H, W, C)``.
    suffix : str
        One of .png, .tif, .tiff and .npy, in lower case.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    ValueError
        The format cannot hold the picture as it is; the message says which can.
    """
    if suffix not in _ENCODERS:
        got = repr(suffix) if suffix else "no suffix"
        raise ValueError(f"images are written as .png, .tif, .tiff or .npy, got {got}")
    return _ENCODERS[suffix](check_picture(image))


def check_picture(image: Picture) -> Picture:
    """Return `image` if it is ``(H, W)`` or ``(H, W, C)`` and holds real numbers."""
    if len(image.shape) not in (2, 3) or 0 in image.shape:
        raise ValueError(
            f"not a picture (H, W) or (H, W, C): the shape is {image.shape}"
        )
    if image.dtype.kind not in "biuf":
        raise ValueError(f"not a picture of real numbers: the dtype is {image.dtype}")
    return image


def _decode_jpeg(data: bytes) -> Array:
    # Pillow can be set, by any library in the process, to do without the end: there
    # must be one after the scan, which a thumbnail's, within a segment, is not.
    at = 2
    while data[at : at + 1] == b"\xff" and data[at : at + 2] != b"\xff\xda":
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    if data.find(b"\xff\xd9", at) < 0:
        raise ValueError("the JPEG is truncated")
    return pixels(JpegImagePlugin.JpegImageFile(io.BytesIO(data)))


def _decode_bmp(data: bytes) -> Array:
    return pixels(BmpImagePlugin.BmpImageFile(io.BytesIO(data)))


def _decode_npy(data: bytes) -> Array:
    return np.asarray(np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))


def _decode_tiff(data: bytes) -> Array:
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return _tiff_pixels(only_page(file), data)
    except tifffile.TiffFileError as error:
        raise ValueError(f"the TIFF is damaged: {error}") from error


def _tiff_pixels(page: tifffile.TiffPage, data: bytes) -> Array:
    kind = tifffile.PHOTOMETRIC(page.photometric)
    try:
        if is_plain(page):
            image = page.asarray()
            return np.moveaxis(image, 0, -1) if page.axes == "SYX" else image
        reason = f"{kind.name} with axes {page.axes} is not supported"
    except ValueError as error:  # a compression that tifffile alone does not know
        reason = str(error)
    if np.max(page.bitspersample) > 8:  # Pillow would drop bits
        raise ValueError(f"the TIFF cannot be decoded: {reason}")
    return pixels(TiffImagePlugin.TiffImageFile(io.BytesIO(data)))


def _check_segments(page: tifffile.TiffPage, size: int) -> None:
    """Refuse a TIFF whose strips or tiles are missing or end beyond the file."""
    starts, counts = page.dataoffsets, page.databytecounts
    if not len(starts) == len(counts) == math.prod(page.chunked):
        raise ValueError("the TIFF is damaged: it lacks strips")
    if max(map(sum, zip(starts, counts, strict=True))) > size:
        raise ValueError(f"the TIFF is truncated after {size} bytes")


def tiff_tags(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what tifffile is to be told of a picture, ``(H, W)`` or ``(H, W, C)``."""
    colour = len(shape) == 3 and shape[-1] in (3, 4)
    return {
        "photometric": "rgb" if colour else "minisblack",
        "planarconfig": "contig" if len(shape) == 3 else None,
        "metadata": None,
    }


def _encode_tiff(image: Array) -> bytes:
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    buffer = io.BytesIO()
    tags = tiff_tags(image.shape)
    tifffile.imwrite(buffer, mask_as_bytes(image), compression="zlib", **tags)
    return buffer.getvalue()


def _encode_npy(image: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, image, allow_pickle=False)
    return buffer.getvalue()


_DECODERS: dict[bytes, Callable[[bytes], Array]] = {
    SIGNATURE: decode_png,
    **dict.fromkeys(_TIFF, _decode_tiff),
    b"\xff\xd8": _decode_jpeg,
    b"BM": _decode_bmp,
    _NPY: _decode_npy,
}
_ENCODERS: dict[str, Callable[[Array], bytes]] = {
    ".png": encode_png,
    ".tif": _encode_tiff,
    ".tiff": _encode_tiff,
    ".npy": _encode_npy,
}
