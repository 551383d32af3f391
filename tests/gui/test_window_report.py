"""A report from the window and from the command line, and what was opened lately."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu

from reftiler_gui.main_window import MainWindow
from tests.gui.test_window_command import run
from tests.gui.windows import open_paths, trigger, wait_until, write_pair


def test_the_window_reports_on_the_set_and_on_an_image(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "d.png").write_bytes(b"no image")
    open_paths(window, folder)
    asked: list[str] = []

    def answer(_window: object, _title: str, path: str, _kinds: str) -> tuple[str, str]:
        asked.append(path)
        return path, ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    for name in ("report", "report_image"):
        trigger(window, name)
        assert f"Wrote {asked[-1]}" in window.status.currentMessage()
    assert "3 images, 3 defects" in Path(asked[0]).read_text("utf-8")
    assert "1 image could not be read or tiled" in Path(asked[0]).read_text("utf-8")
    table = Path(asked[1]).with_suffix(".csv").read_text("utf-8").splitlines()
    assert [line.split(",")[:7] for line in table[1:]] == [
        ["a", "1", "20", "10", "3", "2", "6"]
    ]


def test_a_report_that_is_cancelled_or_refused_leaves_nothing(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.registry.actions["report"].trigger()
    assert "no image to report on" in window.status.currentMessage()
    open_paths(window, folder)
    before = sorted(folder.iterdir())
    out = str(folder / "r.html")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (out, ""))
    window.registry.actions["report"].trigger()
    trigger(window, "cancel")
    assert sorted(folder.iterdir()) == before
    (folder / "r.csv").write_text("mine", encoding="utf-8")
    trigger(window, "report")
    assert "r.csv is there already" in window.status.currentMessage()
    assert (folder / "r.csv").read_text("utf-8") == "mine"
    (folder / "r.csv").unlink()
    (folder / "r.html").write_text("mine", encoding="utf-8")
    typed = str(folder / "r")  # of which the dialog has not asked
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (typed, ""))
    trigger(window, "report")
    assert "r.html is there already" in window.status.currentMessage()
    assert (folder / "r.html").read_text("utf-8") == "mine"


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    image, out = write_pair(tmp_path, "part"), tmp_path / "r.html"
    words = (str(image), "--tile", "32", "--report", str(out))
    code, said = run(*words)
    assert (code, "1 image, 1 defect" in said) == (0, True)
    assert "<h1>part</h1>" in out.read_text("utf-8")
    out.unlink()
    code, said = run(*words)
    assert (code, "r.csv exists" in " ".join(said.split())) == (2, True)
    assert not out.exists()
    assert run(*words, "--overwrite")[0] == 0
    assert out.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--report", "r.txt"), "give a name with .html"),
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


def test_what_was_opened_lately_has_a_menu(window: MainWindow, folder: Path) -> None:
    window.recent.fill()
    assert [a.text() for a in window.recent.actions()] == ["Nothing was opened yet"]
    for name in ("a.png", "b.png"):
        open_paths(window, folder / name)
    (folder / "a.png").unlink()
    window.recent.fill()
    last, first = window.recent.actions()[:2]
    assert last.text().startswith("&1  b.png")
    assert last.isEnabled()
    assert first.text().endswith("not there any more")
    assert not first.isEnabled()
    open_paths(window, folder / "c.png")
    last.trigger()
    wait_until(lambda: window.viewer.image_set.title == "b.png")
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
    assert "32 images, " in run.stdout
    assert run.stderr == ""
    assert "In tile 6" in (tmp_path / "r.html").read_text("utf-8")
