"""COORD: where tiles lie."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
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


def right(case: Case) -> dict[str, Any]:
    """Return what a grid tells of a case, by the names of the checks."""
    boxes, none = oracle.boxes(case.grid), [(0, 0)] * case.rank
    coverage = coverage_of(case).reshape(case.size)
    return {
        "starts": case.grid.starts,
        "boxes": boxes,
        "slices": np.clip(boxes, 0, np.array(case.size)[:, np.newaxis]),
        "coverage": coverage,
        "uncovered": int((coverage == 0).sum()),
        "padding": [(axis.before, axis.after) for axis in case.grid.axes] or none,
    }


def tells(name: str) -> Callable[[CaseRun], None]:
    """Return a check that the grid tells these numbers."""

    def check(run: CaseRun) -> None:
        grid = run.ask("grid")
        if name not in grid:
            raise Mismatch(f"the grid does not tell its {name}")
        got, want = np.asarray(grid[name]), np.asarray(right(run.case)[name])
        run.keep(got, want)
        same_numbers(got, want)

    check.__name__ = name
    return check


for clause_id, name, asked in (
    ("COORD-001", "starts", PLACED),
    ("COORD-002", "boxes", PLACED),
    ("COORD-003", "boxes", SHRUNK),
    ("COORD-004", "slices", IN_EVERY_MODE),
    ("COORD-005", "coverage", ANYWHERE | {"also": (*FITTED, LONG["even"])}),
    ("COORD-006", "coverage", SHRUNK),
    ("COORD-007", "uncovered", IN_EVERY_MODE),
    ("COORD-010", "padding", IN_EVERY_MODE),
):
    clause(clause_id, needs=["grid"], share=0.5, **asked)(tells(name))


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
    for pixel in range(min(size[0], 10)):  # each of the first rows alone
        mask = np.zeros(size, bool)
        mask[pixel] = True
        touching_agrees(run, mask)


MASKS: dict[str, tuple[complex, ...]] = {
    "bool": (1,),
    "uint8": (1, 255),
    "int64": (1, -1, 256, 2**32),
    "uint64": (1, 2**63),
    "float16": (nan, -0.5, 6e-8),
    "float32": (nan, 1e-7, 1e-40),
    "float64": (nan, 1e-300),
    "complex64": (nan, -0.5, 1j),
}
"""Dtypes of masks, and numbers that are not zero; some are in a narrower dtype."""


@clause("COORD-009", needs=["touching"], mode=ANY, fit=("exact", "longer"))
def test_masks(run: CaseRun) -> None:
    """A mask has the image's spatial shape; what is not zero is marked, NaN too."""
    case = run.case
    generator = np.random.Generator(np.random.PCG64(case.seed))
    marked = generator.integers(0, 4, case.size) == 0
    for kind, marks in MASKS.items():
        for mark in marks:
            mask = np.zeros(case.size, kind)
            mask[marked] = mark
            touching_agrees(run, mask)
    if "refusals" in run.features:
        longer = (*case.size[:-1], case.size[-1] + 1)
        for shape in (longer, (1, *case.size), case.size[1:]):
            mask = np.zeros(shape, bool)
            reason = f"the mask is {shape}, the image {case.size}"
            run.refuses(lambda: Answer(run.ask("touching", mask)), reason)  # noqa: B023
