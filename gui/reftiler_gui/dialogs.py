"""Dialogs: files and folders, figures, keys, commands, documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from html import escape
from importlib import metadata
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QUrl, qVersion
from PySide6.QtGui import (
    QAction,
    QDesktopServices,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMessageBox,
    QPlainTextEdit,
    QSpinBox,
    QTabWidget,
    QTextBrowser,
    QWidget,
)

import reftiler
from reftiler import __version__ as version
from reftiler.errors import TilingError
from reftiler.io import IMAGE_SUFFIXES, write_image
from reftiler_gui.actions import ActionRegistry, keys_text
from reftiler_gui.exporting import save_picture, write_file, write_tiles
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import hbox, vbox
from reftiler_gui.model.figures import FIGURES, FigureRequest, draw_figure
from reftiler_gui.model.form_settings import as_command, as_python
from reftiler_gui.model.image_set import ImageSet, LoadedImage
from reftiler_gui.model.report import Report, write_report
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tiles import ImageTiles
from reftiler_gui.widgets import message_label, named

if TYPE_CHECKING:
    from reftiler_gui.main_window import MainWindow

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


_DRAWING, _WRITING = "Drawing the figure", "Writing the figure"
_LARGEST = 16384  # pixels of the resized image's sides


class FigureDialog(QDialog):
    """Draws figures of the open image, shows them, copies and saves them."""

    def __init__(
        self,
        loaded: LoadedImage,
        tiles: ImageTiles,
        order: NDArray[np.int64],
        tile: int,
        jobs: Jobs,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._loaded, self._tiles, self._order, self._jobs = loaded, tiles, order, jobs
        self._figure: NDArray[np.uint8] | None = None
        self.setWindowTitle("Export a figure")
        self.resize(760, 620)
        self.kind = named(QComboBox(), "Figure")
        for name, text in FIGURES.items():
            self.kind.addItem(text, name)
        self.tile = _number("Tile of the figure", 0, len(tiles) - 1, tile)
        height, width = tiles.size
        self.columns = _number("Resized width", 1, _LARGEST, width)
        self.rows = _number("Resized height", 1, _LARGEST, height)
        self.mask_box = QCheckBox("Mask")
        self.mask_box.setChecked(loaded.mask is not None)
        self.mask_box.setEnabled(loaded.mask is not None)
        self.preview = named(QLabel(), "Preview of the figure")
        self.words = message_label("Figure")
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Save | buttons.Close)
        self.copy = self.buttons.addButton(
            "Copy", QDialogButtonBox.ButtonRole.ActionRole
        )
        self.save = self.buttons.button(buttons.Save)
        self._soon = QTimer(self, singleShot=True, interval=150)
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._change)
        for field in (self.tile, self.columns, self.rows):
            field.valueChanged.connect(self._change)
        self.mask_box.toggled.connect(self._change)
        self._soon.timeout.connect(self._draw)
        self.copy.clicked.connect(self._copy)
        self.save.clicked.connect(self._ask)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(self._soon.stop)
        self.finished.connect(lambda: jobs.cancel(_DRAWING))
        self._change()

    def _lay_out(self) -> None:
        size = hbox(self.columns, QLabel("×"), self.rows, QLabel("px"), (None, 1))
        form = QFormLayout()
        form.addRow("Figure", self.kind)
        form.addRow("Tile", self.tile)
        form.addRow("Resized to, width × height", size)
        form.addRow("", self.mask_box)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(320, 240)
        self.setLayout(vbox(form, (self.preview, 1), self.words, self.buttons))

    @property
    def request(self) -> FigureRequest:
        view = self._tiles.view
        ordered = np.array_equal(self._order, np.arange(len(view)))
        return FigureRequest(
            name=str(self.kind.currentData()),
            tile=self.tile.value(),
            size=(self.rows.value(), self.columns.value()),
            mask=self.mask_box.isChecked(),
            order=self._order.tolist(),
            columns=view.shape[1] if ordered and not view.scattered else None,
        )

    def _change(self) -> None:
        name = self.kind.currentData()
        self.tile.setEnabled(name in ("tile", "side", "grid"))
        for field in (self.columns, self.rows):
            field.setEnabled(name in ("resized", "side"))
        self._show(None, "Drawing the figure…")
        self._jobs.cancel(_DRAWING)
        self._soon.start()

    def _draw(self) -> None:
        mask = self._loaded.mask.array if self._loaded.mask else None
        tiles, request = self._tiles, self.request
        self._jobs.start(
            _DRAWING,
            lambda: draw_figure(tiles, mask, request),
            self._show,
            lambda words: self._show(None, words),
        )

    def _show(self, figure: NDArray[np.uint8] | None, words: str = "") -> None:
        self._figure = figure
        for button in (self.copy, self.save):
            button.setEnabled(figure is not None)
        if figure is not None:
            words = f"{figure.shape[1]:,} × {figure.shape[0]:,} px"
        self.words.setText(words)
        self._show_preview()

    def _show_preview(self) -> None:
        image = self.image
        if image is None:
            self.preview.clear()
            return
        size, kept = self.preview.size(), Qt.AspectRatioMode.KeepAspectRatio
        if image.width() > size.width() or image.height() > size.height():
            smooth = Qt.TransformationMode.SmoothTransformation
            image = image.scaled(size, kept, smooth)
        self.preview.setPixmap(QPixmap.fromImage(image))

    @property
    def image(self) -> QImage | None:
        if self._figure is None:
            return None
        height, width, _ = self._figure.shape
        pixels = np.ascontiguousarray(self._figure)
        return QImage(
            pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888
        ).copy()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_preview()

    def _copy(self) -> None:
        if (image := self.image) is not None:
            QGuiApplication.clipboard().setImage(image)
            self.words.setText("Copied.")

    def _ask(self) -> None:
        item, request, figure = self._loaded.item, self.request, self._figure
        number = f"-{request.tile}" if request.name in ("tile", "side") else ""
        name = item.path_beside(f"{item.stem}-{request.name}{number}.png")
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the figure", name, "Pictures (*.png *.tif)"
        )
        if not path or figure is None:
            return
        self._jobs.start(
            _WRITING,
            lambda: write_image(Path(path), figure),
            lambda _: self.words.setText(f"Wrote {path}"),
            self.words.setText,
        )


def _number(name: str, least: int, most: int, value: int) -> QSpinBox:
    field = named(QSpinBox(minimum=least, maximum=most, value=value), name)
    field.setGroupSeparatorShown(True)
    return field


_IMAGES = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
_OPENED = f"Images, cases and settings ({_IMAGES} *.npz *.jsonl *.yaml *.yml)"
_MASKS = f"Masks ({_IMAGES})"
_MAPS = f"Maps ({_IMAGES})"
_YAML = "YAML (*.yaml *.yml)"


class Dialogs:
    """Questions to the user, and what follows from the answers."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._status = window, window.status

    def _file(self, title: str, kinds: str) -> str:
        """Ask for a file to read; empty if none was chosen."""
        return QFileDialog.getOpenFileName(self._window, title, "", kinds)[0]

    def _folder(self, title: str) -> str:
        return QFileDialog.getExistingDirectory(self._window, title)

    def _new_file(self, title: str, name: str, kinds: str = "") -> str:
        return QFileDialog.getSaveFileName(self._window, title, name, kinds)[0]

    def open_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Open", "", _OPENED)
        if paths:
            self._window.open(paths)

    def open_folder(self) -> None:
        if path := self._folder("Open a folder"):
            self._window.open([path])

    def open_map(self) -> None:
        if path := self._file("Open the anomaly map of this image", _MAPS):
            self._window.viewer.open_maps([path], this=True)

    def open_maps(self) -> None:
        if path := self._folder("Open anomaly maps"):
            self._window.viewer.open_maps([path])

    def open_results(self) -> None:
        if path := self._file("Open the results of the tiles", "Arrays (*.npy)"):
            self._window.open_results(Path(path))

    def open_results_folder(self) -> None:
        if path := self._folder("Open a folder of tiles' results"):
            self._window.open_results(Path(path))

    def open_model(self) -> None:
        title = "Open a model, which is run: only one that you trust"
        path = self._file(title, "Models (*.py *.onnx *.pt2)")
        if not path.endswith(".py"):
            if path:
                self._window.open_results(path)
            return
        try:
            content = ast.parse(Path(path).read_bytes()).body
        except (OSError, SyntaxError, ValueError) as error:
            self._status.say(f"cannot read {path}: {error}")
            return
        names = [one.name for one in content if isinstance(one, ast.FunctionDef)]
        assigned = [one.targets for one in content if isinstance(one, ast.Assign)]
        names += [one.id for one in chain(*assigned) if isinstance(one, ast.Name)]
        words = "What takes a batch of tiles:"
        name, wanted = QInputDialog.getItem(
            self._window, "Open a model", words, names, 0, True
        )
        if wanted and name:
            self._window.open_results(f"{path}:{name}")

    def open_recent(self) -> None:
        recent = self._window.preferences.recent
        if not recent:
            self._status.inform("Nothing was opened yet.")
            return
        path, wanted = QInputDialog.getItem(
            self._window, "Open Recent", "Recent files:", recent, 0, False
        )
        if wanted and Path(path).exists():
            self._window.open([path])
        elif wanted:
            self._window.preferences.forget(path)
            self._status.say(f"{path} is not there any more, and is forgotten")

    def open_mask(self) -> None:
        image = self._image_file()
        if image is None:
            return
        paths, _ = QFileDialog.getOpenFileNames(
            self._window, f"The mask of {image.name}", str(image.parent), _MASKS
        )
        self._window.viewer.open_masks(paths)

    def show_in_folder(self) -> None:
        image = self._image_file()
        if image is None:
            return
        folder = QUrl.fromLocalFile(str(image.absolute().parent))
        if not QDesktopServices.openUrl(folder):
            self._status.say(f"no program opens folders here: {image.parent}")

    def copy_path(self) -> None:
        image = self._image_file()
        if image is not None:
            QGuiApplication.clipboard().setText(str(image.absolute()))
            self._status.inform(f"Copied: {image.absolute()}")

    def _image_file(self) -> Path | None:
        """Return the file of the image that is shown; say so if there is none."""
        item = self._window.viewer.item
        if item is None or item.image is None:
            self._status.say("no image of a file is open")
            return None
        return item.image

    def show_passed_over(self) -> None:
        images = self._window.viewer.image_set
        lines = [*images.problems, *images.notes]
        for row, item in enumerate(images.items):
            lines += [f"{item.name}: {words}" for words in images.known(row).problems]
        words = "\n".join(lines) or "There are no notes."
        notes = named(QPlainTextEdit(words, readOnly=True), "Notes")
        dialog = QDialog(self._window)
        dialog.setWindowTitle(f"Notes on what is open: {images.title}")
        dialog.resize(720, 360)
        dialog.setLayout(vbox(notes))
        run_dialog(dialog)

    def export_tiles(self) -> None:
        loaded, settings = self._window.viewer.loaded, self._window.viewer.settings
        if loaded is None:
            return
        folder = self._new_file("A new folder for the tiles", "tiles")
        if folder:

            def make() -> Work[int]:
                return write_tiles(loaded.item, settings, Path(folder))

            def done(tiles: int) -> None:
                self._status.inform(f"Wrote {tiles:,} tiles to {folder}")

            self._window.jobs.start("Writing tiles", make, done)

    def save_view(self) -> None:
        title = "Save what is on screen"
        if path := self._new_file(title, "tiling.png", "Pictures (*.png)"):
            self._try(lambda: save_picture(self._window.picture(), Path(path)), path)

    def copy_picture(self) -> None:
        """Put what is on screen on the clipboard, or of the sheet the chosen tile."""
        sheet = self._window.sheet
        if sheet.isVisible() and sheet.copy_chosen():
            return
        picture = self._window.picture()
        QGuiApplication.clipboard().setImage(picture)
        self._status.inform(
            f"Copied a picture of {picture.width()} × {picture.height()} px"
        )

    def export_figure(self) -> None:
        viewer, window = self._window.viewer, self._window
        loaded, tiling = viewer.loaded, viewer.tiling
        if loaded is None or loaded.image is None or tiling is None:
            window.status.say("there is no image with tiles to draw")
            return
        try:
            tiles = ImageTiles(loaded, tiling)
        except (TilingError, TypeError) as error:
            window.status.say(f"these tiles cannot be cut: {error}")
            return
        listed, order = window.sheet.list.tile_model, np.arange(len(tiles))
        if listed.tiles is not None and listed.tiles.view is tiling:
            order = listed.order
        tile = window.sheet.tile or window.canvas.tile or 0
        run_dialog(FigureDialog(loaded, tiles, order, tile, window.jobs, window))

    def export_report(self, *, whole_set: bool) -> None:
        viewer = self._window.viewer
        loaded, settings, image_set = viewer.loaded, viewer.settings, viewer.image_set
        if loaded is None or loaded.image is None:
            self._status.say("there is no image to report on")
            return
        if not whole_set or len(image_set.items) == 1:
            image_set = ImageSet((loaded.item,), title=loaded.item.name)
        folder = Path.cwd() if loaded.item.image is None else loaded.item.image.parent
        name = Path(image_set.title).stem.replace(" ", "-").replace("/", "-")
        names = (folder / f"{name}-report{n or ''}.html" for n in count())
        free = next(path for path in names if not path.exists())
        chosen = self._new_file("Export report", str(free), "Pages (*.html)")
        if not chosen:
            return
        path = Path(chosen)
        overwrite = path.exists()  # the dialog has asked
        path = path if path.suffix else path.with_suffix(".html")
        threshold = self._window.maps.settings.threshold

        def make() -> Work[Report]:
            return write_report(
                image_set, settings, path, threshold=threshold, overwrite=overwrite
            )

        def done(report: Report) -> None:
            self._status.inform(
                f"Wrote {path} and the CSV file beside it: {report.summary}"
            )

        self._window.jobs.start("Writing the report", make, done)

    def load_settings(self) -> None:
        if path := self._file("Load", _YAML):
            self._window.viewer.read_settings(Path(path))

    def save_settings(self) -> None:
        if path := self._new_file("Save", "tiling.yaml", _YAML):
            file, settings = Path(path), self._window.viewer.settings
            self._try(lambda: write_file(file, settings.yaml(), overwrite=True), path)

    def copy(self, kind: str) -> None:
        loaded, settings = self._window.viewer.loaded, self._window.viewer.settings
        image = loaded.item.image if loaded else None
        source = "image.png" if image is None else str(image)
        try:
            spell = as_python if kind == "python" else as_command
            words = settings.yaml() if kind == "yaml" else spell(settings, source)
        except (TilingError, TypeError, ImportError) as error:
            self._status.say(str(error))
            return
        QGuiApplication.clipboard().setText(words)
        lines = words.strip().splitlines()
        shown = lines[0] if len(lines) == 1 else f"{len(lines)} lines of {kind}"
        self._status.inform(f"Copied: {shown}")

    def show_about(self) -> None:
        versions = {"reftiler": version, "Qt": qVersion(), "numpy": np.__version__}
        rows = "".join(f"<br>{name} {number}" for name, number in versions.items())
        QMessageBox.about(
            self._window,
            "About reftiler",
            "<b>The viewer of reftiler</b> shows what tiling does to images, and which "
            f"tiles keep their defects.<br>{rows}<br><br>Help → Documentation has the "
            "guide and the specification; <tt>reftiler --help</tt> the commands.",
        )

    def show_documentation(self) -> None:
        run_dialog(DocumentationDialog(self._window))

    def show_keys(self) -> None:
        run_dialog(ShortcutsDialog(self._window.registry, self._window))

    def show_commands(self) -> None:
        run_dialog(CommandPalette(self._window.registry, self._window))

    def _try(self, do: Callable[[], object], path: str) -> None:
        try:
            do()
        except (TilingError, TypeError, ImportError) as error:
            self._status.say(str(error))
        else:
            self._status.inform(f"Wrote {path}")
