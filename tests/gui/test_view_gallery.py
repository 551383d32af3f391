"""The views in the window: what one says, the others hear."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from reftiler_gui.gallery import Gallery
from reftiler_gui.window import MainWindow
from tests.gui.showing import settle


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    made = MainWindow()
    qtbot.addWidget(made)
    yield made
    made.jobs.stop()


@pytest.fixture
def gallery(window: MainWindow, qtbot: QtBot) -> Gallery:
    known = getattr(window, "gallery", None)
    made = known if isinstance(known, Gallery) else Gallery.add_to(window)
    window.show()
    window.open(())
    settle(qtbot, window.jobs)
    return made


def test_a_tile_of_the_sheet_is_gone_to(window: MainWindow, gallery: Gallery) -> None:
    window.show_view("sheet")
    gallery.sheet.area.choose(7)
    gallery.sheet.area.opened.emit(7)
    assert window.canvas.tile == 7
    assert window.canvas.isVisible()
    assert not gallery.sheet.isVisible()


def test_the_first_defect_is_compared_at_once(
    window: MainWindow, gallery: Gallery, qtbot: QtBot
) -> None:
    window.show_view("compare")
    settle(qtbot, window.jobs)
    assert gallery.compare.words.text().startswith("This 2 × 2 px defect is 0.5 × 0.5")


def test_the_next_defect_is_compared_too(
    window: MainWindow, gallery: Gallery, qtbot: QtBot
) -> None:
    window.show_view("compare")
    window.bar.step(1)
    settle(qtbot, window.jobs)
    assert gallery.compare.region == window.bar.region
    assert gallery.compare.words.text() == window.bar.words.text()


def test_the_sheet_asks_for_errors(
    window: MainWindow, gallery: Gallery, qtbot: QtBot
) -> None:
    window.show_view("sheet")
    gallery.sheet.order.setCurrentIndex(2)
    settle(qtbot, window.jobs)
    gallery.sheet.area.choose(0)
    assert "largest error 25.5" in gallery.sheet.words.text()


def test_advice_is_taken(window: MainWindow, gallery: Gallery, qtbot: QtBot) -> None:
    window.show_view("advice")
    settle(qtbot, window.jobs)
    best = gallery.advice.plot.selected
    assert best is not None
    assert best != window.desk.settings
    gallery.advice.take.click()
    settle(qtbot, window.jobs)
    assert window.desk.settings == best
    window.desk.undo()
    assert window.desk.settings != best


def test_every_view_has_its_key(window: MainWindow, gallery: Gallery) -> None:
    for name in ("sheet", "compare", "merged", "advice", "cases"):
        window.table.actions[f"view_{name}"].trigger()
        assert window.views[name].isVisible()


def test_views_share_place_and_zoom(window: MainWindow, gallery: Gallery) -> None:
    states = {view.state for view in (gallery.merged.image, gallery.compare.large)}
    assert states == {window.state}
