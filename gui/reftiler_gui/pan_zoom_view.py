"""A view of the image that wheel and drag move, and its place and zoom."""

from bisect import bisect_left, bisect_right
from math import isfinite, nan

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QGestureEvent, QPinchGesture

from reftiler_gui.model.array_types import Box
from reftiler_gui.model.screen_transform import ScreenTransform

LADDER = (
    *(1 / n for n in (256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2)),
    *(0.75, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
)
"""The zooms that a step leads to: above 1 pixels are whole numbers of the screen's."""

_MARGIN = 12  # the screen's pixels left free around what is fitted


class Camera(QObject):
    """The place and the zoom that one or several canvases show."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # the image's coordinates in the middle of the canvas; pixel 0 is from 0 to 1
        self.row = self.col = 0.0
        self.zoom = 1.0  # pixels of the screen, as Qt counts them, for one of the image
        # whether all is shown, and shall be when the window is resized
        self.fitted = True
        self.locked = True
        self._bounds: Box | None = None

    def bound(self, frame: Box | None) -> None:
        """Keep the middle within a box, that of the image with its padding."""
        self._bounds = frame
        self._move(self.row, self.col, self.zoom)

    def fit(self, frame: Box, viewport: QSize) -> None:
        """Show a whole box, enlarged by whole numbers only."""
        (top, bottom), (left, right) = frame
        zoom = min(
            max(1, viewport.height() - 2 * _MARGIN) / max(1, bottom - top),
            max(1, viewport.width() - 2 * _MARGIN) / max(1, right - left),
        )
        zoom = float(int(zoom)) if zoom > 2 else zoom
        self._move((top + bottom) / 2, (left + right) / 2, zoom)
        self.fitted = True

    def go(self, row: float, col: float, zoom: float | None = None) -> None:
        self.fitted = False
        self._move(row, col, self.zoom if zoom is None else zoom)

    def go_to_pixel(self, row: int, col: int, least: float = 8.0) -> None:
        self.go(row + 0.5, col + 0.5, max(self.zoom, least))

    def pan(self, rows: float, cols: float) -> None:
        self.go(self.row + rows, self.col + cols)

    def zoom_at(self, factor: float, row: float, col: float) -> None:
        """Zoom so that a place of the image stays where it is on the screen."""
        zoom = min(max(self.zoom * factor, LADDER[0]), LADDER[-1])
        share = self.zoom / zoom
        self.go(row + (self.row - row) * share, col + (self.col - col) * share, zoom)

    def step(
        self, steps: int, row: float | None = None, col: float | None = None
    ) -> None:
        zoom = self.zoom
        for _ in range(abs(steps)):
            if steps > 0:
                place = min(bisect_right(LADDER, zoom * 1.001), len(LADDER) - 1)
            else:
                place = max(bisect_left(LADDER, zoom / 1.001) - 1, 0)
            zoom = LADDER[place]
        here = (self.row if row is None else row, self.col if col is None else col)
        self.zoom_at(zoom / self.zoom, *here)

    def _move(self, row: float, col: float, zoom: float) -> None:
        if self._bounds is not None:
            (top, bottom), (left, right) = self._bounds
            row, col = min(max(row, top), bottom), min(max(col, left), right)
        if (row, col, zoom) != (self.row, self.col, self.zoom):
            self.row, self.col, self.zoom = row, col, zoom
            self.changed.emit()


_STILL = 4  # the screen's pixels that a click may move
_NOTCH = 120  # a step of the wheel, as Qt counts


class PanZoomView(QAbstractScrollArea):
    """An area of an image, zoomed at the cursor and dragged."""

    # Places are the image's: row and column, floats, pixel 0 from 0 to 1.
    hovered = Signal(float, float)  # row and column under the cursor
    left = Signal()  # the cursor is elsewhere
    clicked = Signal(float, float)  # row and column of a click

    def __init__(self, state: Camera) -> None:
        super().__init__()
        self.state = state
        self._pressed: QPointF | None = None
        self._dragged: QPointF | None = None
        self._turned = 0
        self._held = False
        self._cursor: QPointF | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(160, 120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        state.changed.connect(self.refresh)
        state.changed.connect(self._follow)

    @property
    def frame(self) -> Box | None:
        """What there is to see, in the image's coordinates; None for nothing."""
        raise NotImplementedError

    def refresh(self) -> None:
        self.viewport().update()

    def fit(self) -> None:
        if self.frame is not None:
            self.state.fit(self.frame, self.viewport().size())

    def transform(self) -> ScreenTransform:
        """Return what is on the screen, in its finest pixels."""
        ratio = self.viewport().devicePixelRatioF()
        size, state = self.viewport().size(), self.state
        return ScreenTransform.centred(
            state.row,
            state.col,
            state.zoom * ratio,
            round(size.height() * ratio),
            round(size.width() * ratio),
        )

    def place(self, point: QPointF) -> tuple[float, float]:
        transform, ratio = self.transform(), self.viewport().devicePixelRatioF()
        return (
            transform.top + point.y() * ratio / transform.zoom,
            transform.left + point.x() * ratio / transform.zoom,
        )

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._turned += event.angleDelta().y()
        steps = int(self._turned / _NOTCH)
        self._turned -= steps * _NOTCH
        if steps and self.frame is not None:
            self.state.step(steps, *self.place(event.position()))
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self._pinch(1 + event.value(), event.position())
                return True
        elif isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                place = self.viewport().mapFromGlobal(pinch.centerPoint().toPoint())
                self._pinch(pinch.scaleFactor(), QPointF(place))
                return True
        return super().viewportEvent(event)

    def _pinch(self, factor: float, point: QPointF) -> None:
        if self.frame is not None and factor > 0:
            self.state.zoom_at(factor, *self.place(point))

    @property
    def held(self) -> bool:
        """Whether Space is held: a drag moves the image, whatever it begins on."""
        return self._held

    def _hold(self, held: bool) -> None:
        self._held = held
        if held:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.viewport().unsetCursor()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        buttons = (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton)
        if event.button() in buttons:
            self._pressed = self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position()
        if self._pressed is not None and self._dragged is not None:
            if (here - self._pressed).manhattanLength() > _STILL or self._moving:
                self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
                move = (self._dragged - here) / self.state.zoom
                self._dragged = here
                self.state.pan(move.y(), move.x())
            return
        self.point_at(*self.place(here))
        self._cursor = here  # exactly: `point_at` computes it

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        moved, self._pressed = self._moving or self._held, None
        self._hold(self._held)
        if not moved and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(*self.place(event.position()))

    @property
    def _moving(self) -> bool:
        return self._pressed != self._dragged

    def point_at(self, row: float, col: float) -> None:
        """Do as if the cursor were at a place of the image; none is not a number."""
        if isfinite(row):
            transform = self.transform()
            point = (col - transform.left, row - transform.top)
            scale = transform.zoom / self.viewport().devicePixelRatioF()
            self._cursor = QPointF(*point) * scale
            self.hovered.emit(row, col)
        else:
            self._cursor = None
            self.left.emit()

    def _follow(self) -> None:
        cursor = self._cursor
        if cursor is not None and self.isVisible():
            self.point_at(*self.place(cursor))
            self._cursor = cursor

    def leaveEvent(self, event: object) -> None:
        self.point_at(nan, nan)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.state.fitted and self.isVisible():
            self.fit()
        self.refresh()
        self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        """Point at nothing: the cursor is over another view now."""
        super().hideEvent(event)
        self.point_at(nan, nan)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit what a linked canvas of another size has fitted to itself."""
        super().showEvent(event)
        if self.state.fitted:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hold Space; leave other keys to the window: the base would scroll."""
        event.setAccepted(event.key() == Qt.Key.Key_Space)
        if event.isAccepted() and not event.isAutoRepeat():
            self._hold(True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.setAccepted(event.key() == Qt.Key.Key_Space)
        if event.isAccepted() and not event.isAutoRepeat():
            self._hold(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget Space: another window gets its release."""
        self._hold(False)
        super().focusOutEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)
