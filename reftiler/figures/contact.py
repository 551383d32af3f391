"""Many pictures on one sheet: tiles in rows, images side by side."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    import skimage  # its parts are loaded when they are used
except ImportError as error:
    raise missing_extra("figures need scikit-image", "cli", error) from error

from reftiler.figures.canvas import (
    Color,
    Figure,
    Rgb,
    chosen,
    color_of,
    enlarged,
    letter_size,
    lettering,
    to_rgb,
)
from reftiler.validation import as_int

_WHITE = 255


def contact_sheet(
    tiles: NDArray[Any] | Sequence[NDArray[Any]],
    *,
    columns: int | None = None,
    gap: int | None = None,
    highlight: Iterable[int] = (),
    labels: Sequence[str] | None = None,
    color: Color = "vermillion",
    value_range: Sequence[float] | None = None,
) -> Figure:
    """
    Lay tiles out in rows, first to last.

    Parameters
    ----------
    tiles : ndarray or sequence of ndarray
        ``(K, H, W)`` or ``(K, H, W, C)``: pictures that `to_rgb` takes, all alike.
    columns : int, optional
        Tiles in a row; by default, so that the sheet is about square. A grid's own
        ``grid.shape[1]`` shows the tiles where they lie in the image.
    gap : int, optional
        Pixels between tiles, by default 1/32 of a tile's longer side.
    highlight : iterable of int
        Numbers of the tiles to frame.
    labels : sequence of str, optional
        A line of text below each tile.
    color : str or three ints
        Of the frames.
    value_range : two floats, optional
        Of all tiles, as in `to_rgb`.

    Returns
    -------
    Figure of uint8, shape (height, width, 3)
    """
    pictures: list[Rgb] = [to_rgb(tile, value_range) for tile in tiles]
    if not pictures:
        raise TilingError("there must be at least one tile, got none")
    sizes = sorted({picture.shape[:2] for picture in pictures})
    if len(sizes) > 1:
        raise TilingError(f"the tiles of a sheet must be of one size, got {sizes}")
    count, (height, width) = len(pictures), pictures[0].shape[:2]
    strong = chosen(highlight, count)
    if labels is not None:
        strips = _lettered(pictures, labels, "labels", min(20, max(9, width // 9)))
        pictures = [np.vstack(pair) for pair in zip(pictures, strips, strict=True)]
    if columns is None:
        columns = math.ceil(math.sqrt(count * height / width))
    columns = min(count, as_int(columns, "columns", minimum=1))
    gap = (
        max(2, max(height, width) // 32)
        if gap is None
        else as_int(gap, "gap", minimum=0)
    )
    cells = _framed(np.stack(pictures), strong, color_of(color), max(2, gap // 2))
    sheet = skimage.util.montage(
        cells,
        fill=[_WHITE] * 3,
        grid_shape=(-(-count // columns), columns),
        padding_width=gap,
        channel_axis=-1,
    )
    return np.asarray(sheet, dtype=np.uint8).view(Figure)


def side_by_side(
    images: Sequence[NDArray[Any]],
    captions: Sequence[str] | None = None,
    *,
    gap: int | None = None,
    enlarge: bool = True,
) -> Figure:
    """
    Lay images out in one row, with a caption above each.

    Parameters
    ----------
    images : sequence of ndarray
        Pictures that `to_rgb` takes, of any sizes; the tops are aligned.
    captions : sequence of str, optional
        One for each image.
    gap : int, optional
        Pixels between and around, by default 1/50 of the tallest image.
    enlarge : bool
        Whether to enlarge small images towards the tallest, by whole factors: each
        pixel becomes a square.

    Returns
    -------
    Figure of uint8, shape (height, width, 3)
    """
    pictures: list[Rgb] = [to_rgb(image) for image in images]
    if not pictures:
        raise TilingError("there must be at least one image, got none")
    tallest = max(len(picture) for picture in pictures)
    gap = max(4, tallest // 50) if gap is None else as_int(gap, "gap", minimum=0)
    if enlarge:
        pictures = [enlarged(picture, tallest // len(picture)) for picture in pictures]
    if captions is not None:
        size = min(48, max(12, tallest // 24))
        strips = _lettered(pictures, captions, "captions", size)
        pictures = [np.vstack(pair) for pair in zip(strips, pictures, strict=True)]
        tallest += len(strips[0])
    width = sum(picture.shape[1] + gap for picture in pictures) + gap
    row = np.full((tallest + 2 * gap, width, 3), _WHITE, np.uint8)
    left = gap
    for picture in pictures:
        row[gap : gap + len(picture), left : left + picture.shape[1]] = picture
        left += picture.shape[1] + gap
    return row.view(Figure)


def _lettered(
    pictures: Sequence[Rgb], texts: Sequence[str], name: str, size: int
) -> list[Rgb]:
    """Set a text for each picture, as wide as that is and all in one size."""
    if isinstance(texts, str) or len(texts) != len(pictures):
        raise TilingError(
            f"{name} must be {len(pictures)} texts, one for each picture, got {texts!r}"
        )
    widths = [picture.shape[1] for picture in pictures]
    size = letter_size(texts, widths, size)
    return [lettering(*pair, size) for pair in zip(texts, widths, strict=True)]


def _framed(cells: Rgb, strong: list[int], color: Rgb, border: int) -> Rgb:
    """Surround each picture by a border, which the highlighted ones have coloured."""
    around = ((0, 0), (border, border), (border, border), (0, 0))
    framed = np.pad(cells, around, constant_values=_WHITE)
    framed[strong] = color
    framed[:, border:-border, border:-border] = cells
    return framed
