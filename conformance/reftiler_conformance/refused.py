"""Asking for what must be refused, in a session of its own."""

from __future__ import annotations

from typing import Literal

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.exchange import Answer
from reftiler_conformance.trial import Trial

Verb = Literal["tile", "untile", "view"]


def refuses_array(trial: Trial, verb: Verb, array: Array, why: str) -> None:
    """Fail unless an array is refused by the tiler of the case."""
    trial.reopen()
    trial.refuses(lambda: _asked(trial, verb, array), why)


def refuses_case(trial: Trial, verb: Verb, case: Case, why: str) -> None:
    """Fail unless another case is refused, as it is opened or by the verb."""

    def call() -> Answer:
        trial.reopen(case)
        return _asked(trial, verb, case.tiles() if verb == "untile" else case.image())

    trial.refuses(call, why)


def _asked(trial: Trial, verb: Verb, array: Array) -> Answer:
    if verb == "view":
        return trial.view(array)
    return trial.tile(array) if verb == "tile" else trial.untile(array)
