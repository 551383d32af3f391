"""How far a job of a view is, and a button that cancels it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QWidget

from reftiler_gui.fields import button, named
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import hbox
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
