"""Arrays with named axes as pictures: rows, columns and, last, channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reftiler.errors import TilingError
from reftiler.io.info import ReadOptions

if TYPE_CHECKING:
    from reftiler.io.lazy import Read

__all__ = ["check_picture_axes", "picture_axes", "resolve_axes"]

_LETTERS = "TCZYXS"  # S are the samples of a pixel, as TIFF calls channels
_FEW_CHANNELS = 4  # as first axis of an array that is likely to have channels first
_MANY_CHANNELS = 32  # beyond which a last axis is as likely to be the width


def resolve_axes(
    shape: Sequence[int], options: ReadOptions, named: str | None = None
) -> str:
    """
    Return a letter for each axis of an array.

    Where nobody names them, an array of three axes is rows × columns × channels, but
    one with more than 32 channels, or whose first axis is 1 to 4 while both others are
    longer, looks as if its channels were first: somebody has to say which.

    Parameters
    ----------
    shape : sequence of int
        The array's.
    options : ReadOptions
        Its ``axes``, if they are given, win.
    named : str, optional
        What the file says; without it they are guessed.

    Returns
    -------
    str
        Upper case.

    Raises
    ------
    TilingError
        They do not fit the array, or cannot be guessed.
    """
    if options.axes is not None:
        return _given_axes(options.axes, shape)
    return _guess_axes(tuple(shape)) if named is None else named.upper()


def _guess_axes(sizes: tuple[int, ...]) -> str:
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


def check_picture_axes(names: str, shape: Sequence[int]) -> None:
    """
    Refuse an array that holds more than one picture.

    Parameters
    ----------
    names : str
        A letter for each axis: Y, X, C or S (channels), others of one element.
    shape : sequence of int
        The array's.

    Raises
    ------
    TilingError
        An axis of another name is longer than one, or Y or X is missing.
    """
    sizes = dict(zip(names.upper(), shape, strict=True))
    many = [name for name, size in sizes.items() if name not in "YXCS" and size > 1]
    both = sizes.get("C", 1) > 1 and sizes.get("S", 1) > 1
    if many or both or len(sizes) != len(shape) or not {"Y", "X"} <= sizes.keys():
        raise TilingError(
            f"not one picture: axes {names.upper()} of sizes {tuple(shape)}; save one "
            "picture with axes Y and X, or name the axes, as in --axes CYX (axes='CYX')"
        )


def picture_axes(
    names: str, shape: Sequence[int], options: ReadOptions, read: Read
) -> tuple[tuple[int, ...], Read]:
    """
    See an array with named axes as a picture.

    Parameters
    ----------
    names : str
        A letter for each axis, in any case: Y, X, C or S for channels, others of one
        element.
    shape : sequence of int
        The array's.
    options : ReadOptions
        Its ``channels`` are kept, in their order.
    read : callable
        Reads the array by slices.

    Returns
    -------
    shape : tuple of int
        ``(H, W, C)``, or ``(H, W)`` if there is a single channel, unless the array has
        an axis for it, the last, and no channel was picked.
    read : callable
        Reads the picture by slices.

    Raises
    ------
    TilingError
        It is more than one picture, or has no such channels.
    """
    names, sizes = names.upper(), tuple(shape)
    check_picture_axes(names, sizes)
    if 0 in sizes:
        raise TilingError(f"not a picture: the shape is {sizes}, it has no pixels")
    channel = _channel_axis(names, sizes)
    count = 1 if channel is None else sizes[channel]
    chosen = _check_channels(options.channels, count)
    if chosen is None and names in ("YX", "YXC", "YXS"):
        return sizes, read
    height, width = (sizes[names.index(name)] for name in "YX")
    kept = count if chosen is None else len(chosen)
    picture = (height, width) if kept == 1 else (height, width, kept)
    return picture, _PictureReader(names, channel, chosen, read)


class _PictureReader:
    """Reads a picture from an array whose axes lie otherwise."""

    def __init__(
        self, names: str, channel: int | None, chosen: list[int] | None, read: Read
    ) -> None:
        self._rows, self._columns = names.index("Y"), names.index("X")
        self._rank, self._channel = len(names), channel
        self._chosen, self._read = chosen, read

    def __call__(self, index: tuple[slice, ...]) -> Any:
        rows, columns, *rest = index
        wanted = self._wanted(*rest)
        box = [slice(0, 1)] * self._rank
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
