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
from reftiler_conformance.findings import note
from reftiler_conformance.markdown import SYMBOLS, markdown, matrix
from reftiler_conformance.protocol import Info
from reftiler_conformance.report import badge, headline, show, verdict
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.unchecked import UNCHECKED
from tests.runs import ASKED, CASE, SHOULD, all_of, one, report

API = {n: Status.UNSUPPORTED for n in ASKED if clauses()[n].profile == "api"}


def shown(found: Report, width: int = 200, **how: Any) -> str:
    stream = StringIO()
    show(found, Console(file=stream, width=width, **how))
    return stream.getvalue()


def wrong(clause: str, got: Any, want: Any, case: str = "", **more: Any) -> Result:
    """Return a failure with arrays; its message is of no other."""
    arrays = Evidence(got=np.array(got), want=np.array(want), **more)
    text = f"{clause} is wrong: {got}"
    return one(clause, Status.FAILED, words=text, case=case, evidence=arrays)


def named(*results: Result) -> list[tuple[str, str]]:
    return [(group.first.clause, group.same) for group in grouped(results)]


class TestGroups:
    def test_the_same_wrong_array_is_one_fault(self) -> None:
        first = wrong("LAYOUT-008", [1, 5], [1, 9])
        second = wrong("TILE-001", [1, 5], [1, 9])
        other = wrong("GRID-002", [1, 5], [1, 7])
        assert named(second, first, other) == [
            ("LAYOUT-008", "TILE-001"),
            ("GRID-002", ""),
        ]

    def test_the_same_error_is_one_fault_whatever_its_numbers(self) -> None:
        texts = ("raised IndexError: 3 of 2", "raised IndexError: 12 of 7", "died")
        clauses = ("BORDER-001", "PAD-001", "PAD-002")
        results = [
            one(clause, Status.ERROR, words=text)
            for clause, text in zip(clauses, texts, strict=True)
        ]
        assert named(*results) == [("PAD-001", "BORDER-001"), ("PAD-002", "")]

    @pytest.mark.parametrize(
        ("got", "want"),
        [(np.inf, 3.0), (0.0, np.nan), (0.0, -0.0), (3.0000002, 3.0)],
    )
    def test_the_same_symptom_is_one_fault(self, got: float, want: float) -> None:
        def failing(clause: str, near: float, **more: Any) -> Result:
            pair = [np.array([near, item], np.float32) for item in (got, want)]
            return wrong(clause, pair[0], pair[1], **more)

        first = failing("MERGE-007", 1)
        assert named(first, failing("TRIP-001", 2)) == [("MERGE-007", "TRIP-001")]
        other_verb = failing("TRIP-001", 2, tiles=np.zeros(1))
        other = wrong("TRIP-001", np.array([2.0, 7.0]), np.array([2.0, 4.0]))
        assert len(named(first, other_verb)) == len(named(first, other)) == 2

    def test_a_large_difference_beside_an_infinity_is_no_rounding(self) -> None:
        first = wrong("MERGE-001", [9.0, np.inf], [1.0, np.inf])
        other = wrong("TRIP-001", [7.0, np.inf], [2.0, np.inf])
        assert len(named(first, other)) == 2

    def test_long_doubles_are_grouped_by_their_bytes(self) -> None:
        pair = np.array([1], np.longdouble), np.array([2], np.longdouble)
        same = wrong("TILE-001", *pair), wrong("TRIP-001", *pair)
        assert named(*same) == [("TILE-001", "TRIP-001")]

    @pytest.mark.parametrize(
        ("got", "want", "clause"),
        [
            (np.array([47]), np.array([48]), "ROUND-003"),
            (np.array([1.0]), np.array([1]), "TYPE-006"),
            (np.array([0.0]), np.array([np.nan]), "MERGE-008"),
            (np.array([0.0]), np.array([-0.0]), "MERGE-007"),
            (np.array([1, 2]), np.array([2, 1]), "LAYOUT-008"),
        ],
    )
    def test_the_clause_that_is_about_a_symptom_names_it(
        self, got: Any, want: Any, clause: str
    ) -> None:
        others = ["GRID-001", "MERGE-001", "TRIP-001"]
        results = (wrong(name, got, want) for name in (*others, clause))
        assert named(*results) == [(clause, ", ".join(others))]

    def test_the_clause_that_is_about_the_settings_names_a_fault(self) -> None:
        case = CASE.replace("dtype=", "window='hann', dtype=")
        general = wrong("MERGE-001", [1], [5], case)
        window = wrong("WINDOW-001", [2], [9], case)
        hann = wrong("WINDOW-006", [3], [8], case)
        assert named(general, window) == [("WINDOW-001", "MERGE-001")]
        assert named(general, window, hann) == [("WINDOW-006", "MERGE-001, WINDOW-001")]
        assert named(wrong("MERGE-001", [3], [8], case), hann)[0][0] == "WINDOW-006"
        other = wrong("MERGE-008", [1], [7], case.replace("hann", "triangle"))
        zero = wrong("MERGE-007", [0.0], [-0.0], case)
        infinite = wrong("WINDOW-006", [np.inf], [9.0], case)
        assert len(named(hann, other)) == len(named(zero, infinite)) == 2
        without = replace(general, case=CASE)
        assert [name for name, _ in named(without, hann)] == ["MERGE-001", "WINDOW-006"]


class TestVerdict:
    @pytest.mark.parametrize(
        ("found", "words", "colour"),
        [
            (report(), "conforms to core, windows.* and api of.*1.1$", "green"),
            (
                report(API),
                "conforms to core.* and random of.* in what it claims",
                "green",
            ),
            (report({SHOULD: Status.FAILED}), "conforms to", "green"),
            (report({"BORDER-001": Status.FAILED}), "not conform to borders of", "red"),
            (report({"BORDER-001": Status.STALE_KNOWN}), "list of known", "red"),
            (report({"BORDER-001": Status.KNOWN}), "only what is known", "yellow"),
            (report({"BORDER-001": Status.HARNESS}), "kit or the adapter", "red"),
            (report({"BORDER-001": Status.NOT_RUN}), "not all was asked", "yellow"),
            (report(all_of(Status.UNSUPPORTED)), "nothing was judged", "yellow"),
            (report(clauses=("PAD",)), "of the clauses asked about", "yellow"),
            (report(complete=False), "did not come to its end", "red"),
        ],
    )
    def test_green_is_for_a_clean_run(
        self, found: Report, words: str, colour: str
    ) -> None:
        assert re.search(words, verdict(found).message)
        assert verdict(found).colour == colour
        assert badge(found)["color"] == colour.replace("green", "brightgreen")
        text = shown(found, force_terminal=True, color_system="standard")
        assert ("\x1b[1;32m" in text) is (colour == "green")
        page = markdown(found)
        assert (" conforms to" in page) is (colour == "green")

    def test_what_is_of_no_clause_is_told_too(self) -> None:
        """The simplest case is no clause: if it hangs, that is what is said."""
        hung = replace(one("TILE-001", Status.ERROR), clause="SMOKE")
        found = report(results=(*report().results, hung))
        assert verdict(found).message == "fails the simplest case"
        assert badge(found)["message"] == "fails the simplest case"
        assert (badge(found)["color"], found.exit_code) == ("red", 1)
        kit = report({"BORDER-001": Status.HARNESS})
        assert badge(kit)["message"] == verdict(kit).message

    def test_the_headline_counts_each_profile(self) -> None:
        changed = API | {"SCALE-001": Status.FAILED, "PAD-001": Status.KNOWN}
        changed |= {
            n: Status.NOT_RUN for n in ASKED if n.startswith(("SCATTER", "RANDOM"))
        }
        text = headline(report(changed))
        core = sum(
            c.profile == "core" and c.level == "MUST" for c in clauses().values()
        )
        core -= sum(clauses()[name].profile == "core" for name in UNCHECKED)
        assert f"core {core - 1} of {core}, windows" in text
        assert re.search(
            r"scales (\d+) of (\d+); random not run; api not claimed", text
        )
        assert "1 clause known failure; 10 clauses not run" in text
        assert badge(report(changed))["message"].startswith(f"core {core - 1}/{core}, ")
        assert badge(report(complete=False))["message"] == "not complete"
        assert badge(report(results=()))["message"] == "nothing judged"


class TestTerminal:
    def test_a_fault_is_told_once(self) -> None:
        bad = wrong("TILE-001", [1, 5], [1, 9], CASE), wrong("TRIP-001", [1, 5], [1, 9])
        text = shown(report(results=bad, name="pkg:T"))
        assert "Does not conform: 1 fault in 2 clauses" in text
        for once in (clauses()["TILE-001"].meaning, f"\n  {CASE}\n", "[1 5]", "[1 9]"):
            assert text.count(once) == 1
        assert f'--clauses some_check --replay "{CASE}"\n' in text
        assert "probably the same: TRIP-001" in text

    def test_what_says_nothing_is_told_with_reasons(self) -> None:
        found = report(
            {
                "PAD-001": Status.NOT_RUN,
                "PAD-002": Status.HARNESS,
                "PAD-003": Status.KNOWN,
            }
            | API
        )
        results = (*found.results, one("TILE-001", Status.PASSED, printed="hi\nyou"))
        text = shown(replace(found, results=results))
        assert "Not run: 1 clause (1 × some words)" in text
        assert f"({len([*API])} × some words)" in text
        assert "The kit or the adapter failed: 1 fault in 1 clause" in text
        assert "Fails, as is known: 1 fault in 1 clause" in text
        assert "It printed during 1 check, first: hi you" in text
        part = shown(report(results=(one("TILE-001", Status.PASSED),)))
        assert f"{len(ASKED) - 1} × not asked about" in part

    def test_no_text_of_a_subject_spoils_the_screen(self) -> None:
        bad = one("TILE-001", Status.ERROR, words="[red]E[/]\x1b[2J\n\ud800 [/x]")
        found = report(results=(bad,))
        assert "cpu: [red]E[/] [2J [/x]\n" in shown(found)
        markdown(found).encode()
        long = replace(bad, case=f"Case(size=({'1, ' * 500}))")
        assert shown(report(results=(long,))).count(long.case) == 1

    def test_each_device_has_its_headline(self) -> None:
        absent = one("TILE-001", Status.NOT_RUN, "cuda", words="no cuda here")
        text = shown(report(results=(one("TILE-001", Status.PASSED), absent)))
        assert "\ncpu: core 1 of 1" in text
        assert "\ncuda: nothing was judged" in text


class TestPages:
    def test_every_clause_stands_in_the_page_of_a_run(self) -> None:
        nasty = "a | b\nc `d` | <b> *e*"
        bad = one("TILE-001", Status.ERROR, words=nasty, case=CASE)
        page = markdown(report(results=(bad,), clauses=("TILE-001",)))
        rows = [line for line in page.splitlines() if line.startswith("|")]
        assert len(rows) == 2 + len(clauses())
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
        assert r"a \| b c \`d\` \| \<b\> \*e\*" in page
        assert page.count("| not run | not asked about |") == len(ASKED) - 1
        assert "**Not all**: only TILE-001" in page
        assert f"\n      {CASE}\n" in page
        assert markdown(report(complete=False)).splitlines()[2].startswith("**Not comp")

    def test_a_matrix_shows_what_differs(self) -> None:
        bad: dict[str, Status] = dict(zip(ASKED, [*Status][1:], strict=False))
        tiler, told = Info("tiler", "0.6.0", ("tile",)), note("tiler", "0.6.0")
        reports = [report(bad), replace(report(), subject=tiler, name="tiler")]
        row = re.compile(r"^\| ([A-Z]+-\d+) \|.*\| (.) \| ✓ \|$", re.M)
        page, whole = matrix(reports), matrix(reports, whole=True)
        symbols = {name: SYMBOLS.get(status.value, "?") for name, status in bad.items()}
        assert dict(row.findall(whole)) == dict.fromkeys(ASKED, "✓") | symbols
        symbols.pop(next(n for n, s in bad.items() if s is Status.UNSUPPORTED))
        assert dict(row.findall(page)) == symbols
        assert told
        assert told in page
        lost = wrong("TYPE-002", [1], [5])
        found = [one(n, Status.FAILED, words=n, case=CASE) for n in ASKED[:40]]
        many = replace(reports[1], results=(*found[:7], lost))
        assert matrix([many]).count(CASE) == 5
        assert "And 2 more: " in matrix([many])
        assert "TYPE-002 is wrong" not in matrix([many])  # the note has it
        assert matrix([many], whole=True).count(CASE) == 7
        assert f"\n{len(ASKED) - 8} clauses were not run." in matrix([many])
        assert CASE in page
        assert "- JSON: 001 002 003 004 005 006 007 008 009 by 2" in page
        many = report(results=tuple(found))
        thirteen = [replace(many, subject=Info(f"s{i}", "1", ())) for i in range(13)]
        assert len(matrix(thirteen).splitlines()) < 300

    def test_columns_are_told_apart(self) -> None:
        found = report({"TILE-001": Status.FAILED})
        absent = (replace(result, device="cuda") for result in found.results)
        both = replace(found, results=(*found.results, *absent))
        newer = replace(found, subject=replace(found.subject, version="0.9"))
        assert "| kornia (cpu) | kornia (cuda) |" in matrix([both])
        assert "| kornia 0.8.1 | kornia 0.9 |" in matrix([found, newer])

    def test_a_matrix_says_what_made_it_and_what_is_missing(self) -> None:
        other = report(name="my pkg:T", complete=False)
        page = matrix([report(name="kornia"), other])
        assert "conform --matrix kornia 'my pkg:T' --examples 60 --seed 0" in page
        assert "kornia: **Not complete**" in page
        assert "**pkg:None** did not start" in matrix(
            [other], absent={"pkg:None": "did not start"}
        )
        with pytest.raises(ValueError, match="not of none"):
            matrix([])
        with pytest.raises(ValueError, match=r"1\.0, 1\.1"):
            matrix([report(), report(spec_version="1.0")])
