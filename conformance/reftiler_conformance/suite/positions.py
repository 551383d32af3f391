"""Images whose pixels are numbered, so that a tile tells where it was cut."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, values
from reftiler_conformance.oracle.grid import Pixel

FIRST = 30
"""The number of the first pixel: smaller ones are nowhere, such as what pads."""


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
    run.keep(got, oracle.tile(case.grid, image))
    if not got.size or got.size != len(got) * np.prod(case.tile):
        raise Mismatch(f"tiles of {case.tile} cannot have the shape {got.shape}")
    return values(got).reshape(len(got), *case.tile)


def origins(run: CaseRun) -> list[Pixel]:
    """Cut the numbered image; return where each tile begins in the image."""
    image = values(numbered(run.case)).reshape(run.case.size)
    tiles = cut(run, numbered(run.case))
    known = {float(number): place for place, number in np.ndenumerate(image)}
    return [_origin(k, tile, known) for k, tile in enumerate(tiles)]


def _origin(k: int, tile: Array, known: dict[float, Pixel]) -> Pixel:
    """Return where most of a tile's pixels say that it begins."""
    votes = Counter(
        tuple(int(i - x) for i, x in zip(known[number], offset, strict=True))
        for offset, number in np.ndenumerate(tile)
        if number in known
    )
    if not votes:
        raise Mismatch(f"tile {k} holds no pixel of the image")
    return votes.most_common(1)[0][0]


def same_places(got: list[Pixel], want: list[Pixel]) -> None:
    """Fail unless two lists of starts are the same, in whatever order."""
    if sorted(got) != sorted(want):
        raise Mismatch(f"the tiles begin at {_told(got)}, should at {_told(want)}")


def _told(places: list[Pixel]) -> str:
    """Write places as text, single numbers bare."""
    return " ".join(
        str(place[0]) if len(place) == 1 else str(place) for place in sorted(places)
    )


def inside(case: Case) -> npt.NDArray[np.bool_]:
    """Say which pixels of the tiles come from the image."""
    plain = replace(case, pad_mode="constant", pad_value=0)
    ones = oracle.tile(plain.grid, np.ones(case.shape, np.uint8))
    return ones.astype(bool)


def windows(frame: Array, starts: list[Pixel], tile: Pixel) -> Array:
    """Return the tiles of a frame (*P), shaped (K, *T)."""
    return np.stack(
        [
            frame[tuple(slice(s, s + t) for s, t in zip(start, tile, strict=True))]
            for start in starts
        ]
    )
