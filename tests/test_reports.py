"""The pages of a run: all is told, and nothing looks better than it is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.clauses import clauses
from reftiler_conformance.protocol import Info
from reftiler_conformance.reports import junit, markdown, matrix
from reftiler_conformance.results import Report, Status
from reftiler_conformance.unchecked import UNCHECKED
from tests.runs import ASKED, CASE, EVERY, INFO, MUST, SHOULD, all_of, one, report


def rows_of(page: str) -> list[list[str]]:
    """Return the cells of all table rows of a page."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]


class TestMarkdown:
    def test_every_result_has_a_row(self) -> None:
        rows = rows_of(markdown.page(report(EVERY)))
        told = {row[0].strip(): row[4].strip() for row in rows[2:]}
        assert told["TILE-001"] == "**failed**"
        assert told["TILE-003"] == "unsupported"
        assert told["MERGE-001"] == "known failure"
        assert told["PAD-001"] == "not run"
        assert told["PAD-002"] == "**harness error**"
        assert told["PAD-003"] == "passed"
        assert len(told) == len(clauses())

    def test_a_clause_that_was_not_asked_about_has_a_row_too(self) -> None:
        found = report(results=(one("TILE-001", Status.PASSED),), clauses=("TILE-001",))
        page = markdown.page(found)
        assert page.count("| not run | not asked about |") == len(ASKED) - 1
        assert "**Not all**: only TILE-001" in page
        assert "conforms" not in page

    def test_what_the_kit_never_asks_is_said(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(UNCHECKED, "TILE-001", "nobody can")
        rest = tuple(r for r in report().results if r.clause != "TILE-001")
        page = markdown.page(report(results=rest))
        assert "| TILE-001 | MUST | | | not checked | nobody can |" in page
        assert "TILE-001, for nobody can" in matrix.page([report(results=rest)])

    def test_what_fails_is_told_with_its_case_and_arrays(self) -> None:
        evidence = Evidence(got=np.array([1, 9]), want=np.array([1, 2]))
        bad = one("TILE-001", Status.FAILED, case=CASE, evidence=evidence)
        page = markdown.page(report(results=(bad,)))
        assert f"> {clauses()['TILE-001'].text}" in page
        assert f"Smallest case: `{CASE}`" in page
        assert "  1  [9]    " in page
        assert "does not conform" in page

    def test_no_words_break_the_table(self) -> None:
        nasty = "a | b\nc `d` | <b> *e*"
        page = markdown.page(
            report(results=(one("TILE-001", Status.ERROR, words=nasty),))
        )
        assert {len(row) for row in rows_of(page)} == {6}
        assert r"a \| b c \`d\` \| \<b\> \*e\*" in page

    def test_a_run_that_ended_early_says_so_first(self) -> None:
        page = markdown.page(report(complete=False))
        assert page.splitlines()[2].startswith("**Not complete**")


class TestJunit:
    def parsed(self, found: Report) -> ET.Element:
        (suite,) = ET.fromstring(junit.xml(found).encode()).iter("testsuite")
        return suite

    def test_the_counts_are_those_of_the_cases(self) -> None:
        suite = self.parsed(report(EVERY))
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert suite.get("tests") == str(len(ASKED))
        for name, kind in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert suite.get(name) == str(len(suite.findall(f"testcase/{kind}")))
        assert (suite.get("failures"), suite.get("errors")) == ("3", "2")
        assert suite.get("skipped") == "3"

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (Status.PASSED, None),
            (Status.FAILED, "failure"),
            (Status.ERROR, "error"),
            (Status.UNSUPPORTED, "skipped"),
            (Status.KNOWN, "skipped"),
            (Status.STALE_KNOWN, "failure"),
            (Status.STALE_FEATURE, "failure"),
            (Status.NOT_RUN, "skipped"),
            (Status.HARNESS, "error"),
        ],
    )
    def test_each_status_has_its_element(
        self, status: Status, kind: str | None
    ) -> None:
        suite = self.parsed(report(results=(one("TILE-001", status),)))
        (case,) = suite.findall("testcase")
        assert [child.tag for child in case] == ([] if kind is None else [kind])
        if kind:
            assert case[0].get("message", "").endswith("some words")

    def test_only_what_xunit2_knows_is_used(self) -> None:
        noisy = one("TILE-001", Status.FAILED, printed="hello")
        root = ET.fromstring(
            junit.xml(report(results=(noisy,), complete=False)).encode()
        )
        known = {
            "testsuites": set(),
            "testsuite": {
                *("name", "tests", "errors", "failures", "skipped"),
                *("time", "timestamp"),
            },
            "properties": set(),
            "property": {"name", "value"},
            "testcase": {"classname", "name", "time"},
            "failure": {"message", "type"},
            "error": {"message", "type"},
            "system-out": set(),
        }
        for element in root.iter():
            assert set(element.keys()) == known[element.tag]

    def test_a_should_fails_no_build(self) -> None:
        suite = self.parsed(report({SHOULD: Status.FAILED}))
        assert suite.get("failures") == "0"
        (skipped,) = suite.findall("testcase/skipped")
        assert "SHOULD, not MUST: failed" in skipped.get("message", "")

    def test_names_are_unique(self) -> None:
        found = report()
        stale = one("TILE-001", Status.STALE_FEATURE)
        cuda = one("TILE-001", Status.PASSED, "cuda")
        suite = self.parsed(replace(found, results=(*found.results, stale, cuda)))
        names = [(c.get("classname"), c.get("name")) for c in suite.iter("testcase")]
        assert len(set(names)) == len(names)

    def test_a_run_that_ended_early_is_an_error(self) -> None:
        assert self.parsed(report(complete=False)).get("errors") == "1"

    def test_no_character_breaks_it(self) -> None:
        nasty = "\x00\x1b[31m]]>\ud800 <&\"' \N{GRINNING FACE}\ufffe"
        found = one("TILE-001", Status.ERROR, words=nasty, printed=nasty)
        (case,) = self.parsed(report(results=(found,))).findall("testcase")
        assert "\\x00\\x1b[31m]]>\\xd800 <&" in case[0].get("message", "")

    def test_the_header_says_who_and_how(self) -> None:
        suite = self.parsed(report())
        told = {p.get("name"): p.get("value") for p in suite.iter("property")}
        assert told["subject"] == "kornia"
        assert told["version of torch"] == "2.13.0"
        assert told["seed"] == "0"
        assert told["complete"] == "true"


class TestMatrix:
    def cells(self, page: str, clause: str) -> list[str]:
        (row,) = (row for row in rows_of(page) if row[0].strip() == clause)
        return [cell.strip() for cell in row[2:]]

    def other(self, changed: dict[str, Status], **more: Any) -> Report:
        info = Info("patchify", "0.2.3", ("tile",))
        return replace(report(changed), subject=info, **more)

    def test_each_status_has_a_symbol_and_none_looks_like_passed(self) -> None:
        page = matrix.page([report(EVERY), self.other(all_of(Status.UNSUPPORTED))])
        expected = dict.fromkeys(EVERY, "S") | {
            "TILE-001": "✗",
            "TILE-002": "E",
            "TILE-003": "\N{EN DASH}",
            "MERGE-001": "K",
            "PAD-001": "·",
            "PAD-002": "H",
            "PAD-003": "✓",
        }
        for clause, symbol in expected.items():
            assert self.cells(page, clause) == [symbol, "\N{EN DASH}"]
        assert set(matrix.SYMBOLS) == set(Status)
        assert [s for s, mark in matrix.SYMBOLS.items() if mark == "✓"] == [
            Status.PASSED
        ]
        for mark in matrix.SYMBOLS.values():
            assert f"- `{mark}` " in page

    def test_the_headline_never_passes_what_was_not_asked(self) -> None:
        page = matrix.page([report(EVERY), self.other(all_of(Status.UNSUPPORTED))])
        first, second = (
            r for r in rows_of(page) if r[0].strip() in ("kornia", "patchify")
        )
        assert first[3].strip() == f"{MUST - 8} / {MUST - 3}"
        assert [cell.strip() for cell in first[4:8]] == ["1", "1", "1", "1"]
        assert second[3].strip() == "0 / 0"
        assert second[4].strip() == str(MUST)
        families = [r for r in rows_of(page) if r[0].strip() == "TILE"]
        assert families[0][2].strip() == "\N{EN DASH}"

    def test_every_clause_stands_in_its_family(self) -> None:
        page = matrix.page([report()])
        for clause in ASKED:
            assert self.cells(page, clause) == ["✓"]
            family = clause.rpartition("-")[0]
            assert page.index(f"### {family}\n") < page.index(f"| {clause} |")

    def test_each_device_has_its_own_column(self) -> None:
        found = report()
        absent = tuple(
            replace(r, device="cuda", status=Status.NOT_RUN) for r in found.results
        )
        page = matrix.page([replace(found, results=(*found.results, *absent))])
        assert "| kornia (cpu) | kornia (cuda) |" in page
        assert self.cells(page, "TILE-001") == ["✓", "·"]

    def test_two_versions_of_one_subject_are_told_apart(self) -> None:
        newer = replace(report(), subject=replace(INFO, version="0.9"))
        assert "| kornia 0.8.1 | kornia 0.9 |" in matrix.page([report(), newer])

    def test_tables_are_tables(self) -> None:
        page = matrix.page([report(EVERY), self.other({"TILE-001": Status.FAILED})])
        for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            assert len({len(row) for row in rows_of(table)}) == 1

    def test_the_date_alone_changes_from_run_to_run(self) -> None:
        later = replace(report(EVERY), started="2027-01-01T00:00:00", seconds=99.0)
        faster = tuple(replace(result, seconds=0.1) for result in later.results)
        one_page = matrix.page([report(EVERY)]).splitlines()
        other = matrix.page([replace(later, results=faster)]).splitlines()
        changed = [new for old, new in zip(one_page, other, strict=True) if old != new]
        assert changed == ["Made on 2027-01-01 by"]

    def test_it_says_how_it_is_made_again(self) -> None:
        page = matrix.page([report(name="kornia"), self.other({}, name="my pkg:T")])
        assert "conform --matrix kornia 'my pkg:T' --examples 60 --seed 0" in page
        assert "by hand" in matrix.page([report()], "by hand")

    def test_what_fails_is_told_below(self) -> None:
        page = matrix.page([report({"TILE-001": Status.FAILED}), self.other({})])
        assert "## What kornia 0.8.1 was found to do" in page
        assert "## What patchify" not in page
        assert CASE in page

    def test_a_run_that_ended_early_is_marked(self) -> None:
        page = matrix.page([self.other({}), report(results=(), complete=False)])
        assert "kornia: **Not complete**" in page
        assert self.cells(page, "TILE-001") == ["✓", "·"]

    def test_runs_that_do_not_compare_are_refused(self) -> None:
        with pytest.raises(ValueError, match="no run"):
            matrix.page([])
        with pytest.raises(ValueError, match=r"versions 1\.0, 2\.0"):
            matrix.page([report(), report(spec_version="2.0")])
