"""VALUE: numbers that a dtype must hold, as pad value and as fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY, INTEGERS
from reftiler_conformance.features import ODD, Features
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.slices import coverage_of
from reftiler_conformance.suite.narrowed import along, each, line, ranks
from reftiler_conformance.suite.test_pad import outside_agrees
from reftiler_conformance.suite.verbs import VERBS, Verb, of_both, refuses_case

Table = Mapping[str, tuple[Number, ...]]

WHOLE: Table = {
    name: (7, 2.0, True, int(np.iinfo(name).min), int(np.iinfo(name).max))
    for name in INTEGERS
}
TRUTH: Table = {"bool": (0, 1, False, True, 0.0, 1.0)}

# Ties, what lies a little above one, and the largest numbers that stay finite. An int
# that float64 cannot hold must not be rounded twice.
COMMON = (nan, -inf, -0.0, 0.1)
HALVES = (2**54 + 2**30 + 1, 2**54 + 3 * 2**30 - 1)  # one above, one below
REAL: Table = {
    "float16": (*COMMON, 65519, 65519.99, 2049, 2051, 1 + 2**-11 + 2**-30, 3e-8, 9e-8),
    "bfloat16": (*COMMON, 257, 259, 1 + 2**-8 + 2**-30, 3.39e38, 5e-41, 14e-41),
    "float32": (*COMMON, 2**24 + 1, *HALVES, 3.40282356e38, 7e-46, 1e-45),
    "float64": (*COMMON, 2**53 + 1, 2**53 + 3, 10**308, 5e-324),
}
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


# What holds the constant of a verb, and what draws cases that have pixels for it.
ROLES: dict[Verb, str] = {"tile": "pad_value", "untile": "fill"}
PLACES: dict[Verb, dict[str, Any]] = {
    "tile": {"pad_mode": ("constant",), "pad_side": ANY},
    "untile": {"mode": ("drop",), "overlap": ("none",)},
}


def needed(features: Features, verb: Verb, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases with pixels that are padded, or filled."""
    if ROLES[verb] not in features:
        raise Unsupported(ROLES[verb])
    drawn = along(features, verb=verb, fit=("longer",), **PLACES[verb], **asked)
    return drawn.filter(_left_over)


def _left_over(case: Case) -> bool:
    ends = np.add(case.grid.starts[-1], case.tile)
    return case.grid.frame != case.size or bool((ends < case.size).any())


def constants(features: Features, verb: Verb, table: Table) -> SearchStrategy[Case]:
    """Draw cases with a constant of their dtype."""
    return needed(features, verb, dtype=tuple(table)).flatmap(
        lambda case: st.sampled_from(each([case], **{ROLES[verb]: table[case.dtype]}))
    )


def corners(verb: Verb, table: Table) -> list[Case]:
    """Return a case of each constant of a table, where pixels need it."""
    mode = "drop" if verb == "untile" else "padding"
    plain = ranks(Case((9,), (4,), (4,), mode=mode))
    return [
        case
        for dtype, numbers in table.items()
        for case in each(plain, dtype=[dtype], **{ROLES[verb]: numbers})
    ]


def test_pads(run: CaseRun) -> None:
    """A pad value that the dtype can hold is what pads, rounded once if at all."""
    outside_agrees(run)


def test_fills(run: CaseRun) -> None:
    """A fill that the dtype can hold is what fills, rounded once if at all."""
    run.merge_agrees(by="numbers", where=coverage_of(run.case) == 0)


TABLES = {"VALUE-001": TRUTH, "VALUE-002": WHOLE, "VALUE-003": REAL}
for (clause_id, table), verb in product(TABLES.items(), VERBS):
    asked = partial(clause, verb=verb, share=0.2, draws=constants, table=table)
    judge = test_pads if verb == "tile" else test_fills
    asked(clause_id, needs=[ROLES[verb]], also=corners(verb, table))(judge)

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


@of_both(
    "VALUE-005", needs=["refusals"], draws=needed, dtype=tuple(UNFIT), also=UNFIT_CASES
)
def test_refuses_unfit(run: CaseRun, verb: Verb) -> None:
    """A pad value that the dtype cannot hold is refused, and a fill."""
    case = run.case
    if verb == "untile":  # a fill that no pixel needs is another clause
        case = replace(case, mode="drop", fill=0)
    refuses_number(run, verb, case)


def refuses_number(run: CaseRun, verb: Verb, case: Case) -> None:
    """Fail unless the case is refused with a number that does not fit its dtype."""
    dtype = case.result or case.dtype
    number = UNFIT[dtype][case.seed % len(UNFIT[dtype])]
    (bad,) = each([case], **{ROLES[verb]: [number]})
    why = f"{dtype} cannot hold the {ROLES[verb]} {number}"
    refuses_case(run, verb, bad, why)


@clause(
    "MERGE-019",
    verb="untile",
    needs=["fill", "refusals"],
    dtype=("bool", *REAL, *INTEGERS),
    result=(*[None] * 3, "uint8", "float32"),
    also=UNFIT_CASES,
)
def test_fill_must_fit(run: CaseRun) -> None:
    """A fill that the result cannot hold is refused, whether or not it is needed."""
    refuses_number(run, "untile", run.case)
