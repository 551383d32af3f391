"""``reftiler spec``: clauses by id, by family and by what they say."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

pytest.importorskip("typer")

from reftiler_conformance.clauses import all_clauses, families
from tests.command import done, refused


@pytest.fixture(autouse=True)
def entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the command as pyproject.toml names it, however old the install is."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    group = "reftiler.commands"
    value = tomllib.loads(text)["project"]["entry-points"][group]["spec"]
    points = (EntryPoint("spec", value, group),)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: points)


def ids(*words: str) -> list[str]:
    """Return the ids of the clauses that are printed for programs."""
    return [clause["id"] for clause in json.loads(done("spec", *words, "--json"))]


def test_a_clause_is_printed_whole() -> None:
    clause = all_clauses()["MERGE-007"]
    printed = " ".join(done("spec", "MERGE-007").split())
    assert printed.startswith("MERGE-007 (MUST")
    assert printed.endswith(clause.text)


def test_words_choose_and_filter() -> None:
    every = list(all_clauses())
    assert ids() == every
    assert ids("merge-007") == ids("MERGE-7") == ["MERGE-007"]
    assert ids("PAD-001", "MERGE-007", "GRID-001") == [
        "GRID-001",
        "PAD-001",
        "MERGE-007",
    ]
    family = [name for name in every if name.startswith("RANDOM-")]
    assert ids("RANDOM") == family
    with_seed = ids("RANDOM", "Seed")
    assert set(with_seed) == {
        name for name in family if "seed" in all_clauses()[name].text
    }
    assert 0 < len(with_seed) < len(family)
    assert set(with_seed) < set(ids("seed"))


def test_without_words_the_families_are_listed() -> None:
    lines = done("spec").splitlines()
    for name, title in families().items():
        assert any(line.startswith(name) and line.endswith(title) for line in lines)
    assert lines[-2].endswith("SPEC.md")
    assert lines[-1].endswith("ADAPTERS.md")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("MERGE-999",), 2, "MERGE-0"),  # the ids near it
        (("MERGE-007", "PAD-999"), 2, "PAD-0"),
        (("nothing says this",), 1, "nothing says this"),
        (("PAD", "float128"), 1, "float128"),
        (("--nonsense",), 2, "--nonsense"),
    ],
)
def test_what_is_not_there(words: tuple[str, ...], code: int, said: str) -> None:
    assert said in refused(code, "spec", *words)
