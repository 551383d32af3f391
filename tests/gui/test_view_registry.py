"""The views in the window: what one says, the others hear."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from tests.gui.windows import activate, known, settle


@pytest.fixture(autouse=True)
def sample(window: MainWindow) -> None:
    window.open(())
    settle(window.jobs)


def test_a_tile_of_the_sheet_is_gone_to(window: MainWindow) -> None:
    window.show_view("sheet")
    window.sheet.list.choose(7)
    window.sheet.tile_menu(7).actions()[1].trigger()
    assert window.canvas.tile == 7
    assert window.canvas.isVisible()
    assert not window.sheet.isVisible()


def test_the_next_tile_is_that_of_the_sheet(window: MainWindow) -> None:
    window.show_view("sheet")
    settle(window.jobs)
    window.sheet.order.setCurrentIndex(1)
    order = window.sheet.list.tile_model.order.tolist()
    for name, place in (("next_tile", 0), ("next_tile", 1), ("last_tile", 0)):
        window.registry.actions[name].trigger()
        assert window.sheet.list.tile == order[place]
    window.sheet.open_tile(order[1])
    window.registry.actions["next_tile"].trigger()
    assert window.sheet.single.tile == order[2]
    assert window.sheet.single.isVisible()


def test_a_tile_that_is_shown_leaves_the_focus_to_the_form(window: MainWindow) -> None:
    activate(window)
    window.show_view("sheet")
    settle(window.jobs)
    window.sheet.open_tile(3)
    field = window.form.tile.height_field
    for side in (300, 1024):  # the latter leaves one tile
        field.setFocus()
        window.viewer.change(FormSettings(tile=(side, side), step=(side, side)))
        settle(window.jobs)
        assert field.hasFocus()
    assert not window.sheet.is_single


def test_the_first_defect_is_compared_at_once(window: MainWindow) -> None:
    window.show_view("compare")
    settle(window.jobs)
    assert window.compare.words.text().startswith("This 2 × 2 px defect is 0.5 × 0.5")


def test_the_next_defect_is_compared_too(window: MainWindow) -> None:
    window.show_view("compare")
    window.defects_bar.step(1)
    settle(window.jobs)
    assert window.compare.region == window.defects_bar.region
    assert window.compare.words.text() == window.defects_bar.words.text()


def test_advice_is_taken(window: MainWindow) -> None:
    window.show_view("advice")
    settle(window.jobs)
    best = known(window.advice.plot.selected)
    assert best != window.viewer.settings
    window.advice.take.click()
    settle(window.jobs)
    assert window.viewer.settings == best
    window.viewer.undo_stack.undo()
    assert window.viewer.settings != best


def test_every_view_has_its_key(window: MainWindow) -> None:
    for name in ("sheet", "compare", "merged", "advice", "cases"):
        window.registry.actions[f"view_{name}"].trigger()
        assert window.views[name].isVisible()


def test_views_share_place_and_zoom(window: MainWindow) -> None:
    states = {view.state for view in (window.merged.image, window.compare.large)}
    assert states == {window.state}


def test_pictures_of_the_defect_lead_to_the_comparison(window: MainWindow) -> None:
    assert window.defects_bar.preview_of_defect.isVisible()
    seen = window.defects_bar.preview_of_defect.grab().toImage()
    size = window.defects_bar.preview_of_defect.size()
    columns = (size.width() // 4, 3 * size.width() // 4)
    dark = [seen.pixelColor(x, size.height() // 2).lightness() for x in columns]
    assert dark[1] < dark[0] - 30
    QTest.mouseClick(window.defects_bar.preview_of_defect, Qt.MouseButton.LeftButton)
    assert window.compare.isVisible()
    assert not window.defects_bar.preview_of_defect.isVisible()
    assert not window.defects_bar.words.isVisible()
    window.show_view("image")
    assert window.defects_bar.preview_of_defect.isVisible()
    window.show_view("advice")
    assert not window.defects_bar.isVisible()
