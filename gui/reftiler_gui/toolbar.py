"""The toolbar: icons of frequent actions, and a field for the zoom."""

import re

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QToolBar, QWidget

from reftiler_gui.actions import ActionRegistry
from reftiler_gui.widgets import filter_shortcuts, guard_field, named

_SIZE = 20  # the screen's pixels of a side
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g fill="none" '
    'stroke="{color}" stroke-width="1.7" stroke-linecap="round" '
    'stroke-linejoin="round">{shapes}</g></svg>'
)
_LENS = '<circle cx="10" cy="10" r="6"/><path d="M14.5 14.5L20 20"/>'
ICONS = {
    "open": '<path d="M6 3h8l4 4v14H6z M14 3v4h4"/><path d="M9 17l3-4 2 2 1-1 2 3z"/>',
    "open_folder": '<path d="M3 6h6l2 3h10v10H3z M3 9h8"/>',
    "previous": '<path d="M15 5l-7 7 7 7"/>',
    "next": '<path d="M9 5l7 7-7 7"/>',
    "fit": '<path d="M4 9V4h5 M15 4h5v5 M20 15v5h-5 M9 20H4v-5"/>',
    "actual": '<path d="M5 8l2-2v12 M17 8l2-2v12 M12 10v.1 M12 15v.1"/>',
    "larger": f'{_LENS}<path d="M10 7.5v5 M7.5 10h5"/>',
    "smaller": f'{_LENS}<path d="M7.5 10h5"/>',
    "mask": '<path fill="{color}" fill-opacity=".45" '
    'd="M7 6c4-3 11-1 12 4s-3 9-8 9-8-4-7-8z"/>',
    "marks": '<circle cx="12" cy="12" r="8"/><circle cx="12" cy="12" r="1.5"/>',
    "grid": '<path d="M4 4h16v16H4z M4 9.3h16 M4 14.7h16 M9.3 4v16 M14.7 4v16"/>',
    "coverage": '<path d="M4 4h11v11H4z M9 9h11v11H9z"/>'
    '<path fill="{color}" fill-opacity=".5" stroke="none" d="M9 9h6v6H9z"/>',
    "undo": '<path d="M8 5L4 9l4 4 M4 9h10a5 5 0 0 1 0 10h-4"/>',
    "redo": '<path d="M16 5l4 4-4 4 M20 9H10a5 5 0 0 0 0 10h4"/>',
    "report": '<path d="M6 3h12v18H6z M9 8h6 M9 12h6 M9 16h3"/>',
    "commands": _LENS,
    "keys": '<path d="M3 7h18v11H3z M6.5 10.5v.1 M10 10.5v.1 M14 10.5v.1 '
    'M17.5 10.5v.1 M8 14.5h8"/>',
    "left_docks": '<path d="M4 5h16v14H4z M10 5v14"/>'
    '<path fill="{color}" fill-opacity=".4" stroke="none" d="M4 5h6v14H4z"/>',
    "right_docks": '<path d="M4 5h16v14H4z M14 5v14"/>'
    '<path fill="{color}" fill-opacity=".4" stroke="none" d="M14 5h6v14h-6z"/>',
}
"""What is drawn for an action, by its name, in a square of 24."""


def icon(name: str, palette: QPalette) -> QIcon:
    """Return the icon of an action in the colours of a palette."""
    found = QIcon()
    for mode, group in (
        (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
        (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
    ):
        color = palette.color(group, QPalette.ColorRole.ButtonText).name()
        shapes = ICONS[name].replace("{color}", color)
        svg = QSvgRenderer(QByteArray(_SVG.format(color=color, shapes=shapes).encode()))
        for ratio in (1, 2):
            pixmap = QPixmap(_SIZE * ratio, _SIZE * ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            with QPainter(pixmap) as painter:
                svg.render(painter)
            pixmap.setDevicePixelRatio(ratio)
            found.addPixmap(pixmap, mode)
    return found


_ACTIONS = (
    *("left_docks", "", "open", "open_folder", "", "previous", "next", ""),
    *("smaller", "zoom", "larger", "fit", "actual", ""),
    *("mask", "marks", "grid", "coverage", "", "undo", "redo", "", "report"),
    *("stretch", "commands", "keys", "", "right_docks"),
)
_ZOOMS = ("Fit", "12.5 %", "25 %", "50 %", "100 %", "200 %", "400 %", "800 %")


class ZoomField(QComboBox):
    """The zoom of the view in front; another one can be chosen or typed."""

    chosen = Signal(float)  # the zoom; 0 shows everything

    def __init__(self) -> None:
        super().__init__()
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        named(self, "Zoom", "Zoom: choose or type one, as 33 %")
        self.setFixedWidth(92)
        guard_field(self)
        self.addItems(_ZOOMS)
        self._zoom: float | None = None
        field = QLineEdit()
        self.setLineEdit(field)
        filter_shortcuts(self, field)
        field.returnPressed.connect(lambda: self._choose(self.currentText()))
        self.textActivated.connect(self._choose)

    def show_zoom(self, zoom: float | None) -> None:
        self._zoom = zoom
        self.setEnabled(zoom is not None)
        digits = 0 if zoom is None or zoom >= 0.1 else 1
        self.setEditText("" if zoom is None else f"{100 * zoom:.{digits}f} %")

    def _choose(self, text: str) -> None:
        number = re.fullmatch(r"\s*(\d+(?:[.,]\d*)?)\s*%?\s*", text)
        if text.strip().lower() == "fit":
            self.chosen.emit(0.0)
        elif number and float(number[1].replace(",", ".")) > 0:
            self.chosen.emit(float(number[1].replace(",", ".")) / 100)
        self.show_zoom(self._zoom)


class ToolBar(QToolBar):
    """The toolbar."""

    def __init__(self, registry: ActionRegistry) -> None:
        super().__init__("Toolbar")
        self.setObjectName("tools")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        self._actions = registry.actions
        self.zoom = ZoomField()
        for name in _ACTIONS:
            if name == "zoom":
                self.addWidget(self.zoom)
            elif name == "stretch":
                space = QWidget()
                space.setSizePolicy(
                    QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
                )
                self.addWidget(space)
            elif name:
                self.addAction(registry.actions[name])
            else:
                self.addSeparator()
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        for name in set(_ACTIONS) & ICONS.keys():
            self._actions[name].setIcon(icon(name, self.palette()))
            self._actions[name].setIconVisibleInMenu(False)
