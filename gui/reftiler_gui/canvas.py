"""The canvas: an image, its mask and its tiles, to zoom and to move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from reftiler_gui import marking
from reftiler_gui.blocks import Blocks, Picture, as_image
from reftiler_gui.marking import Mark
from reftiler_gui.model.layers import Layers, coverage_of, lines_of, mask_of, thinning
from reftiler_gui.model.lens import Lens
from reftiler_gui.model.masks import MaskSource
from reftiler_gui.model.tiling import Box, TilingView
from reftiler_gui.movable import Movable
from reftiler_gui.state import ViewState

__all__ = ["Canvas", "Layers", "Mark"]


@dataclass(eq=False)
class _Content:
    blocks: Blocks | None = None
    mask: MaskSource | None = None
    tiling: TilingView | None = None
    most: int = 1
    """The number of tiles that has the brightest colour of the heat map."""


class Canvas(Movable):
    """
    An image and what lies over it.

    Parameters
    ----------
    state : ViewState
        The place and zoom; canvases that share one are linked.
    parent : QWidget, optional
        As everywhere in Qt.
    """

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.layers = Layers()
        self.message = ""
        """What stands in the middle while there is no image."""
        self._content = _Content()
        self._marks: tuple[Mark, ...] = ()
        self._tile: int | None = None
        self._pointed: int | None = None
        self._base: QImage | None = None
        self.setAccessibleName("Image")

    # What is shown

    def present(
        self,
        source: Picture | None,
        mask: MaskSource | None = None,
        tiling: TilingView | None = None,
    ) -> None:
        """Show an image, marks and tiles; `ViewState.fitted` ones are fitted."""
        blocks = self._content.blocks
        if source is None:
            blocks = None
        elif blocks is None or blocks.picture is not source:
            blocks = Blocks(source)
        self._content = _Content(blocks, mask)
        self.set_tiling(tiling)

    def set_tiling(self, tiling: TilingView | None, most: int = 0) -> None:
        """Show other tiles; ``most`` is how many share a pixel, if that is known."""
        self._content.tiling = tiling
        self._content.most = most or 1
        self._tile = self._pointed = None
        self.state.bound(self.frame)
        if self.state.fitted and self.isVisible():
            self.fit()
        self.refresh()

    def set_most(self, most: int) -> None:
        """Say how many tiles share a pixel at the most, for the heat map."""
        if most != self._content.most:
            self._content.most = most
            self.refresh()

    def set_layers(self, layers: Layers) -> None:
        """Show and hide layers."""
        self.layers = layers
        self.refresh()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Mark places, such as defects, with rings and words."""
        self._marks = tuple(marks)
        self.viewport().update()

    def set_tile(self, tile: int | None) -> None:
        """Outline a tile lastingly; None for none."""
        self._tile = tile
        self.viewport().update()

    @property
    def tile(self) -> int | None:
        """The tile that is outlined lastingly."""
        return self._tile

    @property
    def source(self) -> Picture | None:
        """The image that is shown."""
        return self._content.blocks.picture if self._content.blocks else None

    @property
    def tiling(self) -> TilingView | None:
        """The tiles that are shown."""
        return self._content.tiling

    def refresh(self) -> None:
        """Paint anew: the place, the layers or a level of the image have changed."""
        self._base = None
        self.viewport().update()

    def repaint_pixels(self) -> None:
        """Paint anew: the image's own pixels or their range have changed."""
        if self._content.blocks is not None:
            self._content.blocks.clear()
        self.refresh()

    # Where it is

    @property
    def frame(self) -> Box | None:
        """The image with its padding, in its coordinates."""
        blocks, tiling = self._content.blocks, self._content.tiling
        if tiling is not None and self.layers.padding:
            return tiling.frame
        if blocks is None:
            return None
        height, width = blocks.picture.size
        return (0, height), (0, width)

    def picture(self) -> QImage:
        """Return what is on the screen."""
        return self.viewport().grab().toImage()

    # Painting

    def paint_over(self, painter: QPainter, lens: Lens) -> None:
        """Paint more on top, in the screen's finest pixels; for subclasses."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the layers, and on top what follows the cursor."""
        lens, ratio = self.lens(), self.viewport().devicePixelRatioF()
        if self._base is None:
            self._base = self._painted(lens)
        with QPainter(self.viewport()) as painter:
            painter.scale(1 / ratio, 1 / ratio)
            painter.drawImage(0, 0, self._base)
            if self._content.blocks is None:
                self._say(painter, lens)
                return
            if self.layers.marks:
                marking.paint_marks(painter, lens, self._marks, ratio)
            if self._content.tiling is not None:
                self._paint_tiles(painter, lens, self._content.tiling)
            self.paint_over(painter, lens)

    def _paint_tiles(self, painter: QPainter, lens: Lens, tiling: TilingView) -> None:
        """Outline the tiles that are meant, and explain what is drawn."""
        ratio = self.viewport().devicePixelRatioF()
        for tile in dict.fromkeys((self._tile, self._pointed)):
            if tile is not None:
                marking.paint_tile(painter, lens, tiling, tile, ratio)
        if self.layers.grid and not tiling.scattered:
            marking.paint_thinning(painter, lens, thinning(tiling, lens), ratio)
        if self.layers.coverage:
            marking.paint_legend(painter, lens, self._content.most, ratio)

    def _painted(self, lens: Lens) -> QImage:
        """Paint all layers that stay while the cursor moves."""
        content, layers = self._content, self.layers
        base = QImage(lens.width, lens.height, QImage.Format.Format_RGB32)
        base.fill(self.palette().window().color().darker(108))
        ratio = self.viewport().devicePixelRatioF()
        width = max(1, round(ratio))
        with QPainter(base) as painter:
            if content.blocks is not None and layers.image:
                self._border(painter, lens, content.blocks.picture.size)
                content.blocks.paint(painter, lens)
            over = []
            if content.tiling is not None and layers.coverage:
                over.append(coverage_of(content.tiling, lens, content.most))
            if content.mask is not None and layers.mask:
                over.append(mask_of(content.mask, lens, layers, 2 * width))
            if content.tiling is not None:
                over.append((0, 0, lines_of(content.tiling, lens, layers, width)))
            for found in over:
                if found is not None:
                    top, left_, pixels = found
                    painter.drawImage(left_, top, as_image(pixels))
        return base

    def _border(self, painter: QPainter, lens: Lens, size: tuple[int, int]) -> None:
        """Draw where an image ends that is as dark or as bright as what is around."""
        left, top = lens.x(0) - 1, lens.y(0) - 1
        painter.setPen(self.palette().mid().color())
        painter.drawRect(left, top, lens.x(size[1]) - left, lens.y(size[0]) - top)

    def _say(self, painter: QPainter, lens: Lens) -> None:
        painter.setPen(self.palette().windowText().color())
        box = QRectF(0, 0, lens.width, lens.height)
        painter.drawText(
            box,
            Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
            self.message,
        )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Paint anew in other colours."""
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()
        super().changeEvent(event)

    def point_at(self, row: float, col: float) -> None:
        """Do as if the cursor were at a place of the image, and outline its tile."""
        tiling = self._content.tiling
        pointed = None
        if tiling is not None and isfinite(row):
            pointed = tiling.nearest(row, col)
        if pointed != self._pointed:
            self._pointed = pointed
            self.viewport().update()
        super().point_at(row, col)
