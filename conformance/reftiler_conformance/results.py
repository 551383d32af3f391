"""What is known of a clause after a subject was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from reftiler_conformance.protocol import Info
from reftiler_conformance.trial import Evidence


class Status(str, Enum):
    """How it went; only ``passed`` is a pass."""

    PASSED = "passed"
    FAILED = "failed"
    """The result is wrong."""
    ERROR = "error"
    """The subject gave no result: it raised, hung or died."""
    UNSUPPORTED = "unsupported"
    """The subject does not claim what the clause is about."""
    KNOWN = "known_failure"
    """It fails as the list of known failures says."""
    STALE_KNOWN = "stale_known"
    """The list of known failures has it, and it passes."""
    STALE_FEATURE = "stale_feature"
    """The subject does not claim what it can do."""
    NOT_RUN = "not_run"
    """Nothing was asked, for the reason given."""
    HARNESS = "harness_error"
    """The kit or the adapter failed: nothing was learnt."""


BAD = (Status.FAILED, Status.ERROR, Status.STALE_KNOWN, Status.STALE_FEATURE)
"""What makes a subject not conform, where the clause is a MUST."""


@dataclass(frozen=True)
class Result:
    """
    What one check found on one device.

    Parameters
    ----------
    clause, check, level, device
        What was asked, and where.
    status, words
        How it went; a sentence if it did not pass.
    case
        The smallest case that fails, as text that replays.
    examples, seconds
        How many cases were tried, and in which time.
    printed
        What the subject wrote to its standard streams, if anything.
    evidence
        The arrays of the smallest case.
    counterexample
        The file that holds them, once it is written.
    """

    clause: str
    check: str
    level: str
    device: str
    status: Status
    words: str = ""
    case: str = ""
    examples: int = 0
    seconds: float = 0.0
    printed: str = ""
    evidence: Evidence | None = None
    counterexample: str = ""


def exit_code(results: Iterable[Result]) -> int:
    """Return 0 if a subject conforms, 1 if not, 3 if the harness failed."""
    codes = [0]
    for result in results:
        if result.status is Status.HARNESS:
            codes.append(3)
        elif result.status in BAD and result.level == "MUST":
            codes.append(1)
    return max(codes)


@dataclass(frozen=True)
class Report:
    """
    All that was found of one subject in one run.

    Parameters
    ----------
    subject
        Who was asked, and what it claims.
    results
        One for each check and device, in the order of the specification.
    version, spec_version
        Of the kit and of the specification.
    seed, examples
        What the cases were drawn with: a run with the same finds the same.
    started, seconds
        When it began (ISO 8601, UTC), and how long it took.
    complete
        Whether the run came to its end; if not, nothing follows from what is missing.
    """

    subject: Info
    results: tuple[Result, ...]
    version: str
    spec_version: str
    seed: int
    examples: int
    started: str
    seconds: float
    complete: bool = True
