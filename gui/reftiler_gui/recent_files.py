"""The menu of recent files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QMenu, QWidget

from reftiler_gui.labels import plain_tip
from reftiler_gui.preferences import Preferences

__all__ = ["RecentFilesMenu"]


class RecentFilesMenu(QMenu):
    """
    What was opened lately, the last first; what has vanished is grey.

    Parameters
    ----------
    preferences : Preferences
        Remembers it.
    open_path : callable
        Opens a path.
    """

    def __init__(
        self,
        preferences: Preferences,
        open_path: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Recent files", parent)
        self._preferences, self._open = preferences, open_path
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List what there is now."""
        self.clear()
        recent = self._preferences.recent
        for number, path in enumerate(recent, start=1):
            self._add(number, Path(path))
        if not recent:
            self.addAction("Nothing was opened yet").setEnabled(False)
            return
        self.addSeparator()
        self.addAction("Forget all of them", self._preferences.forget)

    def _add(self, number: int, path: Path) -> None:
        there = path.exists()
        name = path.name.replace("&", "&&")
        words = f"&{number}  {name}   ({path.parent})"
        action = self.addAction(words if there else f"{words}: not there any more")
        action.setToolTip(plain_tip(str(path)))
        action.setEnabled(there)
        action.triggered.connect(partial(self._chosen, str(path)))

    def _chosen(self, path: str, _: bool = False) -> None:
        self._open(path)
