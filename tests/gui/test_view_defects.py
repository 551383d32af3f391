"""The defects one by one, and the tiles that hold each."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.regions import Region
from reftiler_gui.defects_bar import DefectsBar
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from tests.gui.windows import BOXES, fill, grid_of, picture, settle


@pytest.fixture
def bar(qtbot: QtBot, jobs: Jobs) -> DefectsBar:
    made = DefectsBar(jobs)
    qtbot.addWidget(made)
    fill(made, picture())
    made.show()
    settle(jobs)
    return made


def test_the_first_is_told(bar: DefectsBar) -> None:
    assert bar.label.text() == "Defect 1 of 2"
    assert bar.words.text().startswith("This 3 × 4 px defect is ")
    assert bar.region == Region(BOXES[0], 12)


def test_next_and_previous_go_round(bar: DefectsBar, jobs: Jobs) -> None:
    mask = np.zeros((192, 256), dtype=bool)
    mask[[10, 50, 90], [20, 60, 100]] = True
    bar.show_item(
        LoadedImage(ImageItem("dots"), picture().image, MaskPyramid(mask), "")
    )
    settle(jobs)
    told: list[int] = []
    bar.chosen.connect(lambda region: told.append(region.box[0][0]))
    for button in (bar.forth, bar.forth, bar.forth, bar.back):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert told == [50, 90, 10, 90]


def test_its_tiles_can_be_gone_to(bar: DefectsBar, qtbot: QtBot) -> None:
    (rows, columns) = BOXES[0]
    want = grid_of().meeting(rows, columns).tolist()
    actions = bar.tiles.menu().actions()
    assert [int(one.text().split()[1]) for one in actions] == want
    assert sum("holds most of it" in one.text() for one in actions) == 1
    with qtbot.waitSignal(bar.tile_chosen) as signal:
        actions[0].trigger()
    assert signal.args == [want[0]]


def test_a_place_picks_a_defect(bar: DefectsBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.chosen):
        assert bar.pick(155, 33)
    assert bar.number == 1
    assert not bar.pick(5, 5)
    assert bar.number == 1


def test_it_can_be_told_without_an_echo(bar: DefectsBar, jobs: Jobs) -> None:
    told: list[Region] = []
    bar.chosen.connect(told.append)
    bar.show_defect(bar.defects.regions[1])
    settle(jobs)
    assert bar.label.text() == "Defect 2 of 2"
    assert bar.words.text().startswith("This 8 × 10 px defect")
    assert told == []


def test_without_a_mask_nothing_is_known(bar: DefectsBar) -> None:
    bar.show_item(picture(masked=False))
    assert bar.words.text().startswith("This image has no mask")
    assert not bar.forth.isEnabled()
    bar.step(1)
    assert bar.region is None
