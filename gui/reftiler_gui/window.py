"""The main window: what is open, how it is tiled, and views of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget

from reftiler.regions import Region
from reftiler_gui.commands import entries
from reftiler_gui.dialogs import Dialogs
from reftiler_gui.frame import Frame
from reftiler_gui.hover_readout import HoverReadout
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.layer_visibility import LayerVisibility
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.model.texts import nothing_words, story
from reftiler_gui.navigation import Navigator
from reftiler_gui.overlays import marks_of
from reftiler_gui.preferences import Preferences
from reftiler_gui.recent_files import RecentFilesMenu
from reftiler_gui.theme import apply_theme
from reftiler_gui.view_base import View

__all__ = ["MainWindow"]


class MainWindow(Frame):
    """
    The viewer.

    Parameters
    ----------
    prefs : Preferences, optional
        What is remembered; by default nothing is.
    """

    def __init__(self, prefs: Preferences | None = None) -> None:
        super().__init__(prefs)
        self.dialogs, self.places = Dialogs(self), Navigator(self)
        self.pointing = HoverReadout(self)
        self.switches = LayerVisibility(self)
        self.table.add(entries(self))
        self.fill_menus()
        self.recent = RecentFilesMenu(self.prefs, lambda path: self.open([path]), self)
        self.insert_menu("recent", self.recent)
        self.add_tools()
        self.add_view("image", "Image", self.image_page(), "Ctrl+1")
        self._connect()
        self.switches.show(self.prefs.layers)
        self._on_settings()
        self.restore()

    def _told(self) -> Iterable[View]:
        """Yield what wants to know what is open."""
        for widget in (self.bar, *self._views.values()):
            if hasattr(widget, "show_item"):
                yield widget  # type: ignore[misc]

    def _connect(self) -> None:
        viewer = self.viewer
        viewer.opened.connect(self._on_opened)
        viewer.item_changed.connect(self._on_item)
        viewer.pixels_changed.connect(self._on_pixels)
        viewer.settings_changed.connect(self._on_settings)
        viewer.tiling_changed.connect(self._on_tiling)
        viewer.facts_changed.connect(self._on_facts)
        viewer.noticed.connect(self.status.say)
        self.jobs.failed.connect(lambda _name, words: self.status.say(words))
        self.controls.changed.connect(viewer.change)
        self.values.changed.connect(viewer.set_range)
        self.items.chosen.connect(viewer.go)
        self.bar.found.connect(self._on_defects)
        self.bar.chosen.connect(self._go_to_defect)
        self.bar.tile_chosen.connect(self.places.go_to_tile)
        self.canvas.clicked.connect(self._on_click)
        self.tabs.currentChanged.connect(self._on_view)
        for dock in self.docks:
            action = self.table.actions[f"dock_{dock.objectName()}"]
            dock.toggleViewAction().toggled.connect(action.setChecked)

    # What happened in the viewer

    def _on_opened(self) -> None:
        self.items.take(self.viewer.document)
        self.setWindowTitle(f"{self.viewer.document.title} - reftiler")

    def _on_item(self) -> None:
        loaded = self.viewer.loaded
        source = loaded.image if loaded else None
        self.items.choose(self.viewer.index)
        self.values.show_source(source)
        self.canvas.message = loaded.words if loaded else ""
        old = self.canvas.source
        same = old is not None and source is not None and old.size == source.size
        if not (same and self.state.locked):
            self.state.fitted = True
        self.canvas.set_marks(())
        self.canvas.present(source, loaded.mask if loaded else None, self.viewer.tiling)
        for view in self._told():
            view.show_item(loaded)
        self._tell_story()
        self.pointing.tell()

    def _on_pixels(self) -> None:
        for canvas in self.findChildren(ImageCanvas):
            canvas.repaint_pixels()

    def _on_settings(self) -> None:
        self.controls.show_settings(self.viewer.settings)
        self.table.actions["undo"].setEnabled(bool(self.viewer.history.past))
        self.table.actions["redo"].setEnabled(bool(self.viewer.history.future))

    def _on_tiling(self) -> None:
        viewer = self.viewer
        self.controls.show_refusal(viewer.refusal)
        if viewer.refusal is None or viewer.tiling is None:
            most = viewer.facts.most if viewer.facts else 0
            self.canvas.set_tiling(viewer.tiling, most)
            for view in self._told():
                view.show_tiling(viewer.tiling, viewer.settings)
        self._on_facts()
        self._tell_story()
        self.pointing.tell()

    def _on_facts(self) -> None:
        viewer, refused = self.viewer, self.viewer.refusal is not None
        settings = viewer.settings
        self.summary.show_facts(viewer.facts, settings, refused=refused)
        if viewer.facts is not None:
            self.canvas.set_most(viewer.facts.most)

    def _on_defects(self, _: Defects) -> None:
        self._mark()
        for view in self._told():
            view.show_defect(self.bar.region)
        self._tell_story()

    def _tell_story(self) -> None:
        loaded, viewer = self.viewer.loaded, self.viewer
        if loaded is None or loaded.image is None:
            nothing = nothing_words(viewer.document.problems)
            self.story.setText(loaded.words if loaded else nothing)
            return
        overlaps = viewer.tiling is not None and any(viewer.tiling.grid.tiler.overlap)
        words = story(loaded, self.bar.defects, viewer.tiling, overlaps=overlaps)
        self.story.setText(words)

    def add_view(self, name: str, title: str, widget: QWidget, key: str = "") -> None:
        """Add a view in a tab of its own, as `Frame.add_view` does."""
        super().add_view(name, title, widget, key)
        for state in {canvas.state for canvas in widget.findChildren(ImageCanvas)}:
            state.changed.connect(self._tell_zoom)

    def _on_view(self) -> None:
        """Let the view that is seen now have the keys; it tells what it shows."""
        page = self.tabs.currentWidget()
        if not self.tabs.tabBar().hasFocus():
            page.setFocus()
        self.bar.set_brief(getattr(page, "goes", False))
        self.bar.setVisible(getattr(page, "of_image", True))
        self._tell_zoom()

    def _tell_zoom(self) -> None:
        canvas = self.places.canvas
        self.status.zoom(canvas.state.zoom if canvas.isVisible() else None)

    # The mouse

    def _on_click(self, row: float, col: float) -> None:
        if self.bar.pick(row, col, 12 / self.state.zoom):
            return
        tiling = self.canvas.tiling
        self.canvas.set_tile(tiling.nearest(row, col) if tiling else None)

    def _mark(self) -> None:
        self.canvas.set_marks(
            lambda box, cell: marks_of(self.bar.defects, self.bar.number, box, cell)
        )

    def _go_to_defect(self, region: Region | None) -> None:
        self._mark()
        for view in self._told():
            view.show_defect(region)
        if region is not None and not getattr(self.tabs.currentWidget(), "goes", False):
            self.places.go_to_defect(region)

    # Looks, drops, and the end

    def go_to_form(self) -> None:
        """Show the settings, ready to be typed into."""
        self.docks[1].show()
        self.controls.tile.setFocus()
        self.controls.tile.height_field.selectAll()

    def full_screen(self) -> None:
        """Fill the screen, or be a window again."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def lock(self, on: bool) -> None:
        """Keep the place for the next image, or not."""
        self.state.locked = on

    def apply_theme(self, scheme: str) -> None:
        """Change between light and dark."""
        self.prefs.put("theme", scheme)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, scheme)

    def stand_in(self) -> MockModel:
        """Return the model whose merged tiles are looked at; by default the first."""
        found = (getattr(view, "stand_in", None) for view in self._views.values())
        return next(filter(None, found), MockModel())

    def picture(self) -> QImage:
        """Return what is on screen: the view without the window around it."""
        if self.canvas.isVisible():
            return self.canvas.picture()
        return self.tabs.currentWidget().grab().toImage()

    def open(self, paths: Iterable[str | Path]) -> None:
        """Open files and folders; none means the bundled sample."""
        paths = list(paths)
        for path in reversed([Path(path) for path in paths]):
            if path.exists():
                self.prefs.remember(path)
        self.viewer.open(paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open what is dropped."""
        paths = [url.toLocalFile() for url in event.mimeData().urls()]
        if any(paths):
            self.open(filter(None, paths))
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember, and wait until no thread works any more."""
        self.prefs.settings, self.prefs.layers = (
            self.viewer.settings,
            self.canvas.layers,
        )
        self.prefs.put("geometry", self.saveGeometry())
        self.prefs.put("docks", self.saveState())
        self.jobs.stop()
        super().closeEvent(event)
