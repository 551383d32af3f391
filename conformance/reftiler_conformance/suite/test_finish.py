"""FINISH: a function of the merged pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Judge, clause
from reftiler_conformance.draws import ANY, FLOATS, INTEGERS, cases
from reftiler_conformance.features import NUMBERS, Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import COMBINED_MERGES, gaps
from reftiler_conformance.suite.wide import EVERY, is_right

DTYPES = ("bool", *INTEGERS, *FLOATS)


def drawn(
    features: Features, *names: str, draws: Any = cases, **asked: Any
) -> SearchStrategy[Case]:
    """Draw cases whose merged pixels become something else, by their seed."""
    found: SearchStrategy[Case] = draws(features, **asked).map(
        lambda case: replace(case, finish=names[case.seed % len(names)])
    )
    return found


def by(*names: str, draws: Any = cases) -> Callable[..., Callable[[Judge], Judge]]:
    """Return a mark of checks whose cases have functions of these names."""
    return partial(
        clause,
        verb="untile",
        needs=["finish", "exact"],
        draws=lambda features, **asked: drawn(features, *names, draws=draws, **asked),
    )


ASKED: dict[str, Any] = {
    **{name: value for name, value in EVERY.items() if name != "verb"},
    "merge": ANY,
    "layout": ANY,
    "dtype": DTYPES,
    "content": ("random",),
}


def agrees(run: CaseRun, by: Any = "numbers") -> None:
    """Fail unless a finished merge is right, where the plain one is."""
    plain = replace(run.case, finish="")
    if not is_right(run, plain, lambda other: other.merge_agrees(by="numbers")):
        raise Unsupported("a merge that is right without finish")
    run.reopen()
    run.merge_agrees(by=by)


@by("argmax", "positive")(
    "FINISH-001",
    also=[replace(case, finish="argmax") for case in COMBINED_MERGES],
    **ASKED,
)
def test_each_pixel(run: CaseRun) -> None:
    """The result is what the function makes of each merged pixel."""
    agrees(run)


@by("told")("FINISH-002", **ASKED | {"result": (None, *NUMBERS)})
def test_the_block(run: CaseRun) -> None:
    """A block is of one image, and of the dtype that the merge has."""
    agrees(run)


@by("twice", "positive", draws=gaps)(
    "FINISH-002", **ASKED | {"fill": (True,), "uncovered": ("any",)}
)
def test_filled(run: CaseRun) -> None:
    """A block has the fill in it."""
    agrees(run)


@by("twice", "argmax", "positive")("FINISH-003", **ASKED)
def test_its_channels_and_dtype(run: CaseRun) -> None:
    """The result has the channels and the dtype that the function returns."""
    agrees(run, by="bits")


@by("emptied")("FINISH-005", **ASKED)
def test_it_may_write(run: CaseRun) -> None:
    """What the function writes into its block is lost."""
    agrees(run)
