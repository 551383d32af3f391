"""The program: a window on the screen, or a picture of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication

from reftiler.cli.console import UsageError
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler_gui.exporting import save_picture
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.preferences import Preferences
from reftiler_gui.results_model import Source
from reftiler_gui.runtime import SignalHandlers, install_message_handler
from reftiler_gui.theme import SCHEMES, apply_theme

__all__ = ["LaunchOptions", "application", "run", "take_screenshot"]

_PATIENCE = 120.0  # seconds until a picture is taken of what is there


@dataclass(frozen=True)
class LaunchOptions:
    """What the command line asks for; nothing where it does not."""

    paths: tuple[Path, ...] = ()
    maps: tuple[Path, ...] = ()
    config: TilingConfig | None = None
    size: tuple[int, int] | None = None
    view: str = ""
    results: Source | None = None
    theme: str = ""
    fresh: bool = False


def run(asked: LaunchOptions) -> int:
    """Show the window until it is closed; return the exit code."""
    app = application()
    window = _window(app, asked)
    window.show()
    with SignalHandlers(window) as ending:
        code = int(app.exec())
    return ending.code or code


def take_screenshot(asked: LaunchOptions, path: Path) -> None:
    """Write a picture of the window once all work is done; TilingError if it cannot."""
    app = application()
    window = _window(app, asked)
    said: list[str] = []
    window.viewer.noticed.connect(said.append)
    window.show()
    try:
        _wait(
            app, lambda: window.viewer.loaded is not None or not window.jobs.running()
        )
        _wait(app, lambda: not window.jobs.running())
        save_picture(window.grab().toImage(), path)
        loaded, problem = window.viewer.loaded, window.results.problem
        shown = window.viewer.cases or (loaded and loaded.image)
    finally:
        _let_go(window)
    if problem or not shown:
        raise TilingError(problem or "; ".join(said) or "there is nothing to show")


def application() -> QApplication:
    """Return Qt's application, made if there is none."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        install_message_handler()
        app = QApplication(["reftiler"])
    app.setApplicationName("viewer")
    app.setOrganizationName("reftiler")
    return app


def _window(app: QApplication, asked: LaunchOptions) -> MainWindow:
    preferences = Preferences(None if asked.fresh else QSettings())
    scheme = asked.theme or str(preferences.get("theme", "system"))
    if scheme not in SCHEMES:
        raise UsageError(f"--theme is one of {', '.join(SCHEMES)}, got {scheme!r}")
    apply_theme(app, scheme)
    window = MainWindow(preferences)
    if asked.size is not None:
        window.resize(*asked.size)
    if asked.config is not None:
        window.viewer.change(FormSettings.of(asked.config))
    if asked.view and asked.view not in window.views:
        names = ", ".join(window.views)
        _let_go(window)
        raise UsageError(f"--view is one of {names}, got {asked.view!r}")
    window.open(asked.paths, asked.maps)
    window.results.open(asked.results)
    window.show_view(asked.view or ("merged" if asked.results else "image"))
    return window


def _let_go(window: MainWindow) -> None:
    """Close a window and free what it holds, though no event loop runs."""
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


def _wait(app: QApplication, ready: Callable[[], bool]) -> None:
    """Let the window work until something is so, and stays so for some rounds."""
    end, rounds = time.monotonic() + _PATIENCE, 0
    while time.monotonic() < end and rounds < 5:
        app.processEvents()
        rounds = rounds + 1 if ready() else 0
        time.sleep(0.005)
