"""What a run comes to: counted right, and never too good."""

from __future__ import annotations

from dataclasses import replace

import pytest
import reftiler_conformance.requirements as lists
from reftiler_conformance.requirements import RequirementsError, requirements, settle

from reftiler_conformance import results
from reftiler_conformance.clauses import Clause, clauses, spec_version
from reftiler_conformance.reports import markdown
from reftiler_conformance.reports.words import headline, verdict
from reftiler_conformance.results import Status, overall
from reftiler_conformance.unchecked import UNCHECKED
from tests.runs import ASKED, EVERY, MUST, SHOULD, all_of, one, report


class TestRequirements:
    def test_this_version_has_a_list_that_fits(self) -> None:
        assert spec_version() in lists.versions()
        listed = requirements(spec_version())
        assert list(listed.levels) == list(clauses())
        assert listed.later == frozenset()

    def test_an_unknown_version_is_refused(self) -> None:
        with pytest.raises(RequirementsError, match=r"version 9\.9: there is one for"):
            requirements("9.9")

    known = {  # noqa: RUF012
        "A-001": Clause("A-001", "MUST", "1.0", "", ""),
        "A-002": Clause("A-002", "SHOULD", "1.9", "", ""),
        "A-003": Clause("A-003", "MUST", "1.10", "", ""),
    }

    def test_what_came_later_is_not_scored(self) -> None:
        found = settle("1.9", {"A-001": "MUST", "A-002": "SHOULD"}, self.known)
        assert dict(found.levels) == {"A-001": "MUST", "A-002": "SHOULD"}
        assert found.later == {"A-003"}

    @pytest.mark.parametrize(
        ("listed", "words"),
        [
            ({"A-001": "MUST", "B-001": "MUST"}, "B-001: listed, and no clause"),
            ({"A-001": "MUST", "A-003": "MUST"}, "A-003: listed, though it came later"),
            ({}, "A-001: not listed"),
            ({"A-001": "SHOULD"}, "A-001: listed with another level"),
        ],
    )
    def test_drift_is_refused(self, listed: dict[str, str], words: str) -> None:
        with pytest.raises(RequirementsError, match=words):
            settle("1.0", listed, self.known)


class TestScore:
    def test_all_passed(self) -> None:
        score = report().scored
        assert (score.passed, score.applicable) == (MUST, MUST)
        assert report().score("SHOULD").passed == len(ASKED) - MUST

    def test_each_status_counts_where_it_belongs(self) -> None:
        score = report(EVERY).scored
        assert score.passed == MUST - len(EVERY)
        assert score.applicable == MUST - 3
        for status in EVERY.values():
            assert score.counts[status] == 1

    def test_a_clause_without_result_was_not_run(self) -> None:
        score = report(results=(one("TILE-001", Status.PASSED),)).scored
        assert (score.passed, score.applicable) == (1, 1)
        assert score.counts[Status.NOT_RUN] == MUST - 1

    def test_a_clause_counts_once_for_each_device(self) -> None:
        both = (
            one("TILE-001", Status.PASSED),
            one("TILE-001", Status.FAILED),
            one("TILE-001", Status.PASSED, "cuda"),
        )
        found = report(results=both)
        assert found.devices == ("cpu", "cuda")
        assert (found.scored.passed, found.scored.applicable) == (1, 2)
        assert found.score("MUST", "cpu").passed == 0
        assert found.score("MUST", "cuda").passed == 1

    @pytest.mark.parametrize(
        ("statuses", "status"),
        [
            ((), Status.NOT_RUN),
            ((Status.UNSUPPORTED, Status.UNSUPPORTED), Status.UNSUPPORTED),
            ((Status.UNSUPPORTED, Status.PASSED), Status.PASSED),
            ((Status.NOT_RUN, Status.PASSED), Status.NOT_RUN),
            ((Status.KNOWN, Status.PASSED), Status.KNOWN),
            ((Status.HARNESS, Status.PASSED), Status.HARNESS),
            ((Status.PASSED, Status.FAILED, Status.HARNESS), Status.FAILED),
        ],
    )
    def test_the_worst_check_counts(
        self, statuses: tuple[Status, ...], status: Status
    ) -> None:
        assert overall(statuses) is status
        assert overall(statuses[::-1]) is status

    def test_what_is_no_clause_is_not_counted(self) -> None:
        found = report()
        smoke = one("SMOKE", Status.HARNESS)
        assert replace(found, results=(*found.results, smoke)).scored == found.scored

    def test_a_younger_clause_is_not_scored(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def without(version: str) -> lists.Requirements:
            known = requirements(version)
            levels = {k: v for k, v in known.levels.items() if k != "TILE-001"}
            return lists.Requirements(version, levels, frozenset({"TILE-001"}))

        monkeypatch.setattr(results, "requirements", without)
        found = report({"TILE-001": Status.FAILED})
        assert found.not_scored == ("TILE-001",)
        assert (found.scored.passed, found.scored.applicable) == (MUST - 1, MUST - 1)
        assert "Not scored" in markdown.page(found)

    def test_an_unchecked_clause_was_not_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(UNCHECKED, "TILE-001", "nobody can")
        found = report()
        rest = tuple(r for r in found.results if r.clause != "TILE-001")
        assert replace(found, results=rest).scored.counts[Status.NOT_RUN] == 0


class TestVerdict:
    def test_green_is_for_a_clean_run(self) -> None:
        assert verdict(report()).colour == "green"
        assert verdict(report({"TILE-001": Status.UNSUPPORTED})).colour == "green"
        assert (
            "in what it claims"
            in verdict(report({"TILE-001": Status.UNSUPPORTED})).words
        )

    @pytest.mark.parametrize(
        "status", [s for s in Status if s not in (Status.PASSED, Status.UNSUPPORTED)]
    )
    def test_nothing_else_is_green(self, status: Status) -> None:
        assert verdict(report({"TILE-001": status})).colour != "green"

    @pytest.mark.parametrize("status", [Status.UNSUPPORTED, Status.NOT_RUN])
    def test_nothing_applicable_is_not_green(self, status: Status) -> None:
        assert verdict(report(all_of(status))).colour == "yellow"
        assert verdict(report(results=())).colour == "yellow"
        assert headline(report(all_of(status))).startswith("0 of 0 applicable")

    def test_a_run_that_ended_early_is_not_green(self) -> None:
        found = report(complete=False)
        assert verdict(found).colour == "red"
        assert "did not come to its end" in verdict(found).words
        assert found.exit_code == 3

    def test_a_departure_from_a_should_conforms(self) -> None:
        found = report({SHOULD: Status.FAILED})
        assert verdict(found).colour == "green"
        assert found.exit_code == 0

    def test_the_counts_stand_beside_the_headline(self) -> None:
        assert headline(report(EVERY)) == (
            f"{MUST - 8} of {MUST - 3} applicable MUST clauses passed; 1 unsupported, "
            "1 known failure, 1 not run, 1 harness error"
        )
        assert headline(report()).endswith("0 unsupported, 0 known failures, 0 not run")
