"""The tiles that hold a defect: how many, and which."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from reftiler_gui.model.defect_metrics import DefectMetrics

__all__ = ["TilesButton"]

_LISTED = 40  # tiles that the menu lists


class TilesButton(QToolButton):
    """A button that says how many tiles there are, and lists them when pressed."""

    chosen = Signal(int)
    """A tile that was picked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tiles that hold the defect")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))

    def show_tiles(self, seen: DefectMetrics) -> None:
        """List the tiles of a defect."""
        menu, count = self.menu(), len(seen.tiles)
        menu.clear()
        for tile in seen.tiles[:_LISTED].tolist():
            best = " (holds most of it)" if tile == seen.best else ""
            action = menu.addAction(f"Tile {tile}{best}")
            action.triggered.connect(lambda _=False, tile=tile: self.chosen.emit(tile))
        if count > _LISTED:
            menu.addAction(f"and {count - _LISTED:,} more").setEnabled(False)
        self.setText(f"In {count:,} tile{'' if count == 1 else 's'}  ")
        self.setVisible(count > 0)
