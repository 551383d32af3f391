"""What the stored numbers of a TIFF mean: grey, colours, palettes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]

_KIND = tifffile.PHOTOMETRIC
_PLAIN = (_KIND.MINISBLACK, _KIND.RGB, _KIND.MASK, _KIND.DEPTH_MAP)
_JPEG = (6, 7, 33007, 34892)
_APERIO_YCBCR = 33003
_PHOTOMETRIC, _COLOR_MAP = 262, 320


@dataclass(frozen=True)
class Colors:
    """How stored numbers become a picture."""

    convert: Callable[[Array], Array] | None = None  # a block of stored numbers
    channels: int = 0  # that it makes of a pixel's samples; 0: of each number one
    palette: bytes | None = None  # red, green and blue of each index that is kept
    notes: tuple[str, ...] = ()
    white: int | None = None  # the number of black, where 0 is white

    def nodata(self, text: str | None) -> str | None:
        """Return the value that means no data after conversion, if there is one."""
        if self.convert is None or text is None:
            return text
        if self.white is None or not re.fullmatch(r"\d{1,20}", text):
            return None
        inverted = self.white - int(text)
        return str(inverted) if inverted >= 0 else None


def colors_of(page: Any, *, indices: bool = False) -> Colors:
    """Return what a page's numbers mean: grey, RGB or a palette."""
    if _PHOTOMETRIC not in page.tags:
        return Colors(notes=("no tag says what the numbers mean: black is taken as 0",))
    kind = page.photometric
    if kind == _KIND.PALETTE:
        return _palette(page, indices=indices)
    if kind == _KIND.MINISWHITE:
        white = _white(page)
        return Colors(convert=partial(_inverted, white=white), white=white)
    if page.compression == _APERIO_YCBCR and page.axes == "YXS":
        return Colors(convert=_from_ycbcr, channels=3)  # whatever the tag says
    if kind == _KIND.YCBCR and page.compression in _JPEG:
        return Colors()  # its decoder makes RGB of it
    if kind in _PLAIN:
        alpha = 1 in page.extrasamples
        told = ("its colours are multiplied by alpha",) if alpha else ()
        return Colors(notes=told)
    raise ValueError(
        f"pixels of photometric {getattr(kind, 'name', kind)} are not read: convert "
        "the TIFF to RGB or grey"
    )


def _palette(page: Any, *, indices: bool) -> Colors:
    table = page.tags.valueof(_COLOR_MAP)
    if table is None or len(table) % 3 or page.dtype.kind not in "bu":
        raise ValueError("the TIFF is damaged: it lacks its palette")
    if page.samplesperpixel != 1:
        raise ValueError("a palette of several samples is not read: convert it to RGB")
    table = np.asarray(table, np.uint32).reshape(3, -1).T
    if table.max() > 255:  # 16 bits as they should be; some programs write 8
        table = table >> 8
    colors = table.astype(np.uint8)
    if indices:
        return Colors(palette=colors.tobytes())
    return Colors(convert=partial(_looked_up, colors=colors), channels=3)


def _looked_up(block: Array, colors: Array) -> Array:
    if block.size and int(block.max()) >= len(colors):
        raise ValueError("the TIFF is damaged: an index is not in its palette")
    return np.asarray(colors[block.astype(np.intp, copy=False)])


def _white(page: Any) -> int:
    """Return the number of black, where 0 is white."""
    if page.dtype.kind == "b":
        return 1
    if page.dtype.kind != "u":
        raise ValueError(
            f"pixels of {page.dtype} whose white is 0 (MINISWHITE) are not read: "
            "convert the TIFF"
        )
    return int(2**page.bitspersample - 1)


def _from_ycbcr(block: Array) -> Array:
    width = block.shape[-2]
    image = Image.frombytes("YCbCr", (width, block.size // 3 // width), block.tobytes())
    return np.asarray(image.convert("RGB")).reshape(block.shape)


def _inverted(block: Array, white: int) -> Array:
    return ~block if block.dtype.kind == "b" else block.dtype.type(white) - block
