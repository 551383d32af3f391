"""Asking for what must be refused, in a session of its own."""

from __future__ import annotations

from typing import Literal

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.exchange import Answer

Verb = Literal["tile", "untile", "view"]


def refuses_array(run: CaseRun, verb: Verb, array: Array, why: str) -> None:
    """Fail unless an array is refused by the tiler of the case."""
    run.reopen()
    run.refuses(lambda: _asked(run, verb, array), why)


def refuses_case(run: CaseRun, verb: Verb, case: Case, why: str) -> None:
    """Fail unless another case is refused, as it is opened or by the verb."""

    def call() -> Answer:
        run.reopen(case)
        return _asked(run, verb, case.tiles() if verb == "untile" else case.image())

    run.refuses(call, why)


def _asked(run: CaseRun, verb: Verb, array: Array) -> Answer:
    if verb == "view":
        return run.view(array)
    return run.tile(array) if verb == "tile" else run.untile(array)
