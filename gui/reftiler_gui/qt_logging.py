"""What Qt says goes where it always goes, but for one thing that it need not say."""

from __future__ import annotations

import sys

from PySide6.QtCore import (
    QMessageLogContext,
    QtMsgType,
    qFormatLogMessage,
    qInstallMessageHandler,
)

__all__ = ["install"]

_NEEDLESS = "This plugin does not support propagateSizeHints()"
"""Said of every window that is drawn without a screen, where no size is hinted at."""


def install() -> None:
    """Hear what Qt says from now on."""
    qInstallMessageHandler(_hear)


def _hear(kind: QtMsgType, context: QMessageLogContext, words: str) -> None:
    if words.strip() != _NEEDLESS:
        sys.stderr.write(f"{qFormatLogMessage(kind, context, words)}\n")
