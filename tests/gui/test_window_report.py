"""A report from the window and from the command line, and what was opened lately."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.report_dialog import ReportDialog
from tests.gui.test_window_command import run
from tests.gui.windows import settled, write_pair

SAVE = QDialogButtonBox.StandardButton.Save


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> ReportDialog:
    made = ReportDialog(tmp_path / "r.html", MockModel())
    qtbot.addWidget(made)
    return made


def test_the_window_writes_a_report(
    qtbot: QtBot, window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.open([folder / "a.png"])
    settled(qtbot, window)

    def accept(dialog: ReportDialog) -> QDialog.DialogCode:
        dialog.merged.setChecked(True)
        assert dialog.buttons.button(SAVE).isEnabled()
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(ReportDialog, "exec", accept)
    window.registry.actions["report"].trigger()
    settled(qtbot, window)
    text = (folder / "a-tiling.html").read_text("utf-8")
    assert "<h1>a</h1>" in text
    assert "Merged again" in text
    assert "Wrote" in window.status.currentMessage()
    window.registry.actions["report"].trigger()
    settled(qtbot, window)
    assert (folder / "a-tiling1.html").is_file()


def test_without_an_image_there_is_no_report(window: MainWindow) -> None:
    window.registry.actions["report"].trigger()
    assert "no image to report on" in window.status.currentMessage()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r.txt", "ends with .html"),
        ("none/r.html", "no folder"),
        ("folder.html", "is a folder"),
        ("old.html", "is there already"),
    ],
)
def test_what_is_wrong_with_a_name_is_said_at_once(
    dialog: ReportDialog, tmp_path: Path, name: str, words: str
) -> None:
    assert dialog.buttons.button(SAVE).isEnabled()
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "old.html").write_text("old", encoding="utf-8")
    dialog.field.setText(str(tmp_path / name))
    assert words in dialog.trouble.text()
    assert not dialog.buttons.button(SAVE).isEnabled()
    dialog.overwrite.setChecked(True)
    assert dialog.buttons.button(SAVE).isEnabled() == (name == "old.html")


def test_the_command_writes_a_report_without_qt(tmp_path: Path) -> None:
    image, out = write_pair(tmp_path, "part"), tmp_path / "r.html"
    words = (str(image), "--tile", "32", "--report", str(out))
    assert run(*words) == (0, "")
    assert "<h1>part</h1>" in out.read_text("utf-8")
    assert "Merged again" not in out.read_text("utf-8")
    code, said = run(*words)
    assert (code, "exists" in " ".join(said.split())) == (2, True)
    assert run(*words, "--overwrite", "--stand-in", "noise") == (0, "")
    assert "Merged again" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--report", "r.txt"), "give a name with .html"),
        (("--report", "r.html", "--stand-in", "odd"), "--stand-in is one of rim"),
        (("--stand-in", "rim"), "to --report FILE"),
        (("--overwrite",), "and --report FILE"),
    ],
)
def test_a_wrong_call_for_a_report_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = run(*words)
    assert code == 2
    assert said in " ".join(output.split())
    assert not list(tmp_path.iterdir())


def test_what_was_opened_lately_has_a_menu(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    window.recent.fill()
    assert [a.text() for a in window.recent.actions()] == ["Nothing was opened yet"]
    for name in ("a.png", "b.png"):
        window.open([folder / name])
        settled(qtbot, window)
    (folder / "a.png").unlink()
    window.recent.fill()
    last, first = window.recent.actions()[:2]
    assert last.text().startswith("&1  b.png")
    assert last.isEnabled()
    assert first.text().endswith("not there any more")
    assert not first.isEnabled()
    window.open([folder / "c.png"])
    settled(qtbot, window)
    last.trigger()
    qtbot.waitUntil(lambda: window.viewer.image_set.title == "b.png")
    window.recent.fill()
    window.recent.actions()[-1].trigger()
    assert window.preferences.recent == ()
    action = window.recent.menuAction()
    menus = window.menuBar().findChildren(QMenu)
    (file,) = (menu for menu in menus if action in menu.actions())
    place = file.actions().index(action)
    assert file.actions()[place - 1] is window.registry.actions["recent"]


def test_what_vanished_is_forgotten_with_a_sentence(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone.png"
    window.preferences.remember(gone)
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (str(gone), True))
    window.registry.actions["recent"].trigger()
    assert "not there any more" in window.status.currentMessage()
    assert window.preferences.recent == ()
    window.open([gone])
    assert window.preferences.recent == ()


def test_a_report_needs_no_qt(tmp_path: Path) -> None:
    lines = (
        "import sys",
        "sys.modules['PySide6'] = None",
        "from reftiler.cli.app import app",
        f"app(['view', '--report', {str(tmp_path / 'r.html')!r}])",
    )
    probe = [sys.executable, "-c", "\n".join(lines)]
    run = subprocess.run(probe, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
    assert "In tile 6" in (tmp_path / "r.html").read_text("utf-8")
