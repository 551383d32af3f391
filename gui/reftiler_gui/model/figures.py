"""Figures of the open image for papers and slides, at full resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler import TilingError
from reftiler.figures import contact_sheet, draw_grid, overlay, side_by_side
from reftiler.io import resize
from reftiler_gui.model.colors import as_rgb
from reftiler_gui.model.image_pyramid import ResizedImage
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tiles import ImageTiles

Rgb: TypeAlias = NDArray[np.uint8]

FIGURES = {
    "resized": "Image resized",
    "tile": "One tile",
    "side": "Resized image and tile, side by side",
    "grid": "Grid on the image",
    "sheet": "Contact sheet",
}
"""The figures by name, and what they are called."""

LIMIT = 2**26  # pixels of a figure, at the most


@dataclass(frozen=True, eq=False)
class FigureRequest:
    """Which figure, and of what."""

    name: str  # one of `FIGURES`
    tile: int  # the tile of "tile" and "side"; framed in "grid"
    size: tuple[int, int]  # height and width to which the image is resized
    mask: bool  # whether marked pixels are coloured and outlined
    order: Sequence[int]  # the tiles of "sheet"
    columns: int | None  # how many stand in a row; None for about a square


def draw_figure(
    tiles: ImageTiles, mask: NDArray[np.bool_] | None, asked: FigureRequest
) -> Work[Rgb]:
    """Draw a figure, shape (H, W, 3); TilingError if it would pass `LIMIT`."""
    mask = mask if asked.mask else None
    if asked.name in ("resized", "side"):
        _check(asked.size, "resize the image to less")
        yield 0.0
        small = as_rgb(ResizedImage(tiles.source, asked.size).small.whole())
        if mask is not None:
            small = overlay(small, resize(mask, asked.size))
        if asked.name == "resized":
            return small
        height, width = asked.size
        captions = [f"resized to {width} × {height}", f"tile {asked.tile}"]
        return side_by_side([small, _tile(tiles, asked.tile, asked)], captions)
    if asked.name == "tile":
        yield 0.0
        return _tile(tiles, asked.tile, asked)
    if asked.name == "grid":
        (top, bottom), (left, right) = tiles.view.frame
        _check((bottom - top, right - left), "open a part of the image")
        yield 0.0
        whole = as_rgb(tiles.source.whole())
        if mask is not None:
            whole = overlay(whole, mask)
        yield 0.5
        return draw_grid(whole, tiles.view.grid, highlight=[asked.tile])
    return (yield from _sheet(tiles, asked))


def _sheet(tiles: ImageTiles, asked: FigureRequest) -> Work[Rgb]:
    if not len(asked.order):
        raise TilingError("the sheet lists no tile: show all tiles in it")
    side = math.isqrt(len(asked.order) * math.prod(tiles.size))
    _check((side, side), "list fewer tiles in the sheet, or take a larger stride")
    drawn = []
    for done, tile in enumerate(asked.order):
        drawn.append(_tile(tiles, tile, asked))
        yield done / len(asked.order)
    labels = [str(tile) for tile in asked.order] if tiles.size[1] >= 48 else None
    held = []
    if asked.mask:
        masks = map(tiles.mask, asked.order)
        held = [n for n, mask in enumerate(masks) if mask is not None and mask.area]
    return contact_sheet(drawn, columns=asked.columns, highlight=held, labels=labels)


def _tile(tiles: ImageTiles, tile: int, asked: FigureRequest) -> Rgb:
    picture = as_rgb(tiles.picture(tile).whole())
    mask = tiles.mask(tile) if asked.mask else None
    return picture if mask is None or not mask.area else overlay(picture, mask.array)


def _check(size: tuple[int, int], instead: str) -> None:
    if math.prod(size) > LIMIT:
        raise TilingError(
            f"the figure would have {math.prod(size):,} pixels, more than {LIMIT:,}: "
            f"{instead}"
        )
