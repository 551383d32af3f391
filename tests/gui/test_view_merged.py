"""The view Merged: results and models opened, merged, compared, and what goes wrong."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog
from pytestqt.qtbot import QtBot

from reftiler import Tiler
from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.anomaly_map import MapSettings
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.lazy_picture import LazyPicture, compute
from reftiler_gui.model.merged_pictures import MergedPictures
from reftiler_gui.model.steps import Work, finish
from tests.command import done

SETTINGS = FormSettings(tile=(64, 64), step=(48, 48))
IMAGE = np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8)
TILER = Tiler(64, 48)
MAPS = TILER.tile(IMAGE)[:, ::2, ::2] + np.arange(24, dtype=np.float32)[:, None, None]
MERGED = TILER.untile(MAPS, IMAGE.shape)


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """Return a window with two images, and the view Merged in front."""
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", IMAGE)
    np.save(tmp_path / "maps.npy", MAPS)
    window.viewer.change(SETTINGS)
    window.open([tmp_path / "a.png", tmp_path / "b.png"])
    window.show_view("merged")
    wait(qtbot, window)
    return window


def wait(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until nothing is at work, nor begins to be."""
    for _ in range(4):
        qtbot.waitUntil(
            lambda: window.viewer.loaded is not None and not window.jobs.running(),
            timeout=20_000,
        )
        qtbot.wait(5)


def pictures_of(window: MainWindow) -> MergedPictures:
    assert window.results.pictures is not None
    return window.results.pictures


def shown(window: MainWindow) -> tuple[int, str]:
    """Return which page is shown, and what it says."""
    view = window.merged
    page = view.stack.currentIndex()
    return page, (view.words if page else view.empty).text()


def color_bar(window: MainWindow) -> MapSettings | None:
    return window.merged.image.color_bar


def captions(window: MainWindow) -> list[str]:
    return [pane.label.text() for pane in window.merged.panes]


def write_model(folder: Path, name: str, body: str) -> str:
    path = folder / f"{name}.py"
    path.write_text(
        f"import numpy as np\nimport time\ndef predict(tiles):\n    {body}\n"
    )
    return f"{path}:predict"


def test_a_lesson_is_not_shown_unasked(opened: MainWindow, qtbot: QtBot) -> None:
    assert shown(opened)[0] == 0
    assert opened.results.pictures is None
    QTest.mouseClick(opened.merged.lesson, Qt.MouseButton.LeftButton)
    wait(qtbot, opened)
    assert shown(opened)[0] == 1
    assert "Simulated model" in shown(opened)[1]
    pictures = pictures_of(opened)
    assert pictures.difference is not None
    assert pictures.merged.known(100, 100) is not None
    opened.merged.percent.setValue(20)
    wait(qtbot, opened)
    assert "20 %" in shown(opened)[1]
    opened.merged.close_results.click()
    assert shown(opened)[0] == 0


def test_an_array_is_dropped(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "maps.npy"))])
    drop = QDropEvent(
        *(QPointF(300, 300), Qt.DropAction.CopyAction, data),
        *(Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier),
    )
    opened.dropEvent(drop)
    wait(qtbot, opened)
    pictures = pictures_of(opened)
    assert pictures.merged.known(101, 203) == MERGED[50, 101]
    told: list[str] = []
    opened.merged.pointed.connect(told.append)
    opened.merged.image.point_at(101.5, 203.5)
    assert f"merged {MERGED[50, 101]:.6g}" in told[-1]
    bar = color_bar(opened)
    assert bar is not None
    assert (bar.low, bar.high) == pictures.range
    QTest.mousePress(opened.merged.hold, Qt.MouseButton.LeftButton)
    assert color_bar(opened) is None
    QTest.mouseRelease(opened.merged.hold, Qt.MouseButton.LeftButton)
    assert color_bar(opened) == bar
    QTest.keyPress(opened.merged, Qt.Key.Key_Shift, Qt.KeyboardModifier.ControlModifier)
    assert captions(opened) == ["Merged", "Original"]
    QTest.keyPress(opened.merged, Qt.Key.Key_Shift)
    assert captions(opened) == ["Original", "Original"]
    dialog = QDialog(opened)  # to which the key's release goes
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    assert captions(opened) == ["Merged", "Original"]


def test_what_is_asked_for_as_the_work_ends_is_merged(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = list[LazyPicture]()

    def compute_and_ask(pictures: list[LazyPicture]) -> Work[None]:
        yield from compute(pictures)
        if not late:  # the job is not over yet, and computes nothing more
            late.append(pictures[0])
            pictures[0].asked = lambda: None
            pictures[0].region(2, (0, 50), (0, 75))  # which no canvas shows now

    monkeypatch.setattr("reftiler_gui.results_model.compute", compute_and_ask)
    opened.results.open(tmp_path / "maps.npy")
    qtbot.waitUntil(lambda: bool(late) and late[0].is_exact((1, 0, 0)))


def test_window_and_merge_are_those_of_the_form(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    opened.viewer.change(replace(SETTINGS, merge="max", border=(2, 2)))
    wait(qtbot, opened)
    tiler = Tiler(64, 48, merge="max", remove_border_count=2)
    want = tiler.untile(MAPS, IMAGE.shape)
    pictures = pictures_of(opened)
    assert pictures.merged.known(101, 203) == want[50, 101]


def test_results_of_other_tiles_offer_their_settings(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    tiles = tmp_path / "tiles"
    done("tile", tmp_path / "a.png", tiles, "--tile", 64, "--stride", 48)
    opened.viewer.change(replace(SETTINGS, step=(32, 32), window="hann"))
    opened.open_results(tiles)
    wait(qtbot, opened)
    assert shown(opened)[0] == 0
    assert "24 tiles of 64 × 64 px" in shown(opened)[1]
    QTest.mouseClick(opened.merged.take_over, Qt.MouseButton.LeftButton)
    wait(qtbot, opened)
    assert shown(opened)[0] == 1
    assert opened.viewer.settings == replace(SETTINGS, window="hann")


def test_an_array_of_too_few_results_is_refused(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    np.save(tmp_path / "maps.npy", MAPS[1:])
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    assert shown(opened)[0] == 0
    assert "(23, 32, 32)" in shown(opened)[1]
    assert not opened.merged.take_over.isVisible()
    np.save(tmp_path / "maps.npy", MAPS)
    QTest.mouseClick(opened.merged.retry, Qt.MouseButton.LeftButton)
    wait(qtbot, opened)
    assert shown(opened)[0] == 1


def test_an_array_belongs_to_its_image(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    opened.viewer.step(1)
    wait(qtbot, opened)
    assert "holds the results of a, not of b" in shown(opened)[1]
    opened.viewer.step(-1)
    wait(qtbot, opened)
    assert shown(opened)[0] == 1


def test_a_file_that_changes_is_read_again_by_f5(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    np.save(tmp_path / "maps.npy", MAPS + 1000)
    opened.registry.actions["reload"].trigger()
    wait(qtbot, opened)
    pictures = pictures_of(opened)
    assert pictures.merged.known(101, 203) == MERGED[50, 101] + 1000


def test_the_worst_seam_is_gone_to(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    opened.show_view("image")
    wait(qtbot, opened)
    QTest.keyClick(opened, Qt.Key.Key_W)
    wait(qtbot, opened)
    assert opened.tabs.currentWidget() is opened.merged
    found = opened.results.survey
    assert found is not None
    assert found.worst is not None
    assert (int(opened.state.row), int(opened.state.col)) == found.worst
    assert "disagree most at row" in shown(opened)[1]


def test_seams_are_a_layer_of_both_canvases(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    for view, canvas in (("merged", opened.merged.image), ("image", opened.canvas)):
        opened.show_view(view)
        wait(qtbot, opened)
        before = canvas.picture()
        opened.registry.actions["seams"].trigger()
        wait(qtbot, opened)
        assert canvas.picture() != before
        opened.registry.actions["seams"].trigger()
        assert canvas.picture() == before


def test_the_original_is_shown_while_held(opened: MainWindow, qtbot: QtBot) -> None:
    view = opened.merged
    view.lesson.click()
    wait(qtbot, opened)
    merged = view.image.picture()
    QTest.mousePress(view.hold, Qt.MouseButton.LeftButton)
    assert view.panes[0].label.text() == "Original"
    assert view.image.picture() != merged
    QTest.mouseRelease(view.hold, Qt.MouseButton.LeftButton)
    assert view.image.picture() == merged


def test_a_model_is_run_once_for_each_tile(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    body = "open('count', 'a').write('x' * len(tiles)); return tiles[:, ::2, ::2] / 2"
    opened.open_results(write_model(tmp_path, "counted", body))
    wait(qtbot, opened)
    opened.viewer.change(replace(SETTINGS, window="hann"))
    opened.registry.actions["worst"].trigger()
    wait(qtbot, opened)
    assert "float64" in shown(opened)[1]
    assert len(Path("count").read_text()) == 24 + 1  # one to learn what it returns
    opened.viewer.step(1)
    wait(qtbot, opened)
    assert shown(opened)[0] == 1
    assert len(Path("count").read_text()) == 2 * 25


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_model_that_fails_later_keeps_what_is_merged(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    body = "assert len(tiles) == 1, 'no memory'; return tiles"
    opened.open_results(write_model(tmp_path, "failing", body))
    wait(qtbot, opened)
    assert shown(opened)[0] == 1
    assert "AssertionError: no memory" in shown(opened)[1]
    assert opened.merged.again.isVisible()
    write_model(tmp_path, "failing", "return tiles")
    opened.open_results(f"{tmp_path / 'failing.py'}:predict")
    wait(qtbot, opened)
    assert not opened.merged.again.isVisible()


def test_a_slow_model_is_cancelled_at_once(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    body = "time.sleep(0.6 if len(tiles) > 1 else 0); return tiles"
    opened.open_results(write_model(tmp_path, "slow", body))
    qtbot.waitUntil(lambda: opened.jobs.running("Merging"), timeout=10_000)
    start = time.monotonic()
    opened.registry.actions["cancel"].trigger()
    QApplication.processEvents()
    assert time.monotonic() - start < 0.3
    wait(qtbot, opened)
    assert "cancelled" in shown(opened)[1]
    opened.close()
    assert time.monotonic() - start < 0.5  # the call goes on, and nobody waits for it


def test_tiles_are_sorted_by_their_seams(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.show_view("sheet")
    sheet = opened.sheet
    sheet.order.setCurrentIndex(2)
    assert "No results" in sheet.words.text()
    opened.results.open(tmp_path / "maps.npy")
    wait(qtbot, opened)
    found = opened.results.survey
    assert found is not None
    order = sheet.list.tile_model.order
    assert found.by_tile[int(order[0])] == found.by_tile.max()


def test_models_and_results_are_opened_from_the_menu(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path, "chosen", "return tiles")
    asked: list[list[str]] = []

    def choose(*given: object) -> tuple[str, bool]:
        asked.append(given[3])  # type: ignore[arg-type]
        return "predict", True

    def answer(path: Path) -> None:
        for name in ("getOpenFileName", "getExistingDirectory"):
            both = (str(path), "") if name == "getOpenFileName" else str(path)
            monkeypatch.setattr(QFileDialog, name, lambda *_, both=both: both)

    monkeypatch.setattr(QInputDialog, "getItem", choose)
    for action, path in (
        ("open_model", tmp_path / "chosen.py"),
        ("open_results", tmp_path / "maps.npy"),
        ("open_results_folder", tmp_path / "maps"),
    ):
        (tmp_path / "maps").mkdir(exist_ok=True)
        np.save(tmp_path / "maps" / "a.npy", MAPS)
        answer(path)
        opened.registry.actions[action].trigger()
        wait(qtbot, opened)
        assert shown(opened)[0] == 1, shown(opened)[1]
    assert asked == [["predict"]]


def test_merged_maps_have_the_colours_and_the_range_of_maps(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    first = pictures_of(opened).merged.region(0, (0, 40), (0, 40)).copy()
    assert "Colours from" in shown(opened)[1]
    opened.maps.change(colormap="viridis")
    wait(qtbot, opened)
    other = pictures_of(opened).merged.region(0, (0, 40), (0, 40)).copy()
    assert not np.array_equal(first, other)
    values = np.linspace(-5, 999, IMAGE.size).reshape(IMAGE.shape)
    np.save(tmp_path / "range_map.npy", values)
    opened.viewer.open_maps([tmp_path / "range_map.npy"], this=True)
    wait(qtbot, opened)
    assert pictures_of(opened).range == (-5, 999)
    assert "Colours from -5 to 999." in shown(opened)[1]
    dark = pictures_of(opened).merged.region(0, (0, 40), (0, 40))
    assert not np.array_equal(dark, other)


def test_what_is_merged_can_be_the_anomaly_map(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    opened.merged.as_map.setChecked(True)
    wait(qtbot, opened)
    found = opened.maps.map
    assert found is not None
    assert found.value(101, 203) == MERGED[50, 101]
    opened.viewer.change(replace(SETTINGS, merge="max"))
    wait(qtbot, opened)
    want = Tiler(64, 48, merge="max").untile(MAPS, IMAGE.shape)
    assert opened.maps.map is not None
    assert opened.maps.map.value(101, 203) == want[50, 101]
    opened.merged.as_map.setChecked(False)
    wait(qtbot, opened)
    assert opened.maps.map is None


def test_a_refused_merge_shows_no_stale_picture(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    np.save(tmp_path / "maps.npy", MAPS > 100)
    opened.open_results(tmp_path / "maps.npy")
    wait(qtbot, opened)
    assert shown(opened)[0] == 1
    opened.viewer.change(replace(SETTINGS, window="hann"))
    wait(qtbot, opened)
    assert shown(opened)[0] == 0
    assert "bool" in shown(opened)[1]


def test_a_model_that_is_loaded_too_late_is_not_run(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    slow, quick = tmp_path / "slow.py", tmp_path / "quick.py"
    slow.write_text("import time\ntime.sleep(0.6)\ndef f(tiles):\n    return tiles * 0")
    quick.write_text("def f(tiles):\n    return 255 - tiles")
    opened.open_results(f"{slow}:f")
    qtbot.wait(200)
    opened.open_results(f"{quick}:f")
    qtbot.wait(800)
    opened.viewer.change(replace(SETTINGS, step=(32, 32)))
    wait(qtbot, opened)
    whole = pictures_of(opened).whole()
    assert np.array_equal(finish(whole), 255 - IMAGE)
