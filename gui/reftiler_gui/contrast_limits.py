"""The values that are shown black and white."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
)

from reftiler_gui.fields import guard_field
from reftiler_gui.model.image_pyramid import ImagePyramid

__all__ = ["ContrastLimits"]

_DIGITS = 4  # of the range that is shown, in numbers that need not be whole
_FINEST = 30  # decimals, at the most


class ContrastLimits(QGroupBox):
    """Two numbers, for images whose values are not bytes."""

    changed = Signal(object, object)
    """The values shown black and white; None and None to measure them."""

    def __init__(self) -> None:
        super().__init__("Values shown")
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        self.measure = QPushButton("Measure")
        self.measure.setToolTip("From the smallest to the largest value of the image")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 4, 0, 2)
        for field, name in ((self.low, "black"), (self.high, "white")):
            field.setRange(-1e18, 1e18)
            field.setAccessibleName(f"Value shown {name}")
            field.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
            field.setMinimumWidth(70)
            guard_field(field)
            field.valueChanged.connect(self._on_change)
        row.addWidget(self.low, 1)
        row.addWidget(QLabel("to"))
        row.addWidget(self.high, 1)
        row.addWidget(self.measure)
        self.measure.clicked.connect(lambda: self.changed.emit(None, None))
        self.hide()

    def show_source(self, source: ImagePyramid | None) -> None:
        """Show the range of an image; nothing for bytes."""
        self.setVisible(
            source is not None and source.dtype.name not in ("uint8", "bool")
        )
        if source is None:
            return
        decimals = 0
        if source.dtype.kind == "f":
            size = math.floor(math.log10(source.high - source.low))
            decimals = min(max(_DIGITS - size, 1), _FINEST)
        for field, number in ((self.low, source.low), (self.high, source.high)):
            with QSignalBlocker(field):
                field.setDecimals(decimals)
                field.setValue(number)

    def _on_change(self) -> None:
        self.changed.emit(self.low.value(), self.high.value())
