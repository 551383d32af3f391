"""Runs as pages of Markdown: of one subject, and the matrix of many."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from reftiler_conformance.clauses import PROFILES, UNCHECKED, clauses
from reftiler_conformance.counterexample import (
    LONG_CASE,
    describe,
    message_of,
    printable,
)
from reftiler_conformance.failure_groups import grouped
from reftiler_conformance.report import (
    headline,
    scope,
    sections,
    verdict,
    versions,
)
from reftiler_conformance.results import BAD, Report, Status

SYMBOLS = dict(
    zip([status.value for status in Status], "✓✗E\N{EN DASH}KS·H", strict=True)
)
"""How each status is shown in a table."""

NONE = SYMBOLS["unsupported"]

LEGEND = (
    f"✓ right wherever it was asked, ✗ a wrong result, E an error and no result, "
    f"{NONE} not claimed, K fails as is known, S known to fail and passes, · not run, "
    "H the kit or the adapter failed."
)

FAIR = "Each subject is asked only for what it claims."

MAX_CASES = 5  # how many faults of a subject stand in a matrix with their cases


class Column(NamedTuple):
    """One subject on one device."""

    report: Report
    device: str
    title: str

    def symbol(self, clause: str) -> str:
        """Return how it went with a clause."""
        status = self.report.standing.get((clause, self.device), Status.NOT_RUN)
        return SYMBOLS[status.value]


def markdown(report: Report) -> str:
    """Return a run as a page: the verdict, what fails and why, every check."""
    subject = plain(f"{report.subject.name} {report.subject.version}")
    beneath = f", with {versions(report)}" if versions(report) else ""
    parts = [
        f"# {subject}",
        *_remarks(report),
        f"**{subject} {verdict(report).message}**: {headline(report)}.",
        f"Asked on {report.started[:10]}: {plain(scope(report) + beneath)}.",
    ]
    for title, groups in sections(report):
        parts.append(f"## {title}")
        for group in groups:
            text = describe(group.first, report, same=group.same)
            parts.append(textwrap.indent(text, "    "))
    if report.could_claim:
        parts.append(f"It could also claim: {plain(', '.join(report.could_claim))}.")
    return "\n\n".join([*parts, "## Checks", _checks(report)]) + "\n"


def matrix(
    reports: Sequence[Report],
    *,
    whole: bool = False,
    absent: Mapping[str, str] | None = None,
) -> str:
    """Return runs of one version as a page: what differs between subjects, or all.

    ``whole``: every clause has a row, every fault its case; ``absent``: who could not
    be asked, and why.
    """
    versions = sorted({report.spec_version for report in reports})
    if len(versions) != 1:
        raise ValueError(
            "a matrix is of runs by one version of the specification, "
            f"not of {', '.join(versions) or 'none'}"
        )
    columns = _columns(reports)
    parts = [
        "# Conformance matrix",
        f"{FAIR} Made on {max(report.started for report in reports)[:10]} by",
        f"    {_command(reports)}",
        *(f"{plain(r.subject.name)}: {line}" for r in reports for line in _remarks(r)),
        *(f"**{plain(name)}** {plain(why)}" for name, why in (absent or {}).items()),
        "## What was found",
        *(part for report in reports for part in _findings(report, whole)),
        "## Subjects\n\nMUST clauses passed / applicable, for each profile.",
        _subjects(columns),
        f"## Clauses\n\nOf specification {versions[0]}. {LEGEND}",
        *_clauses(columns, whole),
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, within a table too."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _remarks(report: Report) -> Iterator[str]:
    """Yield what must be told of a run that is not all there."""
    if not report.complete:
        yield "**Not complete**: the run did not come to its end."
    if report.clauses:
        yield f"**Not all**: only {', '.join(report.clauses)} was asked about."
    if missing := [name for name in report.devices if name not in _judged(report)]:
        yield f"Nothing was judged on {', '.join(missing)}."


def _judged(report: Report) -> list[str]:
    """Return the devices on which something was judged; all of them if on none."""
    found = [name for name in report.devices if report.scores(name).judged]
    return found or list(report.devices)


def _checks(report: Report) -> str:
    """Return a row for each check, and for each clause without one."""
    rows = [
        (r.clause, r.check, r.device, r.status.value.replace("_", " "), message_of(r))
        for r in report.results
    ]
    asked = {result.clause for result in report.results}
    rows += [
        (name, "", "", "not run", UNCHECKED.get(name, "not asked about"))
        for name in clauses(report.spec_version)
        if name not in asked
    ]
    titles = ("clause", "check", "device", "status", "")
    return _lines(titles, [tuple(map(plain, row)) for row in rows])


def _columns(reports: Sequence[Report]) -> list[Column]:
    names = Counter(report.subject.name for report in reports)
    columns = []
    for report in reports:
        title = report.subject.name
        title += f" {report.subject.version}" if names[title] > 1 else ""
        devices = _judged(report)
        for device in devices:
            where = f" ({device})" if len(devices) > 1 else ""
            columns.append(Column(report, device, plain(title + where)))
    return columns


def _command(reports: Sequence[Report]) -> str:
    names = list(dict.fromkeys(r.name or r.subject.name for r in reports))
    parts = ["reftiler", "conform", "--matrix", *names]
    for option, values in (
        ("--examples", {str(report.examples) for report in reports}),
        ("--seed", {str(report.seed) for report in reports}),
        ("--clauses", {",".join(report.clauses) for report in reports}),
    ):
        if len(values) == 1 and all(values):
            parts += [option, *values]
    return shlex.join(parts)


def note(subject: str, version: str) -> str:
    """Return what a person found in a version of a built-in subject, or nothing.

    It was checked by a direct call of the library, unless it says otherwise.
    """
    file = resources.files("reftiler_conformance") / "findings" / f"{subject}.md"
    if not file.is_file():
        return ""
    head, _, text = file.read_text(encoding="utf-8").partition("\n")
    return text.strip() if head == f"<!-- version {version} -->" else ""


def _findings(report: Report, whole: bool) -> Iterator[str]:
    """Yield what a subject was found to do: by a person, then by the run."""
    told = note(report.name, report.subject.version)
    found = grouped([*report.of(*BAD, must=True), *report.of(*BAD, must=False)])
    if not whole:  # what a person told is not told again
        found = [group for group in found if group.first.clause not in told]
    if told or found:
        yield f"### {plain(f'{report.subject.name} {report.subject.version}')}"
    cases = found if whole else found[:MAX_CASES]
    lines = [told] if told else []
    for group in cases:
        first = group.first
        names = ", ".join(filter(None, (first.clause, group.same)))
        case = f" `{printable(first.case, LONG_CASE)}`." if first.case else ""
        lines.append(f"- **{names}.**{case} {plain(message_of(first))}.")
    if lines:
        yield "\n".join(lines)
    if more := found[len(cases) :]:
        yield f"And {len(more)} more: {', '.join(g.first.clause for g in more)}."


def _subjects(columns: Sequence[Column]) -> str:
    rows = []
    for column in columns:
        report = column.report
        beneath = f" ({versions(report)})" if versions(report) else ""
        cells = [
            f"{score.passed} / {score.applicable}" if score.applicable else NONE
            for score in report.scores(column.device).values()
        ]
        who = (report.subject.name, report.subject.version + beneath, column.device)
        end = "" if report.complete else "not complete"
        rows.append((*map(plain, who), *cells, end))
    return _lines(("subject", "version", "device", *PROFILES, ""), rows)


def _clauses(columns: Sequence[Column], whole: bool) -> Iterator[str]:
    """Yield the clauses in which a subject does not pass, or all; then the others."""
    asked = dict.fromkeys(
        name for column in columns for name, _ in column.report.standing
    )
    found = {name: {column.symbol(name) for column in columns} for name in asked}
    passed = [name for name in asked if found[name] <= {SYMBOLS["passed"], NONE}]
    silent = [name for name in asked if found[name] == {SYMBOLS["not_run"]}]
    shown = [name for name in asked if whole or name not in (*passed, *silent)]
    if shown:
        yield _table(columns, shown)
    if not whole:
        yield from _others(columns, passed)
    if silent:
        yield f"{len(silent)} clauses were not run."


def _table(columns: Sequence[Column], names: Sequence[str]) -> str:
    """Return a row for each clause, a cell for each subject."""
    rows = []
    for name in names:
        clause = clauses()[name]
        level = " (SHOULD)" if clause.level != "MUST" else ""
        symbols = (column.symbol(name) for column in columns)
        rows.append((name, clause.meaning + level, *symbols))
    return _lines(("clause", "", *(column.title for column in columns)), rows)


def _others(columns: Sequence[Column], names: Sequence[str]) -> Iterator[str]:
    """Yield a line for each family: how many subjects pass its other clauses."""
    found: dict[str, dict[int, list[str]]] = {}
    for name in names:
        family, number = name.split("-")
        passed = sum(column.symbol(name) == SYMBOLS["passed"] for column in columns)
        found.setdefault(family, {}).setdefault(passed, []).append(number)
    lines: list[str] = []
    if found:
        yield "All other clauses are passed by all who claim them, by so many subjects:"
        for family, by in found.items():
            parts = (f"{' '.join(by[n])} by {n or 'none'}" for n in sorted(by)[::-1])
            lines.append(f"- {family}: {'; '.join(parts)}")
        yield "\n".join(lines)


def _lines(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
