"""Asked to end from outside, by Ctrl-C or by the system, the window is closed."""

from __future__ import annotations

import signal
import socket
from types import TracebackType

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication, QWidget

__all__ = ["SignalHandlers"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SignalHandlers(QObject):
    """
    Closes a window as its user does, so that what it remembers is written.

    While nothing happens Qt waits outside of Python, where no handler of a signal
    runs; the number of the signal comes through a socket, which wakes it.

    Parameters
    ----------
    window : QWidget
        What is closed.

    Attributes
    ----------
    code : int
        128 and the signal's number, as shells have it; 0 if there was none.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self.code = 0
        self._window = window
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self._notifier = QSocketNotifier(
            self._ours.fileno(), QSocketNotifier.Type.Read, self
        )
        self._notifier.activated.connect(self._hear)

    def __enter__(self) -> SignalHandlers:
        # What runs in the background has been told to ignore Ctrl-C, and does.
        heard = [one for one in _SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
        self._before = {one: signal.signal(one, _nothing) for one in heard}
        self._woken = signal.set_wakeup_fd(self._theirs.fileno())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._woken)
        for one, handler in self._before.items():
            signal.signal(one, handler)
        self._notifier.setEnabled(False)
        for end in (self._ours, self._theirs):
            end.close()

    def _hear(self) -> None:
        self.code = 128 + self._ours.recv(1)[0]
        self._window.close()
        QApplication.quit()  # out of a dialog too


def _nothing(*_: object) -> None:
    """Take a signal; the socket tells of it."""
