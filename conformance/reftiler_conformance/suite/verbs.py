"""Checks that ask the same of tile and of untile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import Cases, Check, clause
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Answer, Raised, WrongType

Verb = Literal["tile", "untile"]
VERBS: tuple[Verb, ...] = ("tile", "untile")


def of_both(
    clause_id: str, *, draws: Callable[[Verb], Cases] | None = None, **asked: Any
) -> Callable[[Callable[[CaseRun, Verb], None]], list[Check]]:
    """Make a function two checks of a clause, named ``tile_…`` and ``untile_…``."""

    def register(judge: Callable[[CaseRun, Verb], None]) -> list[Check]:
        return [_of(verb, judge) for verb in VERBS]

    def _of(verb: Verb, judge: Callable[[CaseRun, Verb], None]) -> Check:
        def check(run: CaseRun) -> None:
            judge(run, verb)

        check.__name__ = f"{verb}_{judge.__name__.removeprefix('test_')}"
        check.__module__ = judge.__module__  # in whose file pytest collects it
        if draws is None:
            return clause(clause_id, verb=verb, **asked)(check)
        needs = [*asked.get("needs", ()), verb]
        return clause(clause_id, **asked | {"needs": needs}, draws=draws(verb))(check)

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


def agrees(run: CaseRun, verb: Verb, **given: Any) -> None:
    """Fail unless the tiles or the merge of a case are right."""
    if verb == "tile":
        run.tiles_agree(**given)
    else:
        run.merge_agrees(**given)


def first(call: Callable[[], Answer]) -> Answer:
    """Return the answer to a first call; its errors break the clauses of values."""
    try:
        return call()
    except (Raised, WrongType) as error:
        raise Unsupported(f"a case that is answered: {error}") from error
