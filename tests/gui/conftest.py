"""The windows' tests need Qt, and no display; without Qt they are skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyside6")

import pytest

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from reftiler_gui.jobs import Jobs
    from reftiler_gui.main_window import MainWindow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a warning of Qt fail a test; set here, for the core's tests need no Qt."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints"))


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - needs Qt

    from reftiler_gui.main_window import MainWindow  # noqa: PLC0415

    # A theme that another test left makes every window twice as slow.
    QApplication.instance().setStyleSheet("")  # type: ignore[union-attr]
    made = MainWindow()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


@pytest.fixture
def sample(window: MainWindow) -> MainWindow:
    """Return a window that shows the bundled sample, and has the keys."""
    from tests.gui.windows import activate, open_paths  # noqa: PLC0415 - needs Qt

    open_paths(window)
    activate(window)
    return window


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    from reftiler_gui.jobs import Jobs  # noqa: PLC0415 - needs Qt

    made = Jobs()
    yield made
    made.stop()


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what gives the answer of all dialogs that ask for a file or a folder."""
    from PySide6.QtWidgets import QFileDialog  # noqa: PLC0415 - needs Qt

    def given(*paths: Path) -> None:
        names = [str(path) for path in paths]
        first = names[0] if names else ""  # where the dialog is cancelled
        for name, reply in (
            ("getOpenFileName", (first, "")),
            ("getSaveFileName", (first, "")),
            ("getOpenFileNames", (names, "")),
            ("getExistingDirectory", first),
        ):
            monkeypatch.setattr(QFileDialog, name, lambda *_, reply=reply: reply)

    return given


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from tests.gui.windows import write_pair  # noqa: PLC0415 - needs Qt

    for name in ("a", "b", "c"):
        write_pair(tmp_path, name)
    return tmp_path
