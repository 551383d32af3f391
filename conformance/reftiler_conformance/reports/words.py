"""What a report comes to, in words that every form of it uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reftiler_conformance.clauses import clauses
from reftiler_conformance.results import BAD, SILENT, Report, Result, Score, Status
from reftiler_conformance.unchecked import UNCHECKED

NAMES = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.ERROR: "error",
    Status.UNSUPPORTED: "unsupported",
    Status.KNOWN: "known failure",
    Status.STALE_KNOWN: "stale known failure",
    Status.STALE_FEATURE: "stale feature",
    Status.NOT_RUN: "not run",
    Status.HARNESS: "harness error",
}
"""Each status, as people say it."""

BESIDE = (Status.UNSUPPORTED, Status.KNOWN, Status.NOT_RUN)
"""What a headline never leaves out, be it none."""


@dataclass(frozen=True)
class Verdict:
    """What a run comes to, and the colour of it; green is for a clean run alone."""

    words: str
    colour: str


def verdict(report: Report) -> Verdict:
    """Return what a run comes to."""
    who = f"{report.subject.name} {report.subject.version}"
    spec = f"specification {report.spec_version}"
    found = report.scored.counts
    for applies, told, colour in (
        (not report.complete, "the run did not come to its end", "red"),
        (of_status(report, Status.HARNESS), "the kit or the adapter failed", "red"),
        (faults(report), f"does not conform to {spec}", "red"),
        (
            not report.scored.applicable,
            "nothing was judged: no clause applies to what it claims",
            "yellow",
        ),
        (found[Status.KNOWN], f"fails {spec}, only as is known", "yellow"),
        (found[Status.NOT_RUN], "fails nothing of what was asked", "yellow"),
        (found[Status.UNSUPPORTED], f"conforms to {spec} in what it claims", "green"),
    ):
        if applies:
            return Verdict(f"{who}: {told}", colour)
    return Verdict(f"{who}: conforms to {spec}", "green")


def headline(report: Report) -> str:
    """Return how many clauses passed, and how many could not."""
    return f"{share(report.scored)} applicable MUST clauses passed; {beside(report)}"


def share(score: Score) -> str:
    """Return ``90 of 94``."""
    return f"{score.passed} of {score.applicable}"


def beside(report: Report) -> str:
    """Return the counts without which the headline would be too good."""
    found = report.scored.counts
    more = [s for s in SILENT if s not in BESIDE and found[s]]
    return ", ".join(counted(found[status], status) for status in (*BESIDE, *more))


def counted(count: int, status: Status) -> str:
    """Return ``1 known failure`` and ``2 known failures``, but ``2 passed``."""
    name = NAMES[status]
    many = count != 1 and name.endswith(("error", "failure", "feature"))
    return f"{count} {name}" + ("s" if many else "")


def counts(score: Score) -> str:
    """Return how many clauses have which status; of some, even if none has."""
    return ", ".join(
        counted(score.counts[status], status)
        for status in Status
        if score.counts[status] or status in BESIDE
    )


def scope(report: Report) -> str:
    """Return what was asked: where, with how many examples, about which clauses."""
    what = f"only {', '.join(report.clauses)}" if report.clauses else "all clauses"
    return (
        f"specification {report.spec_version}, {what}, on "
        f"{' and '.join(report.devices)}, {report.examples} examples, "
        f"seed {report.seed}"
    )


def versions(report: Report) -> str:
    """Return the versions that matter: the subject's, and what is beneath it."""
    return ", ".join(f"{n} {v}" for n, v in sorted(report.subject.versions.items()))


def sentence(result: Result) -> str:
    """Return what a result's clause says; nothing for what is no clause."""
    clause = clauses().get(result.clause)
    return clause.text if clause else ""


def departs(result: Result) -> bool:
    """Say whether a tiler leaves a SHOULD, which it may."""
    return result.status in BAD and result.level != "MUST"


def faults(report: Report) -> list[Result]:
    """Return what makes the subject not conform."""
    return [r for r in report.results if r.status in BAD and not departs(r)]


def reasons(results: Iterable[Result]) -> list[tuple[str, int]]:
    """Return the reasons that results give, and how many give each, most first."""
    found = Counter(result.words or "no reason given" for result in results)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def of_status(report: Report, *statuses: Status) -> list[Result]:
    """Return the results of some statuses."""
    return [result for result in report.results if result.status in statuses]


def unchecked() -> str:
    """Return which clauses this kit never asks about, and why; nothing if none."""
    found = (f"{clause}, for {why}" for clause, why in UNCHECKED.items())
    return "; ".join(found)


def remark(report: Report) -> list[str]:
    """Return what a reader must be told of a report that is not whole."""
    lines = []
    if not report.complete:
        lines.append("**Not complete**: the run did not come to its end.")
    if report.clauses:
        lines.append(f"**Not all**: only {', '.join(report.clauses)} was asked about.")
    if report.not_scored:
        names = ", ".join(report.not_scored)
        lines.append(f"Not scored, for they came after this version: {names}.")
    return lines
