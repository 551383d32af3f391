"""The view Merged: results and models opened, merged, compared, and what goes wrong."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QInputDialog

from reftiler import Tiler
from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.anomaly_map import MapSettings
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.lazy_picture import LazyPicture, compute
from reftiler_gui.model.merged_pictures import MergedPictures
from reftiler_gui.model.steps import Work, finish
from tests.command import done
from tests.gui.windows import (
    LEFT,
    change,
    drop,
    go,
    known,
    open_paths,
    open_results,
    settled,
    show_view,
    trigger,
    wait_until,
)

SETTINGS = FormSettings(tile=(64, 64), step=(48, 48))
IMAGE = np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8)
TILER = Tiler(64, 48)
MAPS = TILER.tile(IMAGE)[:, ::2, ::2] + np.arange(24, dtype=np.float32)[:, None, None]
MERGED = TILER.untile(MAPS, IMAGE.shape)
HELD = replace(SETTINGS, merge="max", border=(2, 2))
MERGED_HELD = Tiler(64, 48, merge="max", remove_border_count=2).untile(
    MAPS, IMAGE.shape
)


@pytest.fixture
def opened(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MainWindow:
    """Return a window with two images, and the view Merged in front."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", IMAGE)
    np.save("maps.npy", MAPS)
    window.viewer.change(SETTINGS)
    open_paths(window, tmp_path / "a.png", tmp_path / "b.png")
    show_view(window, "merged")
    return window


@pytest.fixture
def maps(opened: MainWindow, tmp_path: Path) -> Path:
    """Return the results of the first image, which are open."""
    open_results(opened, tmp_path / "maps.npy")
    return tmp_path / "maps.npy"


def pictures_of(window: MainWindow) -> MergedPictures:
    return known(window.results.pictures)


def value(window: MainWindow) -> Any:
    """Return what is merged at a place."""
    return pictures_of(window).merged.known(101, 203)


def shown(window: MainWindow) -> tuple[int, str]:
    """Return which page is shown, and what it says."""
    view = window.merged
    page = view.stack.currentIndex()
    return page, (view.words if page else view.empty).text()


def color_bar(window: MainWindow) -> MapSettings | None:
    return window.merged.image.color_bar


def captions(window: MainWindow) -> list[str]:
    return [pane.label.text() for pane in window.merged.panes]


def model(name: str, body: str) -> str:
    """Write a model, and return its name."""
    lines = "import numpy as np", "import time", "def predict(tiles):", f"    {body}"
    Path(f"{name}.py").write_text("\n".join(lines))
    return f"{Path.cwd() / name}.py:predict"


def test_a_lesson_is_not_shown_unasked(opened: MainWindow) -> None:
    view = opened.merged
    assert shown(opened)[0] == 0
    assert opened.results.pictures is None
    QTest.mouseClick(view.lesson, LEFT)
    settled(opened)
    assert shown(opened)[0] == 1
    assert "Simulated model" in shown(opened)[1]
    assert pictures_of(opened).difference is not None
    assert pictures_of(opened).merged.known(100, 100) is not None
    merged = view.image.picture()
    QTest.mousePress(view.hold, LEFT)
    assert view.panes[0].label.text() == "Original"
    assert view.image.picture() != merged
    QTest.mouseRelease(view.hold, LEFT)
    assert view.image.picture() == merged
    view.percent.setValue(20)
    settled(opened)
    assert "20 %" in shown(opened)[1]
    view.close_results.click()
    assert shown(opened)[0] == 0


def test_an_array_is_dropped(opened: MainWindow, tmp_path: Path) -> None:
    drop(opened, tmp_path / "maps.npy")
    settled(opened)
    assert value(opened) == MERGED[50, 101]
    told: list[str] = []
    opened.merged.pointed.connect(told.append)
    opened.merged.image.point_at(101.5, 203.5)
    assert f"merged {MERGED[50, 101]:.6g}" in told[-1]
    bar = known(color_bar(opened))
    assert (bar.low, bar.high) == pictures_of(opened).range
    QTest.mousePress(opened.merged.hold, LEFT)
    assert color_bar(opened) is None
    QTest.mouseRelease(opened.merged.hold, LEFT)
    assert color_bar(opened) == bar
    QTest.keyPress(opened.merged, Qt.Key.Key_Shift, Qt.KeyboardModifier.ControlModifier)
    assert captions(opened) == ["Merged", "Original"]
    QTest.keyPress(opened.merged, Qt.Key.Key_Shift)
    assert captions(opened) == ["Original", "Original"]
    dialog = QDialog(opened)  # to which the key's release goes
    dialog.show()
    dialog.activateWindow()
    wait_until(dialog.isActiveWindow)
    assert captions(opened) == ["Merged", "Original"]


def test_what_is_asked_for_as_the_work_ends_is_merged(
    opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = list[LazyPicture]()

    def compute_and_ask(pictures: list[LazyPicture]) -> Work[None]:
        yield from compute(pictures)
        if not late:  # the job is not over yet, and computes nothing more
            late.append(pictures[0])
            pictures[0].asked = lambda: None
            pictures[0].region(2, (0, 50), (0, 75))  # which no canvas shows now

    monkeypatch.setattr("reftiler_gui.jobs.compute", compute_and_ask)
    opened.results.open(tmp_path / "maps.npy")
    wait_until(lambda: bool(late) and late[0].knows((1, 0, 0), exact=True))


def test_settings_files_and_images_that_change(opened: MainWindow, maps: Path) -> None:
    change(opened, HELD)
    assert value(opened) == MERGED_HELD[50, 101]
    change(opened, SETTINGS)
    np.save(maps, MAPS + 1000)
    trigger(opened, "reload")
    assert value(opened) == MERGED[50, 101] + 1000
    go(opened, 1)
    assert "holds the results of a, not of b" in shown(opened)[1]
    go(opened, 0)
    assert shown(opened)[0] == 1
    np.save(maps, MAPS[1:])
    open_results(opened, maps)
    assert shown(opened)[0] == 0
    assert "(23, 32, 32)" in shown(opened)[1]
    assert not opened.merged.take_over.isVisible()
    np.save(maps, MAPS > 100)
    QTest.mouseClick(opened.merged.retry, LEFT)
    settled(opened)
    assert shown(opened)[0] == 1
    change(opened, replace(SETTINGS, window="hann"))
    assert shown(opened)[0] == 0
    assert "bool" in shown(opened)[1]


def test_results_of_other_tiles_offer_their_settings(
    opened: MainWindow, tmp_path: Path
) -> None:
    tiles = tmp_path / "tiles"
    done("tile", tmp_path / "a.png", tiles, "--tile", 64, "--stride", 48)
    opened.viewer.change(replace(SETTINGS, step=(32, 32), window="hann"))
    open_results(opened, tiles)
    assert shown(opened)[0] == 0
    assert "24 tiles of 64 × 64 px" in shown(opened)[1]
    QTest.mouseClick(opened.merged.take_over, LEFT)
    settled(opened)
    assert shown(opened)[0] == 1
    assert opened.viewer.settings == replace(SETTINGS, window="hann")


def test_the_worst_seam_is_gone_to_and_what_is_merged_is_a_map(
    opened: MainWindow, maps: Path
) -> None:
    show_view(opened, "image")
    QTest.keyClick(opened, Qt.Key.Key_W)
    settled(opened)
    assert opened.tabs.currentWidget() is opened.merged
    found = known(opened.results.survey)
    assert (int(opened.state.row), int(opened.state.col)) == known(found.worst)
    assert "disagree most at row" in shown(opened)[1]
    opened.merged.as_map.setChecked(True)
    settled(opened)
    assert known(opened.maps.map).value(101, 203) == MERGED[50, 101]
    change(opened, HELD)
    assert known(opened.maps.map).value(101, 203) == MERGED_HELD[50, 101]
    opened.merged.as_map.setChecked(False)
    settled(opened)
    assert opened.maps.map is None


def test_seams_are_a_layer_and_an_order(opened: MainWindow, tmp_path: Path) -> None:
    opened.show_view("sheet")
    sheet = opened.sheet
    sheet.order.setCurrentIndex(2)
    assert "No results" in sheet.words.text()
    opened.results.open(tmp_path / "maps.npy")
    settled(opened)
    by_tile = known(opened.results.survey).by_tile
    assert by_tile[int(sheet.list.tile_model.order[0])] == by_tile.max()
    for view, canvas in (("merged", opened.merged.image), ("image", opened.canvas)):
        show_view(opened, view)
        before = canvas.picture()
        trigger(opened, "seams")
        assert canvas.picture() != before
        opened.registry.actions["seams"].trigger()
        assert canvas.picture() == before


def test_a_model_is_run_once_for_each_tile_until_it_fails(opened: MainWindow) -> None:
    body = "open('count', 'a').write('x' * len(tiles)); return tiles[:, ::2, ::2] / 2"
    open_results(opened, model("counted", body))
    opened.viewer.change(replace(SETTINGS, window="hann"))
    trigger(opened, "worst")
    assert "float64" in shown(opened)[1]
    assert len(Path("count").read_text()) == 24 + 1  # one to learn what it returns
    go(opened, 1)
    assert shown(opened)[0] == 1
    assert len(Path("count").read_text()) == 2 * 25
    body = "assert len(tiles) == 1, 'no memory'; return tiles"
    open_results(opened, model("failing", body))
    assert shown(opened)[0] == 1
    assert "AssertionError: no memory" in shown(opened)[1]
    assert opened.merged.again.isVisible()
    open_results(opened, model("failing", "return tiles"))
    assert not opened.merged.again.isVisible()


def test_a_slow_model_is_cancelled_at_once(opened: MainWindow) -> None:
    body = "time.sleep(0.6 if len(tiles) > 1 else 0); return tiles"
    opened.open_results(model("slow", body))
    wait_until(lambda: opened.jobs.running("Merging"))
    start = time.monotonic()
    opened.registry.actions["cancel"].trigger()
    QApplication.processEvents()
    assert time.monotonic() - start < 0.3
    settled(opened)
    assert "cancelled" in shown(opened)[1]
    opened.close()
    assert time.monotonic() - start < 0.5  # the call goes on, and nobody waits for it


def test_models_and_results_are_opened_from_the_menu(
    opened: MainWindow,
    tmp_path: Path,
    answer: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model("chosen", "return tiles")
    asked: list[list[str]] = []

    def choose(*given: object) -> tuple[str, bool]:
        asked.append(given[3])  # type: ignore[arg-type]
        return "predict", True

    monkeypatch.setattr(QInputDialog, "getItem", choose)
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "a.npy", MAPS)
    for action, name in (
        ("open_model", "chosen.py"),
        ("open_results", "maps.npy"),
        ("open_results_folder", "maps"),
    ):
        answer(tmp_path / name)
        trigger(opened, action)
        assert shown(opened)[0] == 1, shown(opened)[1]
    assert asked == [["predict"]]


def test_a_model_that_is_loaded_too_late_is_not_run(opened: MainWindow) -> None:
    Path("slow.py").write_text("import time\ntime.sleep(0.6)\ndef f(t): return t * 0")
    Path("quick.py").write_text("def f(tiles): return 255 - tiles")
    opened.open_results(str(Path("slow.py").resolve()) + ":f")
    QTest.qWait(200)
    opened.open_results(str(Path("quick.py").resolve()) + ":f")
    QTest.qWait(800)
    change(opened, replace(SETTINGS, step=(32, 32)))
    assert np.array_equal(finish(pictures_of(opened).whole()), 255 - IMAGE)
