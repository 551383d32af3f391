"""Running the command in this process, as a user would in a shell."""

from __future__ import annotations

import shlex
from inspect import signature
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from reftiler.cli.app import app


def run(line: str, *words: str | int | Path) -> Result:
    """Run ``reftiler`` with a line, split as a shell does, and with more words."""
    # What typer grew out of mixed both streams unless told not to.
    mixing = "mix_stderr" in signature(CliRunner).parameters
    settings: dict[str, Any] = {"mix_stderr": False} if mixing else {}
    runner = CliRunner(**settings)
    return runner.invoke(app, [*shlex.split(line), *map(str, words)])


def done(line: str, *words: str | int | Path) -> str:
    """Run ``reftiler``, which must succeed, and return what it says."""
    result = run(line, *words)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def refused(code: int, line: str, *words: str | int | Path) -> str:
    """Run ``reftiler``, which must fail with this code and in one line."""
    result = run(line, *words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def files(folder: str | Path) -> list[str]:
    folder = Path(folder)
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def contents(folder: str | Path) -> dict[str, bytes]:
    return {name: Path(folder, name).read_bytes() for name in files(folder)}
