"""The colours of a signed difference and what they stand for."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from reftiler_gui.model.colors import signed
from reftiler_gui.tile_cache import as_image

__all__ = ["DifferenceLegend"]

_STEPS = 255
_SWATCH = 12  # the screen's pixels that the band is high


class DifferenceLegend(QWidget):
    """A band of colours with the values at its ends and its middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_limit(0.0)

    def set_limit(self, limit: float) -> None:
        """Take the difference that has the full colour; 0 hides the band."""
        self._limit = limit
        high = f"{limit:.4g}"
        self.setAccessibleName(
            f"Blue is {high} too little, white no difference, orange {high} too much"
        )
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a band and a line of words."""
        return QSize(260, _SWATCH + self.fontMetrics().height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the band and its values."""
        if not self._limit:
            return
        band = signed(np.linspace(-1, 1, _STEPS)[np.newaxis], 1.0)
        box = QRect(0, 0, self.width(), _SWATCH)
        words = box.adjusted(0, _SWATCH + 2, 0, self.fontMetrics().height() + 2)
        names = (f"−{self._limit:.4g}", "0", f"+{self._limit:.4g}")
        sides = (
            Qt.AlignmentFlag.AlignLeft,
            Qt.AlignmentFlag.AlignHCenter,
            Qt.AlignmentFlag.AlignRight,
        )
        with QPainter(self) as painter:
            painter.drawImage(box, as_image(band, opaque=True))
            for name, side in zip(names, sides, strict=True):
                painter.drawText(words, side, name)
