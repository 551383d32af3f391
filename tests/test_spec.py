"""The specification's two forms hold together, and its examples run."""

import doctest
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from reftiler import SPEC_VERSION

CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
SPEC = (CONFORMANCE / "SPEC.md").read_text(encoding="utf-8")
LISTED = (CONFORMANCE / "reftiler_conformance" / "clauses.json").read_text(
    encoding="utf-8"
)

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANCHOR = re.compile(r"\*\*([A-Z]+-\d{3})\*\* \((MUST|SHOULD)\) (\S.*)", re.DOTALL)
KEYS = ["id", "level", "since", "title", "text"]


def clauses(spec: str) -> list[dict[str, str]]:
    """Read the clauses of SPEC.md: from the anchor to the next blank line."""
    found = []
    for paragraph in re.split(r"\n[ \t]*\n", without_code(spec)):
        if match := ANCHOR.fullmatch(paragraph.strip()):
            name, level, text = match.groups()
            found.append({"id": name, "level": level, "text": " ".join(text.split())})
    return found


def without_code(spec: str) -> str:
    """Blank the fenced blocks, in which nothing is a clause."""
    return re.sub(r"^```.*?^```$", "", spec, flags=re.DOTALL | re.MULTILINE)


def drift(spec: str, listed: str) -> list[str]:
    """Say in which ways the two forms differ; nothing if they hold together."""
    document: dict[str, Any] = json.loads(listed)
    ours, theirs = clauses(spec), document["clauses"]
    version = re.search(r"^Version (\d+\.\d+)$", spec, re.MULTILINE)
    found = []
    if version is None or version[1] != document["spec_version"]:
        found.append(f"version: {version and version[1]} / {document['spec_version']}")
    names = [clause["id"] for clause in ours]
    listed_names = [clause["id"] for clause in theirs]
    if names != listed_names:
        unlike = sorted(set(names) ^ set(listed_names)) or "the same in another order"
        found.append(f"ids: {unlike}")
    by_name = {clause["id"]: clause for clause in theirs}
    for clause in ours:
        other = by_name.get(clause["id"], clause)
        found += [
            f"{clause['id']} {key}: {clause[key]!r} / {other[key]!r}"
            for key in ("level", "text")
            if clause[key] != other[key]
        ]
    return found


def examples(spec: str) -> list[doctest.DocTest]:
    """Return the fenced Python blocks as doctests that know their lines."""
    parser = doctest.DocTestParser()
    return [
        parser.get_doctest(
            block[1], {}, f"SPEC.md:{line}", str(CONFORMANCE / "SPEC.md"), line
        )
        for block in BLOCK.finditer(spec)
        for line in [spec.count("\n", 0, block.start(1))]
    ]


def run(example: doctest.DocTest, names: dict[str, Any]) -> tuple[int, str]:
    """Run one block; return how many examples it has and what went wrong."""
    example.globs = dict(names)
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
    runner.run(example, out=report.append, clear_globs=False)
    assert runner.tries == len(example.examples)
    names.update(example.globs)
    return runner.tries, "".join(report)


PRELUDE, *EXAMPLES = examples(SPEC)


def test_the_two_forms_hold_together() -> None:
    assert drift(SPEC, LISTED) == []


def test_the_version_is_that_of_the_package() -> None:
    assert json.loads(LISTED)["spec_version"] == SPEC_VERSION


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("the last tile slides inward.", "the last tile grows.", "GRID-004 text"),
        ("**TILE-001** (MUST)", "**TILE-001** (SHOULD)", "TILE-001 level"),
        ("**TILE-001** (MUST)", "**TILE-999** (MUST)", "ids: ['TILE-001', 'TILE-999']"),
        ("**TILE-001** (MUST)", "TILE-001 (MUST)", "ids: ['TILE-001']"),
        ("**TILE-001** (MUST)", "**TILE-002** (MUST)", "ids: ['TILE-001']"),
        ("\nVersion 1.0\n", "\nVersion 1.1\n", "version: 1.1 / 1.0"),
        ("## TILE: cutting\n", "**NEW-001** (MUST) New.\n", "ids: ['NEW-001']"),
    ],
)
def test_drift_is_seen(before: str, after: str, complaint: str) -> None:
    assert SPEC.count(before) == 1
    assert any(complaint in line for line in drift(SPEC.replace(before, after), LISTED))


def test_drift_of_the_list_is_seen() -> None:
    document = json.loads(LISTED)
    document["clauses"].reverse()
    assert drift(SPEC, json.dumps(document)) == ["ids: the same in another order"]
    del document["clauses"][0]
    assert len(drift(SPEC, json.dumps(document))) == 1


def test_ids_are_unique_and_ascend_within_their_family() -> None:
    names = [clause["id"] for clause in clauses(SPEC)]
    assert len(set(names)) == len(names) > 0
    families: dict[str, list[int]] = {}
    for name in names:
        family, number = name.split("-")
        families.setdefault(family, []).append(int(number))
    for numbers in families.values():
        assert numbers == sorted(numbers)
    in_order = [name.split("-")[0] for name in names]
    assert in_order == [family for family in families for _ in families[family]]


def test_every_anchor_is_a_clause() -> None:
    # A clause that is glued to its temp_path, or misspelled, would be lost in silence.
    anchors = re.findall(r"\*\*([A-Z]+-\d+)\*\*", SPEC)
    assert anchors == [clause["id"] for clause in clauses(SPEC)]


def test_every_clause_that_is_mentioned_exists() -> None:
    names = {clause["id"] for clause in clauses(SPEC)}
    families = {name.split("-")[0] for name in names}
    assert set(re.findall(r"`([A-Z]+-\d{3})`", SPEC)) <= names
    assert set(re.findall(r"`([A-Z]{3,})`", SPEC)) - {"MUST", "SHOULD"} <= families


def test_the_list_is_well_formed() -> None:
    document = json.loads(LISTED)
    assert list(document) == ["spec_version", "clauses"]
    for clause in document["clauses"]:
        assert list(clause) == KEYS
        assert all(isinstance(value, str) and value for value in clause.values())
        assert clause["since"] == "1.0"
        assert len(clause["title"]) <= 60
        assert not clause["title"].endswith(".")
        assert clause["text"].endswith((".", ".)", "`."))
    titles = [clause["title"] for clause in document["clauses"]]
    assert len(set(titles)) == len(titles)


def test_the_list_is_written_one_key_a_line() -> None:
    pretty = json.dumps(json.loads(LISTED), ensure_ascii=False, indent=2) + "\n"
    assert pretty == LISTED


def test_clauses_are_short() -> None:
    for clause in clauses(SPEC):
        sentences = re.findall(r"[.!?](?= [A-Z`0-9+−]|$)", clause["text"])
        assert len(sentences) <= 3, clause["id"]


def test_the_code_names_the_clauses_that_it_fulfils() -> None:
    """Every MUST stands in the oracle; no comment names a clause that is none."""
    package = CONFORMANCE.parent / "reftiler"
    known = {clause["id"]: clause["level"] for clause in clauses(SPEC)}
    families = "|".join({name.split("-")[0] for name in known})

    def named(files: Iterable[Path]) -> set[str]:
        text = "".join(file.read_text(encoding="utf-8") for file in files)
        return set(re.findall(rf"\b(?:{families})-\d{{3}}\b", text))

    oracle = named(package.glob("*.py"))
    assert {name for name in known if known[name] == "MUST"} - oracle == set()
    kit = CONFORMANCE / "reftiler_conformance"
    assert named(package.rglob("*.py")) | named(kit.rglob("*.py")) <= set(known)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_run(example: doctest.DocTest) -> None:
    names: dict[str, Any] = {}
    assert run(PRELUDE, names) == (4, "")
    attempted, complaints = run(example, names)
    assert attempted > 0
    assert not complaints, complaints


def test_a_wrong_example_fails() -> None:
    (wrong,) = examples("```python\n>>> 1 + 1\n3\n\n```\n")
    attempted, complaints = run(wrong, {})
    assert attempted == 1
    assert "Expected:\n    3" in complaints
