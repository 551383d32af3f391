"""Windows that are opened from Python: in scripts, IPython and Jupyter."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from PySide6.QtCore import QEventLoop, QSettings, QThread
from PySide6.QtWidgets import QApplication

from reftiler_gui.app import application
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.given_arrays import given_images, given_settings
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.runtime import SignalHandlers
from reftiler_gui.theme import SCHEMES, apply_theme

__all__ = ["show"]

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
