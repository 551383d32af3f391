"""What views are made of: work that waits until it is seen, panes of two pictures."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from reftiler.regions import Region
from reftiler_gui.image_canvas import ImageCanvas, Parts
from reftiler_gui.layouts import vbox
from reftiler_gui.model.colors import signed
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.overlay_settings import OverlaySettings
from reftiler_gui.model.picture import Picture
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.overlays import paint_label
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.tile_cache import TileCache, as_image
from reftiler_gui.widgets import ElidedLabel


class LazyView(QWidget):
    """A view, which is told what is open and does its work when it is seen."""

    goes = False  # whether the view itself goes to a defect that it is told
    # docks: whether it is about what is open: otherwise the docks are hidden
    # of_image: whether it is about the image that is open, and its defects
    of_image = docks = True

    def __init__(self) -> None:
        super().__init__()
        self.loaded: LoadedImage | None = None  # the image
        self.tiling: GridLookup | None = None
        self.settings = FormSettings()  # what the tiles were made from
        self.region: Region | None = None  # the defect that is looked at
        self.searching = False  # whether the defects of the image are still looked for
        self._stale = True

    def show_item(self, loaded: LoadedImage | None) -> None:
        self.loaded, self.tiling, self.region = loaded, None, None
        self.searching = loaded is not None and loaded.mask is not None
        self.invalidate()

    def show_tiling(self, tiling: GridLookup | None, settings: FormSettings) -> None:
        self.tiling, self.settings = tiling, settings
        self.invalidate()

    def show_defect(self, region: Region | None) -> None:
        if region != self.region or self.searching:
            self.region, self.searching = region, False
            self.invalidate()

    @property
    def missing(self) -> str:
        """Why there are no tiles to show; empty if there are."""
        if self.loaded is None or self.loaded.image is None:
            return (self.loaded and self.loaded.words) or "No image is open."
        no_tiles = "These settings give no tiles for this image."
        return no_tiles if self.tiling is None else ""

    def invalidate(self) -> None:
        self._stale = True
        if self.isVisible():
            self._renew()

    def rebuild(self) -> None:
        """Show what there is now; called when the view is seen and out of date."""
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._renew()

    def _renew(self) -> None:
        self._stale = False
        self.rebuild()


PLAIN = OverlaySettings(mask=False, grid=False, gaps=False, padding=False)
"""The image and what marks places, and nothing else."""

_NONE = Qt.KeyboardModifier.NoModifier
_SWATCH = 12  # the screen's pixels that the band of a legend is high
_GRIP = 6  # the screen's pixels to either side of the line where it can be taken


class SwipeCompare(ImageCanvas):
    """A canvas whose left part, up to a line to be moved, shows another picture."""

    parted = Signal(float)  # where the line was moved

    def __init__(self, state: Camera) -> None:
        super().__init__(state)
        # where the line is, 0 to 1; 0 shows nothing of the other picture
        self.share = 0.0
        self.names = ("", "")  # what stands to the left and the right of the line
        self._other: TileCache | None = None
        self._taken = False

    def put_over(self, picture: Picture | None) -> None:
        self._other = None if picture is None else TileCache(picture)
        self.refresh()

    def repaint_pixels(self, parts: Parts | None = None) -> None:
        if self._other is not None:
            self._other.clear()
        super().repaint_pixels(parts)

    def part(self, share: float) -> None:
        share = min(max(share, 0.0), 1.0)
        if share != self.share:
            self.share = share
            self.refresh()
            self.parted.emit(share)

    def paint_picture(self, painter: QPainter, transform: ScreenTransform) -> None:
        super().paint_picture(painter, transform)
        if self._other is not None and self.share > 0:
            left = QRectF(0, 0, self.share * transform.width, transform.height)
            painter.save()
            painter.setClipRect(left)
            painter.fillRect(left, self.background)
            self._other.paint(painter, transform)
            painter.restore()

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        ratio, split = self.viewport().devicePixelRatioF(), self.share * transform.width
        if self._other is None or split <= 0:
            return
        for color, width in ((QColor(0, 0, 0), 4), (QColor(255, 255, 255), 2)):
            painter.setPen(QPen(color, width * ratio))
            painter.drawLine(QPointF(split, 0), QPointF(split, transform.height))
        advance, y = painter.fontMetrics().horizontalAdvance, 18 * ratio
        room = [(advance(name) + 24) * ratio for name in self.names]
        if split > room[0]:
            paint_label(painter, QPointF(8 * ratio, y), self.names[0], ratio)
        if transform.width - split > room[1]:
            paint_label(painter, QPointF(split + 8 * ratio, y), self.names[1], ratio)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._taken = self._near(event) and not self.held
        if not self._taken:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._taken:
            self.part(event.position().x() / max(1, self.viewport().width()))
            return
        super().mouseMoveEvent(event)
        if not event.buttons() and not self.held:
            near = Qt.CursorShape.SplitHCursor if self._near(event) else None
            self.viewport().setCursor(near or Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._taken:
            self._taken = False
        else:
            super().mouseReleaseEvent(event)

    def _near(self, event: QMouseEvent) -> bool:
        line = self.share * self.viewport().width()
        shown = self._other is not None and self.share > 0
        return shown and abs(event.position().x() - line) <= _GRIP


class SplitPane(QWidget):
    """A canvas with a caption above it."""

    def __init__(self, canvas: ImageCanvas, caption: str = "") -> None:
        super().__init__()
        self.canvas = canvas  # below
        self.label = ElidedLabel()
        self.caption(caption)
        self.setLayout(vbox(self.label, (canvas, 1), margin=0, gap=4))

    def caption(self, words: str) -> None:
        self.label.say(words)
        self.canvas.setAccessibleName(words or "Picture")


class BlinkCompare(LazyView):
    """A view with two sides."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.flipped = False  # whether it is
        self.hold = QPushButton(words)  # held, the other side is seen; put it somewhere
        self.hold.pressed.connect(lambda: self._turn(True))
        self.hold.released.connect(lambda: self._turn(False))

    def flip(self) -> None:
        """Show the side that ``flipped`` says."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alone = event.modifiers() in (_NONE, Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Shift and alone:  # no begun Ctrl+Shift+E
            self._turn(True)
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Shift:
            self._turn(False)
        super().keyReleaseEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Turn back: another view gets the key's release."""
        self._turn(False)
        super().hideEvent(event)

    def event(self, event: QEvent) -> bool:
        """Turn back when another window is used, which gets the key's release."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self._turn(False)
        return super().event(event)

    def _turn(self, on: bool) -> None:
        if on != self.flipped:
            self.flipped = on
            self.flip()


class DifferenceLegend(QWidget):
    """A band of colours with the values at its ends and its middle."""

    def __init__(self) -> None:
        super().__init__()
        self._limit = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_limit(0.0)

    def set_limit(self, limit: float) -> None:
        """Take the difference that has the full colour; 0 hides the band."""
        self._limit = limit
        high = f"{limit:.4g}"
        self.setAccessibleName(
            f"Blue is {high} too little, white no difference, orange {high} too much"
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(260, _SWATCH + self.fontMetrics().height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._limit:
            return
        band = signed(np.linspace(-1, 1, 255)[np.newaxis], 1.0)
        box = QRect(0, 0, self.width(), _SWATCH)
        words = box.adjusted(0, _SWATCH + 2, 0, self.fontMetrics().height() + 2)
        names = (f"−{self._limit:.4g}", "0", f"+{self._limit:.4g}")
        sides = (
            Qt.AlignmentFlag.AlignLeft,
            Qt.AlignmentFlag.AlignHCenter,
            Qt.AlignmentFlag.AlignRight,
        )
        with QPainter(self) as painter:
            painter.drawImage(box, as_image(band, opaque=True))
            for name, side in zip(names, sides, strict=True):
                painter.drawText(words, side, name)
