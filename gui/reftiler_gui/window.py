"""The main window: what is open, how it is tiled, and views of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication

from reftiler_gui.canvas import Canvas, Layers, Mark
from reftiler_gui.commands import LAYERS, entries
from reftiler_gui.dialogs import Dialogs
from reftiler_gui.frame import Frame
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.story import place_words, story
from reftiler_gui.prefs import Prefs
from reftiler_gui.theme import dress
from reftiler_gui.views import View

__all__ = ["MainWindow"]

_MARKED = 200  # defects that are ringed at the most
_NAMED = 12  # up to so many, with their sizes


class MainWindow(Frame):
    """
    The viewer.

    Parameters
    ----------
    prefs : Prefs, optional
        What is remembered; by default nothing is.
    """

    def __init__(self, prefs: Prefs | None = None) -> None:
        super().__init__(prefs)
        self.dialogs = Dialogs(self)
        self.table.add(entries(self))
        self.fill_menus()
        self.add_tools()
        self.add_view("image", "Image", self.image_page(), "Ctrl+1")
        self._connect()
        self.set_layers(self.prefs.layers)
        self.controls.show_settings(self.desk.settings)
        self.restore()

    def _told(self) -> Iterable[View]:
        """Yield what wants to know what is open."""
        for widget in (self.bar, *self._views.values()):
            if hasattr(widget, "show_item"):
                yield widget  # type: ignore[misc]

    def _connect(self) -> None:
        desk = self.desk
        desk.opened.connect(self._on_opened)
        desk.item_changed.connect(self._on_item)
        desk.pixels_changed.connect(self._on_pixels)
        desk.settings_changed.connect(self._on_settings)
        desk.tiling_changed.connect(self._on_tiling)
        desk.facts_changed.connect(self._on_facts)
        desk.noticed.connect(self.status.say)
        self.jobs.failed.connect(lambda _name, words: self.status.say(words))
        self.controls.changed.connect(desk.change)
        self.values.changed.connect(desk.set_range)
        self.items.chosen.connect(desk.go)
        self.bar.found.connect(self._on_defects)
        self.bar.chosen.connect(self.go_to_defect)
        self.bar.tile_chosen.connect(self.go_to_tile)
        self.canvas.hovered.connect(self._on_hover)
        self.canvas.left.connect(lambda: self.status.point(""))
        self.canvas.clicked.connect(self._on_click)
        self.state.changed.connect(lambda: self.status.zoom(self.state.zoom))

    # What happened on the desk

    def _on_opened(self) -> None:
        self.items.take(self.desk.document)
        self.setWindowTitle(f"{self.desk.document.title} - reftiler")

    def _on_item(self) -> None:
        loaded = self.desk.loaded
        source = loaded.image if loaded else None
        self.items.choose(self.desk.index)
        self.values.show_source(source)
        self.canvas.message = loaded.words if loaded else ""
        old = self.canvas.source
        same = old is not None and source is not None and old.size == source.size
        if not (same and self.state.locked):
            self.state.fitted = True
        self.canvas.set_marks(())
        self.canvas.present(source, loaded.mask if loaded else None, self.desk.tiling)
        for view in self._told():
            view.show_item(loaded)
        self._tell_story()

    def _on_pixels(self) -> None:
        for canvas in self.findChildren(Canvas):
            canvas.repaint_pixels()

    def _on_settings(self) -> None:
        self.controls.show_settings(self.desk.settings)
        self.table.actions["undo"].setEnabled(bool(self.desk.history.past))
        self.table.actions["redo"].setEnabled(bool(self.desk.history.future))

    def _on_tiling(self) -> None:
        desk = self.desk
        self.controls.show_refusal(desk.refusal)
        if desk.refusal is None or desk.tiling is None:
            most = desk.facts.most if desk.facts else 0
            self.canvas.set_tiling(desk.tiling, most)
            for view in self._told():
                view.show_tiling(desk.tiling, desk.settings)
        self._on_facts()
        self._tell_story()

    def _on_facts(self) -> None:
        desk, refused = self.desk, self.desk.refusal is not None
        settings = desk.settings
        self.summary.show_facts(desk.facts, settings, refused=refused)
        if desk.facts is not None:
            self.canvas.set_most(desk.facts.most)

    def _on_defects(self, defects: Defects) -> None:
        named = len(defects) <= _NAMED
        boxes = defects.boxes[:_MARKED].tolist()
        marks = []
        for (top, bottom), (left, right) in boxes:
            words = f"{bottom - top} × {right - left} px" if named else ""
            marks.append(Mark(((top, bottom), (left, right)), words))
        self.canvas.set_marks(marks)
        for view in self._told():
            view.show_defect(self.bar.region)
        self._tell_story()

    def _tell_story(self) -> None:
        loaded, desk = self.desk.loaded, self.desk
        if loaded is None or loaded.image is None:
            self.story.setText(loaded.words if loaded else "Nothing is open.")
            return
        overlaps = desk.tiling is not None and any(desk.tiling.grid.tiler.overlap)
        words = story(loaded, self.bar.defects, desk.tiling, overlaps=overlaps)
        self.story.setText(words)

    # The mouse

    def _on_hover(self, row: float, col: float) -> None:
        if self.desk.loaded is not None:
            words = place_words(self.desk.loaded, self.canvas.tiling, row, col)
            self.status.point(words)

    def _on_click(self, row: float, col: float) -> None:
        if self.bar.pick(row, col, 12 / self.state.zoom):
            return
        tiling = self.canvas.tiling
        self.canvas.set_tile(tiling.nearest(row, col) if tiling else None)

    def go_to_defect(self, region: object) -> None:
        """Show a defect large, and tell the views which it is."""
        for view in self._told():
            view.show_defect(region)  # type: ignore[arg-type]
        if region is None:
            return
        (top, bottom), (left, right) = region.box  # type: ignore[attr-defined]
        room = self.canvas.viewport().size()
        side = max(bottom - top, right - left, 8) * 4
        zoom = min(16.0, max(1.0, min(room.width(), room.height()) / side))
        self.state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def go_to_tile(self, tile: int) -> None:
        """Show a tile on the canvas."""
        tiling = self.canvas.tiling
        if tiling is None or not 0 <= tile < len(tiling):
            return
        self.show_view("image")
        (top, bottom), (left, right) = tiling.box(tile)
        room = self.canvas.viewport().size()
        zoom = 0.8 * min(room.height() / (bottom - top), room.width() / (right - left))
        self.canvas.set_tile(tile)
        self.state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def step_tile(self, by: int) -> None:
        """Go to the next tile, or the last with -1."""
        tiling = self.canvas.tiling
        if tiling is not None:
            now = self.canvas.tile
            start = 0 if by > 0 else -1
            self.go_to_tile(
                start % len(tiling) if now is None else (now + by) % len(tiling)
            )

    # Layers, drops, and the end

    def set_layers(self, layers: Layers) -> None:
        """Show and hide layers of the canvas."""
        self.canvas.set_layers(layers)
        for name in LAYERS:
            self.table.actions[name].setChecked(getattr(layers, name))

    def set_layer(self, name: str, value: object) -> None:
        """Change one thing about the layers."""
        self.set_layers(replace(self.canvas.layers, **{name: value}))  # type: ignore[arg-type]

    def fade(self, by: float) -> None:
        """Make the mask fainter or stronger."""
        alpha = round(min(max(self.canvas.layers.alpha + by, 0.0), 1.0), 2)
        self.set_layer("alpha", alpha)
        self.status.tell(f"Mask: {alpha:.0%}")

    def fit(self) -> None:
        """Show all of the image, on whatever canvas is seen."""
        seen = [c for c in self.findChildren(Canvas) if c.isVisible()]
        (seen[0] if seen else self.canvas).fit()

    def actual(self) -> None:
        """Show a pixel of the image as one of the screen's."""
        self.state.go(self.state.row, self.state.col, 1.0)

    def pan(self, down: int, across: int) -> None:
        """Move by an eighth of what is seen."""
        size, zoom = self.canvas.viewport().size(), self.state.zoom
        self.state.pan(
            down * size.height() / 8 / zoom, across * size.width() / 8 / zoom
        )

    def lock(self, on: bool) -> None:
        """Keep the place for the next image, or not."""
        self.state.locked = on

    def dress(self, scheme: str) -> None:
        """Change between light and dark."""
        self.prefs.put("theme", scheme)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            dress(app, scheme)
        self.canvas.refresh()

    def picture(self) -> QImage:
        """Return what is on screen: the view without the window around it."""
        if self.canvas.isVisible():
            return self.canvas.picture()
        return self.tabs.currentWidget().grab().toImage()

    def open(self, paths: Iterable[str | Path]) -> None:
        """Open files and folders; none means the bundled sample."""
        paths = list(paths)
        for path in reversed(paths):
            self.prefs.remember(Path(path))
        self.desk.open(paths)

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
        self.prefs.settings, self.prefs.layers = self.desk.settings, self.canvas.layers
        self.prefs.put("geometry", self.saveGeometry())
        self.prefs.put("docks", self.saveState())
        self.jobs.stop()
        super().closeEvent(event)
