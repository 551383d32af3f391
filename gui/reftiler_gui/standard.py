"""The window with all views that the program has."""

from __future__ import annotations

from reftiler_gui.gallery import Gallery
from reftiler_gui.prefs import Prefs
from reftiler_gui.window import MainWindow

__all__ = ["standard_window"]


def standard_window(prefs: Prefs | None = None) -> MainWindow:
    """Return a window with all views."""
    window = MainWindow(prefs)
    Gallery.add_to(window)
    return window
