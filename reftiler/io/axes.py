"""Arrays with named axes as pictures: rows, columns and, last, channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.errors import TilingError
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage, Read

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


def open_array(
    path: Path, array: Any, options: ReadOptions, info: ImageInfo, named: str | None
) -> LazyImage:
    """See an array that is read by slices as a picture; what was guessed is a note."""
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "biuf":  # whatever its axes are
        raise ValueError(f"not a picture of real numbers: the dtype is {dtype}")
    names = resolve_axes(array.shape, options, named)
    shape, read = picture_axes(names, array.shape, options, array.__getitem__)
    note = "" if named else _guess_note(names, array.shape, options)
    info = replace(
        info,
        axes=names,
        pages=count_planes(names, array.shape),
        notes=(*info.notes, *filter(None, [note])),
    )
    return LazyImage(path, shape, dtype, read, info)


def _guess_note(names: str, shape: Sequence[int], options: ReadOptions) -> str:
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


def picture_axes(
    names: str, shape: Sequence[int], options: ReadOptions, read: Read
) -> tuple[tuple[int, ...], Read]:
    """Return shape and reader of the picture in an array with named axes.

    A single channel has no axis, unless it is the array's last and none was picked.
    """
    names, sizes = names.upper(), tuple(shape)
    if 0 in sizes:
        raise TilingError(f"not a picture: the shape is {sizes}, it has no pixels")
    starts = _find_plane(names, sizes, options)
    found = [axis for axis, name in enumerate(names) if name in "CS"]
    last = sorted(found, key=lambda axis: sizes[axis])[-1:]  # of two the longer one
    count = sizes[last[0]] if last else 1
    chosen = _check_channels(options.channels, count)
    if chosen is None and names in ("YX", "YXC", "YXS"):
        return sizes, read
    order = [names.index("Y"), names.index("X"), *last]
    others = [axis for axis in range(len(names)) if axis not in order]
    channels = range(count) if chosen is None else chosen

    def read_picture(index: tuple[slice, ...]) -> Any:
        wanted = list(channels[index[2] if len(index) > 2 else slice(0, 1)])
        first = min(wanted)
        box = [slice(start, start + 1) for start in starts]
        parts = (*index[:2], slice(first, max(wanted) + 1))
        for axis, part in zip(order, parts, strict=False):
            box[axis] = part
        pixels = np.asarray(read(tuple(box))).transpose(*others, *order)
        pixels = pixels[(0,) * len(others)]
        if not last:
            return pixels
        if wanted != list(range(first, first + len(wanted))):
            pixels = pixels[..., [channel - first for channel in wanted]]
        return pixels if len(index) > 2 else pixels[..., 0]

    kept = (len(channels),) if len(channels) > 1 else ()
    return (sizes[order[0]], sizes[order[1]], *kept), read_picture


def _find_plane(names: str, sizes: tuple[int, ...], options: ReadOptions) -> list[int]:
    """Return where the one picture begins along each axis; refuse several."""
    planes = {axis: n for axis, n in enumerate(sizes) if names[axis] not in "YXCS"}
    count, page = math.prod(planes.values()), options.page
    many = count > 1 and page is None and not options.guess
    known = names.replace("Q", "")  # axes of a TIFF that have no name
    both = sum(n > 1 for n, name in zip(sizes, names, strict=True) if name in "CS") > 1
    if many or both or len({*known}) != len(known) or not {"Y", "X"} <= {*names}:
        raise TilingError(
            f"not one picture: axes {names} of sizes {sizes}; save one "
            "picture with axes Y and X, or name the axes, as in --axes CYX (axes='CYX')"
            + (f", or pick one with --page 0 to {count - 1} (page)" if many else "")
        )
    if not 0 <= (page or 0) < max(1, count):
        holds = f"{count} images, 0 to {count - 1}" if count > 1 else "one image, 0"
        raise TilingError(f"the array holds {holds}; there is no page {page}")
    starts = [0] * len(sizes)
    if planes:
        places = np.unravel_index(page or 0, tuple(planes.values()))
        for axis, place in zip(planes, places, strict=True):
            starts[axis] = int(place)
    return starts


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
