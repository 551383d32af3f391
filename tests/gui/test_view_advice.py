"""Advice: the survey, its table and plot, and taking a setting."""

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler_gui.advice_view import AdviceView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.advice import Candidate
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_set import ImageItem
from tests.gui.windows import LEFT, fill, known, picture, settle, wait_until

NOW = FormSettings((128, 128), (96, 96))


def arrays(number: int) -> tuple[np.ndarray, np.ndarray]:
    loaded = picture()
    both = known(loaded.image).array, known(loaded.mask).array
    image, mask = (np.roll(array, 10 * number, axis=0) for array in both)
    return image, mask


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
    settle(jobs)
    return made


def column(view: AdviceView, number: int) -> list[str]:
    model = view.table.model()
    return [model.index(row, number).data() for row in range(model.rowCount())]


def rows(view: AdviceView) -> list[Candidate]:
    return list(known(view.survey).snapshot.rows)


def test_settings_are_listed_chosen_and_taken(view: AdviceView, qtbot: QtBot) -> None:
    (now,) = [n for n, words in enumerate(column(view, 0)) if words.startswith("▸")]
    cells = [column(view, n)[now] for n in range(7)]
    assert cells[:5] == ["▸ 128", "32 px", "all", "18", "2.00 ×"]
    assert cells[5] == "2.8 px"  # the median of 1.5 and 4
    assert cells[6].endswith("%")
    assert view.table.rowCount() == len(rows(view)) == 12 + 3
    assert view.sizes_words.text().startswith("6 defects in 3 images, 4 to 10 px")
    view.table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    tiles = [int(words.replace(",", "")) for words in column(view, 3)]
    assert tiles == sorted(tiles) != sorted(tiles, key=str)
    view.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    sizes = [
        (int(tile.lstrip("▸ ")), int(overlap.removesuffix(" px").replace("none", "0")))
        for tile, overlap in zip(column(view, 0), column(view, 1), strict=True)
    ]
    assert sizes == sorted(sizes)
    best = known(known(view.survey).snapshot.best)
    assert view.plot.selected == best.settings != view.settings
    with qtbot.waitSignal(view.taken) as signal:
        QTest.mouseClick(view.take, LEFT)
    assert signal.args == [best.settings]
    view.show_tiling(view.tiling, best.settings)
    assert not view.take.isEnabled()
    assert "This is the setting in force." in view.words.text()
    row = max(rows(view), key=lambda row: row.work)
    place = view.plot.point(row).toPoint()
    QTest.mouseClick(view.plot, LEFT, pos=place)
    found = next(one for one in rows(view) if one.settings == view.plot.selected)
    assert (found.work, found.whole) == (row.work, row.whole)
    current = view.table.currentRow()
    assert column(view, 3)[current] == f"{found.tiles:,}"
    with qtbot.waitSignal(view.taken) as signal:
        QTest.mouseDClick(view.plot, LEFT, pos=place)
    assert signal.args == [view.plot.selected]
    for key, want in ((Qt.Key.Key_Left, min), (Qt.Key.Key_Right, max)):
        for _ in range(20):
            QTest.keyClick(view.plot, key)
        (last,) = [r for r in rows(view) if r.settings == view.plot.selected][:1]
        assert last.work == want(row.work for row in rows(view))
    with qtbot.waitSignal(view.taken):
        QTest.keyClick(view.plot, Qt.Key.Key_Return)


def test_other_settings_do_not_begin_it_anew(view: AdviceView, jobs: Jobs) -> None:
    survey = view.survey
    view.show_tiling(view.tiling, replace(NOW, step=(32, 32), overlapping=True))
    assert view.survey is survey
    assert not jobs.running()
    view.again.click()
    assert view.survey is not survey
    assert jobs.running()
    settle(jobs)
    # An overlap is the stride that it means.
    assert [words for words in column(view, 0) if words.startswith("▸")] == ["▸ 128"]


def test_cancelled_it_says_what_was_counted(view: AdviceView, jobs: Jobs) -> None:
    waiting = threading.Event()

    def slow() -> tuple[np.ndarray, np.ndarray]:
        waiting.wait(10)
        return arrays(0)

    view.show_items([ITEMS[0], ITEMS[1], ImageItem("slow", label="spot", make=slow)])
    survey = known(view.survey)
    wait_until(lambda: survey.snapshot.images == 1)
    view.busy.cancel.click()
    assert view.sizes_words.text().startswith("Cancelled: only 2 defects in 1 of 3")
    waiting.set()
    settle(jobs)
    assert not view.busy.isVisible()
    assert view.again.isEnabled()
    assert {row.tiles for row in rows(view)} >= {6}
    assert column(view, 6) == [""] * view.table.rowCount()
    view.again.click()
    settle(jobs)
    assert "in 3 images" in view.sizes_words.text()


def test_without_masks_or_images_it_says_so(
    view: AdviceView, qtbot: QtBot, jobs: Jobs
) -> None:
    view.show_items([ImageItem("plain", make=lambda: (arrays(0)[0], None))])
    settle(jobs)
    assert view.sizes_words.text() == "0 defects in 1 image."
    assert view.plot.at(QPointF(view.plot.rect().center())) is None
    made = AdviceView(jobs)
    qtbot.addWidget(made)
    made.show()
    assert made.sizes_words.text().startswith("Open a folder")
    assert not made.take.isEnabled()
    assert not jobs.running()
