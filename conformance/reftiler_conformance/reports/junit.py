"""A run as JUnit XML (xunit2): a test case for each clause, check and device."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from reftiler_conformance.reports import words
from reftiler_conformance.results import BAD, Report, Result, Status

SKIPPED = (Status.UNSUPPORTED, Status.NOT_RUN, Status.KNOWN)


def xml(report: Report) -> str:
    """Return a run as XML; one that did not come to its end has an error of its own."""
    cases = [_case(result, report) for result in report.results]
    if not report.complete:
        cases.append(_unfinished(report))
    suite = ET.Element(
        "testsuite",
        name=f"reftiler conform {report.name or report.subject.name}",
        tests=str(len(cases)),
        errors=str(_count(cases, "error")),
        failures=str(_count(cases, "failure")),
        skipped=str(_count(cases, "skipped")),
        time=f"{report.seconds:.3f}",
        timestamp=report.started[:19],
    )
    header = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(header, "property", name=name, value=_legal(value))
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode")


def _properties(report: Report) -> dict[str, str]:
    return {
        "subject": report.subject.name,
        "subject version": report.subject.version,
        **{f"version of {n}": v for n, v in sorted(report.subject.versions.items())},
        "kit version": report.version,
        "specification": report.spec_version,
        "clauses": ", ".join(report.clauses) or "all",
        "seed": str(report.seed),
        "examples": str(report.examples),
        "complete": str(report.complete).lower(),
        "headline": words.headline(report),
        "verdict": words.verdict(report).words,
    }


def _case(result: Result, report: Report) -> ET.Element:
    stale = result.status is Status.STALE_FEATURE  # beside the check's own result
    name = f"{result.clause} {result.check} [{result.device}]"
    case = ET.Element(
        "testcase",
        classname=_legal(f"{report.subject.name}.{result.clause.rpartition('-')[0]}"),
        name=_legal(f"{name} stale feature" if stale else name),
        time=f"{result.seconds:.3f}",
    )
    kind = _kind(result)
    if kind:
        label = words.NAMES[result.status]
        if words.departs(result):
            label = f"{result.level}, not MUST: {label}"
        inner = ET.SubElement(case, kind, message=_legal(f"{label}: {result.words}"))
        if kind != "skipped":
            inner.set("type", result.status.value)
        inner.text = _legal(_details(result))
    if result.printed:
        ET.SubElement(case, "system-out").text = _legal(result.printed)
    return case


def _kind(result: Result) -> str:
    """Return the element that says how it went; a SHOULD fails no build."""
    if result.status in SKIPPED or words.departs(result):
        return "skipped"
    if result.status in (Status.ERROR, Status.HARNESS):
        return "error"
    return "failure" if result.status in BAD else ""


def _details(result: Result) -> str:
    parts = (words.sentence(result), result.case, result.counterexample)
    return "\n".join(filter(None, parts))


def _unfinished(report: Report) -> ET.Element:
    case = ET.Element(
        "testcase", classname=_legal(report.subject.name), name="complete", time="0.000"
    )
    ET.SubElement(
        case, "error", message="the run did not come to its end", type="not_complete"
    )
    return case


def _count(cases: list[ET.Element], kind: str) -> int:
    return sum(case.find(kind) is not None for case in cases)


def _legal(text: str) -> str:
    """Write out the characters that XML cannot hold."""
    return re.sub(
        "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]",
        lambda found: f"\\x{ord(found[0]):02x}",
        text,
    )
