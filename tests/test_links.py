"""Links from the Markdown files of the repository lead to files that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / ".github" / "SECURITY.md"]
PAGES += (ROOT / "conformance").glob("*.md")


def targets(page: Path) -> list[str]:
    """Return what a page links to and what pictures it shows, but for code in it."""
    text = re.sub(
        r"^```.*?^```$|`[^`\n]+`", "", page.read_text("utf-8"), flags=re.S | re.M
    )
    return re.findall(r"(?:\]\(|(?:src|href)=\")([^)\"\s]+)", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_local_links(page: Path) -> None:
    for target in targets(page):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_links_are_found() -> None:
    assert any(".readme/" in target for target in targets(PAGES[0]))
    assert "SPEC.md" in targets(ROOT / "conformance" / "ADAPTERS.md")
