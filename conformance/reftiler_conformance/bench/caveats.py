"""Results against the reference: a word for each thing that a library does not do."""

from functools import lru_cache
from itertools import zip_longest
from typing import Any

import numpy as np

from reftiler_conformance.bench.implementations import Implementation
from reftiler_conformance.bench.workloads import Array, Workload
from reftiler_conformance.peers.base import PeerLibrary

VIEWS = "views"
LIST = "list"
LOST = "loses pixels"
NO_MEAN = "no mean"
OFF = "off by one"
NO_NAN = "no NaN"
WRONG = "wrong"

LESS_WORK = {VIEWS, LIST, LOST, NO_MEAN, WRONG}
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


def tile_caveats(
    implementation: Implementation, results: list[Any], expected: Array, image: Array
) -> set[str]:
    """Return the caveats of what ``tile`` made of an image."""
    found = _form(implementation, results)
    last: Array | None = None
    for tile, right in zip_longest(implementation.iter_tiles(results), expected):
        if tile is None or right is None or tile.shape != right.shape:
            return found | {WRONG}
        if tile.dtype != right.dtype:
            found.add(tile.dtype.name)
        if not np.array_equal(tile, right):
            return found | {WRONG}
        # It lies in the image's memory, or in its neighbour's.
        others = (image,) if last is None else (image, last)
        if any(np.may_share_memory(tile, other) for other in others):
            found.add(VIEWS)
        last = tile
    return found


def image_caveats(
    implementation: Implementation, results: list[Any], expected: Array
) -> set[str]:
    """Return the caveats of what ``untile`` made of tiles."""
    found = _form(implementation, results)
    merged = implementation.from_images(results)
    if merged.shape != expected.shape:
        return found | {WRONG}
    if merged.dtype != expected.dtype:
        found.add(merged.dtype.name)
    grid = implementation.reference.grid(implementation.work.size)
    # In `drop` the covered pixels are a corner of the image.
    corner: Any = (..., *(slice(0, axis.starts[-1] + axis.tile) for axis in grid.axes))
    found |= _difference(implementation.exact, merged[corner], expected[corner])
    probed = _merges(implementation.name, implementation.library, implementation.device)
    if NO_MEAN in probed:
        found = found - {WRONG} | {NO_MEAN}
    return found | probed & ({NO_NAN} if expected.dtype.kind == "f" else set())


def _difference(exact: bool, merged: Array, right: Array) -> set[str]:
    if exact:
        return set() if np.array_equal(merged, right) else {WRONG}
    integer = right.dtype.kind in "iu"
    # A float32 that is not yet rounded to an integer is as good as one that is.
    close = 0.51 if merged.dtype.kind == "f" and integer else 0 if integer else 1e-5
    gap = np.abs(np.subtract(merged, right, dtype=np.float32))
    bad = ~(gap <= close)
    if not bad.any():
        return set()
    if not merged[bad].any():
        return {LOST}
    return {OFF} if integer and gap.max() <= 1 else {WRONG}


def _form(implementation: Implementation, results: list[Any]) -> set[str]:
    """Return what shows before any pixel is compared."""
    grid = implementation.reference.grid(implementation.work.size)
    found = {LIST: isinstance(results[0], list), LOST: bool(grid.uncovered)}
    return {caveat for caveat, here in found.items() if here}


@lru_cache
def _merges(name: str, library: PeerLibrary, device: str) -> set[str]:
    """Ask a library once whether it averages, and whether it keeps NaN."""
    probe = Implementation(name, library, _PROBE, device)

    def middle(tiles: Array) -> Array:
        return probe.from_images(probe.untile(probe.to_tiles(tiles)))[..., 2:6, 2:6]

    found = set()
    tiles = np.zeros(_PROBE.tiles_shape, np.float32)
    tiles[4] = 4  # the one in the middle, and four lie on each of its pixels
    if np.isin(middle(tiles), (0, 4)).all():  # the first, the last, the sum
        found.add(NO_MEAN)
    with np.errstate(invalid="ignore"):
        if not np.isnan(middle(np.full_like(tiles, np.nan))).all():
            found.add(NO_NAN)
    return found
