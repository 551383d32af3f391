"""VALUE: numbers that a dtype must hold, as pad value and as fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf, nan
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.draws import INTEGERS
from reftiler_conformance.expected import expected_merge
from reftiler_conformance.features import ODD, Features
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.suite.narrowed import along, line
from reftiler_conformance.suite.refused import refuses_case
from reftiler_conformance.suite.test_pad import outside_agrees

Table = Mapping[str, tuple[Number, ...]]
Role = Literal["pad_value", "fill"]

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
UNFIT: Table = {
    "bool": (2, -1, 0.5, nan, -0.0),
    **{
        name: (
            int(np.iinfo(name).min) - 1,
            int(np.iinfo(name).max) + 1,
            0.5,
            -0.0,
            nan,
            inf,
        )
        for name in INTEGERS
    },
    "float16": (65520, -1e9),
    "bfloat16": (3.4e38, -1e300),
    "float32": (3.5e38, -(10**39)),
    "float64": (10**400, -(10**309)),
    "complex64": (1, 0.5),
}


def needed(role: Role, dtypes: Iterable[str]) -> Cases:
    """Return what draws cases with pixels that are padded, or filled."""
    asked: dict[str, Any] = {"fit": ("longer",), "dtype": tuple(dtypes)}
    if role == "fill":
        asked |= {"verb": "untile", "mode": ("drop",), "overlap": ("none",)}

    def drawn(features: Features) -> SearchStrategy[Case]:
        return along(**asked)(features).filter(_left_over)

    return drawn


def _left_over(case: Case) -> bool:
    return case.grid.frame != case.size or oracle.uncovered(case.grid) > 0


def constants(role: Role, table: Table) -> Cases:
    """Return what draws cases with a constant of their dtype."""
    cases = needed(role, table)

    def drawn(features: Features) -> SearchStrategy[Case]:
        return cases(features).flatmap(given)

    def given(case: Case) -> SearchStrategy[Case]:
        number = st.sampled_from(table[case.dtype])
        return number.map(lambda value: _with(case, role, value))

    return drawn


def _with(case: Case, role: Role, value: Number) -> Case:
    if role == "fill":
        return replace(case, fill=value)
    return replace(case, pad_value=value)


def filling_agrees(run: CaseRun) -> None:
    """Fail unless the pixels of no tile are the definition's."""
    case, want = run.case, expected_merge(run.case)
    got = run.untile().array
    run.keep(got, want)
    counts = np.array(oracle.coverage(case.grid)).reshape(want.shape)
    same_numbers(got, want, where=counts == 0)


PLAIN_ODD = tuple(name for name in ODD if ">" not in name)
PADDED = ("tile", "pad_value")
FILLED = ("untile", "fill")


@clause("VALUE-001", needs=PADDED, draws=constants("pad_value", TRUTH))
def test_pads_bool(run: CaseRun) -> None:
    """Bool is padded with 0 and 1."""
    outside_agrees(run)


@clause("VALUE-001", needs=FILLED, draws=constants("fill", TRUTH))
def test_fills_bool(run: CaseRun) -> None:
    """Bool is filled with 0 and 1."""
    filling_agrees(run)


@clause("VALUE-002", needs=PADDED, draws=constants("pad_value", WHOLE))
def test_pads_integers(run: CaseRun) -> None:
    """Integers are padded with the whole numbers of their range."""
    outside_agrees(run)


@clause("VALUE-002", needs=FILLED, draws=constants("fill", WHOLE))
def test_fills_integers(run: CaseRun) -> None:
    """Integers are filled with the whole numbers of their range."""
    filling_agrees(run)


@clause("VALUE-003", needs=PADDED, draws=constants("pad_value", REAL))
def test_pads_floats(run: CaseRun) -> None:
    """A pad value is rounded to a float once, to nearest, ties to even."""
    outside_agrees(run)


@clause("VALUE-003", needs=FILLED, draws=constants("fill", REAL))
def test_fills_floats(run: CaseRun) -> None:
    """A fill is rounded to a float once, to nearest, ties to even."""
    filling_agrees(run)


@line("VALUE-004", fit=("longer",), dtype=PLAIN_ODD)
def test_pads_others(run: CaseRun) -> None:
    """Other dtypes are padded with bytes of zero."""
    outside_agrees(run)


def unfit(run: CaseRun, role: Role) -> Case:
    """Return the case with a constant that its dtype cannot hold."""
    numbers = UNFIT[run.case.dtype]
    return _with(run.case, role, numbers[run.case.seed % len(numbers)])


@clause("VALUE-005", needs=[*PADDED, "refusals"], draws=needed("pad_value", UNFIT))
def test_refuses_pad_values(run: CaseRun) -> None:
    """A pad value that the dtype cannot hold is refused."""
    case = unfit(run, "pad_value")
    why = f"{case.dtype} cannot hold the pad value {case.pad_value}"
    refuses_case(run, "tile", case, why)


@clause("VALUE-005", needs=[*FILLED, "refusals"], draws=needed("fill", UNFIT))
def test_refuses_fills(run: CaseRun) -> None:
    """A fill that the dtype cannot hold is refused."""
    case = unfit(run, "fill")
    why = f"{case.dtype} cannot hold the fill {case.fill}"
    refuses_case(run, "untile", case, why)
