"""Results against the reference, and a word for whoever does less."""

from itertools import zip_longest
from typing import Any

import numpy as np

from reftiler.bench.contenders.base import Contender
from reftiler.bench.workloads import Array, Workload

VIEWS = "views"
LIST = "list"
LOST = "loses pixels"
NO_MEAN = "no mean"
OFF = "off by one"
NO_NAN = "no NaN"
WRONG = "wrong"

LESS = {VIEWS, LIST, LOST, NO_MEAN, WRONG}
"""With one of these it was not the same work, and no ratio counts."""

MEANING = {
    VIEWS: "hands out views of one image: no tile was copied",
    LIST: "hands out a list, not one array",
    LOST: "pixels are lost: left out, or made 0",
    NO_MEAN: "does not average where tiles overlap",
    OFF: "integers are truncated, not rounded",
    NO_NAN: "makes NaN a number",
    WRONG: "differs from the reference",
    "float32": "returns another dtype than it was given",
}

_PROBE = Workload("probe", (1, 1, 8, 8), 4, 2)


def tile_marks(
    contender: Contender, result: Any, expected: Array, image: Array
) -> set[str]:
    """Return the words for what was made of an image by ``tile``."""
    marks = _shape_marks(contender, result)
    last: Array | None = None
    for piece, right in zip_longest(contender.pieces(result), expected):
        if piece is None or right is None or piece.shape != right.shape:
            return marks | {WRONG}
        if piece.dtype != right.dtype:
            marks.add(piece.dtype.name)
        if not np.array_equal(piece, right):
            return marks | {WRONG}
        if _shared(piece, image, last):
            marks.add(VIEWS)
        last = piece
    return marks


def image_marks(contender: Contender, result: Any, expected: Array) -> set[str]:
    """Return the words for what was made of tiles by ``untile``."""
    marks = _shape_marks(contender, result)
    whole = contender.whole(result)
    if whole.shape != expected.shape:
        return marks | {WRONG}
    if whole.dtype != expected.dtype:
        marks.add(whole.dtype.name)
    grid = contender.reference.grid(contender.work.size)
    # In `drop` the covered pixels are a corner of the image.
    corner: Any = (..., *(slice(0, axis.starts[-1] + axis.tile) for axis in grid.axes))
    return marks | _difference(contender, whole[corner], expected[corner])


def _difference(contender: Contender, whole: Array, right: Array) -> set[str]:
    if contender.exact:
        return set() if np.array_equal(whole, right) else {WRONG}
    integer = right.dtype.kind in "iu"
    # A float32 that is not yet rounded to an integer is as good as one that is.
    close = 0.51 if whole.dtype.kind == "f" and integer else 0 if integer else 1e-5
    gap = np.abs(np.subtract(whole, right, dtype=np.float32))
    bad = ~(gap <= close)
    if not bad.any():
        return set()
    if not whole[bad].any():
        return {LOST}
    if integer and gap.max() <= 1:
        return {OFF}
    return {WRONG}


def averages(kind: type[Contender], device: str) -> bool:
    """Tell whether tiles that differ where they overlap are averaged."""
    contender = kind(_PROBE, device)
    tiles = np.zeros(_PROBE.tiles_shape, np.float32)
    tiles[4] = 4  # the one in the middle, and four lie on each of its pixels
    whole = contender.whole(contender.untile(contender.tiles(tiles), None))
    one_or_sum = np.isin(whole[..., 2:6, 2:6], (0, 4))
    return not one_or_sum.all()


def keeps_nan(kind: type[Contender], device: str) -> bool:
    """Tell whether tiles that are all NaN become an image that is."""
    contender = kind(_PROBE, device)
    tiles = np.full(_PROBE.tiles_shape, np.nan, np.float32)
    with np.errstate(invalid="ignore"):
        whole = contender.whole(contender.untile(contender.tiles(tiles), None))
    return bool(np.isnan(whole[..., 2:6, 2:6]).all())


def _shape_marks(contender: Contender, result: Any) -> set[str]:
    """Return what shows before any pixel is compared."""
    grid = contender.reference.grid(contender.work.size)
    marks = {LIST: contender.is_list(result), LOST: bool(grid.uncovered)}
    return {mark for mark, here in marks.items() if here}


def _shared(piece: Array, image: Array, last: Array | None) -> bool:
    """Tell whether a tile lies in the image's memory, or in its neighbour's."""
    if np.may_share_memory(piece, image):
        return True
    return last is not None and np.may_share_memory(piece, last)
