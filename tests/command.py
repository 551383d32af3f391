"""Running the command in this process, as a user would in a shell."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from reftiler.cli.app import app


def run(*words: str | int | Path) -> Result:
    """Run ``reftiler`` with these words."""
    # What typer grew out of mixed both streams unless told not to.
    mixing = "mix_stderr" in signature(CliRunner).parameters
    settings: dict[str, Any] = {"mix_stderr": False} if mixing else {}
    runner = CliRunner(**settings)
    return runner.invoke(app, [str(word) for word in words])


def done(*words: str | int | Path) -> str:
    """Run ``reftiler``, which must succeed, and return what it says."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def refused(code: int, *words: str | int | Path) -> str:
    """Run ``reftiler``, which must fail with this code and in one line."""
    result = run(*words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def files(folder: Path) -> list[str]:
    """Name all files below a folder, in order."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)
