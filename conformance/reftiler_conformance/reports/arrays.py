"""Small arrays as text, with one item marked; of large ones, what surrounds it."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.compare import name_of, values
from reftiler_conformance.oracle import BFLOAT16

Array = npt.NDArray[Any]
Index = tuple[int, ...]

WHOLE, ROWS, COLUMNS = 64, 8, 8
"""The size up to which an array is printed whole; else, what is shown of it."""

WIDTH = 88


def side_by_side(
    names: tuple[str, str], arrays: tuple[Array, Array], first: Index | None
) -> list[str]:
    """
    Return lines that show two arrays, the item at ``first`` in brackets.

    They stand beside each other, or one above the other if that is too wide.
    """
    left, right = (
        [f"{name}: {name_of(array.dtype)} {array.shape}", *drawn(array, first)]
        for name, array in zip(names, arrays, strict=True)
    )
    room = max(map(len, left)) + 4
    if room + max(map(len, right)) > WIDTH:
        return [*left, *right]
    pairs = zip_longest(left, right, fillvalue="")
    return [f"{one:<{room}}{other}".rstrip() for one, other in pairs]


def drawn(array: Array, first: Index | None = None) -> list[str]:
    """Return the lines that show an array."""
    if array.size == 0:
        return ["(nothing)"]
    if first is not None and not _lies_in(first, array.shape):
        first = None
    missing = (0,) * (2 - array.ndim)  # a number and a row are shown as a table
    table = array.reshape(tuple(1 for _ in missing) + array.shape)
    mark = None if first is None else (*missing, *first)
    if array.size <= WHOLE and table.shape[-1] <= 2 * COLUMNS:
        lines = []
        for lead in np.ndindex(table.shape[:-2]):
            lines += [_label(*lead)] if lead else []
            lines += _rows(table[lead], _within(mark, lead))
        return lines
    return _excerpt(table, mark or (0,) * table.ndim, mark is not None)


def item(array: Array, index: Index) -> str:
    """Return one item as text that tells it from its neighbours."""
    if array.dtype == BFLOAT16:
        return str(values(array[index].reshape(1))[0])
    value: Any = array[index]
    plain = array.dtype.kind in "biufcmM"
    return str(value) if plain else repr(value.item())


def bits(array: Array, index: Index) -> str:
    """Return the bytes of one item, the most significant first where it is a number."""
    raw: bytes = array[index].tobytes()
    big = array.dtype.byteorder == ">" or array.dtype.kind not in "biufV"
    return "0x" + (raw if big else raw[::-1]).hex()


def _excerpt(table: Array, near: Index, marked: bool) -> list[str]:
    lead, (row, column) = near[:-2], near[-2:]
    rows = _around(row, table.shape[-2], ROWS)
    columns = _around(column, table.shape[-1], COLUMNS)
    part = table[lead][rows, columns]
    mark = (row - rows.start, column - columns.start) if marked else None
    return [_label(*lead, rows, columns), *_rows(part, mark)]


def _around(place: int, length: int, room: int) -> slice:
    start = max(0, min(place - room // 2, length - room))
    return slice(start, min(start + room, length))


def _label(*places: int | slice) -> str:
    texts = (f"{p.start}:{p.stop}" if isinstance(p, slice) else str(p) for p in places)
    return f"[{', '.join(texts)}]"


def _rows(table: Array, mark: Index | None) -> list[str]:
    cells = [
        [
            f"[{item(table, (y, x))}]" if (y, x) == mark else f"{item(table, (y, x))} "
            for x in range(table.shape[1])
        ]
        for y in range(table.shape[0])
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  " + " ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _within(mark: Index | None, lead: Index) -> Index | None:
    return mark[-2:] if mark is not None and mark[:-2] == lead else None


def _lies_in(index: Index, shape: Index) -> bool:
    return len(index) == len(shape) and all(
        0 <= i < n for i, n in zip(index, shape, strict=True)
    )
