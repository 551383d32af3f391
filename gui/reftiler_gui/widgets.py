"""Widgets of all panels: labels, buttons, fields and tables, and their keys."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from html import escape
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QValidator,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QTableWidget,
    QToolButton,
    QWidget,
)

from reftiler_gui.layouts import hbox, vbox


class WrapLabel(QLabel):
    """Words that are never cut off, as forms do: their rows ask at another width."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def say(self, words: str) -> None:
        self.setText(words)
        self._ask(self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ask(event.size().width())

    def _ask(self, width: int) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(width)))


def plain_tip(words: str) -> str:
    """Return a tool tip that shows words as they are; Qt would take some for HTML."""
    return f"<span>{escape(words)}</span>" if words else ""


class ElidedLabel(QLabel):
    """Words that are cut short where there is no room; the mouse sees all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # Panes side by side are of one width, whatever their captions.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, words: str) -> None:
        self.setText(words)
        self.setToolTip(plain_tip(words))

    def paintEvent(self, event: QPaintEvent) -> None:
        metrics, middle = self.fontMetrics(), Qt.TextElideMode.ElideMiddle
        words = metrics.elidedText(self.text(), middle, self.width())
        with QPainter(self) as painter:
            painter.drawText(self.rect(), self.alignment(), words)


def message_label(name: str) -> QLabel:
    """Return a label for a sentence; it can be selected and copied."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setAccessibleName(name)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


WidgetT = TypeVar("WidgetT", bound=QWidget)

MOST = 1_000_000_000
"""Far beyond any image: whether a size makes sense is for reftiler to say."""


_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly
_UNDO = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


class _FieldGuard(QObject):
    """Leaves the wheel to what scrolls, and undo to the window."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        wheel = event.type() == QEvent.Type.Wheel
        if wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and any(map(event.matches, _UNDO)):
            event.ignore()  # settings are undone, not the letters of a number
            return True
        return super().eventFilter(watched, event)


def named(widget: WidgetT, name: str, tip: str = "") -> WidgetT:
    """Name a widget for those who do not see it, and say what it does."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip)
    return widget


def button(
    text: str, do: Callable[[], object] | None = None, tip: str = ""
) -> QPushButton:
    """Return a button."""
    made = QPushButton(text)
    made.setToolTip(tip)
    if do is not None:
        made.clicked.connect(lambda _=False: do())
    return made


def slider(name: str, low: int, high: int, value: int = 0) -> QSlider:
    """Return a slider from left to right."""
    made = named(QSlider(Qt.Orientation.Horizontal), name)
    made.setRange(low, high)
    made.setValue(value)
    return made


def narrow(combo: QComboBox, length: int, items: Sequence[str] = ()) -> QComboBox:
    """Let a choice ask for so many letters, however long its items are."""
    combo.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(length)
    combo.addItems(items)
    return combo


def guard_field(field: QWidget) -> None:
    """Let the wheel change a field only if it has the focus, and undo undo settings."""
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # none that the wheel gives
    if not field.findChildren(_FieldGuard, options=_DIRECT):
        field.installEventFilter(_FieldGuard(field))


def prepare_field(field: QWidget, name: str, tip: str = "") -> None:
    """Name a field of a panel, and let it take the width that there is."""
    named(field, name, tip).setMinimumWidth(48)
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def guard_fields(page: QWidget) -> None:
    """Guard all fields within a page, whoever made them."""
    for kind in (QComboBox, QAbstractSpinBox, QSlider):
        for field in page.findChildren(kind):
            guard_field(field)


def number_field(name: str, least: int = 0, suffix: str = "") -> QSpinBox:
    """Return a field for a whole number."""
    field = named(QSpinBox(minimum=least, maximum=MOST, suffix=suffix), name)
    field.setGroupSeparatorShown(True)
    field.setMinimumWidth(64)
    return field


_LONGEST = 12  # digits of a real number from which it is written with an exponent
_BEGUN = re.compile(r"[-+]?\d*[.,]?\d*(e[-+]?\d*)?", re.IGNORECASE)


class RealField(QDoubleSpinBox):
    """A real number, a long one with an exponent: ``6e+22``."""

    digits = 6  # of a long one

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        if len(text) <= _LONGEST:
            return text
        return self.locale().toString(value, "g", self.digits)

    def valueFromText(self, text: str) -> float:
        return self._read(text)[0]

    def validate(self, text: str, place: int) -> tuple[QValidator.State, str, int]:
        state = QValidator.State.Invalid
        if _BEGUN.fullmatch(text):
            known = self._read(text)[1]
            begun = QValidator.State.Intermediate
            state = QValidator.State.Acceptable if known else begun
        return state, text, place

    def _read(self, text: str) -> tuple[float, bool]:
        value, known = self.locale().toDouble(text)
        known = known and self.minimum() <= value <= self.maximum()
        return value, known


def real_field(name: str) -> RealField:
    """Return a field for any real number, shown with as many decimals as it has."""
    field = named(RealField(minimum=-1e300, maximum=1e300), name)
    field.setDecimals(_LONGEST)
    field.digits = _LONGEST
    return field


class SizeField(QWidget):
    """A width and a height, the same number while they are linked."""

    changed = Signal()

    def __init__(self, name: str, least: int = 0, step: int = 8) -> None:
        super().__init__()
        self.height_field = number_field(f"{name}, height", least)
        self.width_field = number_field(f"{name}, width", least)
        same = "width and height are the same"
        self.link = named(QToolButton(), f"{name}: {same}", same.capitalize())
        self.link.setText("=")
        self.link.setCheckable(True)
        self.link.setChecked(True)
        for field in (self.height_field, self.width_field):
            field.setSingleStep(step)
            field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        fields = self.width_field, self.link, self.height_field
        self.setLayout(hbox(*fields, margin=0, gap=4))
        self.width_field.setPrefix("W ")
        self.height_field.setPrefix("H ")
        self.setFocusProxy(self.width_field)
        height, width = self.height_field, self.width_field
        height.valueChanged.connect(partial(self._on_side, width))
        width.valueChanged.connect(partial(self._on_side, height))
        self.link.toggled.connect(self._on_link)

    @property
    def value(self) -> tuple[int, int]:
        """Height and width, as reftiler has them."""
        return self.height_field.value(), self.width_field.value()

    def set_value(self, value: tuple[int, int]) -> None:
        """Show a size, without a signal."""
        fields = (self.height_field, self.width_field)
        for field, number in zip(fields, value, strict=True):
            with QSignalBlocker(field):
                field.setValue(number)
        if value[0] != value[1]:
            with QSignalBlocker(self.link):
                self.link.setChecked(False)
        self._name_link()

    def _on_side(self, other: QSpinBox, number: int) -> None:
        if self.link.isChecked():
            with QSignalBlocker(other):
                other.setValue(number)
        self.changed.emit()

    def _on_link(self, linked: bool) -> None:
        self._name_link()
        if linked:
            self._on_side(self.height_field, self.width_field.value())

    def _name_link(self) -> None:
        self.link.setText("=" if self.link.isChecked() else "×")


class ComboField(QComboBox):
    """One of some words; beside each, what it means."""

    def __init__(self, name: str, words: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        narrow(named(self, name), 8)
        for place, (word, meaning) in enumerate(words):
            self.addItem(word, word)
            self.setItemData(place, meaning, Qt.ItemDataRole.ToolTipRole)
        self.currentIndexChanged.connect(self._explain)
        self._explain()

    @property
    def value(self) -> str:
        return str(self.currentData())

    def set_value(self, value: str) -> None:
        """Choose a word, without a signal; one that is missing is added."""
        with QSignalBlocker(self):
            if self.findData(value) < 0:
                self.addItem(value, value)
            self.setCurrentIndex(self.findData(value))
        self._explain()

    def _explain(self) -> None:
        meaning = self.currentData(Qt.ItemDataRole.ToolTipRole)
        self.setToolTip(str(meaning or ""))


class ValidatedField(QWidget):
    """A field and, beneath it, what reftiler says against it."""

    def __init__(self, field: QWidget) -> None:
        super().__init__()
        self.field = field
        self.words = WrapLabel()
        self.words.setObjectName("refusal")
        self.words.hide()
        self.setLayout(vbox(field, self.words, margin=0, gap=3))
        self.setFocusProxy(field)

    def refuse(self, words: str) -> None:
        self.words.say(f"⚠ {words}" if words else "")
        self.words.setVisible(bool(words))


_MOVES = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Return, Qt.Key.Key_Enter),
)
LETTERS = tuple(map(Qt.Key, range(Qt.Key.Key_A, Qt.Key.Key_Z + 1)))
"""With which a list is searched while it has the focus."""


class _ShortcutFilter(QObject):
    """Keeps keys for a widget that the window would take for its actions."""

    def __init__(self, widget: QWidget, keys: Collection[Qt.Key]) -> None:
        super().__init__(widget)
        self._keys = keys
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() in self._keys:
            plain = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier
            if event.modifiers() in plain:
                event.accept()
                return True
        return super().eventFilter(watched, event)


def filter_shortcuts(*widgets: QWidget, more: Collection[Qt.Key] = ()) -> None:
    """Keep the arrows, and what else moves, for widgets that have the focus."""
    for widget in widgets:
        _ShortcutFilter(widget, (*_MOVES, *more))


def table_of_rows(name: str, titles: Sequence[str]) -> QTableWidget:
    """Return an empty table of which one row at a time is selected."""
    table = QTableWidget(0, len(titles))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(titles)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.verticalHeader().hide()
    table.horizontalHeader().setHighlightSections(False)
    return table
