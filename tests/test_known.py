"""The list of known failures: what it excuses, and what it refuses to hold."""

from __future__ import annotations

import datetime
import textwrap
from pathlib import Path

import pytest

from reftiler_conformance import known
from reftiler_conformance.known import Known, KnownError, load, matching

TODAY = datetime.date(2026, 11, 23)
CASE = "Case(size=(3, 3), tile=(2, 2), stride=(1, 1))"
GOOD = f'- clause: MERGE-001\n  witness: "{CASE}"\n  reason: the last tile wins\n'


def loaded(folder: Path, text: str) -> list[Known]:
    path = folder / "known.yaml"
    path.write_text(text, encoding="utf-8")
    return [*load(path, TODAY)]


def test_a_list_is_read(tmp_path: Path) -> None:
    more = f'  device: "cuda:0"\n  expires: {TODAY}\n  issue: https://example.org/7\n'
    (entry,) = loaded(tmp_path, GOOD + more)  # the last day still counts
    assert (entry.clause, entry.witness) == ("MERGE-001", CASE)
    assert entry.reason == "the last tile wins"
    assert (entry.device, entry.check) == ("cuda:0", None)
    assert (entry.expires, entry.issue) == (TODAY, "https://example.org/7")
    assert loaded(tmp_path, "# nothing is known\n") == []
    assert known.__doc__ is not None
    example = known.__doc__.partition("::\n")[2].partition("\n\nThe witness")[0]
    (entry,) = loaded(tmp_path, textwrap.dedent(example))
    assert (entry.clause, entry.device) == ("MERGE-001", "cuda")
    assert entry.check == "the_mean"


def test_reasons_may_be_given_in_python() -> None:
    assert load(None) == ()
    (entry,) = load({"MERGE-001": "the last tile wins"})
    assert (entry.witness, entry.reason) == ("", "the last tile wins")
    with pytest.raises(KnownError, match="MERGE-0001, which is no clause"):
        load({"MERGE-0001": "why"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clause: MERGE-001\n", "must hold a list"),
        ("!!python/object/apply:os.getcwd []\n", "not YAML"),
        ("- MERGE-001\n", "entry 1 must be a mapping"),
        (GOOD.replace("clause", "clauses"), "clauses, which means nothing"),
        ("- clause: MERGE-001\n  reason: why\n", "has no witness"),
        (GOOD.replace("MERGE-001", "MERGE-0001"), "do you mean MERGE-001"),
        (GOOD.replace("size=", "sizes="), "witness that must be a case"),
        (GOOD + "  issue: seven\n", "begins with https://: .seven."),
        (GOOD + "  expires: soon\n", "expires must be a day"),
        (GOOD + "  expires: 2026-11-22\n", "was excused until 2026-11-22"),
        (GOOD + "  check: men\n", "MERGE-001 has no check men, only the_mean"),
        (GOOD + "  clause: MERGE-002\n", "'clause' stands twice"),
        (GOOD + GOOD.replace("3, 3", "3,3"), "entry 2 says what .*entry 1 says"),
    ],
)
def test_what_is_illegal_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(KnownError, match=words) as caught:
        loaded(tmp_path, text)
    assert "known.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_entries_match_by_clause_device_and_check() -> None:
    everywhere = Known("MERGE-001", CASE, "why")
    cuda = Known("MERGE-001", CASE, "why", device="cuda")
    narrow = Known("MERGE-001", CASE, "why", check="mean")
    entries = [everywhere, cuda, narrow, Known("MERGE-002", CASE, "why")]
    assert matching(entries, "MERGE-001", "cuda", "mean") == [everywhere, cuda, narrow]
    assert matching(entries, "MERGE-001", "cpu", "mean") == [everywhere, narrow]
    assert matching(entries, "MERGE-001", "cpu", "max") == [everywhere]
