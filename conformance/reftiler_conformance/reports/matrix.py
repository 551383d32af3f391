"""Many subjects in one table of clauses: who passes what, and who was not asked."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reftiler_conformance.clauses import clauses
from reftiler_conformance.findings import note
from reftiler_conformance.reports import words
from reftiler_conformance.reports.markdown import fault, plain
from reftiler_conformance.results import Report, Score, Status

SYMBOLS = {
    Status.PASSED: "✓",
    Status.FAILED: "✗",
    Status.ERROR: "E",
    Status.UNSUPPORTED: "\N{EN DASH}",
    Status.KNOWN: "K",
    Status.STALE_KNOWN: "S",
    Status.STALE_FEATURE: "S",
    Status.NOT_RUN: "·",
    Status.HARNESS: "H",
}

NONE = SYMBOLS[Status.UNSUPPORTED]

FAIR = "Each subject is asked only for what it claims."

_MEANINGS = {
    Status.PASSED: "right, wherever it was asked",
    Status.FAILED: "a wrong result",
    Status.ERROR: "an error, a hang or a crash in place of a result",
    Status.UNSUPPORTED: "unsupported: not claimed, so neither passed nor failed",
    Status.KNOWN: "fails, as its list of known failures says",
    Status.STALE_KNOWN: "what it claims, or is known to fail, is out of date",
    Status.NOT_RUN: "not run",
    Status.HARNESS: "the kit or the adapter failed: nothing was learnt",
}

LEGEND = "\n".join(f"- `{SYMBOLS[s]}` {told}" for s, told in _MEANINGS.items())


@dataclass(frozen=True)
class Column:
    """One subject on one device."""

    report: Report
    device: str
    title: str

    def status(self, clause: str) -> Status:
        """Return how it went with a clause."""
        return self.report.standing.get((clause, self.device), Status.NOT_RUN)

    def score(self, level: str = "MUST") -> Score:
        """Return the score on this device."""
        return self.report.score(level, self.device)


def page(reports: Sequence[Report], command: str = "") -> str:
    """
    Return the table of several subjects, as a page of Markdown.

    Parameters
    ----------
    reports
        A run of each subject, all by one version of the specification.
    command
        What makes this page again; made up from the reports if it is not given.

    Raises
    ------
    ValueError
        If there is no report, or they are of several versions.
    """
    version = _version(reports)
    columns = _columns(reports)
    families = _families(reports[0])
    parts = [
        "# Conformance matrix",
        f"Specification {version}. {_how(reports)} {FAIR}",
        f"Made on {max(report.started for report in reports)[:10]} by",
        f"```text\n{command or _command(reports)}\n```",
        *_remarks(reports),
        "## Subjects",
        _subjects(columns),
        "## Families",
        f"MUST clauses passed / applicable; {NONE} where none applies.",
        _by_family(columns, families),
        "## Clauses",
        LEGEND,
        *_tables(columns, families),
        *([f"Not checked: {plain(told)}."] if (told := words.unchecked()) else []),
        *_faults(reports),
    ]
    return "\n\n".join(parts) + "\n"


def _version(reports: Sequence[Report]) -> str:
    found = sorted({report.spec_version for report in reports})
    if len(found) != 1:
        of = f"versions {', '.join(found)}" if found else "no run"
        raise ValueError(
            "a matrix is of runs by one version of the specification, "
            f"these are of {of}"
        )
    return found[0]


def _columns(reports: Sequence[Report]) -> list[Column]:
    names = Counter(report.subject.name for report in reports)
    columns = []
    for report in reports:
        title = report.subject.name
        if names[title] > 1:
            title += f" {report.subject.version}"
        several = len(report.devices) > 1
        columns += [
            Column(report, device, f"{title} ({device})" if several else title)
            for device in report.devices
        ]
    return columns


def _families(report: Report) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for clause, _ in dict.fromkeys(key for key in report.standing):
        members = found.setdefault(clause.rpartition("-")[0], [])
        if clause not in members:
            members.append(clause)
    return found


def _how(reports: Sequence[Report]) -> str:
    drawn = {(report.examples, report.seed) for report in reports}
    if len(drawn) > 1:
        return "The runs differ in their examples or seeds."
    examples, seed = drawn.pop()
    return f"{examples} examples for each check, seed {seed}."


def _command(reports: Sequence[Report]) -> str:
    names = list(dict.fromkeys(r.name or r.subject.name for r in reports))
    parts = ["reftiler", "conform", "--matrix", *names]
    if len({(report.examples, report.seed) for report in reports}) == 1:
        examples, seed = reports[0].examples, reports[0].seed
        parts += ["--examples", str(examples), "--seed", str(seed)]
    if len({report.clauses for report in reports}) == 1 and reports[0].clauses:
        parts += ["--clauses", ",".join(reports[0].clauses)]
    return shlex.join(parts)


def _remarks(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        for line in words.remark(report):
            yield f"{plain(report.subject.name)}: {line}"


def _subjects(columns: Sequence[Column]) -> str:
    titles = ("subject", "version", "device", "MUST passed / applicable")
    more = ("unsupported", "known", "not run", "harness errors", "SHOULD", "")
    rows = [_row(*titles, *more), _rule(len(titles) + len(more))]
    for column in columns:
        report, score = column.report, column.score()
        silent = (Status.UNSUPPORTED, Status.KNOWN, Status.NOT_RUN, Status.HARNESS)
        rows.append(
            _row(
                plain(report.subject.name),
                _whole_version(report),
                column.device,
                f"{score.passed} / {score.applicable}",
                *(str(score.counts[status]) for status in silent),
                _part(column.score("SHOULD")),
                "" if report.complete else "not complete",
            )
        )
    return "\n".join(rows)


def _whole_version(report: Report) -> str:
    beneath = words.versions(report)
    version = report.subject.version
    return plain(f"{version} ({beneath})" if beneath else version)


def _by_family(columns: Sequence[Column], families: dict[str, list[str]]) -> str:
    rows = [_row("family", *(plain(c.title) for c in columns)), _rule(len(columns) + 1)]
    for family, members in families.items():
        cells = [
            _part(Score(Counter(column.status(m) for m in _musts(column, members))))
            for column in columns
        ]
        rows.append(_row(family, *cells))
    return "\n".join(rows)


def _musts(column: Column, members: Sequence[str]) -> list[str]:
    levels = column.report.levels
    return [clause for clause in members if levels[clause] == "MUST"]


def _part(score: Score) -> str:
    return f"{score.passed} / {score.applicable}" if score.applicable else NONE


def _tables(columns: Sequence[Column], families: dict[str, list[str]]) -> Iterator[str]:
    levels = columns[0].report.levels
    for family, members in families.items():
        yield f"### {family}"
        titles = (plain(column.title) for column in columns)
        rows = [_row("clause", "", *titles), _rule(len(columns) + 2)]
        for clause in members:
            title = plain(clauses()[clause].meaning)
            if levels[clause] != "MUST":
                title += f" ({levels[clause]})"
            marks = (SYMBOLS[column.status(clause)] for column in columns)
            rows.append(_row(clause, title, *marks))
        yield "\n".join(rows)


def _faults(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        found = words.faults(report)
        found += [result for result in report.results if words.departs(result)]
        found += words.of_status(report, Status.KNOWN, Status.HARNESS)
        told = note(report.name, report.subject.version)
        if found or told:
            who = f"{report.subject.name} {report.subject.version}"
            yield f"## What {plain(who)} was found to do"
        if told:
            yield told
        if found:
            yield "The smallest cases of this run:"
            yield from (fault(result, arrays=False) for result in found)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(count: int) -> str:
    return "| --- " * count + "|"
