"""What the window asks for: files, folders, commands."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QInputDialog,
    QMessageBox,
    QPlainTextEdit,
)

from reftiler import __version__ as version
from reftiler.errors import TilingError
from reftiler.io import IMAGE_SUFFIXES
from reftiler_gui.exporting import save_picture, write_file, write_tiles
from reftiler_gui.figure_dialog import FigureDialog
from reftiler_gui.help_dialogs import (
    CommandPalette,
    DocumentationDialog,
    ShortcutsDialog,
    run_dialog,
)
from reftiler_gui.model.form_settings import as_command, as_python
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.model.report import Report, write_report
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tiles import ImageTiles
from reftiler_gui.widgets import named, vbox

if TYPE_CHECKING:
    from reftiler_gui.main_window import MainWindow


_IMAGES = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
_OPENED = f"Images, cases and settings ({_IMAGES} *.npz *.jsonl *.yaml *.yml)"
_MASKS = f"Masks ({_IMAGES})"
_MAPS = f"Maps ({_IMAGES})"
_YAML = "YAML (*.yaml *.yml)"


class Dialogs:
    """Questions to the user, and what follows from the answers."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

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
            self._window.status.say(f"cannot read {path}: {error}")
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
            self._window.status.inform("Nothing was opened yet.")
            return
        path, wanted = QInputDialog.getItem(
            self._window, "Open Recent", "Recent files:", recent, 0, False
        )
        if wanted and Path(path).exists():
            self._window.open([path])
        elif wanted:
            self._window.preferences.forget(path)
            self._window.status.say(f"{path} is not there any more, and is forgotten")

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
            self._window.status.say(f"no program opens folders here: {image.parent}")

    def copy_path(self) -> None:
        image = self._image_file()
        if image is not None:
            QGuiApplication.clipboard().setText(str(image.absolute()))
            self._say_done(f"Copied: {image.absolute()}")

    def _image_file(self) -> Path | None:
        """Return the file of the image that is shown; say so if there is none."""
        item = self._window.viewer.item
        if item is None or item.image is None:
            self._window.status.say("no image of a file is open")
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
                self._say_done(f"Wrote {tiles:,} tiles to {folder}")

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
        self._say_done(f"Copied a picture of {picture.width()} × {picture.height()} px")

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
            self._window.status.say("there is no image to report on")
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
            self._say_done(f"Wrote {path} and the CSV file beside it: {report.summary}")

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
            self._window.status.say(str(error))
            return
        QGuiApplication.clipboard().setText(words)
        lines = words.strip().splitlines()
        shown = lines[0] if len(lines) == 1 else f"{len(lines)} lines of {kind}"
        self._say_done(f"Copied: {shown}")

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

    def _say_done(self, words: str) -> None:
        self._window.status.inform(words)

    def _try(self, do: Callable[[], object], path: str) -> None:
        try:
            do()
        except (TilingError, TypeError, ImportError) as error:
            self._window.status.say(str(error))
        else:
            self._say_done(f"Wrote {path}")
