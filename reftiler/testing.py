"""Assertions on what other tilers return, for the tests of their projects.

`assert_tiles_equal` compares tiles, and `assert_untiles` a merged image, with what the
specification says. A failure names the clause of ``conformance/SPEC.md`` that is broken
and the likeliest cause, which is found by making it on purpose: tiles in another order,
sums in float32, the last tile wins, and so on. They need numpy alone. The whole
specification is asked by ``reftiler_conformance.parametrize_with_clauses``.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reftiler import mistakes
from reftiler.cut import as_nchw
from reftiler.plan import plan_tile, plan_untile
from reftiler.tiler import Tiler

__all__ = ["assert_tiles_equal", "assert_untiles"]

Array = NDArray[Any]


def assert_tiles_equal(
    tiles: Any,
    image: Any,
    *,
    tile_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    **settings: Any,
) -> None:
    """Raise an AssertionError unless tiles are those of an image, to the bit.

    Parameters
    ----------
    tiles : array_like, tensor or callable
        Of shape (K, *T), (K, C, *T) or, of a batch, (N·K, C, *T); or what makes them
        of the image, such as a method of a tiler.
    image : array_like or tensor, shape (*S), (C, *S) or (N, C, *S)
        What was cut.
    tile_size, stride, **settings
        As `reftiler.Tiler` takes them: ``mode="clamp"``, ``channels_last=True``, …

    Raises
    ------
    AssertionError
        The message names the clause that is broken, and the first difference.
    TilingError
        If the specification refuses such settings, or such an image.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(6.0)
    >>> assert_tiles_equal([[0.0, 1, 2], [3, 4, 5]], image, tile_size=[3])
    >>> assert_tiles_equal([[0.0, 1, 2], [0, 4, 5]], image, tile_size=[3])
    Traceback (most recent call last):
    AssertionError: TILE-001: the tiles hold other pixels than those at their place; \
1 of 6 differ, first at [1, 0]: got 0.0, want 3.0, which is image pixel (3,)
    """
    __tracebackhide__ = True  # pytest shows the line of the caller
    tiler, source = Tiler(tile_size, stride, **settings), _as_array(image, "image")
    want = tiler.tile(source)
    got = _as_array(tiles(image) if callable(tiles) else tiles, "tiles")
    if got.dtype != want.dtype:
        _fail("TYPE-002", f"the tiles are {got.dtype}, of an image of {want.dtype}")
    plan = plan_tile(tiler, source.shape, source.dtype.name, None)
    found = partial(mistakes.tile_mistakes, tiler, source, plan.grid)
    if got.shape != want.shape:
        due = f"the tiles have the shape {got.shape}, {want.shape} is due"
        number = got.shape[1:] == want.shape[1:]
        default = (mistakes.GRID[tiler.mode] if number else "LAYOUT-006", due)
        _fail(*_cause(found(), lambda made: made.shape == got.shape, default))
    wrong = _bits_differ(got, want)
    if wrong.any():
        pixels = mistakes.source_pixels(tiler, plan, want.shape)
        look = mistakes.describe_tiles(tiler, got, want, wrong, pixels)
        cause = _cause(found(), lambda made: not _bits_differ(got, made).any(), look)
        pixel = pixels[wrong][0]
        index = np.unravel_index(max(pixel, 0), plan.image.size)
        where = f"image pixel {tuple(map(int, index))}" if pixel >= 0 else "padding"
        _fail(*cause, f"{_first(got, want, wrong)}, which is {where}")


def assert_untiles(  # noqa: PLR0913 - all but four are optional
    merged: Any,
    tiles: Any,
    shape: Sequence[int],
    *,
    tile_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    scale: Any = None,
    dtype: DTypeLike | None = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    **settings: Any,
) -> None:
    """Raise an AssertionError unless an image is what tiles merge into.

    Parameters
    ----------
    merged : array_like, tensor or callable
        The merged image, or what makes it of the tiles.
    tiles : array_like or tensor
        What was merged, image by image and row by row. Only tiles that do not agree
        where they overlap show how they are merged.
    shape : sequence of int
        The shape of the image that was cut.
    tile_size, stride, **settings
        As `reftiler.Tiler` takes them: ``window="hann"``, ``remove_border_count=2``, …
    scale, dtype
        As `reftiler.Tiler.untile` takes them.
    rtol, atol
        How far a pixel may be from the right one, as in `numpy.isclose`. By default it
        must be right to the bit, but for the sign and payload of a NaN.

    Raises
    ------
    AssertionError
        The message names the clause that is broken, and the first difference.
    TilingError
        If the specification refuses such settings, or to merge such tiles.

    Examples
    --------
    >>> import numpy as np
    >>> tiles = np.array([[1, 2], [5, 9]], np.uint8)
    >>> right, cut_off = np.array([[1, 4, 9], [1, 3, 9]], np.uint8)
    >>> assert_untiles(right, tiles, (3,), tile_size=[2], stride=[1])
    >>> assert_untiles(cut_off, tiles, (3,), tile_size=[2], stride=[1])
    Traceback (most recent call last):
    AssertionError: ROUND-003: means are cut off: round to nearest; \
1 of 3 differ, first at [1]: got 3, want 4
    """
    __tracebackhide__ = True
    tiler, given = Tiler(tile_size, stride, **settings), _as_array(tiles, "tiles")
    want = tiler.untile(given, shape, scale=scale, dtype=dtype)
    got = _as_array(merged(tiles) if callable(merged) else merged, "merged")
    if got.dtype != want.dtype:
        _fail("TYPE-006", f"the result is {got.dtype}, {want.dtype} is due")
    if got.shape != want.shape:
        _fail(*mistakes.describe_shape(got.shape, want.shape))

    def differ(one: Array, other: Array) -> Array:
        same = ~_bits_differ(one, other) | (np.isnan(one) & np.isnan(other))
        return ~(same | np.isclose(one, other, rtol, atol)) if rtol or atol else ~same

    wrong = differ(got, want)
    if wrong.any():
        plan = plan_untile(
            tiler, given.shape, given.dtype.name, shape, None, scale, want.dtype.name
        )
        arrays = [as_nchw(array, plan.result) for array in (got, want, wrong)]
        cause = mistakes.cause_by_place(given.dtype, plan, *arrays) or _cause(
            mistakes.untile_mistakes(tiler, given, shape, plan, scale, arrays[1]),
            lambda made: not differ(arrays[0], made).any(),
            mistakes.describe_merge(tiler, plan, *arrays),
        )
        _fail(*cause, _first(got, want, wrong))


def _cause(
    made: Iterable[mistakes.Mistake],
    explains: Callable[[Array], bool],
    default: tuple[str, str],
) -> tuple[str, str]:
    """Return the first mistake that gives the wrong result, or the default."""
    found = (cause[:2] for cause in made if explains(cause[2]))
    return next(chain(found, [default]))


def _fail(clause: str, said: str, place: str = "") -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError(f"{clause}: {said}{place and '; ' + place}")


def _first(got: Array, want: Array, wrong: Array) -> str:
    index = tuple(np.argwhere(wrong)[0].tolist())
    return (
        f"{int(wrong.sum())} of {wrong.size} differ, first at {list(index)}: "
        f"got {got[index]}, want {want[index]}"
    )


def _as_array(value: Any, name: str) -> Array:
    """Return an array, or a tensor of any device, as an array."""
    array = np.asarray(
        value.detach().cpu().numpy() if hasattr(value, "detach") else value
    )
    if array.dtype.hasobject:
        raise TypeError(f"{name} must be an array or a tensor, got {value!r:.80}")
    return array


def _bits_differ(one: Array, other: Array) -> Array:
    """Tell of each item whether its bytes differ; of all, if the shapes do."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return np.ones(one.shape, bool)
    raw = [
        np.frombuffer(array.tobytes(), np.uint8).reshape(*array.shape, array.itemsize)
        for array in (one, other)
    ]
    return np.asarray((raw[0] != raw[1]).any(-1))
