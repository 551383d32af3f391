"""The defects one by one, and the tiles that hold each."""

import numpy as np
import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.regions import Region
from reftiler_gui.defects_bar import DefectsBar
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from tests.gui.windows import BOXES, LEFT, fill, grid_of, picture, settle


@pytest.fixture
def bar(qtbot: QtBot, jobs: Jobs) -> DefectsBar:
    made = DefectsBar(jobs)
    qtbot.addWidget(made)
    fill(made, picture())
    made.show()
    settle(jobs)
    return made


def test_defects_are_told_one_by_one(bar: DefectsBar, jobs: Jobs) -> None:
    assert bar.label.text() == "Defect 1 of 2"
    assert bar.words.text().startswith("This 3 × 4 px defect is ")
    assert bar.region == Region(BOXES[0], 12)
    told: list[Region] = []
    bar.chosen.connect(told.append)
    bar.show_defect(bar.defects.regions[1])  # without an echo
    settle(jobs)
    assert bar.label.text() == "Defect 2 of 2"
    assert bar.words.text().startswith("This 8 × 10 px defect")
    assert told == []
    bar.step(1)
    for place, number in (((155, 33), 1), ((5, 5), 1)):
        assert bar.pick(*place) is (place != (5, 5))
        assert bar.number == number
    mask = np.zeros((192, 256), dtype=bool)
    mask[[10, 50, 90], [20, 60, 100]] = True
    dots = LoadedImage(ImageItem("dots"), picture().image, MaskPyramid(mask), "")
    bar.show_item(dots)
    assert bar.words.text() == "Looking for defects…"
    settle(jobs)
    told.clear()
    for button in (bar.forth, bar.forth, bar.forth, bar.back):
        QTest.mouseClick(button, LEFT)
    assert [region.box[0][0] for region in told] == [50, 90, 10, 90]
    bar.show_item(picture(masked=False))
    assert bar.words.text().startswith("This image has no mask")
    assert not bar.forth.isEnabled()
    bar.step(1)
    assert bar.region is None


def test_its_tiles_can_be_gone_to(bar: DefectsBar, qtbot: QtBot) -> None:
    want = grid_of().meeting(*BOXES[0]).tolist()
    actions = bar.tiles.menu().actions()
    assert [int(one.text().split()[1]) for one in actions] == want
    assert sum("holds most of it" in one.text() for one in actions) == 1
    with qtbot.waitSignal(bar.tile_chosen) as signal:
        actions[0].trigger()
    assert signal.args == [want[0]]
