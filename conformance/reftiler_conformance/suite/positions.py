"""Images whose pixels are numbered, so that a tile tells where it was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case, Sizes
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.slices import pieces_of, values

FIRST = 30
"""The number of the first pixel: smaller ones are nowhere, such as what pads."""

SHOWN = 50_000
"""Pixels of tiles up to which a counterexample holds what is right."""


def numbered(case: Case) -> Array:
    """Return the case's one image with its pixels numbered from `FIRST` on."""
    numbers = FIRST + np.arange(np.prod(case.shape))
    return numbers.astype(case.numpy_dtype).reshape(case.shape)


def cut(run: CaseRun, image: Array, case: Case | None = None) -> Array:
    """
    Return the tiles of an image of one channel as numbers, shaped (K, *T).

    ``case`` is the one that is open, if it is not the run's.

    Raises
    ------
    Mismatch
        If they hold another number of pixels than tiles have.
    """
    case = case or run.case
    got = run.tile(image).array
    small = np.prod(case.cut_shape) < SHOWN
    run.keep(got, pieces_of(case, image) if small else None)
    if not got.size or got.size != len(got) * np.prod(case.tile):
        raise Mismatch(f"tiles of {case.tile} cannot have the shape {got.shape}")
    return values(got).reshape(len(got), *case.tile)


def origins(run: CaseRun) -> list[Sizes]:
    """Cut an image of numbered planes for each axis; return where its tiles begin."""
    case = run.case
    starts = [_starts(run, axis) for axis in range(case.rank)]
    return list(zip(*starts, strict=True))


def _starts(run: CaseRun, axis: int) -> list[int]:
    """Return where the tiles begin on one axis, as most of their pixels say."""
    case = run.case
    along = tuple(length if a == axis else 1 for a, length in enumerate(case.size))
    planes = FIRST + np.arange(case.size[axis]).reshape(along)
    image = np.broadcast_to(planes, case.size).astype(case.numpy_dtype)
    tiles = cut(run, image.reshape(case.shape))
    votes = tiles - FIRST - np.indices(case.tile)[axis]
    votes = np.where(tiles >= FIRST, votes, np.nan).reshape(len(tiles), -1)
    if (lost := np.isnan(votes).all(axis=1)).any():
        raise Mismatch(f"tile {lost.argmax()} holds no pixel of the image")
    found = np.nanmin(votes, axis=1)
    for k in np.flatnonzero(found != np.nanmax(votes, axis=1)):
        known = votes[k][~np.isnan(votes[k])]
        numbers, counts = np.unique(known, return_counts=True)
        found[k] = numbers[counts.argmax()]
    return [int(start) for start in found]


def same_places(got: Sequence[Sizes], want: Sequence[Sizes]) -> None:
    """Fail unless two lists of starts are the same, in whatever order."""
    if (mine := sorted(got)) == (right := sorted(want)):
        return
    pairs = enumerate(zip(mine, right, strict=False))
    first = next((k for k, (one, other) in pairs if one != other), 0)
    near = slice(first - first % 8, first - first % 8 + 8)
    raise Mismatch(
        f"{len(mine)} tiles begin at {_told(mine[near])}, "
        f"should be {len(right)} at {_told(right[near])}"
    )


def _told(places: Sequence[Sizes]) -> str:
    """Write some starts as text, single numbers bare."""
    return " ".join(str(p[0]) if len(p) == 1 else str(p) for p in places)


def inside(case: Case) -> npt.NDArray[np.bool_]:
    """Return which pixels of the tiles come from the image."""
    plain = replace(case, pad_mode="constant", pad_value=0, dtype="uint8")
    return pieces_of(plain, np.ones(case.shape, np.uint8)).astype(bool)


def windows(frame: Array, starts: Sequence[Sizes], tile: Sizes) -> Array:
    """Return the tiles of a frame (*P), shaped (K, *T)."""
    boxes = (tuple(map(slice, start, np.add(start, tile))) for start in starts)
    return np.stack([frame[box] for box in boxes])


def touched(case: Case, mask: Array) -> list[int]:
    """Return the tiles whose clipped boxes hold a marked pixel."""
    boxes = np.maximum(oracle.boxes(case.grid), 0)
    pieces = (mask[tuple(slice(*side) for side in box)] for box in boxes.tolist())
    return [k for k, piece in enumerate(pieces) if (piece != 0).any()]
