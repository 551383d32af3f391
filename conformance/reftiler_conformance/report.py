"""What a run comes to: the verdict, the score of each profile, both on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from reftiler_conformance.counterexample import describe, message_of, printable
from reftiler_conformance.failure_groups import Group, grouped
from reftiler_conformance.results import BAD, WRONG, Report, Result, Status

MAX_FAULTS, MAX_REASONS = 12, 5
"""How many faults, and reasons for not asking, are shown; the rest is counted."""


@dataclass(frozen=True)
class Verdict:
    """What a run comes to, and the colour of it; green is for a clean run alone."""

    message: str
    colour: str


def verdict(report: Report) -> Verdict:
    """Return what a run comes to: to which profiles the subject conforms."""
    found = report.scores()
    counts = sum(found.values(), Counter[Status]())
    judged = [profile for profile, score in found.items() if score.applicable]
    failing = [p for p in judged if any(found[p][status] for status in WRONG)]
    failed, spec = failures(report), f"of specification {report.spec_version}"
    claims = " in what it claims" if counts[Status.UNSUPPORTED] else ""
    for applies, message, colour in (
        (not report.complete, "the run did not come to its end", "red"),
        (of_status(report, Status.HARNESS), "the kit or the adapter failed", "red"),
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
    return Verdict(f"conforms to {_list(judged)} {spec}{claims}", "green")


def headline(report: Report, device: str | None = None) -> str:
    """Return how many MUST clauses of each profile passed, and what says nothing."""
    judged, silent = [], {"not run": list[str](), "not claimed": list[str]()}
    total = Counter[Status]()
    for profile, score in report.scores(device).items():
        total += score
        if score.applicable:
            judged.append(f"{profile} {score.passed} of {score.applicable}")
        elif score:
            unclaimed = score[Status.UNSUPPORTED] == score.total()
            silent["not claimed" if unclaimed else "not run"].append(profile)
    parts = [", ".join(judged) or "nothing was judged"]
    parts += [f"{', '.join(names)} {why}" for why, names in silent.items() if names]
    parts += [
        f"{_number(total[status], 'clause')} {status.value.replace('_', ' ')}"
        for status in (Status.KNOWN, Status.NOT_RUN, Status.HARNESS)
        if total[status]
    ]
    return "; ".join(parts)


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


def failures(report: Report) -> list[Result]:
    """Return what makes the subject not conform."""
    return [r for r in report.results if r.status in BAD and r.level == "MUST"]


def departures(report: Report) -> list[Result]:
    """Return what departs from a SHOULD, as a tiler may."""
    return [r for r in report.results if r.status in BAD and r.level != "MUST"]


def of_status(report: Report, status: Status) -> list[Result]:
    """Return the results of a status."""
    return [result for result in report.results if result.status is status]


def sections(report: Report) -> Iterator[tuple[str, list[Group]]]:
    """Yield what did not pass, fault by fault, under its titles."""
    for title, found in (
        ("Does not conform", failures(report)),
        ("Departs from a SHOULD, and conforms all the same", departures(report)),
        ("Fails, as is known", of_status(report, Status.KNOWN)),
        ("The kit or the adapter failed", of_status(report, Status.HARNESS)),
    ):
        if found:
            groups = grouped(found)
            names = _number(len({result.clause for result in found}), "clause")
            yield f"{title}: {_number(len(groups), 'fault')} in {names}", groups


def show(report: Report, console: Console) -> None:
    """Show a run: what was asked, what fails, what was not asked, what it comes to."""
    who, outcome = f"{report.subject.name} {report.subject.version}", verdict(report)
    lines = [Text(who, "bold"), Text(scope(report), "dim"), *_versions(report)]
    for title, groups in sections(report):
        lines.append(Text(f"\n{title}", "bold red"))
        lines += [_fault(g, report, console.width) for g in groups[:MAX_FAULTS]]
        if more := groups[MAX_FAULTS:]:
            names = ", ".join(group.first.clause for group in more)
            lines.append(Text(f"\nand {_number(len(more), 'fault')} more: {names}"))
    lines += [Text(), *map(Text, _notes(report))]
    if len(report.devices) > 1:
        lines += [Text(f"{name}: {headline(report, name)}") for name in report.devices]
    end = f"{who}: {outcome.message}: {headline(report)} ({report.seconds:.1f} s)"
    for line in (*lines, Text(end, f"bold {outcome.colour}")):
        console.print(line, soft_wrap=True, highlight=False)


def _versions(report: Report) -> list[Text]:
    return [Text(versions(report), "dim")] if report.subject.versions else []


def _fault(group: Group, report: Report, width: int) -> Text:
    """Return a fault as text, its clause marked."""
    shown = describe(group.first, report, same=group.same, width=width)
    text = Text(f"\n{shown}")
    text.stylize("bold red", 1, 1 + len(group.first.clause))
    return text


def _notes(report: Report) -> Iterator[str]:
    """Yield what is no fault and worth knowing."""
    if report.could_claim:
        yield f"It could also claim: {', '.join(report.could_claim)}"
    for title, status in (
        ("Not run", Status.NOT_RUN),
        ("Not claimed", Status.UNSUPPORTED),
    ):
        if reasons := _reasons(report, status):
            shown = [f"{count} × {why}" for why, count in reasons[:MAX_REASONS]]
            if more := sum(count for _, count in reasons[MAX_REASONS:]):
                shown.append(f"{more} for other reasons")
            total = sum(count for _, count in reasons)
            yield f"{title}: {_number(total, 'clause')} ({'; '.join(shown)})"
    if skipped := sum(result.skipped for result in report.results):
        yield f"The adapter refused {_number(skipped, 'case')} as unsupported"
    if printed := [result.printed for result in report.results if result.printed]:
        text = printable(printed[0], 60)
        yield f"It printed during {_number(len(printed), 'check')}, first: {text}"


def _reasons(report: Report, status: Status) -> list[tuple[str, int]]:
    """Return why clauses of a status say nothing, the most frequent reason first."""
    said = {(r.clause, r.device): message_of(r) for r in of_status(report, status)}
    keys = [key for key, found in report.standing.items() if found is status]
    found = Counter(said.get(key) or "not asked about" for key in keys)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
