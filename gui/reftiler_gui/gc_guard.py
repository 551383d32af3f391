"""Garbage is collected in the thread of the windows alone while others work.

Python collects in whatever thread happens to allocate; a widget that dies there,
because it hung in a circle of references, takes the program down.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

__all__ = ["MainThreadGC"]

_EVERY = 500  # milliseconds

_keepers: set[int] = set()
"""Those for whom Python itself does not collect."""


class MainThreadGC(QObject):
    """
    Collects in the thread in which it lives, between `keep` and `leave`.

    Parameters
    ----------
    parent : QObject
        Whose threads work.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self._collect)

    def keep(self) -> None:
        """Collect here from now on; call it before a thread begins to work."""
        _keepers.add(id(self))
        gc.disable()
        if not self._timer.isActive():
            self._timer.start()

    def leave(self) -> None:
        """Leave it to Python again; call it when no thread works any more."""
        self._timer.stop()
        _keepers.discard(id(self))
        if not _keepers:
            gc.enable()

    def _collect(self) -> None:
        """Collect the oldest generation that is due, as Python would."""
        due = [
            number
            for number, (count, most) in enumerate(
                zip(gc.get_count(), gc.get_threshold(), strict=True)
            )
            if count > most
        ]
        if due:
            gc.collect(due[-1])
