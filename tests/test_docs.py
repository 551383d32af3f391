"""What README and the pages show runs; those of SPEC.md have each clause and check."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from reftiler.docs import spec_pages
from reftiler.io import read_image
from reftiler_conformance.check import checks
from reftiler_conformance.clauses import Clause, all_clauses, spec_path
from tests.command import done
from tests.pages import DOCS, PAGES, README, ROOT, cases, needs_torch, run_page

pytestmark = pytest.mark.usefixtures("work")  # pages write files


def test_readme_runs() -> None:
    assert run_page(README, without="torch") >= 2


@pytest.mark.parametrize("page", cases(page for page in PAGES if not needs_torch(page)))
def test_a_page_runs(page: Path) -> None:
    run_page(page)


@pytest.mark.parametrize(
    "text",
    [
        "python\n>>> 1 + 1\n3\n",
        "python\nprint(2)  # 3\n",
        "console\n$ reftiler grid 100x100 --tile 0\n",
        "console\n$ reftiler grid 100x100 --tile 50\n9 tiles ...\n",
    ],
)
def test_a_page_that_is_wrong_fails(work: Path, text: str) -> None:
    page = work / "page.md"
    page.write_text(f"```{text}```\n", "utf-8")
    with pytest.raises(AssertionError, match=r"page\.md"):
        run_page(page)


def test_pictures_exist() -> None:
    for page in (README, *DOCS):
        text = page.read_text("utf-8")
        for picture in re.findall(r'(?:\]\(|src=")([^)"]+\.png)', text):
            assert (page.parent / picture).is_file(), (page.name, picture)


def test_readme_pictures_are_the_demo() -> None:
    done("demo --out demo")
    for picture in ("03-grid.png", "06-resized-beside-tiled.png"):
        shown = read_image(ROOT / ".readme" / picture)
        np.testing.assert_array_equal(read_image(f"demo/{picture}"), shown)


def test_readme_names_the_commands_that_ci_runs() -> None:
    text = README.read_text("utf-8")
    for name in ("demo", "tests"):
        fence = rf"<!-- {name} -->\n```sh\n(.+?)```\n<!-- end -->"
        block = re.search(fence, text, re.S)
        assert block is not None, name
        assert "pip install" in block[1]


@cache
def pages() -> dict[str, str]:
    return dict(spec_pages.pages())


def page_of(clause: Clause) -> str:
    return pages()[f"spec/{clause.family.lower()}.md"]


def test_each_clause_has_an_anchor_on_the_page_of_its_family() -> None:
    for clause in all_clauses().values():
        anchor = f"({clause.id.lower()})=\n**{clause.id}** ({clause.level}"
        assert page_of(clause).count(anchor) == 1, clause.id


def test_each_check_is_named_behind_its_clause() -> None:
    for check in checks():
        page = page_of(all_clauses()[check.clause])
        after = page.partition(f"({check.clause.lower()})=")[2].partition(")=\n**")[0]
        assert f"`{check.name}`" in after, (check.clause, check.name)


def test_nothing_of_the_specification_is_lost() -> None:
    lines = {line for text in pages().values() for line in text.splitlines()}
    for line in spec_path().read_text("utf-8").splitlines():
        assert line.startswith("##") or line in lines, line
