"""The specification's two forms hold together, and its examples run."""

import doctest
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from reftiler import SPEC_VERSION
from reftiler_conformance.check import checks, regressions
from reftiler_conformance.clauses import (
    UNCHECKED,
    clauses,
    read_clauses,
    spec_version,
)

CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
SPEC = (CONFORMANCE / "SPEC.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PRELUDE, *EXAMPLES = (
    doctest.DocTestParser().get_doctest(block[1], {}, f"SPEC.md:{line}", None, line)
    for block in BLOCK.finditer(SPEC)
    for line in [SPEC.count("\n", 0, block.start(1))]
)


def test_the_version_is_that_of_the_package() -> None:
    assert spec_version() == SPEC_VERSION


def test_ids_are_unique_and_ascend_within_their_family() -> None:
    names = list(read_clauses(SPEC))
    # A clause that is glued to its neighbour, or misspelled, would be lost in silence.
    assert names == re.findall(r"\*\*([A-Z]+-\d+)\*\*", SPEC)
    assert len(set(names)) == len(names) > 0
    families = list(dict.fromkeys(name.split("-")[0] for name in names))
    assert names == sorted(
        names, key=lambda name: (families.index(name.split("-")[0]), name)
    )
    assert set(re.findall(r"`([A-Z]+-\d{3})`", SPEC)) <= set(names)
    assert set(re.findall(r"`([A-Z]{3,})`", SPEC)) - {"MUST", "SHOULD"} <= {*families}


def test_every_clause_has_a_check_or_a_reason_why_not() -> None:
    named = {(check.clause, check.name) for check in checks()}
    checked = {clause for clause, _ in named}
    assert not checked & set(UNCHECKED)
    assert checked | set(UNCHECKED) == set(clauses())
    assert all(UNCHECKED.values())
    assert len(regressions()) > 20
    assert set(regressions()) <= named


def test_the_code_names_the_clauses_that_it_fulfils() -> None:
    """Every MUST stands in the package; no comment names a clause that is none."""
    package = CONFORMANCE.parent / "reftiler"
    known = {name: clause.level for name, clause in read_clauses(SPEC).items()}
    families = "|".join({name.split("-")[0] for name in known})

    def named(files: Iterable[Path]) -> set[str]:
        text = "".join(file.read_text(encoding="utf-8") for file in files)
        return set(re.findall(rf"\b(?:{families})-\d{{3}}\b", text))

    must = {name for name in known if known[name] == "MUST"}
    assert must - named(package.glob("*.py")) == set()
    kit = CONFORMANCE / "reftiler_conformance"
    assert named(package.rglob("*.py")) | named(kit.rglob("*.py")) <= set(known)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_run(example: doctest.DocTest) -> None:
    names: dict[str, Any] = {}
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    for block in (PRELUDE, example):
        assert block.examples
        block.globs = names
        runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
        report: list[str] = []
        runner.run(block, out=report.append, clear_globs=False)
        assert not report, "".join(report)
