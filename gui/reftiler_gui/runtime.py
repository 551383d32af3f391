"""What the program does with messages of Qt, and with signals of the system."""

from __future__ import annotations

import signal
import socket
import sys

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    QtMsgType,
    qFormatLogMessage,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication, QWidget

__all__ = ["SignalHandlers", "install_message_handler"]

# Said of every window that is drawn without a screen.
_NEEDLESS = "This plugin does not support propagateSizeHints()"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def install_message_handler() -> None:
    """Write the messages of Qt to standard error, but for one that says nothing."""

    def write(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if text.strip() != _NEEDLESS:
            sys.stderr.write(f"{qFormatLogMessage(kind, context, text)}\n")

    qInstallMessageHandler(write)


class SignalHandlers(QObject):
    """Closes a window as its user does, so that what it remembers is written.

    While nothing happens Qt waits outside of Python, where no handler of a signal runs;
    the number of the signal comes through a socket, which wakes it.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        # 128 and the signal's number, as shells have it; 0 if there was none
        self.code = 0
        self._window = window
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self._notifier = QSocketNotifier(
            self._ours.fileno(), QSocketNotifier.Type.Read, self
        )
        self._notifier.activated.connect(self._on_signal)

    def __enter__(self) -> SignalHandlers:
        # What runs in the background was started to ignore Ctrl-C, and does.
        handled = [one for one in _SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
        self._before = {one: signal.signal(one, _nothing) for one in handled}
        self._woken = signal.set_wakeup_fd(self._theirs.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._woken)
        for one, handler in self._before.items():
            signal.signal(one, handler)
        self._notifier.setEnabled(False)
        for end in (self._ours, self._theirs):
            end.close()

    def _on_signal(self) -> None:
        self.code = 128 + self._ours.recv(1)[0]
        self._window.close()
        QApplication.quit()  # out of a dialog too


def _nothing(*_: object) -> None:
    """Take a signal; the socket passes it on."""
