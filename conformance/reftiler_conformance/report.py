"""What a run comes to: the verdict, the score of each profile, badge and terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.text import Text

from reftiler.errors import count
from reftiler_conformance.counterexample import describe, message_of, printable
from reftiler_conformance.failure_groups import Group, grouped
from reftiler_conformance.results import BAD, WRONG, Report, Scores, Status

MAX_FAULTS, MAX_REASONS = 12, 5
"""How many faults, and reasons for not asking, are shown; the rest is counted."""


class Verdict(NamedTuple):
    """What a run comes to, and the colour of it; green is for a clean run alone."""

    message: str
    colour: str


def verdict(report: Report) -> Verdict:
    """Return what a run comes to: to which profiles the subject conforms."""
    found, spec = report.scores(), f"of specification {report.spec_version}"
    judged, counts = found.judged, found.all
    failing = [p for p, score in judged.items() if any(score[s] for s in WRONG)]
    failed = report.of(*BAD, must=True)
    claims = " in what it claims" if counts[Status.UNSUPPORTED] else ""
    for applies, message, colour in (
        (not report.complete, "the run did not come to its end", "red"),
        (report.of(Status.HARNESS), "the kit or the adapter failed", "red"),
        (failing, f"does not conform to {_list(failing)} {spec}", "red"),
        (any(r.status in WRONG for r in failed), "fails the simplest case", "red"),
        (failed, "its list of known failures is out of date", "red"),
        (not judged, "nothing was judged: no clause applies to its claims", "yellow"),
        (counts[Status.KNOWN], "fails only what is known to fail", "yellow"),
        (report.clauses, "fails nothing of the clauses asked about", "yellow"),
        (counts[Status.NOT_RUN], "fails nothing, but not all was asked", "yellow"),
    ):
        if applies:
            return Verdict(message, colour)
    return Verdict(f"conforms to {_list([*judged])} {spec}{claims}", "green")


def headline(report: Report, device: str | None = None) -> str:
    """Return how many MUST clauses of each profile passed, and what says nothing."""
    scores = report.scores(device)
    parts = [_passed(scores, " of ") or "nothing was judged"]
    silent = {p: score for p, score in scores.items() if score and not score.applicable}
    unclaimed = [p for p, s in silent.items() if s[Status.UNSUPPORTED] == s.total()]
    not_run = [profile for profile in silent if profile not in unclaimed]
    for names, why in ((not_run, "not run"), (unclaimed, "not claimed")):
        if names:
            parts.append(f"{', '.join(names)} {why}")
    parts += [
        f"{count(number, 'clause')} {status.value.replace('_', ' ')}"
        for status in (Status.KNOWN, Status.NOT_RUN, Status.HARNESS)
        if (number := scores.all[status])
    ]
    return "; ".join(parts)


def badge(report: Report) -> dict[str, Any]:
    """Return the badge of a run, as shields.io's endpoint reads it: JSON."""
    found, scores = verdict(report), report.scores()
    message = _passed(scores, "/") or "nothing judged"
    if not report.complete:
        message = "not complete"
    elif found.colour == "red" and all(
        score.passed == score.applicable for score in scores.judged.values()
    ):  # what is wrong is of no clause
        message = found.message
    return {
        "schemaVersion": 1,
        "label": f"tiling spec {report.spec_version}",
        "message": message,
        "color": "brightgreen" if found.colour == "green" else found.colour,
        "isError": found.colour == "red",
    }


def _passed(scores: Scores, of: str) -> str:
    return ", ".join(
        f"{profile} {score.passed}{of}{score.applicable}"
        for profile, score in scores.judged.items()
    )


def scope(report: Report) -> str:
    """Return what was asked: by which clauses, where, with how many cases."""
    what = f"only {', '.join(report.clauses)}" if report.clauses else "all clauses"
    return (
        f"specification {report.spec_version}, {what}, on {_list(report.devices)}, "
        f"{report.examples} examples, seed {report.seed}"
    )


def versions(report: Report) -> str:
    """Return the versions of what is beneath the subject."""
    return ", ".join(f"{n} {v}" for n, v in sorted(report.subject.versions.items()))


def sections(report: Report) -> Iterator[tuple[str, list[Group]]]:
    """Yield what did not pass, fault by fault, under its titles."""
    for title, found in (
        ("Does not conform", report.of(*BAD, must=True)),
        (
            "Departs from a SHOULD, and conforms all the same",
            report.of(*BAD, must=False),
        ),
        ("Fails, as is known", report.of(Status.KNOWN)),
        ("The kit or the adapter failed", report.of(Status.HARNESS)),
    ):
        if found:
            groups = grouped(found)
            names = count(len({result.clause for result in found}), "clause")
            yield f"{title}: {count(len(groups), 'fault')} in {names}", groups


def show(report: Report, console: Console) -> None:
    """Show a run: what was asked, what fails, what was not asked, what it comes to."""
    who, outcome = f"{report.subject.name} {report.subject.version}", verdict(report)
    lines = [Text(who, "bold"), Text(scope(report), "dim")]
    if report.subject.versions:
        lines.append(Text(versions(report), "dim"))
    for title, groups in sections(report):
        lines.append(Text(f"\n{title}", "bold red"))
        for group in groups[:MAX_FAULTS]:
            first, width = group.first, console.width
            shown = Text(f"\n{describe(first, report, same=group.same, width=width)}")
            shown.stylize("bold red", 1, 1 + len(first.clause))
            lines.append(shown)
        if more := groups[MAX_FAULTS:]:
            names = ", ".join(group.first.clause for group in more)
            lines.append(Text(f"\nand {count(len(more), 'fault')} more: {names}"))
    lines += [Text(), *map(Text, _notes(report))]
    if len(report.devices) > 1:
        lines += [Text(f"{name}: {headline(report, name)}") for name in report.devices]
    end = f"{who}: {outcome.message}: {headline(report)} ({report.seconds:.1f} s)"
    for line in (*lines, Text(end, f"bold {outcome.colour}")):
        console.print(line, soft_wrap=True, highlight=False)


def _notes(report: Report) -> Iterator[str]:
    """Yield what is no fault and worth knowing."""
    if report.could_claim:
        yield f"It could also claim: {', '.join(report.could_claim)}"
    for title, status in (
        ("Not run", Status.NOT_RUN),
        ("Not claimed", Status.UNSUPPORTED),
    ):
        keys = [key for key, found in report.standing.items() if found is status]
        said = {(r.clause, r.device): message_of(r) for r in report.of(status)}
        reasons = Counter(sorted(said.get(key) or "not asked about" for key in keys))
        if reasons:
            most, total = reasons.most_common(MAX_REASONS), reasons.total()
            shown = [f"{number} × {why}" for why, number in most]
            if more := total - sum(dict(most).values()):
                shown.append(f"{more} for other reasons")
            yield f"{title}: {count(total, 'clause')} ({'; '.join(shown)})"
    if skipped := sum(result.skipped for result in report.results):
        yield f"The adapter refused {count(skipped, 'case')} as unsupported"
    if printed := [result.printed for result in report.results if result.printed]:
        text = printable(printed[0], 60)
        yield f"It printed during {count(len(printed), 'check')}, first: {text}"


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
