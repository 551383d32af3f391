"""Where a result is wrong, and what stands there, as text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.compare import name_of
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.slices import values

Array = npt.NDArray[Any]
Index = tuple[int, ...]

MAX_ITEMS, WIDTH = 64, 88
"""How many items are shown whole, and how wide two arrays next to each other are."""


@dataclass(frozen=True)
class First:
    """The first item that differs: where, what came back, what is right."""

    index: Index
    got: str
    want: str
    bits: str = ""
    """Both items' bytes, where their texts are equal."""


def mask_of(found: Evidence) -> Array | None:
    """Return where a result is wrong, to the check or to the bit; None if unknown."""
    got, want = found.got, found.want
    if got is None or want is None or got.shape != want.shape:
        return None
    if found.mask is not None and found.mask.shape == got.shape:
        return found.mask
    if got.dtype != want.dtype or not got.size:
        return None
    raw = [
        np.frombuffer(a.tobytes(), np.uint8).reshape(got.size, -1) for a in (got, want)
    ]
    differ: Array = (raw[0] != raw[1]).any(axis=-1).reshape(got.shape)
    return differ


def first_of(found: Evidence) -> First | None:
    """Return the first item that is wrong."""
    got, want, mask = found.got, found.want, mask_of(found)
    if got is None or want is None or mask is None or not mask.any():
        return None
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    texts = item(got, index), item(want, index)
    if texts[0] != texts[1]:
        return First(index, *texts)
    bits = f"bits at {index}: {_bits(got, index)}, should be {_bits(want, index)}"
    return First(index, *texts, bits)


def item(array: Array, index: Index) -> str:
    """Return one item as text that tells it from its neighbours."""
    if array.dtype == BFLOAT16:
        return str(values(array[index].reshape(1))[0])
    value: Any = array[index]
    return str(value) if array.dtype.kind in "biufcmM" else repr(value.item())


def side_by_side(got: Array, want: Array) -> list[str]:
    """Return lines that show two arrays, next to each other where there is room."""
    left, right = shown("got", got), shown("want", want)
    room = max(map(len, left)) + 4
    if room + max(map(len, right)) > WIDTH:
        return [*left, *right]
    pairs = zip_longest(left, right, fillvalue="")
    return [f"{one:<{room}}{other}".rstrip() for one, other in pairs]


def shown(name: str, array: Array) -> list[str]:
    """Return the lines that show an array; of a large one, its corners."""
    title = f"{name}: {name_of(array.dtype)} {array.shape}"
    plain = values(array) if array.dtype == BFLOAT16 else array
    width = max((len(str(number)) for number in plain.flat[:MAX_ITEMS]), default=0)
    text = np.array2string(
        plain,
        threshold=MAX_ITEMS,
        max_line_width=10**6,
        formatter={"float_kind": lambda number: str(number).rjust(width)},
    )
    return [title, *text.splitlines()]


def _bits(array: Array, index: Index) -> str:
    """Return the bytes of one item, the most significant first where it is a number."""
    raw: bytes = array[index].tobytes()
    big = array.dtype.byteorder == ">" or array.dtype.kind not in "biufV"
    return "0x" + (raw if big else raw[::-1]).hex()
