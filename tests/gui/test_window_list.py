"""The list of images: search, filter, groups, problems, and masks by hand."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from tests.gui.windows import settled

DOT = np.zeros((8, 8), dtype=bool)
DOT[1, 2] = True


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Write a data set: 2 good images, 3 with holes; one has no mask, one a bad one."""
    for name in ("good/a", "good/b", "hole/c", "hole/d", "hole/e"):
        file = tmp_path / f"test/{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_image(file, np.full((8, 8), 9, np.uint8))
    (tmp_path / "ground_truth/hole").mkdir(parents=True)
    write_image(tmp_path / "ground_truth/hole/c_mask.png", DOT)
    write_image(tmp_path / "ground_truth/hole/d_mask.png", DOT[1:])
    (tmp_path / "x.heic").write_bytes(b"?")
    return tmp_path


def opened(qtbot: QtBot, window: MainWindow, *paths: Path) -> None:
    window.open(paths)
    qtbot.waitUntil(lambda: bool(window.viewer.image_set.items), timeout=10_000)
    settled(qtbot, window)


def listed(window: MainWindow) -> list[str]:
    rows, items = window.image_list.rows.rows, window.viewer.image_set.items
    return [row if isinstance(row, str) else items[row].name[-1] for row in rows]


def shown(window: MainWindow) -> str:
    return window.viewer.loaded.item.name if window.viewer.loaded else ""


def choose(window: MainWindow, words: str) -> None:
    filter_ = window.image_list.filter
    filter_.setCurrentIndex(filter_.findText(words))


def test_the_list_is_searched_and_one_steps_through_what_is_found(
    qtbot: QtBot, window: MainWindow, data_set: Path
) -> None:
    opened(qtbot, window, data_set)
    assert window.image_list.place.text() == "3 of 5"
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.registry.actions["find_image"].trigger()
    search = window.image_list.search
    assert search.hasFocus()
    qtbot.keyClicks(search, "GOOD/")
    assert listed(window) == ["a", "b"]
    assert window.image_list.place.text() == "None of 2, 5 in all"
    qtbot.keyClick(search, Qt.Key.Key_Return)
    settled(qtbot, window)
    assert window.viewer.index == 0
    for _ in range(2):
        window.registry.actions["next"].trigger()
        settled(qtbot, window)
        assert window.image_list.place.text() == "2 of 2, 5 in all"
    search.setFocus()
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == ""
    assert window.image_list.place.text() == "2 of 5"
    qtbot.keyClicks(search, "nothing")
    window.registry.actions["next"].trigger()
    assert "leaves no image" in window.status.currentMessage()
    window.registry.actions["reload_all"].trigger()
    settled(qtbot, window)
    assert listed(window) == []
    opened(qtbot, window, data_set / "test/good")
    assert (search.text(), listed(window)) == ("", ["a", "b"])


def test_a_fast_walk_ends_at_the_last_image(
    qtbot: QtBot, window: MainWindow, data_set: Path
) -> None:
    opened(qtbot, window, data_set)
    for name in ("first", "next", "next", "last", "previous"):
        window.registry.actions[name].trigger()
    settled(qtbot, window)
    assert shown(window) == "test/hole/d"
    assert window.image_list.place.text() == "4 of 5"


def test_one_walks_on_from_an_image_that_is_read_slowly(
    qtbot: QtBot, window: MainWindow, data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, window, data_set)
    load, slow = ImageItem.load, threading.Event()

    def slowly(item: ImageItem) -> LoadedImage:
        assert item.name != "test/good/a" or slow.wait(10)
        return load(item)

    monkeypatch.setattr(ImageItem, "load", slowly)
    window.registry.actions["first"].trigger()
    window.registry.actions["next"].trigger()
    try:
        qtbot.waitUntil(lambda: shown(window) == "test/good/b")
    finally:
        slow.set()
    settled(qtbot, window)
    assert shown(window) == "test/good/b"


def test_the_list_is_filtered_by_what_is_known(
    qtbot: QtBot, window: MainWindow, data_set: Path
) -> None:
    opened(qtbot, window, data_set)
    qtbot.waitUntil(lambda: "2 with a problem" in window.image_list.numbers.text())
    assert window.image_list.numbers.text().startswith("3 with a defect, 2 without")
    for words, names in {
        "With a defect": "cde",
        "Without a defect": "ab",
        "With a problem": "de",
        "Label: good": "ab",
        "Split: test": "abcde",
        "Defects not known": "",
    }.items():
        choose(window, words)
        assert "".join(name for name in listed(window) if "/" not in name) == names
    choose(window, "With a problem")
    tip = window.image_list.rows.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "8 × 7 (width × height)" in tip


def test_groups_are_hidden_and_shown(
    qtbot: QtBot, window: MainWindow, data_set: Path
) -> None:
    opened(qtbot, window, data_set)
    view, rows = window.image_list.view, window.image_list.rows
    assert listed(window) == ["test/good", "a", "b", "test/hole", "c", "d", "e"]
    head = view.visualRect(rows.index(0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=head)
    assert listed(window) == ["test/good", "test/hole", "c", "d", "e"]
    flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
    view.selectionModel().setCurrentIndex(rows.index(3), flag)
    settled(qtbot, window)
    assert window.viewer.index == 3
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert listed(window) == ["test/good", "test/hole"]
    window.image_list.search.setText("hole")
    assert listed(window) == ["c", "d", "e"]  # of one group, which has no head
    window.image_list.search.clear()
    view.selectionModel().setCurrentIndex(rows.index(1), flag)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert len(listed(window)) == 5
    window.registry.actions["first"].trigger()  # into the group that is hidden
    settled(qtbot, window)
    assert window.viewer.index == 0
    assert "a" in listed(window)
    window.registry.actions["group_label"].trigger()
    assert listed(window)[::3] == ["good", "hole", "e"]
    window.registry.actions["group_none"].trigger()
    assert listed(window) == list("abcde")
    checked = [name for name, one in window.registry.actions.items() if one.isChecked()]
    assert [name for name in checked if name.startswith("group_")] == ["group_none"]


def test_thumbnails_are_made_for_what_is_seen(
    qtbot: QtBot, window: MainWindow, data_set: Path
) -> None:
    (data_set / "test/hole/e.png").write_bytes(b"?")
    opened(qtbot, window, data_set)
    rows = window.image_list.rows

    def dark(row: int) -> bool:
        icon = rows.index(row).data(Qt.ItemDataRole.DecorationRole)
        assert isinstance(icon, QIcon)
        image = icon.pixmap(56, 56).toImage()
        return image.width() > 28 and image.pixelColor(28, 28).alpha() == 255

    assert not dark(1)
    window.registry.actions["thumbnails"].trigger()
    qtbot.waitUntil(lambda: dark(1) and dark(5), timeout=5000)
    settled(qtbot, window)
    assert not dark(6)  # the file that cannot be read


def test_a_mask_is_opened_for_an_image(
    qtbot: QtBot, window: MainWindow, data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, window, data_set)
    window.registry.actions["last"].trigger()
    settled(qtbot, window)
    images = window.viewer.image_set
    assert "no mask" in images.known(4).problems[0]
    truth = data_set / "ground_truth/hole"
    more = np.roll(DOT, 3)
    write_image(truth / "more.png", more)
    given = [str(truth / "c_mask.png"), str(truth / "more.png")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (given, ""))
    window.registry.actions["open_mask"].trigger()
    settled(qtbot, window)
    assert window.viewer.image_set.known(4).problems == ()
    assert window.viewer.loaded is not None
    assert window.viewer.loaded.mask is not None
    assert (window.viewer.loaded.mask.array == DOT | more).all()


def test_files_are_shown_and_copied_and_what_was_passed_over_is_listed(
    qtbot: QtBot, window: MainWindow, data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, window, data_set)
    folders: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: folders.append(url.toLocalFile())
    )
    menu = {action.text(): action for action in window.image_list.view.actions()}
    menu["Show in folder"].trigger()
    assert folders == [str(data_set / "test/hole")]
    assert "no program" in window.status.currentMessage()
    menu["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == str(data_set / "test/hole/c.png")
    lines: list[str] = []
    monkeypatch.setattr(
        QDialog,
        "exec",
        lambda me: lines.append(me.findChild(QPlainTextEdit).toPlainText()),
    )
    assert "(1)" in window.image_list.passed_over.text()
    window.image_list.passed_over.click()
    assert "x.heic" in lines[0]
    assert "test/hole/e: it has no mask" in lines[0]


def button(page: QWidget, text: str) -> QPushButton:
    found = [one for one in page.findChildren(QPushButton) if text in one.text()]
    assert len(found) == 1
    return found[0]


def test_where_nothing_is_open_the_page_says_what_can_be(
    qtbot: QtBot, window: MainWindow, data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, window, data_set)
    window.open([data_set.parent / "gone"])
    settled(qtbot, window)
    page = window.start_page
    assert not page.isVisible()
    window.registry.actions["close"].trigger()
    settled_nothing(qtbot, window)
    assert page.isVisible()
    assert not window.image_list.rows.rows
    assert window.windowTitle() == "reftiler"
    for view in window.views:
        window.show_view(view)
    window.show_view("image")
    button(page, data_set.name).click()
    settled(qtbot, window)
    assert window.canvas.isVisible()
    assert len(window.viewer.image_set.items) == 5
    window.registry.actions["close"].trigger()
    empty = data_set / "empty"
    empty.mkdir()
    window.open([empty])
    settled_nothing(qtbot, window)
    assert "no image in" in page.text.text()
    assert page.isVisible()
    given = [str(data_set / "test/good/a.png")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (given, ""))
    button(page, "Open images").click()
    settled(qtbot, window)
    assert window.viewer.image_set.title == "a.png"
    window.registry.actions["close"].trigger()
    button(page, "sample").click()
    settled(qtbot, window)
    assert len(window.viewer.image_set.items) == 32


def settled_nothing(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.jobs.running())
    qtbot.wait(1)


def test_a_broken_file_is_a_card_and_the_way_out_works(
    qtbot: QtBot, window: MainWindow, data_set: Path
) -> None:
    broken = data_set / "test/good/a.png"
    pixels = broken.read_bytes()
    broken.write_bytes(pixels[:-30])
    opened(qtbot, window, data_set)
    card = window.file_card
    assert not card.isVisible()
    assert "⚠" not in window.message.text()
    window.registry.actions["first"].trigger()
    settled(qtbot, window)
    assert card.isVisible()
    assert card.title.text() == "test/good/a"
    assert "a.png" in card.text.text()
    button(card, "Next").click()
    settled(qtbot, window)
    assert window.viewer.index == 1
    assert not card.isVisible()
    window.registry.actions["first"].trigger()
    settled(qtbot, window)
    broken.write_bytes(pixels)
    button(card, "Reload").click()
    qtbot.waitUntil(window.canvas.isVisible, timeout=5000)
    settled(qtbot, window)
    assert window.viewer.image_set.known(0).problems == ()
    window.viewer.go(3)  # whose mask has another size
    settled(qtbot, window)
    assert "⚠ the mask" in window.message.text()
