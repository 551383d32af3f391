"""The specification's two forms hold together, and its examples run."""

import doctest
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from reftiler import SPEC_VERSION
from reftiler_conformance.clauses import read_clauses, spec_version

CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
SPEC = (CONFORMANCE / "SPEC.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


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


def test_the_version_is_that_of_the_package() -> None:
    assert spec_version() == SPEC_VERSION


def test_ids_are_unique_and_ascend_within_their_family() -> None:
    names = list(read_clauses(SPEC))
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
    assert anchors == list(read_clauses(SPEC))


def test_every_clause_that_is_mentioned_exists() -> None:
    names = set(read_clauses(SPEC))
    families = {name.split("-")[0] for name in names}
    assert set(re.findall(r"`([A-Z]+-\d{3})`", SPEC)) <= names
    assert set(re.findall(r"`([A-Z]{3,})`", SPEC)) - {"MUST", "SHOULD"} <= families


def test_clauses_are_short() -> None:
    for clause in read_clauses(SPEC).values():
        sentences = re.findall(r"[.!?](?= [A-Z`0-9+−]|$)", clause.text)
        assert len(sentences) <= 3, clause.id


def test_the_code_names_the_clauses_that_it_fulfils() -> None:
    """Every MUST stands in the oracle; no comment names a clause that is none."""
    package = CONFORMANCE.parent / "reftiler"
    known = {name: clause.level for name, clause in read_clauses(SPEC).items()}
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
