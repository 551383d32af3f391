"""Pages in place of an image: what can be opened, recent files, a broken file."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QWidget

from reftiler_gui.layouts import hbox, vbox
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.preferences import Preferences
from reftiler_gui.widgets import button, message_label, plain_tip

_WIDTH = 560  # of what is written, in the screen's pixels


class _Card(QFrame):
    """A frame in the middle of the page, with a title, a text and buttons."""

    def __init__(self, name: str, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("page")
        self.frame = QFrame()
        self.frame.setObjectName("card")
        self.frame.setMaximumWidth(_WIDTH)
        self.title, self.text = message_label(f"{name}: title"), message_label(name)
        self.title.setObjectName("cardTitle")
        buttons = (
            button(text, action.trigger, action.toolTip())
            for text, action in actions.items()
        )
        row = hbox(*buttons, (None, 1))
        sides = 28, 24, 28, 24
        self.column = vbox(self.title, self.text, row, margin=sides, gap=12)
        self.frame.setLayout(self.column)
        across = hbox((None, 1), (self.frame, 8), (None, 1))
        self.setLayout(vbox((None, 1), across, (None, 2)))


class StartPage(_Card):
    """Shown while nothing is open: where to drop files, three buttons, recent files."""

    def __init__(
        self,
        actions: Mapping[str, QAction],
        preferences: Preferences,
        open_path: Callable[[str], object],
    ) -> None:
        buttons = {
            "Open images…": actions["open"],
            "Open a folder…": actions["open_folder"],
            "Open the sample": actions["sample"],
        }
        super().__init__("What can be opened", buttons)
        self._preferences = preferences
        self._open = open_path
        self.frame.setProperty("dashed", True)
        self.title.setText("Drop images or a folder here")
        self.recent = vbox(gap=0)
        self._links: list[QWidget] = []
        self.column.addLayout(self.recent)
        self.show_problems(())

    def show_problems(self, problems: Iterable[str]) -> None:
        said = "\n".join(f"⚠ {problem}" for problem in problems)
        self.text.setText(
            said
            or "Images with or without masks, data sets, settings (YAML), and "
            "what the conformance kit wrote."
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for old in self._links:
            old.setParent(None)
            old.deleteLater()
        self._links = []
        paths = [Path(path) for path in self._preferences.recent]
        if paths:
            self._links.append(QLabel("Recent"))
            self.recent.addWidget(self._links[0])
        for path in paths:
            text, elide = f"{path.name}   {path.parent}", Qt.TextElideMode.ElideMiddle
            text = self.fontMetrics().elidedText(text, elide, _WIDTH - 80)
            link = button(text.replace("&", "&&"), partial(self._open, str(path)))
            link.setToolTip(plain_tip(str(path)))
            link.setObjectName("link")
            link.setFlat(True)
            link.setEnabled(path.exists())
            self._links.append(link)
            self.recent.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)


class FileCard(_Card):
    """Shown in place of an image that cannot be read: why, and what can be done."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        names = ("reload", "show_in_folder", "next")
        buttons = {actions[name].text(): actions[name] for name in names}
        super().__init__("Why it cannot be read", buttons)

    def show_file(self, loaded: LoadedImage) -> None:
        self.title.setText(loaded.item.name)
        said = "\n".join(loaded.problems)
        self.text.setText(
            f"{said}\n\nNothing else is affected. If the file is still being written, "
            "or was mended, reload it."
        )


class RecentFilesMenu(QMenu):
    """What was opened lately, the last first; what has vanished is grey."""

    def __init__(
        self,
        preferences: Preferences,
        open_path: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Recent files", parent)
        self._preferences = preferences
        self._open = lambda path, _checked=False: open_path(path)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        self.clear()
        recent = [Path(path) for path in self._preferences.recent]
        for number, path in enumerate(recent, start=1):
            name, there = path.name.replace("&", "&&"), path.exists()
            gone = "" if there else ": not there any more"
            action = self.addAction(f"&{number}  {name}   ({path.parent}){gone}")
            action.setToolTip(plain_tip(str(path)))
            action.setEnabled(there)
            action.triggered.connect(partial(self._open, str(path)))
        if not recent:
            self.addAction("Nothing was opened yet").setEnabled(False)
            return
        self.addSeparator()
        self.addAction("Forget all of them", self._preferences.forget)
