"""The program: a window on the screen, or a picture of one; windows from Python."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QEventLoop,
    QMessageLogContext,
    QObject,
    QSettings,
    QSocketNotifier,
    QThread,
    QtMsgType,
    qFormatLogMessage,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication, QWidget

from reftiler.cli.console import UsageError
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler_gui.exporting import save_picture
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.given_arrays import given_images, given_settings
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.preferences import Preferences
from reftiler_gui.results_model import Source
from reftiler_gui.theme import SCHEMES, apply_theme

# Said of every window that is drawn without a screen.
_NEEDLESS = "This plugin does not support propagateSizeHints()"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def install_message_handler() -> None:
    """Write the messages of Qt to standard error, but for one that says nothing."""

    def write(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if text.strip() != _NEEDLESS:
            sys.stderr.write(f"{qFormatLogMessage(kind, context, text)}\n")

    qInstallMessageHandler(write)


class SignalHandlers(QObject):
    """Closes a window as its user does, so that what it remembers is written."""

    # While nothing happens Qt waits outside of Python, where no handler of a signal
    # runs; the number of the signal comes through a socket, which wakes it.

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        # 128 and the signal's number, as shells have it; 0 if there was none
        self.code = 0
        self._window = window
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self._notifier = QSocketNotifier(
            self._ours.fileno(), QSocketNotifier.Type.Read, self
        )
        self._notifier.activated.connect(self._on_signal)

    def __enter__(self) -> Self:
        # What runs in the background was started to ignore Ctrl-C, and does.
        handled = [one for one in _SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
        self._before = {one: signal.signal(one, _nothing) for one in handled}
        self._woken = signal.set_wakeup_fd(self._theirs.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._woken)
        for one, handler in self._before.items():
            signal.signal(one, handler)
        self._notifier.setEnabled(False)
        for end in (self._ours, self._theirs):
            end.close()

    def _on_signal(self) -> None:
        self.code = 128 + self._ours.recv(1)[0]
        self._window.close()
        QApplication.quit()  # out of a dialog too


def _nothing(*_: object) -> None:
    """Take a signal; the socket passes it on."""


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


_open: set[MainWindow] = set()  # windows that live although nobody may hold them


def show(
    image: Any, mask: Any, maps: Any, tiler: Any, block: bool | None
) -> MainWindow:
    """Show a window; see `reftiler_gui.view`."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("windows are shown by the main thread: call view there")
    settings = given_settings(tiler)
    found, map_paths = given_images(image, mask, maps, settings)
    missing = [path for path in map_paths if not path.exists()]
    if not isinstance(found, ImageSet):
        missing += [path for path in found if not path.exists()]
    if missing:
        raise FileNotFoundError(f"there is no {missing[0]}: give an image or a folder")
    ours = QApplication.instance() is None
    app = application()
    if ours:  # others have a theme of their own
        scheme = str(QSettings().value("theme", "system"))
        apply_theme(app, scheme if scheme in SCHEMES else "system")
    window = MainWindow()
    if settings is not None:
        window.viewer.change(settings)
        window.viewer.undo_stack.clear()
    if isinstance(found, ImageSet):
        window.viewer.show(found)
    else:
        window.open(found, map_paths)
    window.show()
    _open.add(window)
    window.closed.connect(lambda: _open.discard(window))
    window.closed.connect(window.deleteLater)  # its images go with it
    waits = QThread.currentThread().loopLevel() == 0
    if waits and (not _interactive() if block is None else block):
        loop = QEventLoop()
        window.closed.connect(loop.quit)
        with SignalHandlers(window) as signals:
            loop.exec()
        if signals.code == 128 + 2:
            raise KeyboardInterrupt
    return window


def _interactive() -> bool:
    """Let IPython and Jupyter run Qt's event loop; return whether they do."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    running = getattr(shell, "active_eventloop", None) or "qt"
    if (
        shell is None
        or getattr(shell, "simple_prompt", False)  # which runs no event loop
        or not running.startswith("qt")  # but another, of which there is only one
    ):
        return False
    os.environ.setdefault("QT_API", "pyside6")  # else IPython may import PyQt
    shell.enable_gui("qt6")
    return True
