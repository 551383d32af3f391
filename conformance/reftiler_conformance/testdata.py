"""What the pixels of test arrays are: told by a word and a seed, or made for a case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.oracle import BFLOAT16, dtype_info

if TYPE_CHECKING:
    from reftiler_conformance.cases import Case

Array = npt.NDArray[Any]

CONTENTS = ("index", "random", "bits", "special")
"""The place of each pixel modulo 251, a prime, so that no stride meets the same value
again; ordinary numbers; any bits at all; the corners of the type."""

EXTREMES = (0, 1, -1, 2, 3, 127, 128, 255, 256, 2047, 2**24 + 1, 2**53 + 1)


def fill_with(content: str, shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    """Return a read-only array of a content, one of `CONTENTS`."""
    if content not in CONTENTS:
        raise ValueError(f"no such content: {content}")
    if dtype == "bfloat16":  # the upper half of float32 numbers
        halves = _upper_halves(fill_with(content, shape, "float32", seed))
        halves.flags.writeable = False
        return halves
    kind = np.dtype(dtype)
    count = math.prod(shape)
    generator = np.random.Generator(np.random.PCG64(seed))
    if dtype_info(kind) is None:
        array = odd_types(kind, count, generator)
    elif kind.kind == "b":
        array = generator.integers(0, 2, count).astype(bool)
    elif content == "index":
        array = ((np.arange(count) * (1 + seed % 7) + seed) % 251).astype(kind)
    elif content == "random":
        array = ordinary(kind, count, generator)
    elif content == "bits":
        raw = generator.bytes(count * kind.itemsize)
        array = np.frombuffer(raw, kind).copy()
    else:
        array = generator.choice(specials(kind), count)
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


WEIGHTS: dict[str, tuple[float, ...]] = {
    "ordinary": (1.0, 2.0, 3.0, 0.1, 7.0, 1e-3, 200.0),
    "zeros": (0.0, 0.0, 0.0, 1.0, 3.0, 0.1, -0.0),
    "extreme": (2.0**-512, 2.0**512, 1.0, 3.0, 0.0),
    "none": (0.0, -0.0),
}
"""The values of weights of pixels; a dtype that has not one has another number."""

BAD_WEIGHTS = {
    "negative": -1.0,
    "subnormal": -5e-324,
    "nan": math.nan,
    "infinite": math.inf,
    "small": 2.0**-513,
    "large": math.nextafter(2.0**512, math.inf),
}
"""Values that no weight may have."""

BAD_SHAPES = ("more", "flat", "channels", "longer")
"""Weights of a tile too many, of whole tiles, of channels, of larger tiles."""


def weigh_with(content: str, shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    """Return read-only weights: a word of the three tables above, or ones."""
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    if content in WEIGHTS:
        numbers = _numbers_of(WEIGHTS[content], dtype)
        found = numbers[generator.integers(0, len(numbers), shape)]
    else:
        found = held([1.0], dtype)[np.zeros(shape, int)]
    if content in BAD_WEIGHTS:
        found.reshape(-1)[generator.integers(found.size)] = BAD_WEIGHTS[content]
    elif content == "more":
        found = np.concatenate([found, found[:1]])
    elif content == "flat":
        found = found.reshape(shape[0], -1)[:, 0]
    elif content == "channels":
        found = found[:, np.newaxis]
    elif content == "longer":
        found = np.concatenate([found, found[..., :1]], axis=-1)
    found = np.ascontiguousarray(found)
    found.flags.writeable = False
    return found


def _numbers_of(numbers: tuple[float, ...], dtype: str) -> Array:
    """Return those of some numbers that a dtype has, rounded, and its own corners."""
    if dtype == "bfloat16":
        return held([n for n in numbers if n in (0, 0.1) or 1 <= n <= 200], dtype)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.array([bool(n) for n in numbers])
    if kind.kind in "iu":
        high = int(np.iinfo(kind).max)
        whole = [int(n) for n in numbers if n in (0, 1, 2, 3) or n == 7]
        return np.array([*whole, *([high, high - 1] if 1.0 in numbers else [])], kind)
    with np.errstate(all="ignore"):
        found = np.array(numbers).astype(kind)
    kept: Array = found[np.isfinite(found) & ((found != 0) == (np.array(numbers) != 0))]
    return kept


def ordinary(kind: np.dtype[Any], count: int, generator: np.random.Generator) -> Array:
    """Return numbers such as an image or a map holds."""
    if kind.kind == "f":
        return generator.standard_normal(count).astype(kind)
    info = np.iinfo(kind)
    native = kind.newbyteorder("=")
    numbers = generator.integers(info.min, info.max, count, native, endpoint=True)
    return numbers.astype(kind)


def odd_types(kind: np.dtype[Any], count: int, generator: np.random.Generator) -> Array:
    """Return bytes of a type that tile moves but nobody reckons with."""
    raw = generator.integers(1, 120, count * kind.itemsize, np.uint8).tobytes()
    if kind.kind == "U":  # every four bytes must be a character
        letters = generator.integers(65, 90, count * kind.itemsize // 4, np.uint32)
        raw = letters.tobytes()
    return np.frombuffer(raw, kind).copy()


def specials(kind: np.dtype[Any]) -> Array:
    """Return the corners of a type: extremes, zeros, NaN, infinities, subnormals."""
    if kind.kind in "iu":
        low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
        whole = [low, low + 1, high - 1, high, *EXTREMES]
        return np.array([n for n in whole if low <= n <= high], kind)
    info = np.finfo(kind)
    tiny, ends = float(info.smallest_subnormal), [float(info.max), float(info.min)]
    ordinary = [0.0, -0.0, 1.0, -1.0, 0.1, np.inf, -np.inf, np.nan]
    return np.array([*ordinary, tiny, -tiny, 3 * tiny, float(info.tiny), *ends], kind)


def chosen(
    case: Case, numbers: Sequence[float], shape: tuple[int, ...] | None = None
) -> Array:
    """Return a case's tiles, each pixel one of the numbers, as its seed says.

    A ``shape`` that can be broadcast to the tiles' makes pixels or tiles alike.
    """
    generator = np.random.Generator(np.random.PCG64(case.seed))
    some = case.tiles_shape if shape is None else shape
    found = held(numbers, case.dtype)[generator.integers(0, len(numbers), some)]
    return np.ascontiguousarray(np.broadcast_to(found, case.tiles_shape))


def whole_tiles(case: Case, numbers: Sequence[float]) -> Array:
    """Return tiles that hold one number each, as the case's seed says."""
    return chosen(case, numbers, (case.count, *(1,) * (len(case.tiles_shape) - 1)))


def held(numbers: Sequence[float], dtype: str) -> Array:
    """Return numbers as an array of a dtype that can hold them."""
    if dtype != "bfloat16":
        return np.array(numbers, dtype)
    return _upper_halves(np.array(numbers, np.float32))


def _upper_halves(singles: Array) -> Array:
    halves: Array = (singles.view(np.uint32) >> 16).astype("<u2").view(BFLOAT16)
    return halves
