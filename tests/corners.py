"""Merges and cuts that are written down: every kind of them, and numbers that are odd.

What is right the definition says; it is judged itself by hand in `test_oracle`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from reftiler_conformance.oracle import Settings
from tests.cases import Array, Case, MergeCase
from tests.strategies import INTEGERS, MODES, NUMBERS, WINDOWS

nan, inf = math.nan, math.inf
HALVES = ("float16", "bfloat16")
WEIGHTS = ((1.0, 0.1, 2.0**-16, 3.0, 0.7, 1.5), (2.5, 1e-3, 1.0, 7.0, 1.0, 0.3))


def every_kind() -> Iterator[MergeCase]:
    """Yield every kind of merge at least once: small, for the definition is slow."""
    sizes = {1: (19,), 2: (9, 11), 3: (4, 5, 7)}
    tiles = {1: ((6,), (4,)), 2: ((4, 6), (2, 3)), 3: ((2, 3, 4), (1, 2, 2))}
    layouts = [(None, None), (None, 2), (2, 2)]
    windows = ["hann", "box", "triangle", "gaussian"]
    for rank, size in sizes.items():
        tile, stride = tiles[rank]
        for turn, mode in enumerate(MODES):
            for part in range(3):
                batch, channels = layouts[(turn + part) % 3]
                merge = (None, None, ("max", "min")[turn % 2])[part]
                settings = Settings(
                    tile,
                    stride,
                    mode=mode,
                    pad_side=("end", "both")[(turn + part) % 2],
                    window="box" if merge else windows[(turn + rank + part) % 4],
                    merge=merge,
                    border=(1,) * rank if part == 1 and rank < 3 else (),
                    channels_last=bool((turn + part) % 2),
                    fill=3 if mode == "drop" else None,
                )
                dtype = ("float32", "int64", "float64")[(turn + part + rank) % 3]
                case = Case(settings, size, batch, channels, dtype, "special", turn)
                yield MergeCase(case, channels)
        corner = tuple(s - t for s, t in zip(size, tile, strict=True))
        middle = tuple(c // 2 for c in corner)
        starts = (corner, middle, (0,) * rank, middle, corner)
        for merge in (None, "max", "first", "last", "center", "vote"):
            settings = Settings(
                tile, stride, merge=merge, fill=7, channels_last=rank == 2
            )
            dtype = "int8" if merge == "vote" else "float32"
            case = Case(settings, size, 2, 3, dtype, "special", rank, starts)
            yield MergeCase(case, 3)
        for turn, window in enumerate(windows):
            settings = Settings(tile, stride, window=window, nan="omit", fill=7)
            placed = starts if turn % 2 else None
            case = Case(settings, size, 2, 3, "float64", "special", turn, placed)
            yield MergeCase(case, 3)
            settings = Settings(tile, stride, merge="vote", window=window)
            case = Case(settings, size, None, 2, "uint64", "special", turn)
            yield MergeCase(case, 2)
    custom = Settings((6, 6), (3, 2), window=WEIGHTS, border=(1, 1))
    yield MergeCase(Case(custom, (13, 9), None, 1, "float64", "random"), 1, (), "int8")
    # WINDOW-002: products of three such weights depend on their order.
    deep = Settings(
        (2, 3, 2), (1, 1, 1), window=((0.1, 0.7), (0.3, 1.1, 0.9), (0.6, 1.3))
    )
    yield MergeCase(Case(deep, (4, 5, 4), None, None, "float64", "random"))
    for mode in ("padding", "interpolation", "even"):
        scaled = Settings((4, 8), (2, 4), mode=mode, window="hann", border=(0, 2))
        case = Case(scaled, (10, 20), 1, 2, "uint8", "random")
        yield MergeCase(case, 2, (Fraction(3, 2), Fraction(1, 2)), "float32")


def into_every_dtype(
    source: str, targets: Sequence[str] = (*NUMBERS, "bfloat16")
) -> Iterator[MergeCase]:
    """Yield merges of one dtype into others, of all special values."""
    if source != "bool":
        targets = [target for target in targets if target != "bool"]
    for turn, target in enumerate(targets):
        merge = (None, "max", "min")[turn % 3]
        window = "box" if source == "bool" or merge else ("hann", "box")[turn % 2]
        settings = Settings((5,), (3,), window=window, merge=merge, fill=1)
        starts = ((0,), (5,), (7,), (9,), (33,), (33,), (33,))
        content = ("special", "bits")[turn // 3 % 2]
        case = Case(settings, (40,), None, None, source, content, turn, starts)
        yield MergeCase(case, None, (), target)


@dataclass(frozen=True)
class Written(MergeCase):
    """A merge of tiles (K, n) whose values are written down."""

    values: tuple[tuple[Any, ...], ...] = ()

    def tiles(self) -> Array:
        """Return the tiles."""
        return np.array(self.values, self.case.dtype)


def written(
    values: Sequence[Sequence[Any]],
    dtype: str,
    result: str | None = None,
    *,
    stride: int | None = None,
    starts: Sequence[int] | None = None,
    size: int | None = None,
    **settings: Any,
) -> Written:
    """Return a merge of tiles of one axis: all at one place unless it is said."""
    length = len(values[0])
    if stride is None and starts is None:
        starts = (0,) * len(values)
    placed = None if starts is None else tuple((start,) for start in starts)
    size = size or max(starts or [(stride or 0) * (len(values) - 1)]) + length
    tiling = Settings((length,), (stride or length,), **settings)
    case = Case(tiling, (size,), dtype=dtype, starts=placed)
    rows = tuple(tuple(row) for row in values)
    return Written(case, None, (), result, values=rows)


def _sums() -> Iterator[Written]:
    yield written([[1, 2, 254, 0], [2, 3, 255, 1]], "uint8")  # ties go to even
    yield written([[-1, -3], [-2, -4]], "int8")
    # Through float32 the sum 1 + 2**-11 + 2**-40 would round twice, to 1.
    yield written([[2.0], [2.0**-10 + 2.0**-39]], "float64", "float16")
    # The float64 mean of three lies beside a tie of bfloat16.
    yield written([[1.0], [1.0], [1 + 3 * 2.0**-8 + 2.0**-22]], "float32", "bfloat16")
    yield written([[300, 300, -7.0]] * 2, "float32", "uint8")
    for dtype in INTEGERS:
        ends = [int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)]
        for window in WINDOWS:
            yield written([ends * 2] * 4, dtype, stride=1, window=window)
        far = [*(0.5, 1.5, 2.5, -0.5, 254.5, 255.5, 300, -9, 1e300, -1e300, inf, -inf)]
        far += [2.0**31, 2.0**32, 2.0**63, 2.0**64, -(2.0**63), -(2.0**65)]
        yield written([far], "float64", dtype)
    odd = 2**53 + 1
    for dtype in ("int64", "uint64"):  # alone they are copied, together floats
        yield written([[odd, odd], [odd, odd]], dtype, stride=1)
        yield written([[odd, odd], [odd - 1, odd]], dtype, stride=1, merge="max")
    for window in ("box", "hann"):
        tiles = [[-0.0, -0.0], [0.0, -0.0], [-0.0, -0.0]]
        yield written(tiles, "float32", stride=1, window=window)
    for order in ([1e16, -1e16, 3.0], [1e16, 3.0, -1e16], [1.0, 1e16, -1e16]):
        yield written([[value] for value in order], "float64")
    meet = [[-0.0, -0.0], [-0.0, inf], [-inf, 1.0], [nan, 1e308], [1e308, 2]]
    yield written(meet, "float64", stride=1)
    yield written([[1, nan], [2, 3]], "float32", "uint8")
    yield written([[inf], [-inf]], "float64", "int16")
    yield written([[255] * 300] * 300, "uint8", stride=1)  # counted beyond a byte
    for window in WINDOWS:  # of two tiles one is zero: the weights are seen
        for length in (*range(1, 12), 64, 101):
            tiles = [[0.0] * length, [1.0] * length]
            yield written(tiles, "float64", stride=1, window=window)


def _others() -> Iterator[Written]:
    pairs = [(0.0, -0.0), (-0.0, 0.0), (nan, 1), (1, nan), (nan, inf), (-inf, 1)]
    one, other = zip(*pairs, strict=True)
    for merge in ("max", "min"):
        for dtype in ("float16", "float32", "float64"):
            yield written([one, other], dtype, merge=merge)
        yield written([one, other], "float32", "uint8", merge=merge)
    marks = [[False, True, True], [False, False, True]]
    for any_or_all in (None, "max", "min"):
        yield written(marks, "bool", merge=any_or_all)
        yield written(marks, "bool", "float32", merge=any_or_all)
    tiles = [[1, 2, 3, nan], [5, 6, nan, 8], [9, nan, 1, 2]]
    for merge in ("first", "last", "center"):
        # A pixel may be as far from two centres: the lower index has it.
        yield written(tiles, "float32", starts=[2, 5, 0], merge=merge)
        wants_none: list[list[float]] = [[1, 2, 3, 4], [5, 6, 7, 8]]
        wants_none[merge != "last"][merge == "last"] = nan
        yield written(wants_none, "float64", "int16", stride=1, merge=merge)
    for window in ("box", ((100, 1, 1, 100),)):
        votes = [[4] * 4, [9] * 4, [9] * 4]
        for dtype, sign in (("int16", 1), ("int16", -1), ("uint64", 1)):
            labels = [[sign * label for label in row] for row in votes]
            yield written(labels, dtype, starts=[0, 1, 1], merge="vote", window=window)
    for ties in ([7, 5], [5, 7], [3, -1, 2], [3, 2, 2, 3, -1]):
        yield written([[label] for label in ties], "int16", merge="vote")
    yield written([[2**64 - 1], [2**64 - 2]], "uint64", merge="vote")
    yield written([[True], [False]], "bool", merge="vote")
    for window in ("box", "triangle"):
        tiles = [[1, 2, nan, 0.1], [nan] * 4, [nan, 3, 5, 6]]
        for more in ({"stride": 2}, {"starts": [0, 2, 4], "size": 10}):
            given: dict[str, Any] = {"window": window, "nan": "omit", "fill": 9, **more}
            yield written(tiles, "float64", **given)
            yield written(tiles, "float64", "uint8", **given)
    yield written([[0, 0]], "uint8", starts=[3], size=7, fill=7)
    yield written([[1] * 4] * 2, "int16", stride=4, size=11, mode="drop", fill=-3)


def beside_ties(name: str) -> list[float]:
    """Return float64 numbers that short floats must round once.

    They are a hair off the ties: so thin that float32 loses it, and makes a tie of it.
    """
    mantissa, exponents = 10, range(-13, 15)
    if name == "bfloat16":
        mantissa, exponents = 7, range(-120, 127, 5)
    values = []
    for exponent in exponents:
        for step in (0, 1, 2, 2 ** (mantissa - 1), 2**mantissa - 1):
            tie = 1 + (2 * step + 1) * 2.0 ** -(mantissa + 1)
            for hair in (-(2.0**-45), -(2.0**-30), 0.0, 2.0**-30, 2.0**-45):
                values.append((tie + hair) * 2.0**exponent)
    least, top = {
        "float16": (2.0**-24, 65504.0),
        "bfloat16": (2.0**-133, 3.3895313892515355e38),
    }[name]
    for step in (0.5, 1.5, 2.5, 7.5):
        values += np.nextafter(step * least, [0, step * least, 1]).tolist()
    over = top * (1 + 2.0 ** -(mantissa + 2))
    values += [top, over, float(np.nextafter(over, 0)), 1e300, inf, 0.0, 5e-324]
    return [*values, *(-value for value in values)]


def short_floats() -> Iterator[Written]:
    """Yield merges in which two roundings would show: of one tile, and of two."""
    for name in HALVES:
        values = beside_ties(name)
        yield written([values], "float64", name)
        yield written([values, values[::-1]], "float64", name)


WRITTEN = [*_sums(), *_others()]
EVERY_KIND = list(every_kind())

CONSTANTS = [
    # To a short float the way is straight: through float64 or float32 some are lost.
    *[(1 + 2.0**-11 + 2.0**-40, "float16"), (-(1 + 2.0**-11 + 2.0**-40), "float16")],
    *[(65519, "float16"), (65519.996, "float16"), (2.0**-25 + 2.0**-60, "float16")],
    *[(1 + 2.0**-8 + 2.0**-40, "bfloat16"), (2**100 + 2**92 + 1, "bfloat16")],
    *[(3.39e38, "bfloat16"), (2**100 + 2**76 + 1, "float32")],
    *[(-(2**100) - 2**76 - 1, "float32"), (2**60 + 2**36 + 1, "float32")],
    *[(2**60 + 3 * 2**36 - 1, "float32"), (3.4028235677973364e38, "float32")],
    *[(2**53 + 1, "float64"), (2**53 + 3, "float64"), (10**300, "float64")],
    *[(-0.0, "float16"), (nan, "bfloat16"), (-inf, "float16"), (True, "bool")],
    *[(2**64 - 1, "uint64"), (2**63, "uint64"), (2**53 + 1, "int64")],
    *[(-(2**63), "int64"), (2**32 - 1, "uint32")],
]
"""Constants, and dtypes to which they must be rounded once."""


def constants(*, halves: bool) -> Iterator[Case]:
    """Yield cuts that pad with each constant."""
    for value, dtype in CONSTANTS:
        if halves or dtype != "bfloat16":
            settings = Settings((4,), (4,), pad_value=value)
            yield Case(settings, (3,), dtype=dtype)


def fills(*, halves: bool) -> Iterator[MergeCase]:
    """Yield merges that fill a gap with each constant."""
    for value, dtype in CONSTANTS:
        if halves or dtype != "bfloat16":
            settings = Settings((3,), (3,), mode="drop", fill=value)
            yield MergeCase(Case(settings, (4,), dtype=dtype))
