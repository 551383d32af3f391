"""The toolbar: icons of frequent actions, and a field for the zoom."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QToolBar, QWidget

from reftiler_gui.actions import ActionRegistry
from reftiler_gui.fields import guard_field, named
from reftiler_gui.icons import ICONS, icon
from reftiler_gui.view_base import filter_shortcuts

__all__ = ["ToolBar", "ZoomField"]

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
        """Show the zoom; None where there is none."""
        self._zoom = zoom
        self.setEnabled(zoom is not None)
        self.setEditText("" if zoom is None else _percent(zoom))

    def _choose(self, text: str) -> None:
        number = re.fullmatch(r"\s*(\d+(?:[.,]\d*)?)\s*%?\s*", text)
        if text.strip().lower() == "fit":
            self.chosen.emit(0.0)
        elif number and float(number[1].replace(",", ".")) > 0:
            self.chosen.emit(float(number[1].replace(",", ".")) / 100)
        self.show_zoom(self._zoom)


def _percent(zoom: float) -> str:
    digits = 0 if zoom >= 0.1 else 1
    return f"{100 * zoom:.{digits}f} %"


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
