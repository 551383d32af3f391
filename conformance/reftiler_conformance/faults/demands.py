"""What the plain tiler refuses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.features import MERGES, MODES, PAD_MODES, WINDOWS

Array = npt.NDArray[Any]


class RefusedError(ValueError):
    """A call that the specification refuses."""


def refuse(words: str) -> NoReturn:
    """Raise the error."""
    raise RefusedError(words)


def need(holds: object, words: str) -> None:
    """Refuse unless something holds."""
    if not holds:
        refuse(words)


def settings(case: Case) -> None:
    """Refuse settings that no tiler may have."""
    rank = len(case.tile)
    lengths = {len(case.size), len(case.stride), len(case.borders)}
    need(rank and lengths == {rank}, "an entry for each axis is due")
    need(all(type(n) is int for n in (*case.tile, *case.stride)), "integers are due")
    need(min(case.size) > 0 and min(case.tile) > 0, "sizes are positive")
    for tile, stride, rim in zip(case.tile, case.stride, case.borders, strict=True):
        need(1 <= stride <= tile, "strides are from 1 to the tile")
        need(rim >= 0 and tile - 2 * rim >= stride, "the border leaves a gap")
    need(case.mode in MODES and case.pad_mode in PAD_MODES, "no such mode")
    need(case.pad_side in ("end", "both"), "no such side")
    need(case.merge in (None, *MERGES), "no such merge")
    window(case)
    places(case)


def window(case: Case) -> None:
    """Refuse weights that cannot be used."""
    if isinstance(case.window, str):
        need(case.window in WINDOWS, "no such window")
    else:
        need(tuple(map(len, case.window)) == case.tile, "a weight for each pixel")
        for line in case.window:
            need(all(0 < w < math.inf for w in line), "weights are positive")
            need(max(line) <= 2**32 * min(line), "the weights differ too much")
    need(case.window == "box" or case.merge in (None, "mean"), "windows need means")


def places(case: Case) -> None:
    """Refuse tiles that cannot lie where they should."""
    most = [length - t for length, t in zip(case.size, case.tile, strict=True)]
    if case.random is not None:
        count, seed, align = case.random
        need(count >= 1 and 0 <= seed < 2**128 and align >= 1, "no such draw")
    if case.starts is not None:
        need(case.starts, "a tile at least")
        for start in case.starts:
            fits = [0 <= s <= m for s, m in zip(start, most, strict=True)]
            need(all(fits), "a tile reaches beyond the image")
    short = case.mode in ("padding", "interpolation")
    free = short and case.random is None and case.starts is None
    need(free or min(most) >= 0, "the image is shorter than the tile: use padding")


def image(given: Array, case: Case) -> None:
    """Refuse an image that cannot be cut."""
    need(given.dtype.kind not in "OT", f"{given.dtype} holds objects")
    extra = given.ndim - case.rank
    need(0 <= extra <= 2 and given.size, f"an image of shape {given.shape}")
    first = extra - (extra > 0 and case.channels_last)
    space = given.shape[first : first + case.rank]
    need(space == case.size, f"the image is {space}, its grid is for {case.size}")


def pad_value(dtype: np.dtype[Any], case: Case) -> None:
    """Refuse a pad value that the image cannot hold."""
    padded = case.starts is None and case.random is None and case.mode == "padding"
    if padded and case.pad_mode == "constant":
        representable(case.pad_value, dtype)


def representable(value: float, dtype: np.dtype[Any]) -> None:
    """Refuse a number that a dtype cannot hold."""
    if dtype.kind == "f" and dtype.itemsize <= 8:
        with np.errstate(over="ignore"):
            fits = np.isfinite(np.array(float(value)).astype(dtype))
        need(fits or not math.isfinite(value), f"{value} overflows {dtype}")
        return
    low = high = 0
    if dtype.kind == "b":
        high = 1
    elif dtype.kind in "iu":
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    whole = math.isfinite(value) and value == int(value) and low <= value <= high
    negative = value == 0 and math.copysign(1, value) < 0
    need(whole and not negative, f"{dtype} has no {value}")


def even(starts: Array, frame: tuple[int, ...], case: Case) -> None:
    """Refuse to view what has no view."""
    need(case.starts is None and case.random is None, "scattered: use tile")
    need(frame == case.size, "the frame is not the image: use tile")
    need(case.mode != "interpolation" or frame == case.size, "resampled: use tile")
    for column in starts.T:
        steps = np.diff(np.unique(column))
        need(len(set(steps.tolist())) <= 1, "not evenly spaced: use tile")


def scales(given: Array, case: Case) -> tuple[Fraction, ...]:
    """Return the scale of tiles, or refuse them."""
    extra = given.ndim - case.rank
    need(extra in (1, 2) and given.size, f"tiles of shape {given.shape}")
    first = 1 if extra == 1 or case.channels_last else 2
    space = given.shape[first : first + case.rank]
    found = tuple(Fraction(n, t) for n, t in zip(space, case.tile, strict=True))
    if case.scale:
        need(found == case.scale, f"tiles of {space} are not at {case.scale}")
    else:
        need(len(set(found)) == 1, f"the scales differ: {found}")
    return found


def length(shape: Sequence[int], case: Case) -> None:
    """Refuse tiles that a custom window does not fit."""
    first = 2 if len(shape) == case.rank + 2 and not case.channels_last else 1
    cut = tuple(shape[first : first + case.rank]) == case.tile
    need(cut or isinstance(case.window, str), "weights of another length")


def tiles(given: Array, target: np.dtype[Any], case: Case, count: int) -> None:
    """Refuse tiles that cannot be merged."""
    for dtype in (given.dtype, target):
        need(dtype.kind in "biuf" and dtype.itemsize <= 8, f"{dtype} has no mean")
    need(len(given) == (case.batch or 1) * count, f"{len(given)} tiles, not {count}")
    bools = given.dtype.kind == "b"
    need(bools or target.kind != "b", "only bool becomes bool")
    need(not bools or case.merge != "mean", "bool has no mean")
    need(not bools or case.window == "box", "windows need means, bool has none")


def whole(
    scales: Sequence[Fraction], starts: Array, before: tuple[int, ...], case: Case
) -> None:
    """Refuse scales at which a length is no whole number."""
    for axis, scale in enumerate(scales):
        lengths = [*starts[:, axis].tolist(), before[axis], case.borders[axis]]
        fits = [(n * scale).denominator == 1 for n in lengths]
        need(all(fits), f"axis {axis} does not fit the scale {scale}")


def numbers(values: Array, target: np.dtype[Any]) -> None:
    """Refuse NaN where integers are due."""
    need(not np.isnan(values).any(), f"NaN cannot become {target}")


def out(given: Array, result: Array, source: Array) -> None:
    """Refuse an array that cannot take the result."""
    need(given.shape == result.shape, f"out is {given.shape}, not {result.shape}")
    need(given.dtype == result.dtype, f"out is {given.dtype}, not {result.dtype}")
    need(given.flags.writeable, "out cannot be written")
    need(not np.may_share_memory(given, source), "out shares memory with the input")


def mask(given: Array, case: Case) -> None:
    """Refuse a mask of another shape or of no numbers."""
    need(given.shape == case.size, f"a mask of {given.shape}, not {case.size}")
    need(given.dtype.kind in "biufc", f"a mask of {given.dtype}")
