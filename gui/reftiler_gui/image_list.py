"""The list of images: which there are, and which have a mask."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtWidgets import QListView

from reftiler_gui.elided_label import plain_tip
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.view_base import LETTERS, filter_shortcuts

__all__ = ["ImageList"]

Index = QModelIndex | QPersistentModelIndex


class _ImageListModel(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.document = ImageSet()

    def take(self, document: ImageSet) -> None:
        self.beginResetModel()
        self.document = document
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self.document.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.document.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{'●' if item.has_mask else '○'}  {item.name}"
        if role == Qt.ItemDataRole.ToolTipRole:
            mask = "with a mask" if item.has_mask else "no mask"
            return plain_tip(f"{item.image or item.name}, {mask}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{item.name}, {'with a mask' if item.has_mask else 'no mask'}"
        return None


class ImageList(QListView):
    """The images of a document."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._items = _ImageListModel()
        self.setModel(self._items)
        self.setUniformItemSizes(True)
        self.setAccessibleName("Images")
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.selectionModel().currentChanged.connect(self._on_current)
        self._quiet = False
        filter_shortcuts(self, more=LETTERS)

    def take(self, document: ImageSet) -> None:
        """List the images of a document."""
        self._items.take(document)

    def choose(self, index: int) -> None:
        """Mark an image as shown, without telling anybody."""
        self._quiet = True
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(self._items.index(index), flag)
        self._quiet = False

    def _on_current(self, current: QModelIndex) -> None:
        if current.isValid() and not self._quiet:
            self.chosen.emit(current.row())
