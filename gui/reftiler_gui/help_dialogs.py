"""The dialogs of the menu Help: keys, commands, documentation."""

import re
from html import escape
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QListWidget,
    QTabWidget,
    QTextBrowser,
    QWidget,
)

import reftiler
from reftiler_gui.actions import ActionRegistry, keys_text
from reftiler_gui.widgets import named, vbox

_HTML = r"(?s)<!--.*?-->|<img [^>]*>"
_GESTURES = (
    ("Wheel, two fingers", "zoom at the cursor"),
    ("Drag, Space + drag", "move the image; in the minimap: go there"),
    ("Click", "choose a tile, or a defect"),
    ("Shift, held", "Compare: swap the pictures; Merged: see the original"),
    ("Ctrl + wheel, + and −", "Tiles: show them larger or smaller"),
    ("Arrows, Enter", "Tiles: choose one and go there"),
    ("Tab", "the next control; Alt and an underlined letter: that control"),
)


def run_dialog(dialog: QDialog) -> None:
    """Show a dialog until it is closed, and let go of it."""
    dialog.exec()
    dialog.deleteLater()  # its parent would keep it


class _TextDialog(QDialog):
    """A dialog with something to read."""

    def __init__(self, title: str, text: QWidget, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        self.setLayout(vbox(named(text, title), buttons))


class ShortcutsDialog(_TextDialog):
    """All keys, by menu."""

    def __init__(self, table: ActionRegistry, parent: QWidget | None = None) -> None:
        text = QTextBrowser()
        text.setHtml(_sheet(table))
        super().__init__("Keys", text, parent)
        self.resize(560, 620)


class DocumentationDialog(_TextDialog):
    """The guide and the specification that come with the package."""

    def __init__(self, parent: QWidget | None = None) -> None:
        tabs = QTabWidget()
        root = Path(reftiler.__file__).parents[1]
        installed, source = "reftiler_conformance/SPEC.md", "conformance/SPEC.md"
        for title, names in (("Guide", ("README.md",)), ("SPEC", (installed, source))):
            text = named(QTextBrowser(openExternalLinks=True), title)
            # Qt hides what follows a comment or a tag of HTML.
            text.setMarkdown(re.sub(_HTML, "", _document(root, names)))
            tabs.addTab(text, title)
        super().__init__("Documentation", tabs, parent)
        self.resize(900, 700)


def _document(root: Path, names: tuple[str, ...]) -> str:
    """Return the first of these files; the guide is in the package's metadata too."""
    for name in names:
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8")
    try:
        guide = metadata.metadata("reftiler").json.get("description", "")
    except metadata.PackageNotFoundError:
        guide = ""
    missing = f"{names[0]} did not come with this installation of reftiler."
    return str(guide if names == ("README.md",) and guide else missing)


def _sheet(table: ActionRegistry) -> str:
    parts = [_rows("Mouse and gestures", _GESTURES)]
    menus = dict.fromkeys(entry.menu for entry in table.entries)
    for menu in menus:
        rows = [
            (keys_text(entry), entry.text.rstrip("…"))
            for entry in table.entries
            if entry.menu == menu and entry.keys
        ]
        parts.append(_rows(menu, rows))
    return "".join(parts)


def _rows(title: str, rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    lines = "".join(
        f"<tr><td width=190><b>{escape(keys)}</b></td><td>{escape(words)}</td></tr>"
        for keys, words in rows
    )
    return f"<h4>{escape(title)}</h4><table cellpadding=2>{lines}</table>"


class CommandPalette(QDialog):
    """Everything that can be done now; some letters of it find it."""

    def __init__(self, table: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Commands")
        self.resize(460, 420)
        field = QLineEdit(placeholderText="Type a few letters…")
        self.field = named(field, "Letters of a command")
        self.list = named(QListWidget(), "Commands")
        self._found: dict[str, QAction] = {}
        for entry in table.entries:
            keys = f"    {keys_text(entry)}" if entry.keys else ""
            words = f"{entry.menu}: {entry.text.rstrip('…')}{keys}"
            if table.actions[entry.name].isEnabled():
                self._found[words] = table.actions[entry.name]
        self.field.textChanged.connect(self._filter)
        self.field.returnPressed.connect(self._run)
        self.list.itemActivated.connect(self._run)
        self.field.installEventFilter(self)
        self.setLayout(vbox(self.field, self.list))
        self._filter("")

    def _filter(self, letters: str) -> None:
        wanted, found = letters.lower().split(), self._found
        self.list.clear()
        self.list.addItems([w for w in found if all(p in w.lower() for p in wanted)])
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        if self.list.currentRow() >= 0:
            self.accept()
            self._found[self.list.currentItem().text()].trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down)
        if not (isinstance(event, QKeyEvent) and event.key() in keys):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.KeyPress:
            self.list.keyPressEvent(event)
        return True
