"""The README's code runs, and its pictures are what the demo draws today."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from reftiler.cli.app import app
from reftiler.io import read_image

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks() -> list[str]:
    """Return the README's examples; those on tensors need torch."""
    fence = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return fence.findall(README.read_text("utf-8"))


def check_examples(examples: list[str]) -> int:
    """Run examples one after the other and return how many statements ran."""
    name = README.name
    test = doctest.DocTestParser().get_doctest("".join(examples), {}, name, name, 0)
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test)
    assert result.failed == 0
    return result.attempted


def test_readme_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the tour writes files
    core = [block for block in blocks() if "torch" not in block]
    assert len(core) >= 8
    assert check_examples(core) > 25


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
