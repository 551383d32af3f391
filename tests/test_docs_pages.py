"""The pages of the specification are parts of SPEC.md; each clause has an anchor."""

from functools import cache

from reftiler.docs import spec_pages
from reftiler_conformance.check import checks
from reftiler_conformance.clauses import Clause, all_clauses, spec_path


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
