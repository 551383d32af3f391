"""The summary on a terminal: short if clean, whole if not."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from reftiler_conformance.clauses import clauses
from reftiler_conformance.reports import summary
from reftiler_conformance.results import Report, Status
from tests.runs import ASKED, CASE, EVERY, MUST, SHOULD, all_of, one, report


class TestSummary:
    def shown(self, found: Report, width: int = 88, **how: Any) -> str:
        stream = StringIO()
        summary.show(found, Console(file=stream, width=width, highlight=False, **how))
        return stream.getvalue()

    def test_a_clean_run_is_short(self) -> None:
        lines = self.shown(report()).splitlines()
        assert len(lines) < 10
        assert lines[0] == "kornia 0.8.1"
        assert lines[-3] == f"{MUST} of {MUST} applicable MUST clauses passed"
        assert lines[-2].startswith(f"{MUST} passed, 0 unsupported, 0 known failures")
        assert lines[-1] == "kornia 0.8.1: conforms to specification 1.0 (12.5 s)"

    def test_a_failure_is_told_whole(self) -> None:
        bad = one("TILE-001", Status.FAILED, case=CASE, counterexample="out/x.npz")
        text = self.shown(report(results=(bad,)), width=200)
        assert "Does not conform: 1 clause\n" in text
        for words in (clauses()["TILE-001"].text, "some words", CASE, "out/x.npz"):
            assert f"  {words}\n" in text

    def test_a_path_can_be_copied_whole(self) -> None:
        path = "counterexamples/a-subject/MERGE-012-extremes_of_dense_tiles-cpu.npz"
        bad = one("TILE-001", Status.FAILED, case=CASE, counterexample=path)
        assert f"  {path}\n" in self.shown(report(results=(bad,)), width=60)

    def test_what_may_be_is_apart_from_what_must(self) -> None:
        text = self.shown(report({SHOULD: Status.FAILED, "TILE-001": Status.ERROR}))
        must, _, may = text.partition("Departs from a SHOULD, and may: 1 clause")
        assert "TILE-001" in must
        assert SHOULD not in must
        assert SHOULD in may

    def test_of_many_failures_the_rest_is_listed(self) -> None:
        text = self.shown(report(all_of(Status.FAILED)))
        assert f"and {MUST - summary.MANY} more:" in text
        for clause in ASKED:
            assert clause in text

    def test_what_was_not_asked_is_told_with_reasons(self) -> None:
        text = self.shown(report(EVERY))
        assert "Not run: 1 clause\n  1 × some words" in text
        assert "Unsupported: 1 clause\n  1 × some words" in text
        assert "Kit or adapter failed: 1 clause" in text
        assert "Fails, as is known: 1 clause" in text
        part = self.shown(report(results=(one("TILE-001", Status.PASSED),)))
        assert f"{len(ASKED) - 1} × not asked about" in part

    def test_many_reasons_are_cut(self) -> None:
        names = ASKED[:9]
        found = [one(n, Status.UNSUPPORTED, words=f"need {n}") for n in names]
        assert "and 4 other reasons" in self.shown(report(results=tuple(found)))

    @pytest.mark.parametrize("width", [40, 60, 88])
    def test_it_fits_the_terminal(self, width: int) -> None:
        for found in (report(), report(EVERY), report(all_of(Status.FAILED))):
            for line in self.shown(found, width).splitlines():
                assert len(line) <= width
                assert line == line.rstrip()

    def test_brackets_of_a_subject_are_no_markup(self) -> None:
        bad = one("TILE-001", Status.ERROR, words="raised [red]E[/]: [1, 2][/x]")
        assert "raised [red]E[/]: [1, 2][/x]" in self.shown(report(results=(bad,)))

    def test_what_it_printed_is_told(self) -> None:
        noisy = one("TILE-001", Status.PASSED, printed="hello\nyou")
        text = self.shown(report(results=(noisy,)))
        assert "printed during 1 check, first: hello you" in text

    @pytest.mark.parametrize(
        ("found", "green"),
        [
            (report(), True),
            (report(all_of(Status.UNSUPPORTED)), False),
            (report({"TILE-001": Status.FAILED}), False),
            (report(complete=False), False),
        ],
    )
    def test_green_is_for_a_clean_run(self, found: Report, green: bool) -> None:
        text = self.shown(found, force_terminal=True, color_system="standard")
        assert ("\x1b[32m" in text or "\x1b[1;32m" in text) is green

    def test_each_device_has_its_score(self) -> None:
        both = (
            one("TILE-001", Status.PASSED),
            one("TILE-001", Status.NOT_RUN, "cuda", words="no cuda here"),
        )
        text = self.shown(report(results=both))
        assert "cpu: 1 of 1 applicable" in text
        assert "cuda: 0 of 0 applicable" in text
