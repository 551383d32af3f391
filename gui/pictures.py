"""Draw the pictures of the viewer's page anew, by the commands that stand there.

Run it in the environment of the tests: ``python gui/pictures.py``.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "reftiler" / "docs" / "howto" / "viewer.md"
COLORS = 256
"""Of a picture: so it takes half of the bytes and looks the same."""


def commands() -> list[list[str]]:
    """Return the commands, each as words."""
    page = PAGE.read_text("utf-8")
    found = re.search(r"<!-- pictures -->\n```sh\n(.+?)```", page, re.DOTALL)
    if found is None:
        raise SystemExit(f"{PAGE} has no commands for pictures")
    return [shlex.split(line) for line in found[1].splitlines()]


def shrink(path: Path) -> None:
    """Write a picture with few colours, as small as it gets."""
    with Image.open(path) as picture:
        # By coverage, so that a thin ring keeps its colour among a thousand greys.
        coverage, none = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
        few = picture.convert("RGB").quantize(
            COLORS, method=coverage, kmeans=4, dither=none
        )
    few.save(path, optimize=True)


def main() -> None:
    """Run the commands, which may find a tiler at fault, and shrink what they draw."""
    for words in commands():
        program, *rest = words
        if "--screenshot" in words:
            rest.append("--overwrite")
        subprocess.run(
            [Path(sys.executable).with_name(program), *rest],
            cwd=ROOT,
            check=words[1] != "conform",
        )
        if "--screenshot" in words:
            shrink(ROOT / words[words.index("--screenshot") + 1])


if __name__ == "__main__":
    main()
