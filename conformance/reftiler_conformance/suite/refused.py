"""Asking for what must be refused, in a session of its own."""

from __future__ import annotations

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.rpc import Answer
from reftiler_conformance.suite.verbs import call, input_of


def refuses_array(run: CaseRun, verb: str, array: Array, why: str) -> None:
    """Fail unless an array is refused by the tiler of the case."""
    run.reopen()
    run.refuses(lambda: call(run, verb, array), why)


def refuses_case(run: CaseRun, verb: str, case: Case, why: str) -> None:
    """Fail unless another case is refused, as it is opened or by the verb."""

    def opened() -> Answer:
        run.reopen(case)
        return call(run, verb, input_of(verb, case))

    run.refuses(opened, why)
