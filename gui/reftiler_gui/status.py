"""The line at the bottom: the position under the cursor, and what is going on."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar

from reftiler_gui.fields import button, named
from reftiler_gui.jobs import Jobs
from reftiler_gui.labels import ElidedLabel, plain_tip

__all__ = ["Status"]

_HINT = "Wheel: zoom   ·   drag: move   ·   click a ring or a tile   ·   ?: all keys"
_LONG = 12_000  # milliseconds that a sentence stays


class Status(QStatusBar):
    """What is under the cursor and what goes on."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._running: list[str] = []
        self.place = named(ElidedLabel(), "Under the cursor")
        self.place.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.bar = named(QProgressBar(textVisible=False), "How far the work is")
        self.bar.setMaximumSize(110, 12)
        self.cancel = button("Cancel", jobs.give_up, "Cancel the work (Esc)")
        self.cancel.setAccessibleName("Cancel the work")
        self.doing = QLabel()
        self.addWidget(self.place, 1)
        for part in (self.doing, self.bar, self.cancel):
            self.addPermanentWidget(part)
        jobs.started.connect(self._on_started)
        jobs.progressed.connect(self._on_progressed)
        jobs.ended.connect(self._on_ended)
        self.point("")
        self._show_running()

    def say(self, words: str) -> None:
        """Show a sentence for a while."""
        self.showMessage(words, _LONG)
        self.setToolTip(plain_tip(words))

    def inform(self, words: str) -> None:
        """Show what was done for a while."""
        self.showMessage(words, _LONG // 2)

    def point(self, words: str) -> None:
        """Show what is under the cursor; nothing shows the hint."""
        self.place.say(words or _HINT)

    def _on_started(self, name: str) -> None:
        if name not in self._running:
            self._running.append(name)
        self._show_running()

    def _on_progressed(self, name: str, share: float) -> None:
        if self._running and self._running[-1] == name:
            self.bar.setRange(0, 100)
            self.bar.setValue(round(100 * share))

    def _on_ended(self, name: str) -> None:
        if name in self._running:
            self._running.remove(name)
        self._show_running()

    def _show_running(self) -> None:
        busy = bool(self._running)
        self.doing.setText(f"{self._running[-1]}…" if busy else "")
        self.bar.setRange(0, 0)
        for part in (self.doing, self.bar, self.cancel):
            part.setVisible(busy)
