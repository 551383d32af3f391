"""What README and the documentation show runs; their pictures are those of today."""

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from reftiler.cli.app import app
from reftiler.io import read_image
from tests.pages import DOCS, PAGES, README, ROOT, cases, needs_torch, run_page


def test_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # pages write files
    assert run_page(README, without="torch") >= 2


@pytest.mark.parametrize("page", cases(page for page in PAGES if not needs_torch(page)))
def test_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page)


def test_a_page_that_is_wrong_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    for language, text in (
        ("python", ">>> 1 + 1\n3\n"),
        ("python", "print(2)  # 3\n"),
        ("console", "$ reftiler grid 100x100 --tile 0\n"),
        ("console", "$ reftiler grid 100x100 --tile 50\n9 tiles ...\n"),
    ):
        page.write_text(f"```{language}\n{text}```\n", "utf-8")
        with pytest.raises(AssertionError, match=r"page\.md"):
            run_page(page)


def test_pictures_exist() -> None:
    for page in (README, *DOCS):
        text = page.read_text("utf-8")
        for picture in re.findall(r'(?:\]\(|src=")([^)"]+\.png)', text):
            assert (page.parent / picture).is_file(), (page.name, picture)


def test_readme_pictures_are_the_demo(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo")])
    assert run.exit_code == 0, run.output
    for picture in ("03-grid.png", "06-resized-beside-tiled.png"):
        shown = read_image(ROOT / ".readme" / picture)
        np.testing.assert_array_equal(read_image(tmp_path / "demo" / picture), shown)


def test_readme_names_the_commands_that_ci_runs() -> None:
    text = README.read_text("utf-8")
    for name in ("demo", "tests"):
        fence = rf"<!-- {name} -->\n```sh\n(.+?)```\n<!-- end -->"
        block = re.search(fence, text, re.S)
        assert block is not None, name
        assert "pip install" in block[1]
