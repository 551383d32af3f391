"""One axis: where its tiles lie, and which image pixel a frame pixel shows."""

from __future__ import annotations

from dataclasses import dataclass


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


def fit(length: int, tile: int, stride: int, mode: str, side: str = "end") -> Axis:
    """Fit tiles to an axis, by the table of modes."""
    up = ceil_div(length - tile, stride) + 1
    if mode in ("padding", "interpolation"):
        n = max(1, up)
        frame = (n - 1) * stride + tile
        total = frame - length if mode == "padding" else 0
        before = total // 2 if side == "both" else 0
        starts = [i * stride for i in range(n)]
        return Axis(length, tile, mode, frame, before, total - before, tuple(starts))
    if length < tile:
        raise ValueError(f"{mode} cannot fit a tile of {tile} in {length}")
    if mode == "clamp":
        starts = [min(i * stride, length - tile) for i in range(up)]
    elif mode == "even":
        starts = [half_up(i * (length - tile), up - 1) for i in range(up)]
    elif mode == "drop":
        n = (length - tile) // stride + 1
        starts = [i * stride for i in range(n)]
    else:
        raise ValueError(f"no such mode: {mode}")
    return Axis(length, tile, mode, length, 0, 0, tuple(starts))


def half_up(a: int, b: int) -> int:
    """Return a / b rounded to nearest, halves up; 0 for the lone tile (0 / 0)."""
    if b == 0:
        return 0
    whole, rest = divmod(a, b)
    return whole + 1 if 2 * rest >= b else whole


def source(line: Axis, j: int, pad_mode: str) -> int | None:
    """Return the image pixel that frame pixel j shows; None is the pad value."""
    if line.mode == "interpolation":
        return j * line.length // line.frame
    return extend(j - line.before, line.length, pad_mode)


def extend(i: int, length: int, pad_mode: str) -> int | None:
    """Return the pixel that stands at position i of an endlessly extended axis."""
    if 0 <= i < length:
        return i
    if pad_mode == "constant":
        return None
    if pad_mode == "edge":
        return 0 if i < 0 else length - 1
    if pad_mode == "wrap":
        return i % length
    if pad_mode == "symmetric":  # a b c c b a a b c c b a ...
        there_and_back = list(range(length)) + list(reversed(range(length)))
        return there_and_back[i % (2 * length)]
    if pad_mode == "reflect":  # a b c b a b c b ..., and a lone pixel for ever
        there_and_back = list(range(length)) + list(range(length - 2, 0, -1))
        return there_and_back[i % len(there_and_back)]
    raise ValueError(f"no such pad mode: {pad_mode}")
