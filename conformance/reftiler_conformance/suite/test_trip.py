"""TRIP: the round trip, which needs no oracle to be judged."""

from __future__ import annotations

from typing import Any

from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import same_near, same_numbers
from reftiler_conformance.draws import SMALL, WIDE
from reftiler_conformance.features import MEANS, Features
from reftiler_conformance.rpc import Raised
from reftiler_conformance.slices import coverage_of
from reftiler_conformance.suite.narrowed import possible_gaps
from reftiler_conformance.suite.wide import blaming

OTHERS = ("dtype", "result", "scale", "maps", "scatter", "fill", "uncovered", "content")
EVERY: dict[str, Any] = {
    **{name: asked for name, asked in WIDE.items() if name not in OTHERS},
    "verb": "untile",
    "overlap": ("none", "some"),
    "content": ("index", "random", "bits"),
}
FITTING = EVERY | {"mode": ("padding", "interpolation", "clamp", "even")}


def comes_back(run: CaseRun, where: Array | bool = True, exact: bool = False) -> None:
    """Fail unless cutting and merging give the image, as the subject can reckon."""
    image = run.case.image()
    with blaming(run, other=""):
        tiles = run.tile(image).array
        try:
            back = run.untile(tiles).array
        except Raised:
            if run.case.fill is None and not coverage_of(run.case).all():
                return  # MERGE-016
            raise
        run.keep(back, image)
        if exact or "exact" in run.features or run.case.merge not in MEANS:
            same_numbers(back, image, where=where)
        else:
            same_near(back, image, run.case, where=where)


@clause("TRIP-001", needs=["tile"], dtype=SMALL, **FITTING)
def test_there_and_back(run: CaseRun) -> None:
    """What was cut and merged is the image, bit for bit."""
    comes_back(run)


def filled(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases that drop pixels, which are filled if that is supported."""
    return possible_gaps(features, fill=("fill" in features,), **asked)


@clause("TRIP-002", needs=["tile"], draws=filled, dtype=SMALL, **EVERY)
def test_there_and_back_where_tiles_lie(run: CaseRun) -> None:
    """The same holds for every pixel of a tile where some lie in none."""
    comes_back(run, coverage_of(run.case) > 0)


@clause("TRIP-003", needs=["tile"], dtype=("int64", "uint64", "float64"), **FITTING)
def test_there_and_back_in_64_bits(run: CaseRun) -> None:
    """Of 64 bits, what lies in one tile alone comes back bit for bit."""
    comes_back(run, coverage_of(run.case) == 1, exact=True)
