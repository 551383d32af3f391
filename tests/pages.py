"""Runs what a page of Markdown shows: Python, files and commands."""

import doctest
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from reftiler.cli.app import app

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# ([\w./-]+\.\w+)\n")
_PRINTED = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)


_RUN = {"python", "yaml", "console"}


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line where it begins."""

    language: str
    text: str
    line: int


def examples(page: Path) -> list[Block]:
    """Return what a page shows that can run, in order."""
    text = page.read_text("utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start(2)))
        for found in _FENCE.finditer(text)
        if found[1] in _RUN
    ]


def needs_torch(page: Path) -> bool:
    return any(re.search("torch|anomalib", block.text) for block in examples(page))


def run_page(page: Path, without: str | None = None) -> int:
    """Run a page in the current folder and return how many blocks ran.

    ``python`` with prompts is a doctest, and without them a script that prints what
    comments behind ``print(…)`` say; if its first line is a comment with a file's name
    it is written there, as YAML is. The commands of a ``console`` must succeed, or say
    what the page shows of them. Other languages are for the reader's eyes. Blocks with
    the word ``without`` are passed over.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for block in examples(page):
        if without and without in block.text:
            continue
        file = _FILE.match(block.text)
        if block.language == "console":
            _check_commands(block, page.name)
        elif file:
            Path(file[1]).write_text(block.text, "utf-8")
        elif ">>> " in block.text:
            _check_examples(block, names, page.name)
        else:
            _run_script(block, names, page.name)
        count += 1
    return count


_DOCS = ROOT / "reftiler" / "docs"
_WRITTEN = ("*.md", "howto/*.md", "figures/*.md")  # others are made at each build
DOCS = sorted(page for pattern in _WRITTEN for page in _DOCS.glob(pattern))
PAGES = [page for page in DOCS if examples(page)]
"""The pages of the documentation that show something that can run."""
_LONG = {"README", "evaluate", "models", "tile-folders", "train"}


def cases(pages: Iterable[Path]) -> list[Any]:
    """Return a case of a test for each page; those that take seconds are long."""
    return [
        pytest.param(
            page, id=page.stem, marks=[pytest.mark.long] if page.stem in _LONG else []
        )
        for page in pages
    ]


def _run_script(block: Block, names: dict[str, Any], page: str) -> None:
    code = compile("\n" * block.line + block.text, page, "exec")
    with redirect_stdout(StringIO()) as printed:
        exec(code, names)
    if want := _PRINTED.findall(block.text):
        assert printed.getvalue().splitlines() == want, f"{page}, line {block.line}"


def _check_examples(block: Block, names: dict[str, Any], page: str) -> None:
    test = doctest.DocTestParser().get_doctest(
        block.text, names, page, page, block.line
    )
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, clear_globs=False)
    assert result.failed == 0, f"{page}, line {block.line}"
    names |= test.globs


def _check_commands(block: Block, page: str) -> None:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, want = part.partition("\n")
        status, got = _run(shlex.split(line))
        if want.strip():
            same = doctest.OutputChecker().check_output(want, got, FLAGS)
            assert same, f"{page}: {line}\ngot:\n{got}\nwant:\n{want}"
        else:
            assert status == 0, f"{page}: {line}\n{got}"


def _run(words: list[str]) -> tuple[int, str]:
    """Run a command; the kit's, which is a run of pytest, in a process of its own."""
    program, *rest = words
    if program == "reftiler" and rest[0] != "conform":
        done = CliRunner().invoke(app, rest)
        return done.exit_code, done.output
    own = [*(["-m", "reftiler"] if program == "reftiler" else []), *rest]
    assert program in {"python", "reftiler"}, program
    run = subprocess.run(
        [sys.executable, *own], capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout + run.stderr
