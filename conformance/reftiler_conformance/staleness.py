"""Features that a subject has and does not claim: its report would be too modest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reftiler_conformance.case_run import Client
from reftiler_conformance.check import Check
from reftiler_conformance.clauses import clauses
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.features import FEATURES, Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.results import Result, Status
from reftiler_conformance.search import Search

EXAMPLES = 8
"""Cases for each check: a tiler that passes them all by luck is not likely."""

NO_EFFECT = ("TILE-007", "PAD-011")
"""Clauses that say what a setting does not do: who ignores it passes them all."""


def stale(
    client: Client, claimed: Features, device: str, asked: Sequence[Check]
) -> Iterator[Result]:
    """
    Yield a result for each feature that is not claimed and passes all its checks.

    Its checks are those that would be asked if that one feature were claimed.
    """
    telling = [check for check in asked if check.clause not in NO_EFFECT]
    waiting = [check for check in telling if not _possible(check, claimed)]
    for feature in FEATURES:
        if feature in claimed or feature == "untile:cold":  # adapters may cut first
            continue
        more = claimed | {feature}
        hinges = [check for check in waiting if _possible(check, more)]
        if hinges and all(_passes(c, client, more, device) for c in hinges):
            yield Result(
                hinges[0].clause,
                hinges[0].name,
                clauses()[hinges[0].clause].level,
                device,
                Status.STALE_FEATURE,
                f"the feature {feature!r} is not claimed ({FEATURES[feature]}), and "
                f"the checks that need it pass: {', '.join(c.clause for c in hinges)}",
                examples=EXAMPLES * len(hinges),
            )


def _possible(check: Check, claimed: Features) -> bool:
    if check.needs - claimed:
        return False
    try:
        check.within(claimed)
    except Unsupported:
        return False
    return True


def _passes(check: Check, client: Client, claimed: Features, device: str) -> bool:
    search = Search(check, client, claimed, device)
    search.patient = False
    try:
        finding = search.run(EXAMPLES, 0)
    except (Unsupported, HarnessError):
        return False
    return finding.status is Status.PASSED and not search.unsupported
