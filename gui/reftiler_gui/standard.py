"""The window with all views that the program has."""

from __future__ import annotations

from reftiler_gui.preferences import Preferences
from reftiler_gui.view_registry import ViewRegistry
from reftiler_gui.window import MainWindow

__all__ = ["standard_window"]


def standard_window(prefs: Preferences | None = None) -> MainWindow:
    """Return a window with all views."""
    window = MainWindow(prefs)
    ViewRegistry.add_to(window)
    return window
