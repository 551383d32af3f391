"""The sizes of tiles, strides and borders, and what they may be to one another."""

from typing import Any

from reftiler.checks import integers, is_sequence
from reftiler.errors import TilingError


def check_tile(tile_size: Any) -> tuple[int, ...]:
    """Return a tile's size on each axis; an int means a square."""
    rank = len(tile_size) if is_sequence(tile_size) else 2
    if rank == 0:
        raise TilingError("tile_size must name at least one axis, got none")
    return integers(tile_size, "tile_size", rank=rank, least=1)


def check_stride(tile: tuple[int, ...], stride: Any, overlap: Any) -> tuple[int, ...]:
    """Return the stride on each axis, said as stride or as overlap, or the tile."""
    if stride is not None and overlap is not None:
        raise TilingError(
            f"stride={stride!r} and overlap={overlap!r} say the same thing twice: give "
            "one of them (stride = tile_size - overlap)"
        )
    if overlap is not None:
        shared = integers(overlap, "overlap", rank=len(tile), least=0)
        if any(o >= t for o, t in zip(shared, tile, strict=True)):
            raise TilingError(
                f"overlap {shared} must be smaller than the tile {tile} on each axis, "
                "or the next tile would not move: reduce the overlap"
            )
        return tuple(t - o for o, t in zip(shared, tile, strict=True))
    step = (
        tile if stride is None else integers(stride, "stride", rank=len(tile), least=1)
    )
    if any(s > t for s, t in zip(step, tile, strict=True)):
        raise TilingError(
            f"stride {step} is larger than the tile {tile}: pixels between the tiles "
            "would be lost; use a stride of at most the tile size"
        )
    return step


def check_border(
    border: Any, tile: tuple[int, ...], step: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the border on each axis; what is left of tiles must meet."""
    rims = integers(border, "remove_border_count", rank=len(tile), least=0)
    for axis, (t, s, r) in enumerate(zip(tile, step, rims, strict=True)):
        left = max(0, t - 2 * r)
        if left < s:
            smaller = f", or a stride of at most {left}" if left else ""
            raise TilingError(
                f"remove_border_count {r} on axis {axis} leaves {left} pixels of a "
                f"tile of {t}, fewer than the stride {s}: pixels would be uncovered; "
                f"use a border of at most {(t - s) // 2}{smaller}"
            )
    return rims


def check_room(image_size: tuple[int, ...], tile: tuple[int, ...], what: str) -> None:
    """Refuse an image smaller than the tile where nothing extends it."""
    for axis, (length, side) in enumerate(zip(image_size, tile, strict=True)):
        if length < side:
            raise TilingError(
                f"{what}: the tile {tile} is larger than the image {image_size} on "
                f"axis {axis} ({side} > {length}): use mode='padding' or a smaller tile"
            )
