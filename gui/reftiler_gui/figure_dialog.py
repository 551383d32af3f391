"""A dialog for figures at full resolution: what they show, a preview, a file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from reftiler.io import write_image
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.figures import FIGURES, FigureRequest, draw_figure
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.tiles import ImageTiles
from reftiler_gui.widgets import hbox, message_label, named, vbox

_DRAWING, _WRITING = "Drawing the figure", "Writing the figure"
_LARGEST = 16384  # pixels of the resized image's sides


class FigureDialog(QDialog):
    """Draws figures of the open image, shows them, copies and saves them."""

    def __init__(
        self,
        loaded: LoadedImage,
        tiles: ImageTiles,
        order: NDArray[np.int64],
        tile: int,
        jobs: Jobs,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._loaded, self._tiles, self._order, self._jobs = loaded, tiles, order, jobs
        self._figure: NDArray[np.uint8] | None = None
        self.setWindowTitle("Export a figure")
        self.resize(760, 620)
        self.kind = named(QComboBox(), "Figure")
        for name, text in FIGURES.items():
            self.kind.addItem(text, name)
        self.tile = _number("Tile of the figure", 0, len(tiles) - 1, tile)
        height, width = tiles.size
        self.columns = _number("Resized width", 1, _LARGEST, width)
        self.rows = _number("Resized height", 1, _LARGEST, height)
        self.mask_box = QCheckBox("Mask")
        self.mask_box.setChecked(loaded.mask is not None)
        self.mask_box.setEnabled(loaded.mask is not None)
        self.preview = named(QLabel(), "Preview of the figure")
        self.words = message_label("Figure")
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Save | buttons.Close)
        self.copy = self.buttons.addButton(
            "Copy", QDialogButtonBox.ButtonRole.ActionRole
        )
        self.save = self.buttons.button(buttons.Save)
        self._soon = QTimer(self, singleShot=True, interval=150)
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._change)
        for field in (self.tile, self.columns, self.rows):
            field.valueChanged.connect(self._change)
        self.mask_box.toggled.connect(self._change)
        self._soon.timeout.connect(self._draw)
        self.copy.clicked.connect(self._copy)
        self.save.clicked.connect(self._ask)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(self._soon.stop)
        self.finished.connect(lambda: jobs.cancel(_DRAWING))
        self._change()

    def _lay_out(self) -> None:
        size = hbox(self.columns, QLabel("×"), self.rows, QLabel("px"), (None, 1))
        form = QFormLayout()
        form.addRow("Figure", self.kind)
        form.addRow("Tile", self.tile)
        form.addRow("Resized to, width × height", size)
        form.addRow("", self.mask_box)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(320, 240)
        self.setLayout(vbox(form, (self.preview, 1), self.words, self.buttons))

    @property
    def request(self) -> FigureRequest:
        view = self._tiles.view
        ordered = np.array_equal(self._order, np.arange(len(view)))
        return FigureRequest(
            name=str(self.kind.currentData()),
            tile=self.tile.value(),
            size=(self.rows.value(), self.columns.value()),
            mask=self.mask_box.isChecked(),
            order=self._order.tolist(),
            columns=view.shape[1] if ordered and not view.scattered else None,
        )

    def _change(self) -> None:
        name = self.kind.currentData()
        self.tile.setEnabled(name in ("tile", "side", "grid"))
        for field in (self.columns, self.rows):
            field.setEnabled(name in ("resized", "side"))
        self._show(None, "Drawing the figure…")
        self._jobs.cancel(_DRAWING)
        self._soon.start()

    def _draw(self) -> None:
        mask = self._loaded.mask.array if self._loaded.mask else None
        tiles, request = self._tiles, self.request
        self._jobs.start(
            _DRAWING,
            lambda: draw_figure(tiles, mask, request),
            self._show,
            lambda words: self._show(None, words),
        )

    def _show(self, figure: NDArray[np.uint8] | None, words: str = "") -> None:
        self._figure = figure
        for button in (self.copy, self.save):
            button.setEnabled(figure is not None)
        if figure is not None:
            words = f"{figure.shape[1]:,} × {figure.shape[0]:,} px"
        self.words.setText(words)
        self._show_preview()

    def _show_preview(self) -> None:
        image = self.image
        if image is None:
            self.preview.clear()
            return
        size, kept = self.preview.size(), Qt.AspectRatioMode.KeepAspectRatio
        if image.width() > size.width() or image.height() > size.height():
            smooth = Qt.TransformationMode.SmoothTransformation
            image = image.scaled(size, kept, smooth)
        self.preview.setPixmap(QPixmap.fromImage(image))

    @property
    def image(self) -> QImage | None:
        if self._figure is None:
            return None
        height, width, _ = self._figure.shape
        pixels = np.ascontiguousarray(self._figure)
        return QImage(
            pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888
        ).copy()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_preview()

    def _copy(self) -> None:
        if (image := self.image) is not None:
            QGuiApplication.clipboard().setImage(image)
            self.words.setText("Copied.")

    def _ask(self) -> None:
        item, request, figure = self._loaded.item, self.request, self._figure
        number = f"-{request.tile}" if request.name in ("tile", "side") else ""
        name = item.path_beside(f"{item.stem}-{request.name}{number}.png")
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the figure", name, "Pictures (*.png *.tif)"
        )
        if not path or figure is None:
            return
        self._jobs.start(
            _WRITING,
            lambda: write_image(Path(path), figure),
            lambda _: self.words.setText(f"Wrote {path}"),
            self.words.setText,
        )


def _number(name: str, least: int, most: int, value: int) -> QSpinBox:
    field = named(QSpinBox(minimum=least, maximum=most, value=value), name)
    field.setGroupSeparatorShown(True)
    return field
