"""The display of an image: histogram, limits, gamma and channels."""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from reftiler_gui.layouts import as_widget, hbox, vbox
from reftiler_gui.model.display import DisplaySettings, Histogram, dtype_range
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.viewer_model import ViewerModel
from reftiler_gui.widgets import RealField, WrapLabel, button, prepare_field

Counts: TypeAlias = NDArray[np.int64]

_GRIP = 8  # the screen's pixels to either side of a handle where it can be taken
_FINEST = 30  # decimals, at the most
_CUTS = {"Smallest to largest": 0.0, "0.1 % to 99.9 %": 0.1, "1 % to 99 %": 1.0}
_CHOICES = {3: ("YXC", "CYX", "KYX"), 4: ("KYXC", "KCYX")}
"""Axes by their number: Y rows, X columns, C channels, K images of a stack."""
_AUTO, _HAND = "Automatic", "By hand"


def outline_of(counts: Counts, edges: Sequence[float], floor: float) -> QPolygonF:
    """Return the outline of a histogram, logarithmic; edges are the screen's pixels."""
    heights = np.log1p(counts)
    tops = floor - heights / max(1.0, float(heights.max())) * (floor - 3)
    outline = [QPointF(edges[0], floor)]
    for start, stop, top in zip(edges, edges[1:], tops.tolist(), strict=False):
        outline += [QPointF(start, top), QPointF(max(start + 1, stop), top)]
    return QPolygonF([*outline, QPointF(outline[-1].x(), floor)])


def decimals_of(span: float, digits: int, least: int = 0) -> int:
    """Return the decimals of a field in which a span has so many digits."""
    size = math.floor(math.log10(min(span, sys.float_info.max)))
    return min(max(digits - size, least), _FINEST)


class HistogramView(QWidget):
    """A histogram, on a logarithmic scale, with a handle for each limit."""

    dragged = Signal(float, float)  # the limits, while a handle is moved

    def __init__(self) -> None:
        super().__init__()
        self._histogram: Histogram | None = None
        self._limits, self._gamma = (0.0, 1.0), 1.0
        self._span = (0.0, 1.0)
        self._held: int | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Histogram")
        self.setToolTip(
            "How often values occur (logarithmic); drag the handles: what is left of "
            "the first is black, right of the second white"
        )

    def show_histogram(
        self, histogram: Histogram | None, limits: tuple[float, float], gamma: float
    ) -> None:
        self._histogram, self._limits, self._gamma = histogram, limits, gamma
        if self._held is None:
            ends = (histogram.low, histogram.high) if histogram else limits
            self._span = min(ends[0], limits[0]), max(ends[1], limits[1])
        self.update()

    def x_of(self, value: float) -> float:
        low, high = self._span
        share = (value / 2 - low / 2) / (high / 2 - low / 2)
        return _GRIP + share * (self.width() - 2 * _GRIP)

    def _value_at(self, x: float) -> float:
        share = (x - _GRIP) / max(1, self.width() - 2 * _GRIP)
        low, high = self._span
        return low * (1 - share) + high * share

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._histogram:
            x = event.position().x()
            far = [abs(x - self.x_of(limit)) for limit in self._limits]
            self._held = int(far[1] < far[0] or (far[1] == far[0] and x > far[0]))
            self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._held is None:
            near = any(abs(x - self.x_of(limit)) <= _GRIP for limit in self._limits)
            shape = Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
            return
        limits, other = list(self._limits), self._limits[1 - self._held]
        apart = self.x_of(other) + (1 if self._held else -1)
        x = max(x, apart) if self._held else min(x, apart)
        limits[self._held] = self._value_at(x)
        self.dragged.emit(*limits)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None
        self.show_histogram(self._histogram, self._limits, self._gamma)

    def sizeHint(self) -> QSize:
        return QSize(200, 104)

    def paintEvent(self, event: QPaintEvent) -> None:
        floor = self.height() - 10
        palette = self.palette()
        accent = palette.highlight().color()
        with QPainter(self) as painter:
            painter.fillRect(0, 0, self.width(), floor, palette.base())
            if self._histogram is None:
                box, words = QRectF(0, 0, self.width(), floor), "Counting…"
                middle = Qt.AlignmentFlag.AlignCenter
                painter.drawText(box, middle, words if self.isEnabled() else "")
                return
            found, bar = self._histogram, palette.text().color()
            bar.setAlpha(150)
            edges = np.linspace(found.low, found.high, len(found.counts) + 1)
            places = [self.x_of(edge) for edge in edges.tolist()]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(bar)
            painter.drawPolygon(outline_of(found.counts, places, floor))
            low, high = (self.x_of(limit) for limit in self._limits)
            shade = QColor(palette.window().color())
            shade.setAlpha(170)
            painter.fillRect(QRectF(0, 0, low, floor), shade)
            painter.fillRect(QRectF(high, 0, self.width() - high, floor), shade)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            shares = [n / 32 for n in range(33)]
            curve = [
                QPointF(low + (high - low) * n, floor * (1 - n**self._gamma))
                for n in shares
            ]
            painter.setPen(QPen(accent, 1.2))
            painter.drawPolyline(QPolygonF(curve))
            for x, ink in ((low, QColor(0, 0, 0)), (high, QColor(255, 255, 255))):
                painter.setPen(QPen(accent, 1.6))
                painter.drawLine(QPointF(x, 0), QPointF(x, floor))
                grip = [QPointF(x, floor - 2), QPointF(x - 6, floor + 8)]
                painter.setBrush(ink)
                painter.drawPolygon(QPolygonF([*grip, QPointF(x + 6, floor + 8)]))


class DisplayPanel(QWidget):
    """The limits, gamma and channels of the image that is shown."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.histogram = HistogramView()
        self.low, self.high = RealField(), RealField()
        self.limits = QComboBox()
        self.gamma = QDoubleSpinBox(minimum=0.1, maximum=10, singleStep=0.1)
        self.colors = QComboBox()
        self.channels = [QSpinBox() for _ in range(3)]
        self.axes, self.page = QComboBox(), QSpinBox()
        self.keep = QCheckBox("Keep for all images")
        self.keep.setToolTip("Else each image has its own limits, gamma and channels")
        self.reset = button(
            "Reset",
            self.set_automatic,
            "Measure the limits; gamma 1; the first channels",
        )
        self.note = WrapLabel()
        self._lay_out()
        self.histogram.dragged.connect(self._set_limits)
        for field in (self.low, self.high):
            field.valueChanged.connect(self._on_limits)
        self.limits.textActivated.connect(self._choose_limits)
        self.gamma.valueChanged.connect(lambda value: self._change(gamma=value))
        self.colors.currentIndexChanged.connect(self._on_channels)
        for channel in self.channels:
            channel.valueChanged.connect(self._on_channels)
        self.axes.activated.connect(self._on_axes)
        self.page.valueChanged.connect(lambda page: viewer.read_as(self._axes, page))
        self.keep.toggled.connect(viewer.keep_display)
        viewer.item_changed.connect(self._show)
        viewer.display_changed.connect(self._show)
        self._show()

    def set_automatic(self) -> None:
        self._viewer.set_display(DisplaySettings())

    def _change(self, **values: object) -> None:
        display = replace(self._viewer.display, **values)  # type: ignore[arg-type]
        self._viewer.set_display(display)

    def _set_limits(self, low: float, high: float) -> None:
        if self._viewer.image is not None and self._viewer.image.dtype.kind in "iub":
            low, high = float(round(low)), float(round(high))
            if low >= high:  # the handle that is dragged stops
                moved = low != self._viewer.image.low
                low, high = (high - 1, high) if moved else (low, low + 1)
        self._change(low=low, high=high)

    def _on_limits(self) -> None:
        self._change(low=self.low.value(), high=self.high.value())

    def _choose_limits(self, choice: str) -> None:
        found, image = self._viewer.histogram, self._viewer.image
        if image is None:
            return
        if choice == _AUTO:
            self._change(low=None, high=None)
        elif choice == _full(image):
            self._set_limits(*dtype_range(image.dtype))
        elif choice in _CUTS and found is not None:
            self._set_limits(*found.limits(_CUTS[choice]))

    def _on_channels(self) -> None:
        wanted = self.channels[: 3 if self.colors.currentText() == "RGB" else 1]
        self._change(channels=tuple(field.value() for field in wanted))

    @property
    def _axes(self) -> str | None:
        return self._viewer.loaded.item.reading.axes if self._viewer.loaded else None

    def _on_axes(self, choice: int) -> None:
        self._viewer.read_as(self.axes.itemText(choice) if choice else None, 0)

    def _show(self) -> None:
        image, found = self._viewer.image, self._viewer.histogram
        self.setEnabled(image is not None)
        if image is None:
            self.histogram.show_histogram(None, (0.0, 1.0), 1.0)
            self.note.say("")
            return
        numbers = self.low, self.high, self.gamma, self.page, *self.channels
        choices = self.colors, self.limits, self.axes
        blockers = [QSignalBlocker(widget) for widget in (*numbers, *choices)]
        decimals = 0
        if image.dtype.kind == "f":
            decimals = decimals_of(image.high - image.low, 4, least=1)
        for field, value in ((self.low, image.low), (self.high, image.high)):
            field.setDecimals(decimals)
            field.setValue(value)
        self.gamma.setValue(image.display.gamma)
        self._show_channels(image)
        self._show_axes(image)
        self._show_choices(image, found)
        self.histogram.show_histogram(
            found, (image.low, image.high), image.display.gamma
        )
        self.note.say(_note(found))
        del blockers

    def _show_channels(self, image: ImagePyramid) -> None:
        colors = image.channels - image.has_alpha
        shown = image.shown_channels(self._viewer.display)
        row = self.form.getWidgetPosition(self.channel_row)[0]  # type: ignore[index]
        self.form.setRowVisible(row, colors > 1)
        self.colors.setVisible(colors >= 3)
        self.colors.setCurrentText("RGB" if len(shown) == 3 else "Grey")
        for place, field in enumerate(self.channels):
            field.setRange(0, max(0, colors - 1))
            field.setVisible(place < len(shown))
            if place < len(shown):
                field.setValue(shown[place])

    def _show_axes(self, image: ImagePyramid) -> None:
        stored, chosen = image.info.axes, self._axes
        choices = _CHOICES.get(len(stored), ()) if "S" not in stored else ()
        pages = image.info.pages
        self.form.setRowVisible(self.axes, bool(choices))
        self.form.setRowVisible(self.page, pages > 1)
        self.page.setRange(0, pages - 1)
        self.page.setValue(image.page)
        self.page.setSuffix(f" of 0 to {pages - 1}")
        self.axes.clear()
        automatic = "Automatic" if chosen else f"Automatic: {stored}"
        self.axes.addItems([automatic, *choices])
        self.axes.setCurrentText(chosen or automatic)

    def _show_choices(self, image: ImagePyramid, found: Histogram | None) -> None:
        limits = image.low, image.high
        known = {_AUTO: image.ranges.get(image.display.channels)}
        if found is not None:
            known |= {name: found.limits(cut) for name, cut in _CUTS.items()}
        known[_full(image)] = dtype_range(image.dtype)
        now = next((name for name, pair in known.items() if pair == limits), _HAND)
        self.limits.clear()
        self.limits.addItems([*known, *([_HAND] if now == _HAND else [])])
        self.limits.setCurrentText(now)

    def _lay_out(self) -> None:
        axes = "Y rows, X columns, C channels, K images of a stack"
        named: dict[QWidget, tuple[str, str]] = {
            self.low: ("Value shown black", "What is shown black"),
            self.high: ("Value shown white", "What is shown white"),
            self.limits: ("Choose the limits", "How the limits are chosen"),
            self.gamma: ("Gamma", "Below 1 dark values become brighter, above darker"),
            self.colors: ("Show channels as", "Three channels as RGB, or one as grey"),
            self.axes: ("Axes", f"What the axes of the array are: {axes}"),
            self.page: ("Image of the stack", "Which is shown (PgUp, PgDown)"),
        }
        for name, channel in zip(("Red", "Green", "Blue"), self.channels, strict=True):
            shown = f"Channel shown as {name.lower()}, or grey"
            named[channel] = (shown, f"{shown}: its number, from 0")
        policy = QSizePolicy.Policy
        for widget, (name, tip) in named.items():
            prepare_field(widget, name, tip)
        for field in (self.low, self.high):
            field.setRange(-1e300, 1e300)
            field.setKeyboardTracking(False)  # 2 of 2500 would be refused
            field.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
            field.setSizePolicy(policy.Ignored, policy.Fixed)  # its hint has 300 digits
        self.colors.addItems(["RGB", "Grey"])
        fields = (self.colors, *self.channels)
        self.channel_row = as_widget(hbox(*((one, 1) for one in fields), margin=0))
        self.form = QFormLayout(rowWrapPolicy=QFormLayout.RowWrapPolicy.WrapLongRows)
        self.form.setFieldGrowthPolicy(
            QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow
        )
        self.form.addRow("Limits", self.limits)
        self.form.addRow("", hbox((self.low, 1), QLabel("to"), (self.high, 1)))
        self.form.addRow("Gamma", hbox((self.gamma, 1), self.reset))
        self.form.addRow("Channels", self.channel_row)
        self.form.addRow("Axes", self.axes)
        self.form.addRow("Image of stack", self.page)
        whole = self.histogram, self.form, self.keep, self.note, (None, 1)
        self.setLayout(vbox(*whole, margin=(10, 6, 10, 8)))


def _full(image: ImagePyramid) -> str:
    return "0 to 1" if image.dtype.kind == "f" else f"All of {image.dtype.name}"


def _note(found: Histogram | None) -> str:
    if found is None:
        return "Counting the values…"
    parts = []
    if found.step > 1:
        parts.append(f"Every {found.step}. row and column is counted.")
    if found.nan or found.infinite:
        parts.append(f"{found.nan:,} NaN and {found.infinite:,} infinite values.")
    if not found.counts.any():
        parts.append("There is no finite value.")
    return " ".join(parts)
