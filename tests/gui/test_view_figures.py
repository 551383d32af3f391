"""Figures at full resolution: drawn by reftiler.figures, copied and saved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from reftiler.errors import TilingError
from reftiler.figures import contact_sheet, draw_grid, overlay, side_by_side, to_rgb
from reftiler.io import read_image, resize
from reftiler_gui.dialogs import FigureDialog
from reftiler_gui.jobs import Jobs
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model import figures
from reftiler_gui.model.figures import FIGURES, FigureRequest, draw_figure
from reftiler_gui.model.steps import finish
from reftiler_gui.model.tiles import ImageTiles
from tests.gui.windows import SETTINGS, grid_of, open_paths, picture, settle, wait_until

REFLECT = replace(SETTINGS, tile=(70, 60), step=(35, 35), pad_mode="reflect")
ASKED = FigureRequest("resized", 9, (48, 64), True, range(35), 7)


def image_and_mask() -> tuple[np.ndarray, np.ndarray]:
    loaded = picture()
    assert loaded.image is not None
    assert loaded.mask is not None
    return loaded.image.array, loaded.mask.array


def expected(name: str) -> np.ndarray:
    """Draw a figure as a notebook would."""
    image, mask = image_and_mask()
    tiler = REFLECT.tiler()
    cut, marked = tiler.tile(image), tiler.tile(mask)
    ringed = [
        overlay(one, marks) if marks.any() else to_rgb(one)
        for one, marks in zip(cut, marked, strict=True)
    ]
    small = overlay(resize(image, (48, 64)), resize(mask, (48, 64)))
    captions = ["resized to 64 × 48", "tile 9"]
    return {
        "resized": lambda: small,
        "tile": lambda: ringed[9],
        "side": lambda: side_by_side([small, ringed[9]], captions),
        "grid": lambda: draw_grid(
            overlay(image, mask), tiler.grid(image.shape), highlight=[9]
        ),
        "sheet": lambda: contact_sheet(
            ringed,
            columns=7,
            highlight=np.flatnonzero(marked.any(axis=(1, 2))).tolist(),
            labels=[str(k) for k in range(len(cut))],
        ),
    }[name]()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_that_of_the_library(name: str) -> None:
    found = ImageTiles(picture(), grid_of(REFLECT))
    asked = replace(ASKED, name=name, order=range(len(found)))
    figure = finish(draw_figure(found, image_and_mask()[1], asked))
    assert np.array_equal(figure, expected(name))


@pytest.mark.parametrize("name", ["resized", "grid", "sheet"])
def test_a_figure_that_is_too_large_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "LIMIT", 1000)
    found = ImageTiles(picture(), grid_of())
    with pytest.raises(TilingError, match=r"more than 1,000: "):
        finish(draw_figure(found, None, replace(ASKED, name=name)))


def test_figures_are_seen_copied_and_saved(
    qtbot: QtBot, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ImageTiles(picture(), grid_of(REFLECT))
    dialog = FigureDialog(picture(), found, np.arange(len(found)), 9, jobs)
    qtbot.addWidget(dialog)
    dialog.show()
    for place, name in enumerate(FIGURES):
        dialog.kind.setCurrentIndex(place)
        assert not dialog.save.isEnabled()
        wait_until(dialog.save.isEnabled)
        assert not dialog.preview.pixmap().isNull()
        path = tmp_path / f"{name}.png"
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, to=path: (str(to), "")
        )
        dialog.save.click()
        settle(jobs)
        saved = read_image(path)
        height, width = saved.shape[:2]
        assert dialog.image is not None
        assert (dialog.image.height(), dialog.image.width()) == (height, width)
        if name == "tile":
            assert np.array_equal(saved, expected(name))
        dialog.copy.click()
        assert QGuiApplication.clipboard().image().height() == height
    dialog.kind.setCurrentIndex(0)
    dialog.columns.setValue(16384)
    dialog.rows.setValue(16384)
    wait_until(lambda: "resize the image to less" in dialog.words.text())
    assert not dialog.save.isEnabled()


def test_the_window_offers_figures_of_the_chosen_tile(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[FigureRequest] = []

    def answered(dialog: FigureDialog) -> None:
        asked.append(dialog.request)
        dialog.reject()

    monkeypatch.setattr(FigureDialog, "exec", answered)
    window.registry.actions["export_figure"].trigger()
    assert not asked  # there is no image yet
    open_paths(window)
    window.show_view("sheet")
    window.sheet.list.choose(14)
    window.registry.actions["export_figure"].trigger()
    assert (asked[0].tile, asked[0].size) == (14, (256, 256))
    assert len(asked[0].order) == len(window.canvas.tiling or ())
