"""The frame of the main window: its parts, where they stand, its menus."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QScrollArea,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from reftiler_gui.actions import ActionRegistry, ActionSpec
from reftiler_gui.camera import Camera
from reftiler_gui.commands import LINES, TOOLS
from reftiler_gui.contrast_limits import ContrastLimits
from reftiler_gui.defects_bar import DefectsBar
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.image_list import ImageList
from reftiler_gui.jobs import Jobs
from reftiler_gui.preferences import Preferences
from reftiler_gui.settings_form import SettingsForm
from reftiler_gui.status import Status
from reftiler_gui.summary import Summary
from reftiler_gui.view_base import filter_shortcuts
from reftiler_gui.viewer_model import ViewerModel

__all__ = ["Frame"]

_NARROW = 350  # the screen's pixels within which a view must do


class Frame(QMainWindow):
    """
    The parts of the main window.

    Parameters
    ----------
    prefs : Preferences, optional
        What is remembered; by default nothing is.
    """

    def __init__(self, prefs: Preferences | None = None) -> None:
        super().__init__()
        self.prefs = prefs or Preferences()
        self.jobs = Jobs(self)
        self.viewer = ViewerModel(self.jobs, self.prefs.settings)
        self.state = Camera(self)
        self.canvas = ImageCanvas(self.state)
        self.tabs = QTabWidget()
        self.story = QLabel("Opening…")
        self.items = ImageList()
        self.controls = SettingsForm()
        self.summary = Summary()
        self.values = ContrastLimits()
        self.bar = DefectsBar(self.jobs)
        self.status = Status(self.jobs)
        self.table = ActionRegistry(self)
        self._views: dict[str, QWidget] = {}
        self._menus: dict[str, QMenu] = {}
        self.docks = [self._images_dock(), self._settings_dock()]
        self._lay_out()
        self.setAcceptDrops(True)
        self.setWindowTitle("reftiler")
        self.resize(1280, 800)

    # Parts

    def _lay_out(self) -> None:
        self.story.setObjectName("story")
        self.story.setTextFormat(Qt.TextFormat.PlainText)
        self.story.setWordWrap(True)
        self.story.setAccessibleName("What there is to see")
        self.story.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views")
        # A click shows a view, and the keys are the view's then; Tab still gets here.
        self.tabs.tabBar().setFocusPolicy(Qt.FocusPolicy.TabFocus)
        filter_shortcuts(self.tabs.tabBar())
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.bar)
        self.setCentralWidget(middle)
        self.setStatusBar(self.status)

    def image_page(self) -> QWidget:
        """Return the canvas beneath a sentence on what there is to see."""
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.story)
        column.addWidget(self.canvas, 1)
        page.setFocusProxy(self.canvas)
        return page

    def _images_dock(self) -> QDockWidget:
        dock = QDockWidget("Images", self)
        dock.setObjectName("images")
        self.items.setMinimumWidth(90)
        dock.setWidget(self.items)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        self.resizeDocks([dock], [180], Qt.Orientation.Horizontal)
        return dock

    def _settings_dock(self) -> QDockWidget:
        dock = QDockWidget("Tiling", self)
        dock.setObjectName("tiling")
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(10, 0, 10, 8)
        for part in (self.summary, self.controls, self.values):
            column.addWidget(part)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(inner)
        room = scroll.verticalScrollBar().sizeHint().width()
        scroll.setMinimumWidth(inner.minimumSizeHint().width() + room)
        dock.setWidget(scroll)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        self.resizeDocks([dock], [300], Qt.Orientation.Horizontal)
        return dock

    def fill_menus(self) -> None:
        """Put what the table has into the menus; call it when it has more."""
        bar = self.menuBar()
        for title, actions in self.table.menus().items():
            if title not in self._menus:
                self._menus[title] = bar.addMenu(f"&{title}")
            self._fill(self._menus[title], actions)

    def _fill(self, menu: QMenu, actions: list[QAction]) -> None:
        """Add what a menu does not have yet, with lines between what is of a kind."""
        there = set(menu.actions())
        first = [
            self.table.actions[name] for name in LINES if name in self.table.actions
        ]
        for action in actions:
            if action not in there:
                if action in first:
                    menu.addSeparator()
                menu.addAction(action)

    def insert_menu(self, name: str, menu: QMenu) -> None:
        """Put a menu of its own after what the table calls so."""
        entry = next(one for one in self.table.entries if one.name == name)
        actions = self._menus[entry.menu].actions()
        place = actions.index(self.table.actions[name]) + 1
        self._menus[entry.menu].insertMenu(actions[place], menu)

    def add_tools(self) -> None:
        """Put what is done often into the toolbar."""
        tools = QToolBar("Tools")
        tools.setObjectName("tools")
        tools.setMovable(False)
        for name in TOOLS:
            if name:
                tools.addAction(self.table.actions[name])
            else:
                tools.addSeparator()
        self.addToolBar(tools)

    def add_view(self, name: str, title: str, widget: QWidget, key: str = "") -> None:
        """
        Add a view in a tab of its own.

        Parameters
        ----------
        name : str
            What the command line calls it.
        title : str
            What the tab says.
        widget : QWidget
            If it is a `reftiler_gui.view_base.View` too, it is told what is open.
        key : str
            The key that shows it, as Qt writes it.
        """
        self._views[name] = widget
        # The widest view must not keep the window from being small.
        widget.setMinimumWidth(min(widget.minimumSizeHint().width(), _NARROW))
        page = self.tabs.addTab(widget, title)
        self.tabs.setTabToolTip(page, f"{title} ({key})" if key else title)
        keys = (key,) if key else ()
        words = f"Show {title.lower()}"
        entry = ActionSpec(
            f"view_{name}", "View", words, keys, lambda: self.show_view(name)
        )
        self.table.add([entry])
        self.fill_menus()

    @property
    def views(self) -> dict[str, QWidget]:
        """The views by name."""
        return dict(self._views)

    def show_view(self, name: str) -> None:
        """Show a view."""
        self.tabs.setCurrentWidget(self._views[name])
        self._views[name].setFocus()

    def restore(self) -> None:
        """Stand where one stood on the last day."""
        geometry, docks = self.prefs.geometry("geometry"), self.prefs.geometry("docks")
        if geometry is not None:
            self.restoreGeometry(geometry)
        if docks is not None:
            self.restoreState(docks)
