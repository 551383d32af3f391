"""A merge that is wrong in one setting is named by the clause of that setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.check import select
from reftiler_conformance.client import Local
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.evaluate import Options, evaluate
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Info
from reftiler_conformance.results import Status
from reftiler_conformance.suite.wide import agrees

EVERY = Case(
    size=(13, 22),
    tile=(8, 8),
    stride=(4, 4),
    batch=2,
    channels=2,
    border=(1, 1),
    window="hann",
    content="random",
)
LARGEST = replace(EVERY, window="box", merge="max")


class Forgetful:
    """Merges by the oracle, with some settings forgotten."""

    def __init__(self, **forgotten: Any) -> None:
        self.forgotten = forgotten

    def info(self) -> Info:
        return Info("forgetful", "1", features("*") - {"api", "out", "tile"})

    def open(self, case: Case, device: str) -> Any:
        self.case = replace(case, **self.forgotten)
        return self

    def tile(self, image: Any) -> Any:
        raise NotImplementedError

    def untile(self, tiles: Any) -> Any:
        return merge_of(self.case, tiles)


def blamed(subject: Forgetful, case: Case) -> str:
    run = CaseRun(case, Local(subject), subject.info().claimed)
    run.reopen()
    with pytest.raises(Mismatch) as caught:
        agrees(run, by="coarse")
    return caught.value.clause


@pytest.mark.parametrize(
    ("forgotten", "case", "clause"),
    [
        ({"window": "box"}, EVERY, "WINDOW-001"),
        ({"border": ()}, EVERY, "BORDER-001"),
        ({"border": ()}, replace(EVERY, mode="drop", fill=7), "BORDER-001"),
        (
            {"border": ()},
            replace(EVERY, size=(9, 10), mode="drop", fill=7),
            "BORDER-003",
        ),
        ({"merge": None}, LARGEST, "MERGE-012"),
        ({"fill": 0}, replace(EVERY, mode="drop", fill=7), "MERGE-018"),
        ({"pad_side": "end"}, replace(EVERY, pad_side="both"), "MERGE-020"),
    ],
)
def test_the_setting_at_fault_is_named(
    forgotten: dict[str, Any], case: Case, clause: str
) -> None:
    assert blamed(Forgetful(**forgotten), case) == clause


def test_what_is_right_is_not_blamed() -> None:
    subject = Forgetful()
    run = CaseRun(EVERY, Local(subject), subject.info().claimed)
    run.reopen()
    agrees(run)
    assert np.isfinite(run.evidence.want).all()  # type: ignore[arg-type]


class Overlapping:
    """Overlap-add as many write it: float32 sums, or a small term in the divisor."""

    def __init__(self, kind: str, term: float) -> None:
        self.kind, self.term = np.dtype(kind), term

    def info(self) -> Info:
        claimed = ("untile:float32", "untile:float64", "rank:2", "channels", "overlap")
        return Info("overlapping", "1", features("untile", "merge:mean", *claimed))

    def open(self, case: Case, device: str) -> Any:
        self.case = case
        return self

    def untile(self, tiles: Any) -> Any:
        total = np.full(self.case.shape, -0.0, self.kind)
        count = np.full(self.case.size, self.term, self.kind)
        for start, tile in zip(self.case.grid.starts, tiles, strict=True):
            box = tuple(map(slice, start, np.add(start, self.case.tile)))
            here: Any = (..., *box)
            total[here] += tile.astype(self.kind)
            count[box] += 1
        return (total / count).astype(tiles.dtype)


def broken(subject: Any, clause: str) -> list[Any]:
    """Return the failures that the checks of a clause find."""
    client, info = Local(subject), subject.info()
    found = [
        result
        for check in select([clause])
        for result in evaluate(check, client, info, "cpu", Options(examples=20))
    ]
    return [result for result in found if result.status is Status.FAILED]


def test_sums_in_float32_break_the_mean() -> None:
    failed = broken(Overlapping("float32", 0), "MERGE-001")
    assert [result.check for result in failed] == ["the_mean"]
    case = parse(failed[0].case)
    assert case.dtype == "float64"
    assert np.prod(case.shape) <= 12


def test_a_term_in_the_divisor_breaks_another_clause() -> None:
    kornias = Overlapping("float64", 1e-8)
    assert not broken(kornias, "MERGE-001")
    assert broken(kornias, "MERGE-005")
    assert not broken(Overlapping("float64", 0), "MERGE-005")
