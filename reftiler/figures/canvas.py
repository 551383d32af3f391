"""What figures are made with: colours, tints, lettering and RGB images of uint8."""

import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    from PIL import Image, ImageColor, ImageDraw, ImageFont
except ImportError as error:
    raise missing_extra("figures need Pillow", "cli", error) from error

from reftiler.validation import as_exact_ints, as_int, shorten, suggest

Rgb: TypeAlias = NDArray[np.uint8]


class Figure(np.ndarray[Any, np.dtype[np.uint8]]):
    """An RGB picture of uint8, which a notebook shows; else a plain array."""

    def _repr_png_(self) -> bytes | None:
        """Return the picture as PNG; None of what is no picture, such as a row."""
        if self.ndim != 3 or self.shape[-1] != 3 or self.dtype != np.uint8:
            return None
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(self)).save(file, "PNG", optimize=True)
        return file.getvalue()


Mask: TypeAlias = NDArray[np.bool_]
Color: TypeAlias = str | Sequence[int]

COLORS: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "orange": (230, 159, 0),
    "sky": (86, 180, 233),
    "green": (0, 158, 115),
    "yellow": (240, 228, 66),
    "blue": (0, 114, 178),
    "vermillion": (213, 94, 0),
    "purple": (204, 121, 167),
    "white": (255, 255, 255),
}
"""The palette of Okabe and Ito, and white. All other names are those of CSS."""


def to_rgb(image: NDArray[Any], value_range: Sequence[float] | None = None) -> Figure:
    """
    Turn any picture into 8-bit RGB for display.

    Parameters
    ----------
    image : ndarray
        Grey ``(H, W)`` or ``(H, W, 1)``, grey with alpha ``(H, W, 2)``, RGB or RGBA.
        What is transparent becomes white.
    value_range : two floats, optional
        The values shown black and white; what lies beyond is clipped, NaN is black.
        By default False and True, the whole range of an integer dtype, or 0 and 1
        for floats: never the extremes of this one image, so that pictures can be
        compared.

    Returns
    -------
    Figure, shape (H, W, 3)
        A new array of uint8, which a notebook shows.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"a picture must be a numpy array, got {type(image).__name__}")
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.ndim != 3 or image.shape[-1] not in (1, 2, 3, 4) or image.size == 0:
        raise TilingError(
            "a picture is (H, W) or (H, W, C) with 1 to 4 channels, got the shape "
            f"{image.shape}: move channels last"
        )
    pixels = _to_bytes(image, value_range)
    if pixels.shape[-1] in (2, 4):
        share = pixels[..., -1:] / 255
        pixels = np.rint(pixels[..., :-1] * share + 255 * (1 - share)).astype(np.uint8)
    return np.array(np.broadcast_to(pixels, (*pixels.shape[:2], 3))).view(Figure)


def color_of(color: Color) -> Rgb:
    """Return the red, green and blue of numbers, or of a name in `COLORS` or of CSS."""
    if isinstance(color, str):
        if color not in COLORS:
            try:
                return np.array(ImageColor.getrgb(color)[:3], dtype=np.uint8)
            except ValueError as error:
                hint = suggest(color, (*COLORS, *ImageColor.colormap))
                raise TilingError(
                    f"color must be one of {', '.join(COLORS)}, or a colour of CSS, "
                    f"got {shorten(color)}{hint}"
                ) from error
        return np.array(COLORS[color], dtype=np.uint8)
    numbers = as_exact_ints(color, "color", rank=3, minimum=0)
    if max(numbers) > 255:
        raise TilingError(f"color must be three numbers up to 255, got {numbers}")
    return np.array(numbers, dtype=np.uint8)


def tint(
    canvas: Rgb, where: Mask, color: Rgb, alpha: float | NDArray[np.float64]
) -> None:
    """Blend a colour into some pixels, in place; `alpha` is one or one for each."""
    alpha = np.asarray(alpha)[..., np.newaxis]
    blend = canvas[where] * (1 - alpha) + color * alpha
    canvas[where] = np.rint(blend).astype(np.uint8)


def enlarged(picture: Rgb, factor: int) -> Rgb:
    """Make a square of each pixel."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def line_width(side: int) -> int:
    """Return how wide to draw in a picture whose longer side this is."""
    return max(1, round(side / 512))


def chosen(numbers: Iterable[int], count: int) -> list[int]:
    """Return the numbers of highlighted tiles, each below `count`."""
    checked = [as_int(number, "highlight", minimum=0) for number in numbers]
    if max(checked, default=0) >= count:
        raise TilingError(
            f"highlight must be below {count}, the number of tiles, got {max(checked)}"
        )
    return checked


def letter_size(texts: Sequence[str], widths: Sequence[int], size: int) -> int:
    """Return the size, not above `size`, in which all texts fit; at least 9."""
    while size > 9 and any(
        _font(size).getlength(text) > width - size
        for text, width in zip(texts, widths, strict=True)
    ):
        size -= 1
    return size


def lettering(text: str, width: int, size: int) -> Rgb:
    """Set a line of text in black on white, cut short if it is too long.

    It is 1.5 sizes high; half a size stays free on either side. The font that Pillow
    brings along has no letters beyond ASCII: the nearest are taken, or question marks.
    """
    text, font = _ascii(text), _font(size)
    if font.getlength(text) > width - size:
        while text and font.getlength(text + "...") > width - size:
            text = text[:-1]
        text = text.rstrip() + "..." if text else ""
    strip = Image.new("RGB", (width, size + size // 2), "white")
    middle = (width / 2, strip.height / 2)
    ImageDraw.Draw(strip).text(middle, text, "black", font, anchor="mm")
    return np.array(strip)


def _ascii(text: str) -> str:
    for letter, plain in {"×": "x", "\u2013": "-", "\u2014": "-", "→": "->"}.items():
        text = text.replace(letter, plain)
    letters = unicodedata.normalize("NFKD", text)
    letters = "".join(filter(lambda one: not unicodedata.combining(one), letters))
    return letters.encode("ascii", "replace").decode()


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _to_bytes(image: NDArray[Any], value_range: Sequence[float] | None) -> Rgb:
    if image.dtype.kind not in "biuf":
        raise TilingError(f"a picture holds real numbers, got {image.dtype}")
    if value_range is None and image.dtype == np.uint8:
        return image
    low, high = 0.0, 1.0
    if value_range is not None:
        low, high = map(float, value_range)
    elif image.dtype.kind in "iu":
        limits = np.iinfo(image.dtype)
        low, high = float(limits.min), float(limits.max)
    if not low < high:
        raise TilingError(f"value_range must be two rising numbers, got {low}, {high}")
    scaled = (image.astype(np.float64) - low) * (255 / (high - low))
    return np.asarray(np.rint(np.nan_to_num(scaled).clip(0, 255)), dtype=np.uint8)
