"""A run on a terminal: what was asked, what fails, what was not run, the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from reftiler_conformance.reports import words
from reftiler_conformance.reports.words import headline
from reftiler_conformance.results import BAD, Report, Result, Status

MANY = 12
"""How many failures are shown whole; of the rest, a line each."""

FEW = 5
"""How many reasons for not asking are shown."""

__all__ = ["headline", "show"]


def show(report: Report, console: Console) -> None:
    """Show a run."""
    _title(report, console)
    departures = [result for result in report.results if words.departs(result)]
    for title, style, found in (
        ("Does not conform", "bold red", words.faults(report)),
        ("Departs from a SHOULD, and may", "bold yellow", departures),
        ("Fails, as is known", "bold yellow", words.of_status(report, Status.KNOWN)),
        ("Kit or adapter failed", "bold red", words.of_status(report, Status.HARNESS)),
    ):
        _failures(title, style, found, console)
    _silent("Not run", report, Status.NOT_RUN, console)
    _silent("Unsupported", report, Status.UNSUPPORTED, console)
    _printed(report, console)
    _outcome(report, console)


def _title(report: Report, console: Console) -> None:
    subject = report.subject
    _put(Text.assemble((subject.name, "bold"), f" {subject.version}"), console)
    for line in (words.scope(report), words.versions(report)):
        if line:
            _put(Text(line, "dim"), console)
    console.print()


def _failures(
    title: str, style: str, found: Sequence[Result], console: Console
) -> None:
    if not found:
        return
    _put(Text(f"{title}: {_count(found)}", style), console)
    for result in found[:MANY]:
        console.print()
        _failure(result, console)
    if more := found[MANY:]:
        console.print()
        _put(Text(f"and {len(more)} more:"), console)
        for result in more:
            line = Text.assemble("  ", (result.clause, "bold"), f" {result.words}")
            line.truncate(console.width, overflow="ellipsis")
            console.print(line, no_wrap=True)
    console.print()


def _failure(result: Result, console: Console) -> None:
    colour = "red" if result.status in BAD else "yellow"
    if words.departs(result):
        colour = "yellow"
    status = words.NAMES[result.status]
    title = f" {result.check} on {result.device}: "
    _put(Text.assemble((result.clause, "bold"), title, (status, colour)), console)
    for text, style in (
        (words.sentence(result), "italic"),
        (result.words, ""),
        (result.case, "cyan"),
    ):
        if text:
            _put(Text(text, style), console, "  ")
    if result.counterexample:  # a path is to be copied whole
        console.print(Text(f"  {result.counterexample}", "dim"), soft_wrap=True)


def _silent(title: str, report: Report, status: Status, console: Console) -> None:
    """Show why clauses say nothing, the commonest reasons first."""
    clauses = [key for key, found in report.standing.items() if found is status]
    if not clauses:
        return
    _put(Text(f"{title}: {_number(len(clauses), 'clause')}", "bold"), console)
    results = words.of_status(report, status)
    reasons = words.reasons(r for r in results if (r.clause, r.device) in clauses)
    asked = {(result.clause, result.device) for result in report.results}
    if bare := sum(key not in asked for key in clauses):
        reasons.append(("not asked about", bare))
    for reason, count in reasons[:FEW]:
        _put(Text(f"{count} × {reason}", "dim"), console, "  ")
    if (more := len(reasons) - FEW) > 0:
        _put(Text(f"and {_number(more, 'other reason')}", "dim"), console, "  ")
    console.print()


def _printed(report: Report, console: Console) -> None:
    found = [result for result in report.results if result.printed]
    if found:
        text = " ".join(found[0].printed.split())[:60]
        line = f"It printed during {_number(len(found), 'check')}, first: {text}"
        _put(Text(line), console)
        console.print()


def _outcome(report: Report, console: Console) -> None:
    outcome = words.verdict(report)
    for device in report.devices:
        score = report.score("MUST", device)
        where = f"{device}: " if len(report.devices) > 1 else ""
        passed = f"{where}{words.share(score)} applicable MUST clauses passed"
        _put(Text(passed, f"bold {outcome.colour}"), console)
        _put(Text(words.counts(score)), console)
    if report.not_scored:
        _put(Text(f"{len(report.not_scored)} newer clauses are not scored"), console)
    _put(Text(f"{outcome.words} ({report.seconds:.1f} s)", outcome.colour), console)


def _put(text: Text, console: Console, indent: str = "") -> None:
    """Print lines that fit, with nothing at their ends for pipes to carry."""
    for line in text.wrap(console, max(console.width - len(indent), 10)):
        line.rstrip()
        console.print(Text(indent) + line)


def _count(found: Sequence[Result]) -> str:
    names = {(result.clause, result.device) for result in found}
    return _number(len(names), "clause")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
