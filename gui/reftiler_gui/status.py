"""The line at the bottom, and the line of a job: what goes on, and how to cancel it."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QWidget

from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import hbox
from reftiler_gui.model.steps import Work
from reftiler_gui.widgets import ElidedLabel, button, named, plain_tip

T = TypeVar("T")

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
        self.showMessage(words, _LONG)
        self.setToolTip(plain_tip(words))

    def inform(self, words: str) -> None:
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


class JobProgress(QWidget):
    """A job of a view, seen while it runs."""

    cancelled = Signal()  # somebody did not want it any more

    def __init__(self, jobs: Jobs, name: str) -> None:
        super().__init__()
        self._jobs, self._name = jobs, name
        self.bar = named(QProgressBar(maximum=1000), f"{name}: how far it is")
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(90, 12)
        self.cancel = button("Cancel", lambda: jobs.give_up(name))
        self.cancel.setAccessibleName(f"Cancel: {name}")
        self.setLayout(hbox(QLabel(f"{name}…"), self.bar, self.cancel, margin=0))
        self.hide()
        jobs.ended.connect(self._on_ended)
        jobs.given_up.connect(self._on_given_up)

    def start(
        self,
        make: Callable[[], T | Work[T]],
        done: Callable[[T], object],
        failed: Callable[[str], object],
        progress: Callable[[float], object] | None = None,
    ) -> None:
        """Start the job anew, as `Jobs.start` does."""

        def progressed(share: float) -> None:
            self.bar.setValue(round(1000 * share))
            if progress is not None:
                progress(share)

        self.bar.setValue(0)
        self.show()
        self._jobs.start(self._name, make, done, failed, progressed)

    def _on_given_up(self, name: str) -> None:
        if name == self._name:
            self.cancelled.emit()

    def _on_ended(self, name: str) -> None:
        if name == self._name:
            self.hide()
