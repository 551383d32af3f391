"""One axis: where its tiles lie, and which image pixel a frame pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

EXTENDING = ("padding", "interpolation")


@dataclass(frozen=True)
class Axis:
    """A fitted axis: the tiles are cut from a frame of ``frame`` pixels."""

    length: int
    tile: int
    mode: str
    frame: int
    before: int
    after: int
    starts: tuple[int, ...]


def ceil_div(a: int, b: int) -> int:
    """Return a / b rounded up."""
    return -(-a // b)


def fit(
    length: int, tile: int, stride: int, mode: str, side: str = "end", align: int = 1
) -> Axis:
    """Fit tiles to an axis, by the table of modes."""
    if mode not in EXTENDING and length < tile:  # GRID-010
        raise ValueError(f"{mode} cannot fit a tile of {tile} in {length}")
    if mode in ("clamp", "even") and length % align:  # GRID-015
        raise ValueError(f"{mode} cannot align tiles by {align} in {length}")
    n = tile_count(length, tile, stride, mode)
    starts = tuple(
        tile_start(i, n, length, tile, stride, mode, align) for i in range(n)
    )
    frame = frame_length(n, tile, stride) if mode in EXTENDING else length
    total = frame - length if mode == "padding" else 0
    before = leading(total, side)
    return Axis(length, tile, mode, frame, before, total - before, starts)


def tile_count(length: int, tile: int, stride: int, mode: str) -> int:
    """Return how many tiles an axis has: GRID-002 to GRID-006."""
    if mode == "drop":
        return (length - tile) // stride + 1
    return max(1, ceil_div(length - tile, stride) + 1)


def tile_start(
    i: int, n: int, length: int, tile: int, stride: int, mode: str, align: int = 1
) -> int:
    """Return where tile i of n starts in the frame: GRID-002 to GRID-006, GRID-015."""
    if mode == "clamp":
        return min(i * stride, length - tile)
    if mode == "even":
        return half_up(i * ((length - tile) // align), n - 1) * align
    return i * stride


def half_up(a: int, b: int) -> int:
    """Return a / b rounded to nearest, halves up; 0 for the lone tile (0 / 0)."""
    if b == 0:
        return 0
    whole, rest = divmod(a, b)
    return whole + 1 if 2 * rest >= b else whole


def frame_length(n: int, tile: int, stride: int) -> int:
    """Return the length of a frame that n tiles fill: GRID-007."""
    return (n - 1) * stride + tile


def leading(padding: int, side: str) -> int:
    """Return how much of the padding comes first: PAD-001 and PAD-002."""
    return padding // 2 if side == "both" else 0


def source(line: Axis, j: int, pad_mode: str) -> int | None:
    """Return the image pixel that frame pixel j shows; None is the pad value."""
    if line.mode == "interpolation":
        return stretched(j, line.length, line.frame)
    return extend(j - line.before, line.length, pad_mode)


def stretched(j: int, length: int, frame: int) -> int:
    """Return the image pixel that frame pixel j reads: INTERP-001."""
    return j * length // frame


def shrunk(i: int, length: int, frame: int) -> int:
    """Return the frame pixel that image pixel i reads on the way back: INTERP-002."""
    return ceil_div(i * frame, length)


def extend(i: int, length: int, pad_mode: str) -> int | None:
    """Return the pixel that stands at position i of an endlessly extended axis."""
    if 0 <= i < length:
        return i
    if pad_mode == "constant":
        return None
    if pad_mode == "edge":  # PAD-006
        return 0 if i < 0 else length - 1
    if pad_mode == "wrap":
        return wrapped(i, length)
    if pad_mode == "symmetric":
        return symmetric(i, length)
    if pad_mode == "reflect":
        return reflected(i, length)
    raise ValueError(f"no such pad mode: {pad_mode}")


def wrapped(i: int, length: int) -> int:
    """Begin anew, a b c a b c: PAD-007."""
    return i % length


def symmetric(i: int, length: int) -> int:
    """Go back and show the edge twice, a b c c b a: PAD-008."""
    there_and_back = list(range(length)) + list(reversed(range(length)))
    return there_and_back[i % (2 * length)]


def reflected(i: int, length: int) -> int:
    """Go back and show the edge once, a b c b a, and a lone pixel for ever: PAD-009."""
    there_and_back = list(range(length)) + list(range(length - 2, 0, -1))
    return there_and_back[i % len(there_and_back)]
