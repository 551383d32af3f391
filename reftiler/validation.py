"""Validation of arguments: each becomes a canonical value or a clear error.

Constructors and methods of both backends call these, so that they refuse the same
calls with the same words (BACKEND-003).
"""

import math
import operator
import reprlib
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from functools import wraps
from inspect import getfullargspec, signature
from typing import Any, ParamSpec, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, count, printable

Sizes: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Real: TypeAlias = int | float
Parameters = ParamSpec("Parameters")

MAX_SIZE = 2**62
"""The largest size: sums of two are 64-bit integers."""

MAX_BITS = 8192
"""Bits of a number: eight times what the largest dtype holds, and Python writes it."""

MAX_RANK = 15
"""The most spatial axes: a view of windows has two of each, and an array at most 32."""

MAX_SHOWN = 100
"""Characters of a value in a message."""

_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxother = 4, 8, MAX_SHOWN
_REPR.maxlist = _REPR.maxtuple = _REPR.maxset = 16
_REPR.maxstring = MAX_SHOWN


def as_int(value: Any, name: str, *, minimum: int, maximum: int | None = None) -> int:
    """Return ``value`` as an int within limits; bool and float are refused."""
    # SIZE-003, SIZE-004, ERROR-002
    no_number = isinstance(value, bool | np.bool_ | np.ndarray)
    if no_number or not hasattr(value, "__index__"):
        raise TypeError(
            f"{name} must be an int, got {shorten(value)}: give a Python or numpy "
            "integer"
        )
    number = operator.index(value)
    if number < minimum:  # ERROR-001
        raise TilingError(f"{name} must be at least {minimum}, got {shown(number)}")
    if maximum is not None and number > maximum:
        raise TilingError(f"{name} must be at most {maximum}, got {shown(number)}")
    return number


def as_ints(
    value: Any, name: str, *, rank: int, minimum: int, maximum: int = MAX_SIZE
) -> tuple[int, ...]:
    """Return ``rank`` ints; an int stands for all axes (SIZE-002, SIZE-010)."""
    if not is_sequence(value):
        return (as_int(value, name, minimum=minimum, maximum=maximum),) * rank
    return as_exact_ints(value, name, rank=rank, minimum=minimum, maximum=maximum)


def as_exact_ints(
    value: Any, name: str, *, rank: int, minimum: int, maximum: int = MAX_SIZE
) -> tuple[int, ...]:
    """Return ``rank`` ints, one written out for each axis."""
    if not is_sequence(value):
        raise TypeError(
            f"{name} must be a sequence of {rank} ints, got {shorten(value)}"
        )
    if len(value) != rank:  # SIZE-002, ERROR-003
        raise TilingError(
            f"{name} must have {rank} numbers, one for each spatial axis, got "
            f"{len(value)}: {shorten(tuple(value))}"
        )
    return tuple(
        as_int(item, f"{name}[{axis}]", minimum=minimum, maximum=maximum)
        for axis, item in enumerate(value)
    )


def shorten(value: Any) -> str:
    """Write a value for a message, however large or deep it is."""
    if type(value) is int:
        return shown(value)
    try:
        text = _REPR.repr(value)
    except ValueError:  # a number in it that Python refuses to write
        text = f"a {type(value).__name__}"
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def shown(number: int) -> str:
    """Write an int for a message; Python refuses to write the longest."""
    return str(number) if abs(number) < 10**30 else f"about 2**{number.bit_length()}"


def is_sequence(value: Any) -> bool:
    """Tell whether ``value`` is a list of numbers and not a text or a scalar."""
    if isinstance(value, np.ndarray):
        return bool(value.ndim == 1)
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def refuse_masked(value: Any, name: str) -> None:
    """Refuse an array whose mask would be dropped, and what it hides be used."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, and masks are not kept: give {name}.filled(…) "
            "with a value that may enter the result"
        )


def marked_pixels(mask: Any, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where a mask of an image of ``size``, an array or tensor, is not zero."""
    refuse_masked(mask, "mask")
    if hasattr(mask, "detach"):  # a tensor
        mask = mask.detach().cpu()
    marked = np.asarray(mask)
    if marked.shape != size:  # COORD-009
        raise TilingError(
            f"the mask is {marked.shape}, the grid's image {size}: give a mask of the "
            "image's own size, without channels"
        )
    if marked.dtype.kind not in "biufc":
        raise TilingError(
            f"the mask is {marked.dtype}: give bools or numbers; what is not zero is "
            "marked"
        )
    return marked.astype(bool, copy=False)


def one_of(value: Any, name: str, known: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``known``, else name the nearest."""
    options = ", ".join(map(repr, known))
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {options}, got {shorten(value)}")
    if value not in known:
        hint = suggest(value, known)
        raise TilingError(
            f"{name} must be one of {options}, got {shorten(value)}{hint}"
        )
    return value


def as_bool(value: Any, name: str) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shorten(value)}")
    return bool(value)


def reject_unknown_keys(
    given: Collection[str], known: Sequence[str], where: str
) -> None:
    """Refuse a key that is not known, naming the nearest that is."""
    for key in given:
        if key not in known:
            hint = suggest(str(key), known) or f": known are {', '.join(known)}"
            raise TilingError(f"{where} has no key {shorten(key)}{hint}")


def names_its_arguments(
    init: Callable[Parameters, None],
) -> Callable[Parameters, None]:
    """Let a constructor name its own class, and the nearest argument, in a bad call."""

    @wraps(init)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            init(*args, **kwargs)
        except TypeError:
            if args:
                _explain_call(init, args, kwargs)
            raise

    return call


def _explain_call(
    init: Callable[..., None], args: Sequence[Any], kwargs: dict[str, Any]
) -> None:
    """Raise what is wrong with the arguments' names or number, if that is wrong."""
    spec, name = getfullargspec(init), type(args[0]).__name__
    known = [*spec.args[1:], *spec.kwonlyargs]
    names = f"known are {', '.join(known)}"
    for word in kwargs:
        if word not in known:
            # Not `suggest`: "border" is nearer to "mode" than to what is meant.
            near = get_close_matches(word, known, n=1, cutoff=0.7)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(
                f"{name} has no argument {shorten(word)}{hint or f': {names}'}"
            ) from None
    try:
        signature(init).bind(*args, **kwargs)
    except TypeError as error:
        call = f"{name}({', '.join(spec.args[1:])}, name=…)"
        raise TypeError(f"{name}: {error}; call {call}") from None


def suggest(word: str, known: Sequence[str]) -> str:
    """Return ``; did you mean …?`` for the known word nearest to ``word``."""
    close = get_close_matches(word[:MAX_SHOWN], known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def first_few(names: Collection[object], limit: int = 3) -> str:
    """Name the first files of a list for a message, and how many more there are."""
    named = ", ".join(printable(str(name)) for name in list(names)[:limit])
    more = len(names) - limit
    return f"{named} and {more:,} more" if more > 0 else named


def count_of(items: Collection[object], noun: str, plural: str = "") -> str:
    """Say how many of something there are: ``1 mask``, ``2 masks``."""
    return count(len(items), noun, plural)


def as_real(value: Any, name: str) -> Real:
    """Return a real number in its one canonical form (TILER-002).

    Whole floats become ints and every NaN the same object, for equal JSON; not −0.0.
    """
    if isinstance(value, bool | np.bool_ | np.integer):
        return int(value)
    if not isinstance(value, int | float | np.floating):
        raise TypeError(f"{name} must be a real number, got {shorten(value)}")
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:  # VALUE-005
            raise TilingError(f"{name}: no dtype holds {shown(value)}; give less")
        return value
    number = float(value)
    if math.isnan(number):
        return math.nan
    whole = number.is_integer() and not (number == 0 and math.copysign(1, number) < 0)
    return int(number) if whole else number


def validate_tile_size(tile_size: Any) -> tuple[int, ...]:
    """Return a tile's size on each axis; an int means a square (SIZE-001)."""
    rank = len(tile_size) if is_sequence(tile_size) else 2
    if not 1 <= rank <= MAX_RANK:
        raise TilingError(f"tile_size must have 1 to {MAX_RANK} axes, got {rank}")
    return as_ints(tile_size, "tile_size", rank=rank, minimum=1)


def validate_stride(
    tile: tuple[int, ...], stride: Any, overlap: Any
) -> tuple[int, ...]:
    """Return the stride on each axis, given as stride or as overlap, or the tile."""
    if stride is not None and overlap is not None:  # SIZE-007
        raise TilingError(
            f"stride={shorten(stride)} and overlap={shorten(overlap)} say the same "
            "thing twice: give one of them (stride = tile_size - overlap)"
        )
    if overlap is not None:  # SIZE-006
        _refuse_fraction(tile, overlap)
        shared = as_ints(overlap, "overlap", rank=len(tile), minimum=0)
        if any(o >= t for o, t in zip(shared, tile, strict=True)):
            raise TilingError(
                f"overlap {shared} must be smaller than the tile {tile} on each axis, "
                "or the next tile would not move: reduce the overlap"
            )
        return tuple(t - o for o, t in zip(shared, tile, strict=True))
    # SIZE-005
    step = (
        tile if stride is None else as_ints(stride, "stride", rank=len(tile), minimum=1)
    )
    if any(s > t for s, t in zip(step, tile, strict=True)):  # SIZE-008
        raise TilingError(
            f"stride {step} is larger than the tile {tile}: pixels between the tiles "
            "would be lost; use a stride of at most the tile size"
        )
    return step


def _refuse_fraction(tile: tuple[int, ...], overlap: Any) -> None:
    """Tell a caller who means a share of the tile which number of pixels that is."""
    shares = list(overlap) if is_sequence(overlap) else [overlap] * len(tile)
    if len(shares) == len(tile) and all(
        isinstance(share, float | np.floating) and 0 <= share < 1 for share in shares
    ):
        pixels = tuple(round(s * t) for s, t in zip(shares, tile, strict=True))
        raise TypeError(
            f"overlap must be an int, a number of pixels, got {shorten(overlap)}: that "
            f"share of the tile {tile} is overlap={pixels}"
        )


def validate_border(
    border: Any, tile: tuple[int, ...], step: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the border on each axis; what is left of tiles must meet (BORDER-005)."""
    borders = as_ints(border, "remove_border_count", rank=len(tile), minimum=0)
    for axis, (t, s, r) in enumerate(zip(tile, step, borders, strict=True)):
        left = max(0, t - 2 * r)
        if left < s:
            smaller = f", or a stride of at most {left}" if left else ""
            raise TilingError(
                f"remove_border_count {r} on axis {axis} leaves {left} pixels of a "
                f"tile of {t}, fewer than the stride {s}: pixels would be uncovered; "
                f"use a border of at most {(t - s) // 2}{smaller}"
            )
    return borders


def validate_align(
    align: Any, tile: tuple[int, ...], step: tuple[int, ...]
) -> tuple[int, ...]:
    """Return what starts are multiples of, as tile and stride must be."""
    aligns = as_ints(align, "align", rank=len(tile), minimum=1)
    for axis, a in enumerate(aligns):
        for name, size in (("tile_size", tile[axis]), ("stride", step[axis])):
            if size % a:  # GRID-014
                near = [n for n in (size - size % a, size - size % a + a) if n]
                raise TilingError(
                    f"{name} {size} on axis {axis} is no multiple of align {a}, so "
                    f"that tiles would lie between: use {' or '.join(map(str, near))}"
                )
    return aligns


def validate_aligned_image(
    image_size: tuple[int, ...], align: tuple[int, ...], mode: str
) -> None:
    """Refuse an image at whose end no aligned tile ends, where it has to."""
    for axis, (length, a) in enumerate(zip(image_size, align, strict=True)):
        if length % a:  # GRID-015, GRID-016
            below = length - length % a
            raise TilingError(
                f"{mode}: the image has {length} pixels on axis {axis}, no multiple of "
                f"align {a}, so that no aligned tile ends where it does: use "
                f"mode='padding', or crop it to {below} or extend it to {below + a}"
            )


# GRID-011: no mode pads random and scattered tiles, but a fitted grid has one that does
UNPADDED = "use a smaller tile, or tiles of grid() in mode='padding'"


def validate_image_fits(
    image_size: tuple[int, ...],
    tile: tuple[int, ...],
    what: str,
    way_out: str = "use mode='padding' or a smaller tile",
) -> None:
    """Refuse an image smaller than the tile where nothing extends it."""
    for axis, (length, side) in enumerate(zip(image_size, tile, strict=True)):
        if length < side:  # GRID-010, GRID-011
            raise TilingError(
                f"{what}: the tile {tile} is larger than the image {image_size} on "
                f"axis {axis} ({side} > {length}): {way_out}"
            )
