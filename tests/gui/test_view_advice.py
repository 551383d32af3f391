"""Advice: the survey, its table and plot, and taking a setting."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler_gui.advice_view import AdviceView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_set import ImageItem
from tests.gui.showing import fill, jobs, picture, settle

__all__ = ["jobs"]

NOW = FormSettings((128, 128), (96, 96))


def arrays(number: int) -> tuple[np.ndarray, np.ndarray]:
    loaded = picture()
    assert loaded.image is not None
    assert loaded.mask is not None
    mask = np.roll(loaded.mask.array, 10 * number, axis=0)
    return np.roll(loaded.image.array, 10 * number, axis=0), mask


ITEMS = tuple(
    ImageItem(f"part{n}", label="spot", make=partial(arrays, n)) for n in range(3)
)


@pytest.fixture
def view(qtbot: QtBot, jobs: Jobs) -> AdviceView:
    made = AdviceView(jobs)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show_items(ITEMS)
    fill(made, picture(), NOW)
    made.show()
    settle(qtbot, jobs)
    return made


def test_the_table_has_every_setting_and_what_it_does(view: AdviceView) -> None:
    cells = [view.table.index(0, n).data() for n in range(view.table.columnCount())]
    assert cells[:3] == ["▸ 128", "32 px", "all"]
    assert cells[3:5] == ["18", "2.00 ×"]
    assert cells[5] == "2.8 px"  # the median of 1.5 and 4
    assert cells[6].endswith("%")
    assert view.table.rowCount() == 12
    assert view.sizes_words.text().startswith("6 defects in 3 images, 4 to 10 px")


def test_what_is_best_is_chosen_and_can_be_taken(
    view: AdviceView, qtbot: QtBot
) -> None:
    assert view.plot.selected is not None
    assert view.plot.selected.tile == (128, 128)
    with qtbot.waitSignal(view.taken) as signal:
        QTest.mouseClick(view.take, Qt.MouseButton.LeftButton)
    assert signal.args == [view.plot.selected]


def test_a_point_can_be_clicked(view: AdviceView, qtbot: QtBot) -> None:
    row = max(view.table.rows, key=lambda row: row.work)
    place = view.plot.axes().place(row).toPoint()
    QTest.mouseClick(view.plot, Qt.MouseButton.LeftButton, pos=place)
    chosen = view.plot.selected
    assert chosen is not None
    found = next(one for one in view.table.rows if one.settings == chosen)
    assert (found.work, found.whole) == (row.work, row.whole)
    index = view.sorted.mapToSource(view.view.currentIndex())
    assert view.table.rows[index.row()].settings == chosen
    with qtbot.waitSignal(view.taken) as signal:
        QTest.mouseDClick(view.plot, Qt.MouseButton.LeftButton, pos=place)
    assert signal.args == [chosen]


def test_keys_walk_the_points(view: AdviceView, qtbot: QtBot) -> None:
    for _ in range(20):
        QTest.keyClick(view.plot, Qt.Key.Key_Right)
    assert view.plot.selected is not None
    most = max(row.work for row in view.table.rows)
    last = [r for r in view.table.rows if r.settings == view.plot.selected]
    assert last[0].work == most
    with qtbot.waitSignal(view.taken):
        QTest.keyClick(view.plot, Qt.Key.Key_Return)


def test_the_setting_in_force_cannot_be_taken_again(view: AdviceView) -> None:
    assert view.plot.selected is not None
    other = view.plot.selected
    view.show_tiling(view.tiling, other)
    assert not view.take.isEnabled()
    assert "This is the setting in force." in view.words.text()


def test_other_settings_do_not_begin_it_anew(view: AdviceView, jobs: Jobs) -> None:
    survey = view.survey
    view.show_tiling(view.tiling, replace(NOW, step=(64, 64)))
    assert view.survey is survey
    assert not jobs.running()
    view.again.click()
    assert view.survey is not survey
    assert jobs.running()


def test_it_can_be_cancelled_and_keeps_what_it_has(
    view: AdviceView, qtbot: QtBot, jobs: Jobs
) -> None:
    view.again.click()
    view.busy.cancel.click()
    settle(qtbot, jobs)
    assert view.survey is not None
    assert not view.busy.isVisible()
    assert view.again.isEnabled()


def test_columns_sort_by_number(view: AdviceView) -> None:
    view.view.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    rows = [
        view.sorted.mapToSource(view.sorted.index(n, 0)).row()
        for n in range(view.sorted.rowCount())
    ]
    tiles = [view.table.rows[row].tiles for row in rows]
    assert tiles == sorted(tiles)
    assert tiles != sorted(tiles, key=str)


def test_images_without_masks_have_no_defects(
    view: AdviceView, qtbot: QtBot, jobs: Jobs
) -> None:
    plain = ImageItem("plain", make=lambda: (arrays(0)[0], None))
    view.show_items([plain])
    settle(qtbot, jobs)
    assert view.sizes_words.text() == "0 defects in 1 image."
    assert view.plot.at(view.plot.axes().box.center()) is None


def test_nothing_open_is_a_sentence(qtbot: QtBot, jobs: Jobs) -> None:
    made = AdviceView(jobs)
    qtbot.addWidget(made)
    made.show()
    assert made.sizes_words.text().startswith("Open a folder")
    assert not made.take.isEnabled()
    assert not jobs.running()


def test_an_overlap_is_the_stride_that_it_means(
    view: AdviceView, qtbot: QtBot, jobs: Jobs
) -> None:
    view.show_tiling(view.tiling, replace(NOW, step=(32, 32), overlapping=True))
    view.again.click()
    settle(qtbot, jobs)
    assert view.table.rowCount() == 12
    first = [view.table.index(n, 0).data() for n in range(12)]
    assert [words for words in first if words.startswith("▸")] == ["▸ 128"]
