"""COORD: where tiles lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.draws import ANY
from reftiler_conformance.exchange import Answer
from reftiler_conformance.features import MODES
from reftiler_conformance.suite.narrowed import ranks

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


def told(run: CaseRun, name: str, want: object) -> None:
    """Fail unless the grid tells these numbers."""
    grid = run.ask("grid")
    if name not in grid:
        raise Mismatch(f"the grid does not tell its {name}")
    got, right = np.asarray(grid[name]), np.asarray(want)
    run.keep(got, right)
    same_numbers(got, right)


@clause("COORD-001", needs=GRID, also=LED, **ANYWHERE)
def test_starts(run: CaseRun) -> None:
    """The starts of all tiles in the frame, in the order of the tiles."""
    told(run, "starts", run.case.grid.starts)


@clause("COORD-002", needs=GRID, also=LED, **ANYWHERE | {"fit": ("longer", "short")})
def test_boxes(run: CaseRun) -> None:
    """The image pixels of each tile, which may reach beyond the image."""
    told(run, "boxes", oracle.boxes(run.case.grid))


@clause("COORD-003", needs=GRID, mode=("interpolation",), fit=("longer", "short"))
def test_boxes_of_interpolation(run: CaseRun) -> None:
    """In interpolation, the image pixels that each tile reads."""
    told(run, "boxes", oracle.boxes(run.case.grid))


@clause("COORD-004", needs=GRID, also=(*LED, *PADDED), **ANYWHERE)
def test_slices(run: CaseRun) -> None:
    """The box of each tile, clipped to the image."""
    case = run.case
    most = np.array(case.size)[:, np.newaxis]
    told(run, "slices", np.clip(oracle.boxes(case.grid), 0, most))


def coverage(case: Case) -> Array:
    """Return how many tiles take part in each pixel of the image."""
    return np.array(oracle.coverage(case.grid)).reshape(case.size)


@clause("COORD-005", needs=GRID, border=ANY, **ANYWHERE)
def test_coverage_of_pixels(run: CaseRun) -> None:
    """The coverage counts the tiles that take part in each pixel."""
    told(run, "coverage", coverage(run.case))


@clause(
    "COORD-006",
    needs=GRID,
    mode=("interpolation",),
    fit=("longer", "short"),
    also=STRETCHED,
)
def test_coverage_of_interpolation(run: CaseRun) -> None:
    """In interpolation, the coverage is that of the frame pixel that is read."""
    told(run, "coverage", coverage(run.case))


@clause(
    "COORD-007",
    needs=GRID,
    mode=("drop", "padding"),
    fit=("longer", "exact"),
    scatter=ANY,
    border=ANY,
)
def test_uncovered(run: CaseRun) -> None:
    """The number of pixels of coverage 0."""
    told(run, "uncovered", oracle.uncovered(run.case.grid))


def touched(run: CaseRun, mask: Array) -> None:
    """Fail unless these tiles are told to hold a marked pixel."""
    marked = mask != 0
    right = oracle.touching(run.case.grid, lambda pixel: bool(marked[pixel]))
    got, want = run.ask("touching", mask), np.array(right, int)
    if list(got) != right:
        run.keep(np.asarray(got), want)
        raise Mismatch(f"the tiles {list(got)} are touched, should be {right}")


@clause(
    "COORD-008",
    needs=TOUCHING,
    border=ANY,
    mode=UNMOVED,
    **ANYWHERE,
)
def test_touching(run: CaseRun) -> None:
    """The tiles whose clipped boxes hold a marked pixel, in ascending order."""
    case = run.case
    generator = np.random.Generator(np.random.PCG64(case.seed))
    touched(run, generator.integers(0, 12, case.size) == 0)
    touched(run, np.zeros(case.size, bool))


@clause("COORD-008", needs=TOUCHING, only=(*PADDED, *RIMMED))
def test_touching_a_pixel(run: CaseRun) -> None:
    """The same of every pixel alone, along the first axis."""
    for pixel in range(run.case.size[0]):
        mask = np.zeros(run.case.size, bool)
        mask[pixel] = True
        touched(run, mask)


def _asking(run: CaseRun, mask: Array) -> Callable[[], Answer]:
    return lambda: Answer(run.ask("touching", mask))


MASKS = ("bool", "uint8", "int64", "float32", "float16", "complex64")


@clause("COORD-009", needs=TOUCHING)
def test_masks(run: CaseRun) -> None:
    """A mask has the image's spatial shape; what is not zero is marked, NaN too."""
    case = run.case
    generator = np.random.Generator(np.random.PCG64(case.seed))
    marked = generator.integers(0, 4, case.size) == 0
    kind = np.dtype(MASKS[case.seed % len(MASKS)])
    for mark in (np.nan, -0.5, 1e-7) if kind.kind in "fc" else (1,):
        touched(run, np.where(marked, mark, 0).astype(kind))
    if "refusals" in run.features:
        longer = (*case.size[:-1], case.size[-1] + 1)
        for shape in (longer, (1, *case.size), case.size[1:]):
            mask = np.zeros(shape, bool)
            why = f"the mask is {shape}, the image {case.size}"
            run.refuses(_asking(run, mask), why)


@clause("COORD-010", needs=GRID, mode=ANY, also=LEFT_OVER, **ANYWHERE)
def test_padding(run: CaseRun) -> None:
    """How many pixels come before and after the image; none but in padding."""
    case, lines = run.case, run.case.grid.axes
    none = [(0, 0)] * case.rank
    told(run, "padding", [(line.before, line.after) for line in lines] or none)
