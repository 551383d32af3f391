"""Asking the same of tile and of untile, and for what they must refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Answer, Raised, WrongType

Verb = Literal["tile", "untile"]
OfVerb = Callable[[CaseRun, Verb], None]
VERBS: tuple[Verb, ...] = ("tile", "untile")


def of_both(clause_id: str, **asked: Any) -> Callable[[OfVerb], OfVerb]:
    """Make a function two checks of a clause, named ``tile_…`` and ``untile_…``."""

    def register(judge: OfVerb) -> OfVerb:
        for verb in VERBS:

            def check(run: CaseRun, verb: Verb = verb) -> None:
                judge(run, verb)

            check.__name__ = f"{verb}_{judge.__name__.removeprefix('test_')}"
            check.__module__ = judge.__module__  # in whose file pytest collects it
            clause(clause_id, verb=verb, **asked)(check)
        return judge

    return register


def input_of(verb: str, case: Case) -> Array:
    """Return the tiles of a case to untile, else its image."""
    return case.tiles() if verb == "untile" else case.image()


def needs_of(verb: Verb, case: Case) -> Features:
    """Return what a tiler must claim to be asked about a case."""
    return needs_to_tile(case) if verb == "tile" else needs_to_untile(case)


def call(run: CaseRun, verb: str, array: Array | None = None, **given: Any) -> Answer:
    """Let the case's image or tiles, or others, be cut, viewed or merged."""
    answer: Answer = getattr(run, verb)(array, **given)
    return answer


def agrees(run: CaseRun, verb: Verb, array: Array | None = None, **given: Any) -> Array:
    """Return the tiles or the merge of a case; fail unless they are right."""
    ask = run.tiles_agree if verb == "tile" else run.merge_agrees
    found: Array = ask(array, **given)
    return found


def first(call: Callable[[], Answer]) -> Answer:
    """Return the answer to a first call; its errors break the clauses of values."""
    try:
        return call()
    except (Raised, WrongType) as error:
        raise Unsupported(f"a case that is answered: {error}") from error


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
