"""The main window: what is open, how it is tiled, and views of it."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QMenu,
    QScrollArea,
    QStackedWidget,
    QStyleOptionDockWidget,
    QTabWidget,
    QWidget,
)

from reftiler.regions import Region
from reftiler_gui.actions import ActionRegistry, ActionSpec
from reftiler_gui.advice_view import AdviceView
from reftiler_gui.canvas_control import CanvasReadout, LayerVisibility, Navigator
from reftiler_gui.cases_view import CasesView
from reftiler_gui.commands import IMAGE_ACTIONS, LIST_OPTIONS, entries
from reftiler_gui.compare_view import CompareView
from reftiler_gui.contact_sheet_view import ContactSheetView
from reftiler_gui.defects_bar import DefectsBar
from reftiler_gui.dialogs import Dialogs
from reftiler_gui.display_panel import DisplayPanel
from reftiler_gui.image_canvas import ImageCanvas, Parts
from reftiler_gui.image_list import GROUPS, ImageList
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import as_widget, vbox
from reftiler_gui.map_model import MapModel
from reftiler_gui.map_panel import MapPanel
from reftiler_gui.merged_view import MergedView
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.texts import nothing_words, story
from reftiler_gui.model.tile_results import is_results
from reftiler_gui.overlays import marks_of
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.preferences import Preferences
from reftiler_gui.results_model import ResultsModel, Source
from reftiler_gui.settings_form import SettingsForm, Summary
from reftiler_gui.side_by_side_view import SideBySideView
from reftiler_gui.start_page import FileCard, RecentFilesMenu, StartPage
from reftiler_gui.status import Status
from reftiler_gui.theme import SCHEMES, apply_theme
from reftiler_gui.toolbar import ToolBar
from reftiler_gui.view_base import LazyView
from reftiler_gui.viewer_model import ViewerModel
from reftiler_gui.widgets import filter_shortcuts, guard_fields, message_label


class _Dock(QDockWidget):
    """A dock whose title is not repeated under the tab that has it."""

    def initStyleOption(self, option: QStyleOptionDockWidget) -> None:
        super().initStyleOption(option)
        window = self.parentWidget()
        if isinstance(window, QMainWindow) and not self.isFloating():
            others = window.tabifiedDockWidgets(self)
            if any(one.toggleViewAction().isChecked() for one in others):
                option.title = ""


_LAYOUT = 2  # raise it when docks get other names
_NARROW = 350  # the screen's pixels within which a view must do
_WIDTHS = {"left": 180, "right": 300}  # of the docks at a side, at first
_SIDES = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
}


class MainWindow(QMainWindow):
    """The viewer."""

    closed = Signal()

    def __init__(self, preferences: Preferences | None = None) -> None:
        super().__init__()
        self.preferences = preferences or Preferences()
        self.jobs = Jobs(self)
        self.viewer = ViewerModel(self.jobs, self.preferences.settings)
        self.registry = ActionRegistry(self)
        self._menus: dict[str, QMenu] = {}
        self.views: dict[str, QWidget] = {}
        self.docks: dict[str, QDockWidget] = {}
        self._hidden_docks: list[QDockWidget] = []
        self._collapsed: dict[str, list[QDockWidget]] = {}
        self.state = Camera(self)
        self.canvas = ImageCanvas(self.state)
        self.message = message_label("What there is to see")
        self.tabs = QTabWidget()
        self.image_list = ImageList(self.viewer)
        self.form = SettingsForm()
        self.summary = Summary()
        self.display = DisplayPanel(self.viewer)
        self.defects_bar = DefectsBar(self.jobs)
        self.status = Status(self.jobs)
        self.maps = MapModel(self.viewer, self.jobs)
        self.dialogs = Dialogs(self)
        self.navigator = Navigator(self.tabs, self.canvas, self.show_view)
        self.readout = CanvasReadout(
            self.canvas, self.viewer, self.registry, self.status
        )
        self.layer_visibility = LayerVisibility(self.canvas, self.registry, self.status)
        self._lay_out()
        self._add_actions(*entries(self))
        self.recent = RecentFilesMenu(
            self.preferences, lambda path: self.open([path]), self
        )
        file_menu = self._menus["File"]
        place = file_menu.actions().index(self.registry.actions["recent"]) + 1
        file_menu.insertMenu(file_menu.actions()[place], self.recent)
        self._add_docks()
        self.toolbar = ToolBar(self.registry)
        self.addToolBar(self.toolbar)
        self.toolbar.zoom.chosen.connect(self._set_zoom)
        self.add_view("image", "Image", self._image_page(), "Ctrl+1")
        self._connect()
        self._add_views()
        self.layer_visibility.show(self.preferences.layers)
        self.maps.choices = self.preferences.get("maps", "")
        self._on_settings()
        self._restore()
        self.show_view("image")
        self._on_view()

    # Parts

    def _lay_out(self) -> None:
        self._canvases: list[ImageCanvas] = []
        self._merged_map: AnomalyMap | None = None
        self.setAcceptDrops(True)
        self.setWindowTitle("reftiler")
        self.resize(1280, 800)
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views")
        # A click shows a view, and the keys are the view's then; Tab still gets here.
        self.tabs.tabBar().setFocusPolicy(Qt.FocusPolicy.TabFocus)
        filter_shortcuts(self.tabs.tabBar())
        whole = vbox((self.tabs, 1), self.defects_bar, margin=0, gap=0)
        self.setCentralWidget(as_widget(whole))
        self.setStatusBar(self.status)

    def _image_page(self) -> QWidget:
        self.message.setObjectName("message")
        self.message.setText("Opening…")
        actions = self.registry.actions
        self.start_page = StartPage(
            actions, self.preferences, lambda path: self.open([path])
        )
        self.file_card = FileCard(actions)
        self.image_pages = QStackedWidget()
        for part in (self.canvas, self.start_page, self.file_card):
            self.image_pages.addWidget(part)
        page = as_widget(vbox(self.message, (self.image_pages, 1), margin=0, gap=0))
        page.setFocusProxy(self.canvas)
        return page

    def _add_docks(self) -> None:
        actions = self.registry.actions
        self.image_list.set_actions(
            options=[actions[name] for name in LIST_OPTIONS],
            context=[actions[name] for name in IMAGE_ACTIONS],
            passed_over=actions["passed_over"],
        )
        self.add_dock("images", "Images", self.image_list, "left", "Ctrl+Shift+I")
        whole = as_widget(vbox(self.summary, self.form, (None, 1), margin=0, gap=0))
        whole.setContentsMargins(10, 0, 10, 8)
        self.add_dock("tiling", "Tiling", _scrolled(whole), "right", "Ctrl+Shift+T")
        display = _scrolled(self.display)
        self.add_dock("display", "Display", display, "right", "Ctrl+Shift+V")
        self.map_panel = MapPanel(self.maps, actions["open_map"], actions["open_maps"])
        maps = _scrolled(self.map_panel)
        self.add_dock("map", "Anomaly map", maps, "right", "Ctrl+Shift+H")

    def _add_actions(self, *specs: ActionSpec) -> None:
        self.registry.add(specs)
        for spec in specs:
            if spec.menu not in self._menus:
                self._menus[spec.menu] = self.menuBar().addMenu(f"&{spec.menu}")
            if spec.separator:
                self._menus[spec.menu].addSeparator()
            self._menus[spec.menu].addAction(self.registry.actions[spec.name])

    def add_dock(
        self, name: str, title: str, widget: QWidget, side: str, key: str = ""
    ) -> QDockWidget:
        """Add a dock, whose place is remembered by its name; its key shows it."""
        dock = _Dock(title, self)
        dock.setObjectName(name)
        dock.setWidget(widget)
        before = self._docks_at(side)
        self.addDockWidget(_SIDES[side], dock)
        if before:  # docks of a side lie over each other, with a tab for each
            self.setTabPosition(_SIDES[side], QTabWidget.TabPosition.North)
            self.tabifyDockWidget(before[0], dock)
            before[0].raise_()
        self.resizeDocks([dock], [_WIDTHS[side]], Qt.Orientation.Horizontal)
        self.docks[name] = dock
        guard_fields(widget)
        keys = (key,) if key else ()
        words = f"{title} panel"
        entry = ActionSpec(
            *(f"dock_{name}", "View", words, keys, dock.setVisible),
            on=True,
            needs="docks",
            separator=len(self.docks) == 1,
        )
        self._add_actions(entry)
        switch = self.registry.actions[f"dock_{name}"]
        dock.toggleViewAction().toggled.connect(switch.setChecked)
        dock.toggleViewAction().toggled.connect(self._on_dock)
        return dock

    def _docks_at(self, side: str) -> list[QDockWidget]:
        docks = self.docks.values()
        return [dock for dock in docks if self.dockWidgetArea(dock) == _SIDES[side]]

    def collapse(self, side: str, on: bool) -> None:
        """Hide the docks at a side, or show again those that were hidden so."""
        at_side = self._docks_at(side)
        shown = [dock for dock in at_side if dock.toggleViewAction().isChecked()]
        if not on:
            self._collapsed[side] = shown
        elif not shown:
            shown = self._collapsed.pop(side, at_side)
        for dock in shown:
            dock.setVisible(on)

    def _on_dock(self) -> None:
        if self._hidden_docks:
            return  # a view without docks is in front: they come back
        for side in _SIDES:
            docks = self._docks_at(side)
            shown = any(dock.toggleViewAction().isChecked() for dock in docks)
            action = self.registry.actions[f"{side}_docks"]
            with QSignalBlocker(action):
                action.setChecked(shown)

    def add_view(self, name: str, title: str, widget: QWidget, key: str = "") -> None:
        """Add a view in a tab; ``name`` is what the command line calls it."""
        self.views[name] = widget
        guard_fields(widget)
        # The widest view must not keep the window from being small.
        widget.setMinimumWidth(min(widget.minimumSizeHint().width(), _NARROW))
        page = self.tabs.addTab(widget, title)
        self.tabs.setTabToolTip(page, f"{title} ({key})" if key else title)
        keys = (key,) if key else ()
        words = f"Show {title.lower()}"
        entry = ActionSpec(
            *(f"view_{name}", "View", words, keys, lambda: self.show_view(name)),
            separator=len(self.views) == 1,
        )
        self._add_actions(entry)
        canvases = widget.findChildren(ImageCanvas)
        self._canvases += canvases
        for canvas in canvases:
            canvas.installEventFilter(self)
        for state in {canvas.state for canvas in canvases}:
            state.changed.connect(self._show_zoom)

    def _add_views(self) -> None:
        jobs, viewer = self.jobs, self.viewer
        self.compare = CompareView(jobs, self.state)
        self.sheet = ContactSheetView(jobs)
        self.results = ResultsModel(viewer)
        self.merged = MergedView(
            *(self.results, self.state, self.registry.actions["seams"]),
            *(self.dialogs.open_results, self.dialogs.open_results_folder),
            self.dialogs.open_model,
        )
        self.side_by_side = SideBySideView(jobs, self.state, self.maps, self.results)
        self.advice = AdviceView(jobs)
        self.cases = CasesView(jobs)
        self.layer_visibility.followers += [
            *(self.compare.small, self.compare.large),
            *(self.merged.image, self.merged.other),
        ]
        self.add_view("compare", "Compare", self.compare, "Ctrl+2")
        self.add_view("sheet", "Tiles", self.sheet, "Ctrl+3")
        self.add_view("merged", "Merged", self.merged, "Ctrl+4")
        self.add_view("beside", "Side by side", self.side_by_side, "Ctrl+5")
        self.add_view("advice", "Advice", self.advice, "Ctrl+6")
        self.add_view("cases", "Cases", self.cases, "Ctrl+7")

        def go_worst() -> None:
            self.show_view("merged")
            self.merged.go_worst()

        def pin() -> None:
            self.side_by_side.pin(viewer.settings)
            self.show_view("beside")

        worst = "Worst seam of the merged image"
        compare = "Compare with these settings (pin as A)"
        self._add_actions(
            ActionSpec("worst", "Go", worst, ("W",), go_worst),
            ActionSpec("pin", "Edit", compare, ("Ctrl+B",), pin),
        )
        self.defects_bar.preview_of_defect.clicked.connect(
            lambda: self.show_view("compare")
        )
        self.sheet.tile_opened.connect(self.navigator.go_to_tile)
        self.readout.tile_wanted.connect(self._show_tile)
        self.sheet.noticed.connect(self.status.inform)
        self.viewer.pixels_changed.connect(self.sheet.list.clear_thumbnails)
        self.sheet.survey_wanted.connect(self.results.find_worst)
        self.results.changed.connect(self._on_results)
        self.results.arrived.connect(self._on_arrived)
        self.results.map_made.connect(self._on_map_made)
        self._on_results()
        self.merged.pointed.connect(self.status.point)
        self.side_by_side.swapped.connect(viewer.change)
        self.side_by_side.noticed.connect(self.status.say)
        self.advice.taken.connect(viewer.change)
        viewer.cases_given.connect(self._open_cases)

    def _show_tile(self, tile: int) -> None:
        self.show_view("sheet")
        self.sheet.open_tile(tile)

    def _open_cases(self, paths: tuple[Path, ...]) -> None:
        self.cases.open(paths)
        self.show_view("cases")

    def show_view(self, name: str) -> None:
        self.tabs.setCurrentWidget(self.views[name])
        self.views[name].setFocus()

    def _restore(self) -> None:
        self.preferences.restore("geometry", self.restoreGeometry)
        self.preferences.restore("docks", lambda kept: self.restoreState(kept, _LAYOUT))
        if self.preferences.notices:
            self.status.say("; ".join(self.preferences.notices))
        kind = str(self.preferences.get("images_grouped"))
        if kind in GROUPS:
            self.registry.actions[f"group_{kind}"].setChecked(True)
        on = self.preferences.get("thumbnails") in (True, "true")  # of INI files
        self.registry.actions["thumbnails"].setChecked(on)

    def _connect(self) -> None:
        viewer = self.viewer
        viewer.opened.connect(self._on_opened)
        viewer.item_changed.connect(self._on_item)
        viewer.pixels_changed.connect(self._on_pixels)
        viewer.settings_changed.connect(self._on_settings)
        viewer.tiling_changed.connect(self._on_tiling)
        viewer.facts_changed.connect(self._on_facts)
        self.maps.changed.connect(self._on_map)
        viewer.maps_changed.connect(self.docks["map"].raise_)
        self.maps.scored.connect(self.canvas.refresh)
        viewer.noticed.connect(self.status.say)
        self.jobs.failed.connect(lambda _name, words: self.status.say(words))
        self.form.changed.connect(viewer.change)
        self.defects_bar.found.connect(self._on_defects)
        self.defects_bar.chosen.connect(self._go_to_defect)
        self.defects_bar.tile_chosen.connect(self.navigator.go_to_tile)
        self.canvas.clicked.connect(self._on_click)
        self.tabs.currentChanged.connect(self._on_view)
        self.viewer.undo_stack.indexChanged.connect(self._on_undo_stack)
        self._on_undo_stack()
        for name, choices in (("theme", SCHEMES), ("group", GROUPS)):
            group = QActionGroup(self)
            for choice in choices:
                group.addAction(self.registry.actions[f"{name}_{choice}"])
        ruler = self.registry.actions["ruler"]
        for signal in (self.jobs.started, self.jobs.ended, ruler.toggled):
            signal.connect(
                lambda _: self.registry.enable(
                    "cancel", self.jobs.running() or ruler.isChecked()
                )
            )

    def _on_undo_stack(self) -> None:
        stack = self.viewer.undo_stack
        for name, text, on in (
            ("undo", stack.undoText(), stack.canUndo()),
            ("redo", stack.redoText(), stack.canRedo()),
        ):
            words = f"{name.capitalize()} {text}".rstrip()
            self.registry.actions[name].setText(words)
            self.registry.enable(name, on)

    def _item_views(self) -> list[DefectsBar | LazyView]:
        views = self.views.values()
        return [self.defects_bar, *(one for one in views if isinstance(one, LazyView))]

    # What happened in the viewer

    def _on_opened(self) -> None:
        title = self.viewer.image_set.title
        self.advice.show_items(self.viewer.image_set.items)
        self.setWindowTitle(f"{title} - reftiler" if title else "reftiler")

    def _on_item(self) -> None:
        loaded = self.viewer.loaded
        source = loaded.image if loaded else None
        self.canvas.message = loaded.words if loaded else ""
        old = self.canvas.source
        same = old is not None and source is not None and old.size == source.size
        if not (same and self.state.locked):
            self.state.fitted = True
        self.canvas.set_marks(())
        metadata = source.info.metadata if source else None
        for canvas in (self.canvas, *self.layer_visibility.followers):
            canvas.pixel_size = metadata.pixel_micrometers() if metadata else None
        self.canvas.present(source, loaded.mask if loaded else None, self.viewer.tiling)
        for view in self._item_views():
            view.show_item(loaded)
        self._show_message()
        self.readout.update()

    def _on_results(self) -> None:
        pictures = self.results.pictures
        self.canvas.set_seams(pictures.seams if pictures else None)
        nothing = "" if pictures else "No results of the tiles are open: see Merged."
        problem = self.results.problem or nothing
        self.sheet.show_results(self.results.results)
        self.sheet.show_survey(self.results.survey, problem)

    def _on_map_made(self, found: AnomalyMap | None) -> None:
        """Show a merged map as that of the image, or the image's own again."""
        if found is not None:
            self.maps.show(found)
            self.docks["map"].raise_()
        elif self.maps.map is not None and self.maps.map is self._merged_map:
            self.maps.choose(self.maps.number)
        self._merged_map = found

    def _on_arrived(self, parts: Parts | None) -> None:
        for canvas in (self.canvas, self.merged.image, self.merged.other):
            canvas.repaint_pixels(parts)

    def _on_pixels(self) -> None:
        self._show_message()
        for canvas in self._canvases:
            canvas.repaint_pixels()

    def _on_settings(self) -> None:
        self.form.show_settings(self.viewer.settings)

    def _on_tiling(self) -> None:
        viewer = self.viewer
        self.form.show_refusal(viewer.refusal)
        if viewer.refusal is None or viewer.tiling is None:
            most = viewer.facts.most if viewer.facts else 0
            self.canvas.set_tiling(viewer.tiling, most)
            for view in self._item_views():
                view.show_tiling(viewer.tiling, viewer.settings)
        self._on_facts()
        self._show_message()
        self.readout.update()

    def _on_map(self) -> None:
        self.canvas.set_map(self.maps.map, self.maps.settings)
        self.results.set_map_settings(self.maps.settings)
        self.readout.update()

    def _on_facts(self) -> None:
        viewer, refused = self.viewer, self.viewer.refusal is not None
        self.summary.show_facts(viewer.facts, viewer.settings, refused=refused)
        if viewer.facts is not None:
            self.canvas.set_most(viewer.facts.most)

    def _on_defects(self) -> None:
        self._mark()
        self.side_by_side.show_defects(self.defects_bar.defects)
        for view in self._item_views():
            view.show_defect(self.defects_bar.region)
        self._show_message()

    def _show_message(self) -> None:
        loaded, viewer = self.viewer.loaded, self.viewer
        page: QWidget = self.canvas
        if loaded is None and not self.jobs.running("Opening"):
            page = self.start_page
            self.start_page.show_problems(viewer.image_set.problems)
        elif loaded is not None and loaded.image is None:
            page = self.file_card
            self.file_card.show_file(loaded)
        self.image_pages.setCurrentWidget(page)
        self.message.setVisible(page is self.canvas)
        if loaded is None or loaded.image is None:
            nothing = nothing_words(viewer.image_set.problems)
            self.message.setText(loaded.words if loaded else nothing)
            return
        overlaps = viewer.tiling is not None and any(viewer.tiling.grid.tiler.overlap)
        defects = self.defects_bar.defects
        words = story(loaded, defects, viewer.tiling, overlaps=overlaps)
        problems = "; ".join(loaded.problems)
        self.message.setText(f"⚠ {problems}\n{words}" if problems else words)

    def _on_view(self) -> None:
        page = self.tabs.currentWidget()
        if not self.tabs.tabBar().hasFocus():
            page.setFocus()
        self.defects_bar.set_brief(getattr(page, "goes", False))
        self.defects_bar.setVisible(getattr(page, "of_image", True))
        self._show_docks(getattr(page, "docks", True))
        self._on_canvases()

    def _on_canvases(self) -> None:
        self.registry.offer(self._offered())
        self._show_zoom()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide) and self.isVisible():
            QTimer.singleShot(0, self, self._on_canvases)
        return super().eventFilter(watched, event)

    def _offered(self) -> set[str]:
        """Return what the view in front has; see `ActionSpec.needs`."""
        page = self.tabs.currentWidget()
        canvases = page.findChildren(ImageCanvas)
        canvas = any(one.isVisibleTo(page) for one in canvases)
        found = {
            "canvas": canvas,
            "zoom": canvas or page is self.sheet,
            "layers": page is self.views["image"],
            "overlays": page in (self.views["image"], self.compare, self.merged),
            "seams": page in (self.views["image"], self.merged),
            "image": getattr(page, "of_image", True),
            "docks": getattr(page, "docks", True),
        }
        return {name for name, has in found.items() if has}

    def _show_docks(self, on: bool) -> None:
        if on:
            back, self._hidden_docks = self._hidden_docks, []
            for dock in back:
                dock.show()
            return
        for dock in self.docks.values():
            if not dock.isHidden():
                self._hidden_docks.append(dock)
                dock.hide()

    def _show_zoom(self) -> None:
        canvas = self.navigator.canvas
        self.toolbar.zoom.show_zoom(canvas.state.zoom if canvas.isVisible() else None)

    def _set_zoom(self, zoom: float) -> None:
        self.navigator.set_zoom(zoom)
        self.tabs.currentWidget().setFocus()

    # The mouse

    def _on_click(self, row: float, col: float) -> None:
        if self.defects_bar.pick(row, col, 12 / self.state.zoom):
            return
        tiling = self.canvas.tiling
        self.canvas.set_tile(tiling.nearest(row, col) if tiling else None)

    def _mark(self) -> None:
        bar = self.defects_bar
        self.map_panel.show_defect(bar.region)
        self.canvas.set_marks(
            lambda box, cell: self.maps.mark(
                marks_of(bar.defects, bar.number, box, cell)
            )
        )

    def _go_to_defect(self, region: Region | None) -> None:
        self._mark()
        for view in self._item_views():
            view.show_defect(region)
        if region is not None and not getattr(self.tabs.currentWidget(), "goes", False):
            self.navigator.go_to_defect(region)

    # What the actions do

    def go_to_form(self) -> None:
        self._show_dock("tiling")
        self.form.tile.setFocus()
        self.form.tile.width_field.selectAll()

    def find_image(self) -> None:
        self._show_dock("images")
        self.image_list.start_search()

    def _show_dock(self, name: str) -> None:
        if not self.registry.actions[f"dock_{name}"].isEnabled():
            self.show_view("image")
        self.docks[name].show()
        self.docks[name].raise_()

    def full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def cancel(self) -> None:
        ruler = self.registry.actions["ruler"]
        if ruler.isChecked():
            ruler.setChecked(False)
        else:
            self.jobs.give_up()

    def lock(self, on: bool) -> None:
        self.state.locked = on

    def apply_theme(self, scheme: str) -> None:
        self.preferences.put("theme", scheme)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, scheme)

    def picture(self) -> QImage:
        if self.canvas.isVisible():
            return self.canvas.picture()
        return self.tabs.currentWidget().grab().toImage()

    def open(
        self, paths: Iterable[str | Path], maps: Iterable[str | Path] = ()
    ) -> None:
        """Open files and folders, and their maps; none means the bundled sample."""
        opened, maps = [Path(path) for path in paths], list(maps)
        for path in reversed(opened):
            if path.exists():
                self.preferences.remember(path)
        if maps:
            self.docks["map"].raise_()
        self.viewer.open(opened, maps=maps)
        self._show_message()

    def open_results(self, source: Source) -> None:
        self.results.open(source)
        self.show_view("merged")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        urls = event.mimeData().urls()
        paths = [url.toLocalFile() for url in urls if url.toLocalFile()]
        tiling = self.viewer.tiling
        count = 0 if tiling is None else len(tiling)
        if len(paths) == 1 and count and is_results(Path(paths[0]), count):
            self.open_results(Path(paths[0]))
            event.acceptProposedAction()
        elif paths:
            self.viewer.open_dropped(paths, lambda: self.open(paths))
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._show_docks(True)
        self.preferences.settings = self.viewer.settings
        self.preferences.layers = self.canvas.layers
        self.preferences.put("maps", self.maps.choices)
        self.preferences.put("images_grouped", self.image_list.grouping)
        self.preferences.put("thumbnails", self.image_list.rows.thumbnails)
        self.preferences.put("geometry", self.saveGeometry())
        self.preferences.put("docks", self.saveState(_LAYOUT))
        self.jobs.stop()
        super().closeEvent(event)
        self.closed.emit()


def _scrolled(inner: QWidget) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFrameShape(QScrollArea.Shape.NoFrame)
    scroll.setWidget(inner)
    room = scroll.verticalScrollBar().sizeHint().width()
    scroll.setMinimumWidth(inner.minimumSizeHint().width() + room)
    return scroll
