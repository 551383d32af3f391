"""The README's code runs, and its pictures are what the demo draws today."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from reftiler.cli.app import app
from reftiler.images import read_image

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_readme_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the tour writes files
    failed, attempted = doctest.testfile(
        str(README), module_relative=False, optionflags=FLAGS, encoding="utf-8"
    )
    assert attempted > 20
    assert failed == 0


def test_readme_pictures_exist() -> None:
    pictures = re.findall(r'(?:\(|src=")(\.readme/[^)"]+)', README.read_text("utf-8"))
    assert len(pictures) >= 2
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


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
