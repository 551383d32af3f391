"""What is right for a case, by the definition; remembered, for a case comes often.

It is remembered by the recipe's text: cases that are equal to Python need not mean the
same, since 0 equals -0.0 and True equals 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy.typing as npt

from reftiler_conformance import oracle
from reftiler_conformance.cases import Case, parse

Array = npt.NDArray[Any]


def expected_tiles(case: Case) -> Array:
    """Return the tiles of a case's image."""
    return _tiles(repr(case))


def expected_merge(case: Case) -> Array:
    """Return the merge of a case's tiles."""
    return _merge(repr(case))


def merge_of(case: Case, tiles: Array) -> Array:
    """Return the merge of any tiles of a case."""
    return oracle.untile(case.grid, tiles, case.shape, case.scales, case.result_dtype)


@lru_cache(maxsize=512)
def _tiles(text: str) -> Array:
    case = parse(text)
    return _frozen(oracle.tile(case.grid, case.image()))


@lru_cache(maxsize=512)
def _merge(text: str) -> Array:
    case = parse(text)
    return _frozen(merge_of(case, case.tiles()))


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
