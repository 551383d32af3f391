"""TRIP: the round trip, which needs no definition to be judged."""

from __future__ import annotations

from typing import Any

from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import same_near, same_numbers
from reftiler_conformance.draws import ANY, SMALL
from reftiler_conformance.exchange import Raised
from reftiler_conformance.features import Features
from reftiler_conformance.suite.drawn import loose, weighed
from reftiler_conformance.tolerances import coverage_of

VERBS = ("tile", "untile")
EVERY: dict[str, Any] = {
    "layout": ANY,
    "channels_last": ANY,
    "fit": ANY,
    "overlap": ("none", "some"),
    "pad_mode": ANY,
    "pad_side": ANY,
    "window": ANY,
    "merge": ANY,
    "border": ANY,
    "content": ("index", "random", "bits"),
}
FITTING = ("padding", "interpolation", "clamp", "even")


def comes_back(run: CaseRun, where: Array | bool = True) -> None:
    """Fail unless cutting and merging give the image, as the subject can reckon."""
    image = run.case.image()
    back = run.untile(run.tile(image).array).array
    run.keep(back, image)
    if "exact" in run.features or run.case.merge in ("max", "min"):
        same_numbers(back, image, where=where)
    else:
        same_near(back, image, run.case, where=where)


@clause("TRIP-001", needs=VERBS, draws=weighed(mode=FITTING, dtype=SMALL, **EVERY))
def test_there_and_back(run: CaseRun) -> None:
    """What was cut and merged is the image, bit for bit."""
    comes_back(run)


def filled(features: Features) -> SearchStrategy[Case]:
    """Draw cases that drop pixels, which are filled if that is supported."""
    asked = EVERY | {"fill": ("fill" in features,)}
    return loose(dtype=SMALL, **asked)(features)


@clause("TRIP-002", needs=VERBS, draws=filled)
def test_there_and_back_where_tiles_lie(run: CaseRun) -> None:
    """The same holds for every pixel of a tile where some lie in none."""
    count = coverage_of(run.case)
    try:
        comes_back(run, count > 0)
    except Raised:
        if run.case.fill is not None or count.all():
            raise


@clause(
    "TRIP-003",
    needs=VERBS,
    draws=weighed(mode=FITTING, dtype=("int64", "uint64", "float64"), **EVERY),
)
def test_there_and_back_in_64_bits(run: CaseRun) -> None:
    """Of 64 bits, what lies in one tile alone comes back bit for bit."""
    image = run.case.image()
    back = run.untile(run.tile(image).array).array
    run.keep(back, image)
    same_numbers(back, image, where=coverage_of(run.case) == 1)
