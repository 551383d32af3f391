"""COORD: where tiles lie."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.draws import ANY, wide
from reftiler_conformance.features import MODES
from reftiler_conformance.rpc import Answer
from reftiler_conformance.slices import coverage_of
from reftiler_conformance.suite.narrowed import BEYOND, each, ranks
from reftiler_conformance.suite.positions import touched

RESAMPLED = ("interpolation",)
ANYWHERE = wide("count", "pad_mode", "pad_side", "border") | {
    "fit": ("exact", "longer", "short"),
    "mode": tuple(mode for mode in MODES if mode != "interpolation"),
    "scatter": ANY,
}
STRETCHED = ANYWHERE | {"mode": RESAMPLED, "fit": BEYOND, "scatter": (False,)}
LED = ranks(Case(size=(9,), tile=(4,), stride=(4,), pad_side="both"))
# Something is left over on each fitted axis; the borders of scattered tiles stay where
# they touch the image's rim.
LEFT_OVER = ranks(
    *each(
        (Case((10,), (5,), (3,), border=(1,)), Case((9,), (4,), (3,))),
        starts=(None, ((0,), (4,), (5,), (2,))),
        mode=MODES,
    )
)
# More than 255 tiles on a pixel, and in a row.
REAL = (Case((603,), (300,), (1,)), Case((1_031,), (16,), (3,), border=(6,)))
PLACES = (*LEFT_OVER, *each(REAL, mode=MODES))
FITTED = tuple(case for case in PLACES if case.mode not in RESAMPLED)
RESIZED = tuple(case for case in PLACES if case.mode in RESAMPLED)
EVERYWHERE = (*LED, *FITTED, *RESIZED)
# Positions whose products are beyond 2**31.
LONG = {
    mode: Case((50_021,), (4_099,), (2_048,), mode=mode)
    for mode in ("even", *RESAMPLED)
}

IN_EVERY_MODE: dict[str, Any] = ANYWHERE | {"mode": ANY, "also": EVERYWHERE}
PLACED = {"also": (*LED, *FITTED)} | ANYWHERE
SHRUNK = {"also": (*RESIZED, LONG["interpolation"])} | STRETCHED
tells = partial(clause, needs=["grid"], share=0.5)


def told(run: CaseRun, name: str, want: object) -> None:
    """Fail unless the grid tells these numbers."""
    grid = run.ask("grid")
    if name not in grid:
        raise Mismatch(f"the grid does not tell its {name}")
    got, right = np.asarray(grid[name]), np.asarray(want)
    run.keep(got, right)
    same_numbers(got, right)


@tells("COORD-001", **PLACED)
def test_starts(run: CaseRun) -> None:
    """The starts of all tiles in the frame, in the order of the tiles."""
    told(run, "starts", run.case.grid.starts)


@tells("COORD-002", **PLACED)
@tells("COORD-003", **SHRUNK)
def test_boxes(run: CaseRun) -> None:
    """The image pixels that each tile reads, which may reach beyond the image."""
    told(run, "boxes", oracle.boxes(run.case.grid))


@tells("COORD-004", **IN_EVERY_MODE)
def test_slices(run: CaseRun) -> None:
    """The box of each tile, clipped to the image."""
    most = np.array(run.case.size)[:, np.newaxis]
    told(run, "slices", np.clip(oracle.boxes(run.case.grid), 0, most))


@tells("COORD-005", **ANYWHERE, also=(*FITTED, LONG["even"]))
@tells("COORD-006", **SHRUNK)
def test_coverage(run: CaseRun) -> None:
    """The coverage counts the tiles that take part in each pixel that is read."""
    told(run, "coverage", coverage_of(run.case).reshape(run.case.size))


@tells("COORD-007", **IN_EVERY_MODE)
def test_uncovered(run: CaseRun) -> None:
    """The number of pixels of coverage 0."""
    told(run, "uncovered", int((coverage_of(run.case) == 0).sum()))


@tells("COORD-010", **IN_EVERY_MODE)
def test_padding(run: CaseRun) -> None:
    """How many pixels come before and after the image; none but in padding."""
    axes = run.case.grid.axes
    none = [(0, 0)] * run.case.rank
    told(run, "padding", [(axis.before, axis.after) for axis in axes] or none)


def touching_agrees(run: CaseRun, mask: Array) -> None:
    """Fail unless these tiles are told to hold a marked pixel."""
    got, right = list(run.ask("touching", mask)), touched(run.case, mask)
    if got != right:
        run.keep(np.array(got), np.array(right))
        raise Mismatch(f"the tiles {got[:9]} are touched, should be {right[:9]}")


@clause("COORD-008", needs=["touching"], share=0.5, **IN_EVERY_MODE)
def test_touching(run: CaseRun) -> None:
    """The tiles whose clipped boxes hold a marked pixel, in ascending order."""
    size = run.case.size
    generator = np.random.Generator(np.random.PCG64(run.case.seed))
    for share in (2, 12, 1_000):
        touching_agrees(run, generator.integers(0, share, size) == 0)
    touching_agrees(run, np.zeros(size, bool))
    for pixel in range(min(size[0], 10)):  # each of the first alone
        mask = np.zeros(size, bool)
        mask[pixel] = True
        touching_agrees(run, mask)


MASKS = ("bool", "uint8", "int64", "uint64", "float32", "float16", "complex64")


@clause("COORD-009", needs=["touching"], mode=ANY, fit=("exact", "longer"))
def test_masks(run: CaseRun) -> None:
    """A mask has the image's spatial shape; what is not zero is marked, NaN too."""
    case = run.case
    generator = np.random.Generator(np.random.PCG64(case.seed))
    marked = generator.integers(0, 4, case.size) == 0
    kind = np.dtype(MASKS[case.seed % len(MASKS)])
    for mark in (np.nan, -0.5, 1e-7) if kind.kind in "fc" else (1,):
        touching_agrees(run, np.where(marked, mark, 0).astype(kind))
    if "refusals" in run.features:
        longer = (*case.size[:-1], case.size[-1] + 1)
        for shape in (longer, (1, *case.size), case.size[1:]):
            mask = np.zeros(shape, bool)
            reason = f"the mask is {shape}, the image {case.size}"
            run.refuses(lambda: Answer(run.ask("touching", mask)), reason)  # noqa: B023
