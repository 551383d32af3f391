"""Rows and columns of widgets, and rows that go on in the next line."""

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QVBoxLayout,
    QWidget,
)

BoxT = TypeVar("BoxT", bound=QBoxLayout)
Margin: TypeAlias = int | tuple[int, int, int, int] | None
"""Pixels at all sides, or left, above, right and below; None for the style's."""
Content: TypeAlias = QWidget | QLayout | None
Part: TypeAlias = Content | tuple[Content, int]
"""What stands in a row or a column, and its stretch; None is free room."""


def hbox(*parts: Part, margin: Margin = None, gap: int = -1) -> QHBoxLayout:
    """Return parts side by side; without a margin there is that of the style."""
    return _filled(QHBoxLayout(), parts, margin, gap)


def vbox(*parts: Part, margin: Margin = None, gap: int = -1) -> QVBoxLayout:
    """Return parts one above the other, as `hbox` has them side by side."""
    return _filled(QVBoxLayout(), parts, margin, gap)


def _filled(box: BoxT, parts: Iterable[Part], margin: Margin, gap: int) -> BoxT:
    if margin is not None:
        sides = margin if isinstance(margin, tuple) else (margin,) * 4
        box.setContentsMargins(*sides)
    box.setSpacing(gap)
    for part in parts:
        content, stretch = part if isinstance(part, tuple) else (part, 0)
        if isinstance(content, QWidget):
            box.addWidget(content, stretch)
        elif content is not None:
            box.addLayout(content, stretch)
        else:
            box.addStretch(stretch)
    return box


def as_widget(layout: QLayout) -> QWidget:
    """Return a widget that has a layout."""
    widget = QWidget()
    widget.setLayout(layout)
    return widget


class FlowLayout(QLayout):
    """Widgets side by side, in as many lines as they need."""

    def __init__(self, gap: int = 8) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._heights: dict[int, int] = {}  # by width, until something changes
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)
        self.invalidate()

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        self.invalidate()
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def invalidate(self) -> None:
        """Forget heights: a widget, or what it asks for, has changed."""
        self._heights.clear()
        super().invalidate()

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if width not in self._heights:
            self._heights[width] = self._laid_out(QRect(0, 0, width, 0), move=False)
        return self._heights[width]

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._laid_out(rect, move=True)

    def sizeHint(self) -> QSize:
        hints = [item.sizeHint() for item in self._shown()]
        gaps = self._gap * max(0, len(hints) - 1)
        return QSize(
            sum(hint.width() for hint in hints) + gaps,
            max((hint.height() for hint in hints), default=0),
        )

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return size

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _laid_out(self, rect: QRect, *, move: bool) -> int:
        x, y, high = rect.x(), rect.y(), 0
        for line in self._lines(rect.width()):
            high = max(hint.height() for _, hint in line)
            for item, hint in line:
                if move:
                    lower = (high - hint.height()) // 2
                    item.setGeometry(QRect(QPoint(x, y + lower), hint))
                x += hint.width() + self._gap
            x, y = rect.x(), y + high + self._gap
        return max(0, y - self._gap - rect.y())

    def _lines(self, width: int) -> list[list[tuple[QLayoutItem, QSize]]]:
        lines: list[list[tuple[QLayoutItem, QSize]]] = []
        room = -1
        for item in self._shown():
            hint = item.sizeHint().boundedTo(QSize(width, 10**6))
            if hint.width() > room:
                lines.append([])
                room = width
            lines[-1].append((item, hint))
            room -= hint.width() + self._gap
        return lines


def flow(*parts: QWidget, gap: int = 8) -> FlowLayout:
    """Return widgets side by side, in as many lines as they need."""
    found = FlowLayout(gap)
    for part in parts:
        found.addWidget(part)
    return found


def turn(box: QBoxLayout, *, beside: bool) -> None:
    """Put what is in a box side by side, or one above the other."""
    ways = QBoxLayout.Direction
    box.setDirection(ways.LeftToRight if beside else ways.TopToBottom)


def labelled(words: str, field: QWidget) -> QWidget:
    """Return a field with a label before it, which stay together."""
    label = QLabel(words)
    label.setBuddy(field)
    return as_widget(hbox(label, field, margin=0))
