"""The command line: a page for each command, of what its ``--help`` prints."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

from reftiler.cli.app import COMMANDS

COLUMNS = 92

INDEX = """# Command line

What `--help` prints, here for reading and searching. `reftiler --install-completion`
completes commands and options in your shell.

{help}

```{{toctree}}
:hidden:

{names}
```
"""


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page."""
    yield "command/index.md", INDEX.format(help=_help(), names="\n".join(names()))
    for name in names():
        yield f"command/{name}.md", f"# reftiler {name}\n\n{_help(name)}\n"


@cache
def names() -> list[str]:
    """Return the names of our commands, then those of the kit and the viewer."""
    plugins = entry_points(group="reftiler.commands")
    return [*COMMANDS, *sorted(entry.name for entry in plugins)]


def _help(*command: str) -> str:
    """Return what a command says of itself, as a block of text."""
    environment = {**os.environ, "TERMINAL_WIDTH": str(COLUMNS), "NO_COLOR": "1"}
    environment |= {"COLUMNS": str(COLUMNS), "TERM": "dumb", "PYTHONUTF8": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "reftiler", *command, "--help"],
        env=environment,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    text = "\n".join(line.rstrip() for line in run.stdout.strip().splitlines())
    return f"```text\n{text}\n```"
