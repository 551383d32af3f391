"""How far a job of a view is, and a button that cancels it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from reftiler_gui.jobs import Jobs
from reftiler_gui.model.steps import Work

__all__ = ["JobProgress"]

T = TypeVar("T")


class JobProgress(QWidget):
    """A job of a view, seen while it runs."""

    cancelled = Signal()
    """Somebody did not want it any more."""

    def __init__(self, jobs: Jobs, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._name = jobs, name
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(90, 12)
        self.bar.setAccessibleName(f"{name}: how far it is")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName(f"Cancel: {name}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(f"{name}…"))
        row.addWidget(self.bar)
        row.addWidget(self.cancel)
        self.hide()
        self.cancel.clicked.connect(lambda: jobs.give_up(name))
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
