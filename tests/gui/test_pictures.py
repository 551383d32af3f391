"""The pictures of the viewer's page are what its commands draw today."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot
from typer.testing import CliRunner

from reftiler.cli.app import app as program
from tests.gui.test_window_command import run

ROOT = Path(__file__).resolve().parents[2]
PICTURES = runpy.run_path(str(ROOT / "gui" / "pictures.py"))
COMMANDS: list[list[str]] = PICTURES["commands"]()
DRAWN = [words for words in COMMANDS if "--screenshot" in words]
COARSE = (74, 118)
"""A tenth of the pictures' size: there letters of another font look alike."""


def coarse(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize(COARSE[::-1], Image.Resampling.BOX)
    return np.asarray(small).astype(int)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which all commands but those for pictures have been run."""
    folder = tmp_path_factory.mktemp("made")
    for words in COMMANDS:
        if words in DRAWN:
            continue
        given = [word.replace("build", f"{folder}/build") for word in words[1:]]
        if words[0] == "python":
            subprocess.run([sys.executable, *given], cwd=ROOT, check=True)
        else:
            result = CliRunner().invoke(program, given)
            assert result.exit_code in (0, 1), result.output
    return folder


def test_every_view_has_its_picture() -> None:
    shown = {words[words.index("--view") + 1] for words in DRAWN if "--view" in words}
    assert shown == {"compare", "sheet", "merged", "advice"}
    assert len(DRAWN) == 7  # the image, maps and cases come by themselves
    page = PICTURES["PAGE"].read_text("utf-8")
    for words in DRAWN:
        assert page.count(words[-1]) == 2, words[-1]


@pytest.mark.parametrize("words", DRAWN, ids=lambda words: Path(words[-1]).stem)
def test_a_picture_is_what_its_command_draws(
    qtbot: QtBot, made: Path, words: list[str]
) -> None:
    kept, drawn = ROOT / words[-1], made / Path(words[-1]).name
    given = [word.replace("build/", f"{made}/build/") for word in words[2:-1]]
    assert run(*given, str(drawn)) == (0, f"Wrote {drawn}\n")
    assert kept.stat().st_size < 200_000
    with Image.open(kept) as one, Image.open(drawn) as other:
        assert one.size == other.size
    off = np.abs(coarse(kept) - coarse(drawn))
    assert off.mean() < 3
    assert np.quantile(off, 0.99) < 60
