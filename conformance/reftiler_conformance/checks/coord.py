"""COORD: where tiles lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reftiler_conformance import definition
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.draws import ANY
from reftiler_conformance.exchange import Answer
from reftiler_conformance.features import MODES
from reftiler_conformance.lines import ranks
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

GRID = ("grid",)
TOUCHING = ("touching",)
ANYWHERE: dict[str, Any] = {
    "fit": ("exact", "longer", "short"),
    "pad_side": ANY,
    "scatter": ANY,
}
LED = ranks(Case(size=(9,), tile=(4,), stride=(4,), pad_side="both"))
PADDED = ranks(Case(size=(9,), tile=(4,), stride=(3,)))
RIMMED = ranks(Case(size=(9,), tile=(4,), stride=(2,), border=(1,)))
STRETCHED = ranks(Case(size=(9,), tile=(4,), stride=(3,), mode="interpolation"))
LEFT_OVER = tuple(
    case
    for mode in MODES
    for starts in (None, ((0,), (5,)))
    for case in ranks(Case(size=(9,), tile=(4,), stride=(3,), mode=mode, starts=starts))
)
UNMOVED = tuple(mode for mode in MODES if mode != "interpolation")


def told(trial: Trial, name: str, want: object) -> None:
    """Fail unless the grid tells these numbers."""
    grid = trial.ask("grid")
    if name not in grid:
        raise Mismatch(f"the grid does not tell its {name}")
    got, right = np.asarray(grid[name]), np.asarray(want)
    trial.keep(got, right)
    same_numbers(got, right)


@check("COORD-001", needs=GRID, also=LED, **ANYWHERE)
def starts(trial: Trial) -> None:
    """The starts of all tiles in the frame, in the order of the tiles."""
    told(trial, "starts", trial.case.plan.starts)


@check("COORD-002", needs=GRID, also=LED, **ANYWHERE | {"fit": ("longer", "short")})
def boxes(trial: Trial) -> None:
    """The image pixels of each tile, which may reach beyond the image."""
    told(trial, "boxes", definition.boxes(trial.case.plan))


@check("COORD-003", needs=GRID, mode=("interpolation",), fit=("longer", "short"))
def boxes_of_interpolation(trial: Trial) -> None:
    """In interpolation, the image pixels that each tile reads."""
    told(trial, "boxes", definition.boxes(trial.case.plan))


@check("COORD-004", needs=GRID, also=(*LED, *PADDED), **ANYWHERE)
def slices(trial: Trial) -> None:
    """The box of each tile, clipped to the image."""
    case = trial.case
    most = np.array(case.size)[:, np.newaxis]
    told(trial, "slices", np.clip(definition.boxes(case.plan), 0, most))


def coverage(case: Case) -> Array:
    """Return how many tiles take part in each pixel of the image."""
    return np.array(definition.coverage(case.plan)).reshape(case.size)


@check("COORD-005", needs=GRID, border=ANY, **ANYWHERE)
def coverage_of_pixels(trial: Trial) -> None:
    """The coverage counts the tiles that take part in each pixel."""
    told(trial, "coverage", coverage(trial.case))


@check(
    "COORD-006",
    needs=GRID,
    mode=("interpolation",),
    fit=("longer", "short"),
    also=STRETCHED,
)
def coverage_of_interpolation(trial: Trial) -> None:
    """In interpolation, the coverage is that of the frame pixel that is read."""
    told(trial, "coverage", coverage(trial.case))


@check(
    "COORD-007",
    needs=GRID,
    mode=("drop", "padding"),
    fit=("longer", "exact"),
    scatter=ANY,
    border=ANY,
)
def uncovered(trial: Trial) -> None:
    """The number of pixels of coverage 0."""
    told(trial, "uncovered", definition.uncovered(trial.case.plan))


def touched(trial: Trial, mask: Array) -> None:
    """Fail unless these tiles are told to hold a marked pixel."""
    marked = mask != 0
    right = definition.touching(trial.case.plan, lambda pixel: bool(marked[pixel]))
    got, want = trial.ask("touching", mask), np.array(right, int)
    if list(got) != right:
        trial.keep(np.asarray(got), want)
        raise Mismatch(f"the tiles {list(got)} are touched, should be {right}")


@check(
    "COORD-008",
    needs=TOUCHING,
    border=ANY,
    mode=UNMOVED,
    **ANYWHERE,
)
def touching(trial: Trial) -> None:
    """The tiles whose clipped boxes hold a marked pixel, in ascending order."""
    case = trial.case
    generator = np.random.Generator(np.random.PCG64(case.seed))
    touched(trial, generator.integers(0, 12, case.size) == 0)
    touched(trial, np.zeros(case.size, bool))


@check("COORD-008", needs=TOUCHING, only=(*PADDED, *RIMMED))
def touching_a_pixel(trial: Trial) -> None:
    """The same of every pixel alone, along the first axis."""
    for pixel in range(trial.case.size[0]):
        mask = np.zeros(trial.case.size, bool)
        mask[pixel] = True
        touched(trial, mask)


def _asking(trial: Trial, mask: Array) -> Callable[[], Answer]:
    return lambda: Answer(trial.ask("touching", mask))


MASKS = ("bool", "uint8", "int64", "float32", "float16", "complex64")


@check("COORD-009", needs=TOUCHING)
def masks(trial: Trial) -> None:
    """A mask has the image's spatial shape; what is not zero is marked, NaN too."""
    case = trial.case
    generator = np.random.Generator(np.random.PCG64(case.seed))
    marked = generator.integers(0, 4, case.size) == 0
    kind = np.dtype(MASKS[case.seed % len(MASKS)])
    for mark in (np.nan, -0.5, 1e-7) if kind.kind in "fc" else (1,):
        touched(trial, np.where(marked, mark, 0).astype(kind))
    if "refusals" in trial.features:
        longer = (*case.size[:-1], case.size[-1] + 1)
        for shape in (longer, (1, *case.size), case.size[1:]):
            mask = np.zeros(shape, bool)
            why = f"the mask is {shape}, the image {case.size}"
            trial.refuses(_asking(trial, mask), why)


@check("COORD-010", needs=GRID, mode=ANY, also=LEFT_OVER, **ANYWHERE)
def padding(trial: Trial) -> None:
    """How many pixels come before and after the image; none but in padding."""
    case, lines = trial.case, trial.case.plan.lines
    none = [(0, 0)] * case.rank
    told(trial, "padding", [(line.before, line.after) for line in lines] or none)
