"""What a view is: the window tells it what is open, and it works once it is seen."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QWidget

from reftiler.regions import Region
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage

_MOVES = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Return, Qt.Key.Key_Enter),
)
LETTERS = tuple(map(Qt.Key, range(Qt.Key.Key_A, Qt.Key.Key_Z + 1)))
"""With which a list is searched while it has the focus."""


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
