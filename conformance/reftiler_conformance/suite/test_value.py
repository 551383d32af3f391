"""VALUE: numbers that a dtype must hold, as pad value and as fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf, nan
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.draws import ANY, INTEGERS
from reftiler_conformance.features import ODD, Features
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.slices import coverage_of
from reftiler_conformance.suite.narrowed import along, each, line, ranks
from reftiler_conformance.suite.refused import refuses_case
from reftiler_conformance.suite.test_pad import outside_agrees

Table = Mapping[str, tuple[Number, ...]]

WHOLE: Table = {
    name: (7, 2.0, True, int(np.iinfo(name).min), int(np.iinfo(name).max))
    for name in INTEGERS
}
TRUTH: Table = {"bool": (0, 1, False, True, 0.0, 1.0)}

# Ties, what lies a little above one, and the largest numbers that stay finite. An int
# that float64 cannot hold must not be rounded twice.
COMMON = (nan, -inf, -0.0, 0.1)
REAL: Table = {
    "float16": (*COMMON, 65519, 65519.99, 2049, 2051, 1 + 2**-11 + 2**-30, 3e-8, 9e-8),
    "bfloat16": (*COMMON, 257, 259, 1 + 2**-8 + 2**-30, 3.39e38, 5e-41, 14e-41),
    "float32": (*COMMON, 2**24 + 1, 2**54 + 2**30 + 1, 3.40282356e38, 7e-46, 1e-45),
    "float64": (*COMMON, 2**53 + 1, 2**53 + 3, 10**308, 5e-324),
}
PADDED = ("tile", "pad_value")
FILLED = ("untile", "fill")
UNFIT: Table = {
    "bool": (2, -1, 0.5, nan, -0.0),
    **{
        name: (numbers[-2] - 1, numbers[-1] + 1, 0.5, -0.0, nan, inf)
        for name, numbers in WHOLE.items()
    },
    "float16": (65520, -1e9),
    "bfloat16": (3.4e38, -1e300),
    "float32": (3.5e38, -(10**39)),
    "float64": (10**400, -(10**309)),
    "complex64": (1, 0.5),
}


def needed(role: str, dtypes: Iterable[str]) -> Cases:
    """Return what draws cases with pixels that are padded, or filled."""
    asked: dict[str, Any] = {"fit": ("longer",), "dtype": tuple(dtypes)}
    if role == "fill":
        asked |= {"verb": "untile", "mode": ("drop",), "overlap": ("none",)}
    else:
        asked |= {"pad_mode": ("constant",), "pad_side": ANY}

    def drawn(features: Features) -> SearchStrategy[Case]:
        return along(**asked)(features).filter(_left_over)

    return drawn


def _left_over(case: Case) -> bool:
    ends = np.add(case.grid.starts[-1], case.tile)
    return case.grid.frame != case.size or bool((ends < case.size).any())


def constants(role: str, table: Table) -> Cases:
    """Return what draws cases with a constant of their dtype."""
    cases = needed(role, table)

    def given(case: Case) -> SearchStrategy[Case]:
        numbers = st.sampled_from(table[case.dtype])
        return numbers.map(lambda number: _with(case, role, number))

    return lambda features: cases(features).flatmap(given)


def _with(case: Case, role: str, value: Number) -> Case:
    return replace(case, **{role: value})  # type: ignore[arg-type]


def corners(role: str, table: Table) -> list[Case]:
    """Return a case of each constant of a table, where pixels need it."""
    mode = "drop" if role == "fill" else "padding"
    return [
        _with(case, role, number)
        for dtype, numbers in table.items()
        for number in numbers
        for case in ranks(Case((9,), (4,), (4,), mode=mode, dtype=dtype))
    ]


def test_pads(run: CaseRun) -> None:
    """A pad value that the dtype can hold is what pads, rounded once if at all."""
    outside_agrees(run)


def test_fills(run: CaseRun) -> None:
    """A fill that the dtype can hold is what fills, rounded once if at all."""
    run.merge_agrees(by="numbers", where=coverage_of(run.case) == 0)


for clause_id, table in (
    ("VALUE-001", TRUTH),
    ("VALUE-002", WHOLE),
    ("VALUE-003", REAL),
):
    for role, needs, judge in (
        ("pad_value", PADDED, test_pads),
        ("fill", FILLED, test_fills),
    ):
        clause(
            clause_id,
            needs=needs,
            share=0.2,
            draws=constants(role, table),
            also=corners(role, table),
        )(judge)


PLAIN_ODD = tuple(name for name in ODD if ">" not in name)


@line("VALUE-004", fit=("longer",), pad_mode=("constant",), dtype=PLAIN_ODD)
def test_pads_others(run: CaseRun) -> None:
    """Other dtypes are padded with bytes of zero."""
    outside_agrees(run)


# The seed says which number: none of them is fit to be a case's.
UNFIT_CASES = [
    Case((9, 4), (4, 4), (4, 4), channels=1, dtype=dtype, seed=k)
    for dtype, numbers in UNFIT.items()
    for k in range(len(numbers))
]


def refuses_unfit(run: CaseRun, verb: Literal["tile", "untile"], role: str) -> None:
    """Fail unless a constant that the case's dtype cannot hold is refused."""
    numbers = UNFIT[run.case.dtype]
    number = numbers[run.case.seed % len(numbers)]
    why = f"{run.case.dtype} cannot hold the {role} {number}"
    refuses_case(run, verb, _with(run.case, role, number), why)


@clause(
    "VALUE-005",
    needs=[*PADDED, "refusals"],
    draws=needed("pad_value", UNFIT),
    also=UNFIT_CASES,
)
def test_refuses_pad_values(run: CaseRun) -> None:
    """A pad value that the dtype cannot hold is refused."""
    refuses_unfit(run, "tile", "pad_value")


@clause(
    "VALUE-005",
    needs=[*FILLED, "refusals"],
    draws=needed("fill", UNFIT),
    also=each(UNFIT_CASES, mode=("drop",), fill=(0,)),
)
def test_refuses_fills(run: CaseRun) -> None:
    """A fill that the dtype cannot hold is refused."""
    refuses_unfit(run, "untile", "fill")
