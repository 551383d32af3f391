"""Arrays with named axes as pictures: rows, columns and, last, channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reftiler.errors import TilingError
from reftiler.io.info import DEFAULT_OPTIONS, ReadOptions

if TYPE_CHECKING:
    from reftiler.io.lazy import Read

__all__ = [
    "check_picture_axes",
    "count_planes",
    "guess_axes",
    "guess_note",
    "picture_axes",
    "resolve_axes",
]

_LETTERS = "KTCZYXS"  # K are images of a stack; S samples of a pixel, TIFF's channels
_FEW_CHANNELS = 4  # as first axis of an array that is likely to have channels first
_MANY_CHANNELS = 32  # beyond which a last axis is as likely to be the width


def resolve_axes(
    shape: Sequence[int], options: ReadOptions, named: str | None = None
) -> str:
    """Return a letter for each axis: ``options.axes``, the file's, or the shape's.

    Where nobody names them, three axes are rows × columns × channels; refused are more
    than 32 channels, and a first axis of 1 to 4 with two longer ones: it may be the
    channels'. `guess_axes` decides where ``options.guess`` is set.
    """
    if options.axes is not None:
        return _given_axes(options.axes, shape)
    if named is not None:
        return named.upper()
    return guess_axes(shape) if options.guess else _plain_axes(tuple(shape))


def guess_axes(shape: Sequence[int]) -> str:
    """Return the likeliest axes of an array that nobody names, or refuse to guess.

    Of three axes, a first one of 1 to 4 with two longer ones is channels (CYX), a last
    one shorter than both others is channels (YXC), and any other array a stack (KYX).
    Of four, a last axis of 1 to 4 is channels (KYXC), or else a second one (KCYX).
    """
    sizes = tuple(shape)
    few = [1 <= size <= _FEW_CHANNELS for size in sizes]
    if len(sizes) == 3:
        if few[0] and sizes[0] < min(sizes[1:]):
            return "CYX"
        return "YXC" if few[2] or sizes[2] < min(sizes[:2]) else "KYX"
    if len(sizes) == 4 and (few[3] or few[1]):
        return "KYXC" if few[3] else "KCYX"
    return _plain_axes(sizes)


def guess_note(names: str, shape: Sequence[int], options: ReadOptions) -> str:
    """Say that axes were guessed that `resolve_axes` would not name; else nothing."""
    if not options.guess or options.axes is not None:
        return ""
    try:
        plain = _plain_axes(tuple(shape))
    except TilingError:
        plain = ""
    if plain == names:
        return ""
    return f"axes {names} are guessed from the shape {tuple(shape)}"


def _plain_axes(sizes: tuple[int, ...]) -> str:
    """Name the axes of a picture with channels last, unless it looks otherwise."""
    if len(sizes) == 2:
        return "YX"
    if len(sizes) != 3:
        raise TilingError(
            f"not a picture (H, W) or (H, W, C): the shape is {sizes}; if other "
            "axes are of one, name them, as in --axes TCZYX (axes='TCZYX')"
        )
    first, rows, columns = sizes
    looks_first = 1 <= first <= _FEW_CHANNELS < min(rows, columns)
    if looks_first or columns > _MANY_CHANNELS:
        raise TilingError(
            f"an array of shape {sizes} may have its channels first or last: say "
            "--axes CYX (axes='CYX') if they are first, YXC if they are last"
        )
    return "YXC"


def count_planes(names: str, shape: Sequence[int]) -> int:
    """Return how many pictures an array with these axes holds."""
    return math.prod(
        size for name, size in zip(names, shape, strict=True) if name not in "YXCS"
    )


def check_picture_axes(
    names: str, shape: Sequence[int], options: ReadOptions = DEFAULT_OPTIONS
) -> tuple[int, ...]:
    """Return where the one picture that is meant lies on the axes not in YXCS."""
    sizes = dict(zip(names.upper(), shape, strict=True))
    both = sizes.get("C", 1) > 1 and sizes.get("S", 1) > 1
    planes = tuple(size for name, size in sizes.items() if name not in "YXCS")
    count, page = math.prod(planes), options.page
    many = count > 1 and page is None and not options.guess
    if many or both or len(sizes) != len(shape) or not {"Y", "X"} <= sizes.keys():
        raise TilingError(
            f"not one picture: axes {names.upper()} of sizes {tuple(shape)}; save one "
            "picture with axes Y and X, or name the axes, as in --axes CYX (axes='CYX')"
            + (f", or pick one with --page 0 to {count - 1} (page)" if many else "")
        )
    if not 0 <= (page or 0) < max(1, count):
        holds = f"{count} images, 0 to {count - 1}" if count > 1 else "one image, 0"
        raise TilingError(f"the array holds {holds}; there is no page {page}")
    return tuple(map(int, np.unravel_index(page or 0, planes))) if planes else ()


def picture_axes(
    names: str, shape: Sequence[int], options: ReadOptions, read: Read
) -> tuple[tuple[int, ...], Read]:
    """Return shape and reader of the picture in an array with named axes.

    A single channel has no axis, unless it is the array's last and none was picked.
    """
    names, sizes = names.upper(), tuple(shape)
    if 0 in sizes:
        raise TilingError(f"not a picture: the shape is {sizes}, it has no pixels")
    plane = check_picture_axes(names, sizes, options)
    channel = _channel_axis(names, sizes)
    count = 1 if channel is None else sizes[channel]
    chosen = _check_channels(options.channels, count)
    if chosen is None and names in ("YX", "YXC", "YXS"):
        return sizes, read
    height, width = (sizes[names.index(name)] for name in "YX")
    kept = count if chosen is None else len(chosen)
    picture = (height, width) if kept == 1 else (height, width, kept)
    return picture, _PictureReader(names, channel, chosen, plane, read)


class _PictureReader:
    """Reads a picture from an array whose axes lie otherwise."""

    def __init__(
        self,
        names: str,
        channel: int | None,
        chosen: list[int] | None,
        plane: tuple[int, ...],
        read: Read,
    ) -> None:
        self._rows, self._columns = names.index("Y"), names.index("X")
        self._rank, self._channel = len(names), channel
        self._chosen, self._read = chosen, read
        others = [axis for axis, name in enumerate(names) if name not in "YXCS"]
        self._plane = dict(zip(others, plane, strict=True))

    def __call__(self, index: tuple[slice, ...]) -> Any:
        rows, columns, *rest = index
        wanted = self._wanted(*rest)
        starts = [self._plane.get(axis, 0) for axis in range(self._rank)]
        box = [slice(start, start + 1) for start in starts]
        box[self._rows], box[self._columns] = rows, columns
        if self._channel is not None:
            box[self._channel] = slice(min(wanted), max(wanted) + 1)
        pixels = np.asarray(self._read(tuple(box)))
        last = [] if self._channel is None else [self._channel]
        order = [self._rows, self._columns, *last]
        others = [axis for axis in range(self._rank) if axis not in order]
        pixels = pixels.transpose(*others, *order)[(0,) * len(others)]
        if self._channel is None:
            return pixels
        if wanted != list(range(wanted[0], wanted[0] + len(wanted))):
            pixels = pixels[..., [channel - min(wanted) for channel in wanted]]
        return pixels if rest else pixels[..., 0]

    def _wanted(self, channels: slice = slice(0, 1)) -> list[int]:
        """Return the array's channels that a slice of the picture's means."""
        if self._chosen is not None:
            return self._chosen[channels]
        return list(range(channels.start, channels.stop, channels.step or 1))


def _given_axes(axes: str, shape: Sequence[int]) -> str:
    """Check axes that the user named; an array may lack the channels."""
    names = axes.upper()
    strange = [name for name in names if name not in _LETTERS]
    if strange or len(set(names)) != len(names) or not {"Y", "X"} <= set(names):
        raise TilingError(
            f"axes must name Y, X and others of {', '.join(_LETTERS)} once each, as in "
            f"CYX, got {axes[:40]!r}"
        )
    plain = "".join(name for name in names if name not in "CS")
    if len(plain) == len(shape) != len(names):
        return plain
    if len(names) != len(shape):
        raise TilingError(
            f"axes {names} are {len(names)}, the array of shape {tuple(shape)} has "
            f"{len(shape)}: name each of them"
        )
    return names


def _channel_axis(names: str, sizes: tuple[int, ...]) -> int | None:
    """Return the axis of the channels; of two the longer one."""
    found = [axis for axis, name in enumerate(names) if name in "CS"]
    return max(found, key=lambda axis: sizes[axis], default=None)


def _check_channels(channels: tuple[int, ...] | None, count: int) -> list[int] | None:
    if channels is None:
        return None
    outside = [channel for channel in channels if not 0 <= channel < count]
    if outside or not channels:
        got = ", ".join(map(str, outside)) or "none"
        raise TilingError(
            f"the image has {count} channel{'s' * (count > 1)}, 0 to {count - 1}, got "
            f"{got}: pick of those"
        )
    return list(channels)
