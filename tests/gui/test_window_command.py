"""``reftiler view`` from the command line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from typer.testing import CliRunner

from reftiler.cli.app import app as program
from reftiler.io import read_image
from reftiler_gui import command
from tests.gui.windows import write_pair


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(program, ["view", *words])
    return result.exit_code, result.output


def test_a_screenshot_has_the_size_asked_for(qtbot: QtBot, tmp_path: Path) -> None:
    image, out = write_pair(tmp_path, "part"), tmp_path / "out.png"
    code, said = run(str(image), "--screenshot", str(out), "--size", "1100x750")
    assert (code, said) == (0, f"Wrote {out}\n")
    assert read_image(out).shape[:2] == (750, 1100)


def test_the_tiling_options_count(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, out = write_pair(tmp_path, "part"), tmp_path / "out.png"
    plain = run(str(image), "--screenshot", str(out))
    before = read_image(out)
    words = (str(image), "--screenshot", str(out), "--tile", "16")
    code, said = run(*words)
    assert code == 2
    assert f"{out} exists" in said
    assert (before == read_image(out)).all()
    tiled = run(*words, "--overwrite")
    assert (plain[0], tiled[0]) == (0, 0)
    assert (before != read_image(out)).any()


@pytest.mark.parametrize("view", ["image", "odd"])
def test_the_window_of_a_screenshot_is_let_go_of(
    qtbot: QtBot, tmp_path: Path, view: str
) -> None:
    image = write_pair(tmp_path, "part")
    before = len(QApplication.topLevelWidgets())
    run(str(image), "--screenshot", str(tmp_path / "out.png"), "--view", view)
    assert len(QApplication.topLevelWidgets()) == before


@pytest.mark.parametrize("option", ["--screenshot", "--report"])
def test_what_is_shown_is_never_written_over(tmp_path: Path, option: str) -> None:
    image = write_pair(tmp_path, "part")
    before = image.read_bytes()
    code, said = run(str(image), option, str(image), "--overwrite")
    assert code == 2
    assert "is what is to be shown" in said
    assert image.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.png",), "there is no nowhere.png"),
        (("--size", "7"), "width and height"),
        (("--view", "odd", "--screenshot", "x.png"), "--view is one of image"),
        (("--theme", "odd", "--screenshot", "x.png"), "--theme is one of system"),
        (("--stride", "7"), "how large is a tile"),
        (("--results", "nowhere.npy"), "there is no nowhere.npy"),
        (("--results", ".", "--model", "a:b"), "give one of --results"),
        (("--simulate", "odd"), "--simulate is one of rim"),
        (("--model", "a:b", "--report", "r.html"), "leave out --report"),
    ],
)
def test_a_wrong_call_is_a_sentence(
    qtbot: QtBot, words: tuple[str, ...], said: str
) -> None:
    code, output = run(*words)
    assert code == 2
    assert said in " ".join(output.split())


def test_results_and_models_are_shown(qtbot: QtBot, tmp_path: Path) -> None:
    image, out = write_pair(tmp_path, "part"), tmp_path / "out.png"
    np.save(tmp_path / "maps.npy", np.ones((4, 16, 16), np.float32))
    shoot = (str(image), "--tile", "32", "--overwrite", "--screenshot", str(out))
    maps = str(tmp_path / "maps.npy")
    for words in (
        ("--results", maps),
        ("--model", "numpy:negative"),
        ("--simulate", "noise"),
    ):
        assert run(*shoot, *words) == (0, f"Wrote {out}\n")
    code, said = run(*shoot, "--model", "numpy:no_such_function")
    assert code == 1
    assert "numpy has no no_such_function" in said


@pytest.mark.parametrize("platform", ["", "xcb"])
def test_without_a_display_it_says_so(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    monkeypatch.setattr("sys.platform", "linux")
    code, output = run()
    assert code == 2
    assert "there is no display" in output


def test_a_display_that_does_not_answer_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(command, "_there", lambda _: True)
    code, output = run()
    assert code == 2
    assert "no display answers at DISPLAY=:987" in " ".join(output.split())


def test_missing_libraries_are_told_from_a_missing_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(command, "_there", lambda name: "gl" not in name.lower())
    code, output = run()
    assert code == 2
    assert "apt install libgl1 libegl1 libglib2.0-0" in " ".join(output.split())
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    code, output = run()
    assert code == 2
    assert 'pip install "reftiler[gui]"' in " ".join(output.split())


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("This plugin does not support propagateSizeHints()", ""),
        ("This plugin does not support raise()", "does not support raise()\n"),
    ],
)
def test_qt_is_heard_but_for_what_it_need_not_say(said: str, heard: str) -> None:
    lines = (
        "from PySide6.QtCore import qWarning",
        "from reftiler_gui import app",
        "app.install_message_handler()",
        f"qWarning({said!r})",
    )
    probe = [sys.executable, "-c", "\n".join(lines)]
    run = subprocess.run(probe, capture_output=True, text=True, check=True)
    assert run.stdout == ""
    assert run.stderr.endswith(heard)
    assert bool(run.stderr) == bool(heard)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_from_outside_it_remembers_and_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    lines = (
        "import os, signal, sys, threading, time",
        "from reftiler.cli import main",
        "signal.signal(signal.SIGINT, signal.default_int_handler)",
        "def ask(number):",
        "    heard = lambda: getattr(signal.getsignal(number), '__module__', '')",
        "    while 'reftiler_gui' not in heard():",
        "        time.sleep(0.05)",
        "    time.sleep(0.5)  # the window waits for events",
        "    os.kill(os.getpid(), number)",
        f"threading.Thread(target=ask, args=({int(number)},), daemon=True).start()",
        f"sys.argv = ['reftiler', 'view', {str(write_pair(tmp_path, 'part'))!r}]",
        "main()",
    )
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout) == (128 + number, "")
    assert "Traceback" not in run.stderr
    assert (tmp_path / "reftiler" / "viewer.conf").is_file()
