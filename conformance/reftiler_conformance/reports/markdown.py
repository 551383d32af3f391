"""A run as a page of Markdown: the headline, every clause, what fails and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reftiler_conformance import counterexample
from reftiler_conformance.counterexample import Counterexample
from reftiler_conformance.reports import words
from reftiler_conformance.results import BAD, Report, Result, Status
from reftiler_conformance.unchecked import UNCHECKED


def page(report: Report) -> str:
    """Return a run as a page."""
    parts = [
        f"# {plain(report.subject.name)} {plain(report.subject.version)}",
        *words.remark(report),
        f"{plain(words.verdict(report).words)}.",
        f"**{words.headline(report)}**",
        _facts(report),
        *_faults(report),
        "## Clauses",
        _table(report),
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, within a table too."""
    text = " ".join(text.split())
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)


def code(text: str) -> str:
    """Return text as code, in as many backticks as it takes."""
    text = " ".join(text.split())
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{text}{space}{fence}"


def fault(result: Result, *, arrays: bool = True) -> str:
    """Return what one clause found, as an entry of a list of faults."""
    title = f"**{result.clause}** {result.check} on {result.device}"
    lines = [f"{title}: {words.NAMES[result.status]}"]
    if said := words.sentence(result):
        lines.append(f"> {said}")
    lines.append(plain(result.words))
    if result.case:
        lines.append(f"Smallest case: {code(result.case)}")
    if arrays and (shown := counterexample.shown(Counterexample.of(result))):
        lines.append("\n".join(("```text", *shown, "```")))
    if arrays and result.counterexample:
        lines.append(f"Arrays: {code(result.counterexample)}")
    return "\n\n".join(line for line in lines if line)


def _facts(report: Report) -> str:
    lines = [f"- {plain(words.scope(report))}", f"- kit {report.version}"]
    if report.subject.versions:
        lines.append(f"- {plain(words.versions(report))}")
    lines.append(f"- run on {report.started[:10]}")
    return "\n".join(lines)


def _faults(report: Report) -> Iterator[str]:
    for title, found in (
        ("What does not conform", words.faults(report)),
        (
            "What departs from a SHOULD, and conforms all the same",
            [result for result in report.results if words.departs(result)],
        ),
        ("What is known to fail", words.of_status(report, Status.KNOWN)),
        ("What the kit could not ask", words.of_status(report, Status.HARNESS)),
    ):
        if found:
            yield f"## {title}"
            yield from map(fault, found)


def _table(report: Report) -> str:
    rows = ["| clause | level | check | device | status | |", "| --- " * 6 + "|"]
    for result in report.results:
        status = words.NAMES[result.status]
        loud = result.status in (*BAD, Status.HARNESS)
        cells = (
            result.clause,
            result.level,
            plain(result.check),
            result.device,
            f"**{status}**" if loud else status,
            plain(result.words),
        )
        rows.append(f"| {' | '.join(cells)} |")
    asked = {result.clause for result in report.results}
    for clause, level in report.levels.items():
        if clause not in asked:
            rows.append(f"| {clause} | {level} | | | {_silent(clause)} |")
    return "\n".join(rows)


def _silent(clause: str) -> str:
    if clause in UNCHECKED:
        return f"not checked | {plain(UNCHECKED[clause])}"
    return "not run | not asked about"
