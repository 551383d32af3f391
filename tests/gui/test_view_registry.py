"""The views in the window: what one says, the others hear."""

from PySide6.QtTest import QTest

from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from tests.gui.windows import LEFT, change, settled, show_view


def test_tiles_are_gone_to_and_leave_the_focus_to_the_form(sample: MainWindow) -> None:
    show_view(sample, "sheet")
    sheet, rows = sample.sheet, sample.sheet.list
    sheet.order.setCurrentIndex(1)
    order = rows.tile_model.order.tolist()
    for name, place in (("next_tile", 0), ("next_tile", 1), ("last_tile", 0)):
        sample.registry.actions[name].trigger()
        assert rows.tile == order[place]
    sheet.open_tile(order[1])
    sample.registry.actions["next_tile"].trigger()
    assert sheet.single.tile == order[2]
    assert sheet.single.isVisible()
    sheet.close_tile()
    rows.choose(7)
    sheet.tile_menu(7).actions()[1].trigger()
    assert sample.canvas.tile == 7
    assert sample.canvas.isVisible()
    assert not sheet.isVisible()
    show_view(sample, "sheet")
    sample.sheet.open_tile(3)
    field = sample.form.tile.height_field
    for side in (300, 1024):  # the latter leaves one tile
        field.setFocus()
        change(sample, FormSettings(tile=(side, side), step=(side, side)))
        assert field.hasFocus()
    assert not sample.sheet.is_single


def test_the_defect_that_is_chosen_is_compared(sample: MainWindow) -> None:
    compare, bar = sample.compare, sample.defects_bar
    assert {view.state for view in (sample.merged.image, compare.large)} == {
        sample.state
    }
    preview = bar.preview_of_defect
    seen, size = preview.grab().toImage(), preview.size()
    columns = (size.width() // 4, 3 * size.width() // 4)
    dark = [seen.pixelColor(x, size.height() // 2).lightness() for x in columns]
    assert dark[1] < dark[0] - 30
    QTest.mouseClick(preview, LEFT)
    settled(sample)
    assert compare.isVisible()
    assert not preview.isVisible()
    assert not bar.words.isVisible()
    assert compare.words.text().startswith("This 2 × 2 px defect is 0.5 × 0.5")
    bar.step(1)
    settled(sample)
    assert compare.region == bar.region
    assert compare.words.text() == bar.words.text()
    sample.show_view("image")
    assert preview.isVisible()
    sample.show_view("advice")
    assert not bar.isVisible()
