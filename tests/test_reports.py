"""What a reader gets: one fault is told once, and nothing looks better than it is."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.clauses import clauses
from reftiler_conformance.failure_groups import grouped
from reftiler_conformance.markdown import SYMBOLS, markdown, matrix, note
from reftiler_conformance.protocol import Info
from reftiler_conformance.report import badge, headline, show, verdict
from reftiler_conformance.results import Report, Result, Status
from tests.runs import ASKED, CASE, SHOULD, all_of, one, report

API = {n: Status.UNSUPPORTED for n in ASKED if clauses()[n].profile == "api"}
HANN = CASE.replace("dtype=", "window='hann', dtype=")


def shown(found: Report, width: int = 200, **how: Any) -> str:
    stream = StringIO()
    show(found, Console(file=stream, width=width, **how))
    return stream.getvalue()


def wrong(clause: str, got: Any, want: Any, case: str = "", **more: Any) -> Result:
    """Return a failure with arrays; its message is of no other."""
    arrays = Evidence(got=np.array(got), want=np.array(want), **more)
    text = f"{clause} is wrong: {got}"
    return one(clause, Status.FAILED, words=text, case=case, evidence=arrays)


def error(clause: str, text: str) -> Result:
    return one(clause, Status.ERROR, words=text)


def beside(clause: str, near: float, got: float, want: float, **more: Any) -> Result:
    """Return a failure that differs in one number, beside one that is right."""
    found, right = (np.array([near, item], np.float32) for item in (got, want))
    return wrong(clause, found, right, **more)


INF = np.inf
LONG = np.array([1], np.longdouble), np.array([2], np.longdouble)
GROUPS: dict[str, tuple[list[Result], list[str]]] = {
    "the same wrong array": (
        [
            wrong("TILE-001", [1, 5], [1, 9]),
            wrong("LAYOUT-008", [1, 5], [1, 9]),
            wrong("GRID-002", [1, 5], [1, 7]),
        ],
        ["LAYOUT-008: TILE-001", "GRID-002: "],
    ),
    "the same array of long doubles": (
        [wrong("TILE-001", *LONG), wrong("TRIP-001", *LONG)],
        ["TILE-001: TRIP-001"],
    ),
    "the same error, whatever its numbers": (
        [
            error("BORDER-001", "raised IndexError: 3 of 2"),
            error("PAD-001", "raised IndexError: 12 of 7"),
            error("PAD-002", "died"),
        ],
        ["PAD-001: BORDER-001", "PAD-002: "],
    ),
    "the same symptom, named by what is about it": (
        [beside("TRIP-001", 2, 0.0, -0.0), beside("MERGE-007", 1, 0.0, -0.0)],
        ["MERGE-007: TRIP-001"],
    ),
    "other symptoms, and another verb": (
        [
            beside("MERGE-007", 1, INF, 3),
            beside("MERGE-008", 2, 0.0, np.nan),
            beside("TRIP-001", 2, INF, 3, tiles=np.zeros(1)),
            wrong("MERGE-001", [9.0, INF], [1.0, INF]),
        ],
        ["MERGE-007: ", "MERGE-008: ", "TRIP-001: ", "MERGE-001: "],
    ),
    "named by what is about its settings": (
        [
            wrong("MERGE-001", [1], [5], HANN),
            wrong("WINDOW-001", [2], [9], HANN),
            wrong("WINDOW-006", [3], [8], HANN),
        ],
        ["WINDOW-006: MERGE-001, WINDOW-001"],
    ),
    "other settings": (
        [wrong("WINDOW-006", [3], [8], HANN), wrong("MERGE-001", [1], [5], CASE)],
        ["MERGE-001: ", "WINDOW-006: "],
    ),
}


@pytest.mark.parametrize("kind", GROUPS)
def test_what_is_one_fault(kind: str) -> None:
    results, groups = GROUPS[kind]
    found = [f"{group.first.clause}: {group.same}" for group in grouped(results)]
    assert sorted(found) == sorted(groups)


@pytest.mark.parametrize(
    ("found", "words", "colour"),
    [
        (report(), "conforms to core, windows.* and api of.*1.1$", "green"),
        (report(API), "conforms to core.* and random of.* in what it claims", "green"),
        (report({SHOULD: Status.FAILED}), "conforms to", "green"),
        (report({"BORDER-001": Status.FAILED}), "not conform to borders of", "red"),
        (report({"BORDER-001": Status.STALE_KNOWN}), "list of known", "red"),
        (report({"BORDER-001": Status.KNOWN}), "only what is known", "yellow"),
        (report({"BORDER-001": Status.HARNESS}), "kit or the adapter", "red"),
        (report({"BORDER-001": Status.NOT_RUN}), "not all was asked", "yellow"),
        (report(all_of(Status.UNSUPPORTED)), "nothing was judged", "yellow"),
        (report(clauses=("PAD",)), "of the clauses asked about", "yellow"),
        (report(complete=False), "did not come to its end", "red"),
        (report(results=(one("SMOKE", Status.ERROR),)), "the simplest case", "red"),
    ],
)
def test_green_is_for_a_clean_run(found: Report, words: str, colour: str) -> None:
    assert re.search(words, verdict(found).message)
    assert verdict(found).colour == colour
    assert badge(found)["color"] == colour.replace("green", "brightgreen")
    text = shown(found, force_terminal=True, color_system="standard")
    assert ("\x1b[1;32m" in text) is (colour == "green")
    assert (" conforms to" in markdown(found)) is (colour == "green")


def test_the_headline_and_the_badge_count_each_profile() -> None:
    found = report(API | {"SCALE-001": Status.FAILED, "PAD-001": Status.KNOWN})
    core = [n for n in ASKED if clauses()[n].profile == "core"]
    must = sum(clauses()[name].level == "MUST" for name in core)
    assert f"core {must - 1} of {must}, windows" in headline(found)
    assert "api not claimed; 1 clause known failure" in headline(found)
    assert badge(found)["message"].startswith(f"core {must - 1}/{must}, ")
    assert badge(report(complete=False))["message"] == "not complete"


def test_the_screen_tells_a_fault_once_and_what_was_not_learnt() -> None:
    bad = wrong("TILE-001", [1, 5], [1, 9], CASE), wrong("TRIP-001", [1, 5], [1, 9])
    others = (
        one("PAD-002", Status.HARNESS),
        one("PAD-003", Status.KNOWN),
        one("TILE-001", Status.NOT_RUN, "cuda", words="no cuda here"),
        one("TILE-001", Status.PASSED, printed="hi\nyou"),
    )
    text = shown(report(results=(*bad, *others), name="pkg:T"))
    for once in (
        "Does not conform: 1 fault in 2 clauses",
        clauses()["TILE-001"].meaning,
        f"\n  {CASE}\n",
        "[1 5]",
        "[1 9]",
        f'--clauses some_check --replay "{CASE}"\n',
        "probably the same: TRIP-001",
        "The kit or the adapter failed: 1 fault in 1 clause",
        "Fails, as is known: 1 fault in 1 clause",
        "It printed during 1 check, first: hi you",
        "no cuda here",
        "\ncuda: nothing was judged",
    ):
        assert text.count(once) == 1, once


def test_no_text_of_a_subject_spoils_the_screen_or_the_page() -> None:
    bad = one("TILE-001", Status.ERROR, words="[red]E[/]\x1b[2J\n\ud800 [/x]")
    found = report(results=(bad,))
    assert "cpu: [red]E[/] [2J [/x]\n" in shown(found)
    markdown(found).encode()
    bad = one("TILE-001", Status.ERROR, words="a | b\nc `d` | <b> *e*", case=CASE)
    page = markdown(report(results=(bad,), clauses=("TILE-001",)))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(clauses())  # each has its row
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    assert r"a \| b c \`d\` \| \<b\> \*e\*" in page
    assert "**Not all**: only TILE-001" in page
    assert f"\n      {CASE}\n" in page


def test_a_matrix_shows_what_differs() -> None:
    bad: dict[str, Status] = dict(zip(ASKED, [*Status][1:], strict=False))
    tiler, told = Info("tiler", "0.6.0", ("tile",)), note("tiler", "0.6.0")
    other = replace(report(), subject=tiler, name="tiler", complete=False)
    reports = [report(bad, name="kornia"), other]
    row = re.compile(r"^\| ([A-Z]+-\d+) \|.*\| (.) \| ✓ \|$", re.M)
    page, whole = matrix(reports), matrix(reports, whole=True)
    symbols = {name: SYMBOLS.get(status.value, "?") for name, status in bad.items()}
    assert dict(row.findall(whole)) == dict.fromkeys(ASKED, "✓") | symbols
    symbols.pop(next(n for n, s in bad.items() if s is Status.UNSUPPORTED))
    assert dict(row.findall(page)) == symbols
    assert told
    assert told in page
    assert CASE in page
    assert "conform --matrix kornia tiler --examples 60 --seed 0" in page
    assert "tiler: **Not complete**" in page
    lost = wrong("TYPE-002", [1], [5])
    found = [one(n, Status.FAILED, words=n, case=CASE) for n in ASKED[:7]]
    many = [replace(other, results=(*found, lost))]
    assert matrix(many).count(CASE) == 5
    assert "And 2 more: " in matrix(many)
    assert "TYPE-002 is wrong" not in matrix(many)  # the note has it
    newer = replace(other, subject=replace(tiler, version="0.9"))
    assert "| tiler 0.6.0 | tiler 0.9 |" in matrix([other, newer], whole=True)
    with pytest.raises(ValueError, match=r"1\.0, 1\.1"):
        matrix([other, replace(other, spec_version="1.0")])
