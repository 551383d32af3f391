"""The list of images: search, filter, groups, problems, and masks by hand."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from tests.gui.windows import (
    activate,
    known,
    loaded_item,
    open_paths,
    settle,
    settled,
    trigger,
    wait_until,
)

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


@pytest.fixture
def opened(window: MainWindow, data_set: Path) -> MainWindow:
    open_paths(window, data_set)
    return window


def listed(window: MainWindow) -> list[str]:
    rows, items = window.image_list.rows.rows, window.viewer.image_set.items
    return [row if isinstance(row, str) else items[row].name[-1] for row in rows]


def shown(window: MainWindow) -> str:
    return loaded_item(window).item.name


def choose(window: MainWindow, words: str) -> None:
    filter_ = window.image_list.filter
    filter_.setCurrentIndex(filter_.findText(words))


def test_the_list_is_searched_and_one_steps_through_what_is_found(
    opened: MainWindow, data_set: Path
) -> None:
    assert opened.image_list.place.text() == "3 of 5"
    activate(opened)
    opened.registry.actions["find_image"].trigger()
    search = opened.image_list.search
    assert search.hasFocus()
    QTest.keyClicks(search, "GOOD/")
    assert listed(opened) == ["a", "b"]
    assert opened.image_list.place.text() == "None of 2, 5 in all"
    QTest.keyClick(search, Qt.Key.Key_Return)
    settled(opened)
    assert opened.viewer.index == 0
    for _ in range(2):
        trigger(opened, "next")
        assert opened.image_list.place.text() == "2 of 2, 5 in all"
    search.setFocus()
    QTest.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == ""
    assert opened.image_list.place.text() == "2 of 5"
    QTest.keyClicks(search, "nothing")
    opened.registry.actions["next"].trigger()
    assert "leaves no image" in opened.status.currentMessage()
    trigger(opened, "reload_all")
    assert listed(opened) == []
    open_paths(opened, data_set / "test/good")
    assert (search.text(), listed(opened)) == ("", ["a", "b"])


def test_one_walks_on_from_an_image_that_is_read_slowly(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, slow = ImageItem.load, threading.Event()

    def slowly(item: ImageItem) -> LoadedImage:
        assert item.name != "test/good/a" or slow.wait(10)
        return load(item)

    monkeypatch.setattr(ImageItem, "load", slowly)
    opened.registry.actions["first"].trigger()
    opened.registry.actions["next"].trigger()
    try:
        wait_until(lambda: shown(opened) == "test/good/b")
    finally:
        slow.set()
    settled(opened)
    assert shown(opened) == "test/good/b"


def test_what_is_known_is_filtered_listed_and_mended_by_hand(
    opened: MainWindow,
    data_set: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[..., None],
) -> None:
    wait_until(lambda: "2 with a problem" in opened.image_list.numbers.text())
    assert opened.image_list.numbers.text().startswith("3 with a defect, 2 without")
    for words, names in {
        "With a defect": "cde",
        "Without a defect": "ab",
        "With a problem": "de",
        "Label: good": "ab",
        "Split: test": "abcde",
        "Defects not known": "",
    }.items():
        choose(opened, words)
        assert "".join(name for name in listed(opened) if "/" not in name) == names
    choose(opened, "With a problem")
    tip = opened.image_list.rows.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "8 × 7 (width × height)" in tip
    choose(opened, "All images")
    folders: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: folders.append(url.toLocalFile())
    )
    menu = {action.text(): action for action in opened.image_list.view.actions()}
    menu["Show in folder"].trigger()
    assert folders == [str(data_set / "test/hole")]
    assert "no program" in opened.status.currentMessage()
    menu["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == str(data_set / "test/hole/c.png")
    lines: list[str] = []
    monkeypatch.setattr(
        QDialog,
        "exec",
        lambda me: lines.append(me.findChild(QPlainTextEdit).toPlainText()),
    )
    assert "(1)" in opened.image_list.passed_over.text()
    opened.image_list.passed_over.click()
    assert "x.heic" in lines[0]
    assert "test/hole/e: it has no mask" in lines[0]
    trigger(opened, "last")
    images = opened.viewer.image_set
    assert "no mask" in images.known(4).problems[0]
    truth = data_set / "ground_truth/hole"
    more = np.roll(DOT, 3)
    write_image(truth / "more.png", more)
    answer(truth / "c_mask.png", truth / "more.png")
    trigger(opened, "open_mask")
    assert opened.viewer.image_set.known(4).problems == ()
    assert (known(loaded_item(opened).mask).array == DOT | more).all()


def test_groups_are_hidden_and_shown(opened: MainWindow) -> None:
    view, rows = opened.image_list.view, opened.image_list.rows
    assert listed(opened) == ["test/good", "a", "b", "test/hole", "c", "d", "e"]
    head = view.visualRect(rows.index(0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=head)
    assert listed(opened) == ["test/good", "test/hole", "c", "d", "e"]
    flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
    view.selectionModel().setCurrentIndex(rows.index(3), flag)
    settled(opened)
    assert opened.viewer.index == 3
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert listed(opened) == ["test/good", "test/hole"]
    opened.image_list.search.setText("hole")
    assert listed(opened) == ["c", "d", "e"]  # of one group, which has no head
    opened.image_list.search.clear()
    view.selectionModel().setCurrentIndex(rows.index(1), flag)
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert len(listed(opened)) == 5
    opened.registry.actions["first"].trigger()  # into the group that is hidden
    settled(opened)
    assert opened.viewer.index == 0
    assert "a" in listed(opened)
    opened.registry.actions["group_label"].trigger()
    assert listed(opened)[::3] == ["good", "hole", "e"]
    opened.registry.actions["group_none"].trigger()
    assert listed(opened) == list("abcde")
    checked = [name for name, one in opened.registry.actions.items() if one.isChecked()]
    assert [name for name in checked if name.startswith("group_")] == ["group_none"]


def test_thumbnails_are_made_for_what_is_seen(
    window: MainWindow, data_set: Path
) -> None:
    (data_set / "test/hole/e.png").write_bytes(b"?")
    open_paths(window, data_set)
    rows = window.image_list.rows

    def dark(row: int) -> bool:
        icon = rows.index(row).data(Qt.ItemDataRole.DecorationRole)
        assert isinstance(icon, QIcon)
        image = icon.pixmap(56, 56).toImage()
        return image.width() > 28 and image.pixelColor(28, 28).alpha() == 255

    assert not dark(1)
    window.registry.actions["thumbnails"].trigger()
    wait_until(lambda: dark(1) and dark(5), timeout=5000)
    settled(window)
    assert not dark(6)  # the file that cannot be read


def button(page: QWidget, text: str) -> QPushButton:
    found = [one for one in page.findChildren(QPushButton) if text in one.text()]
    assert len(found) == 1
    return found[0]


def test_where_nothing_is_open_the_page_says_what_can_be(
    opened: MainWindow, data_set: Path, answer: Callable[..., None]
) -> None:
    open_paths(opened, data_set.parent / "gone")
    page = opened.start_page
    assert not page.isVisible()
    opened.registry.actions["close"].trigger()
    settle(opened.jobs)
    assert page.isVisible()
    assert not opened.image_list.rows.rows
    assert opened.windowTitle() == "reftiler"
    for view in opened.views:
        opened.show_view(view)
    opened.show_view("image")
    button(page, data_set.name).click()
    settled(opened)
    assert opened.canvas.isVisible()
    assert len(opened.viewer.image_set.items) == 5
    opened.registry.actions["close"].trigger()
    empty = data_set / "empty"
    empty.mkdir()
    opened.open([empty])
    settle(opened.jobs)
    assert "no image in" in page.text.text()
    assert page.isVisible()
    answer(data_set / "test/good/a.png")
    button(page, "Open images").click()
    settled(opened)
    assert opened.viewer.image_set.title == "a.png"
    (data_set / "test/good/a.png").unlink()
    opened.registry.actions["close"].trigger()
    wait_until(page.isVisible)
    opened.show_view("compare")
    opened.show_view("image")  # which lists the recent files anew
    assert not button(page, "a.png").isEnabled()
    assert button(page, "empty").isEnabled()
    button(page, "sample").click()
    settled(opened)
    assert len(opened.viewer.image_set.items) == 32


def test_a_broken_file_is_a_card_and_the_way_out_works(
    window: MainWindow, data_set: Path
) -> None:
    broken = data_set / "test/good/a.png"
    pixels = broken.read_bytes()
    broken.write_bytes(pixels[:-30])
    open_paths(window, data_set)
    card = window.file_card
    assert not card.isVisible()
    assert "⚠" not in window.message.text()
    trigger(window, "first")
    assert card.isVisible()
    assert card.title.text() == "test/good/a"
    assert "a.png" in card.text.text()
    button(card, "Next").click()
    settled(window)
    assert window.viewer.index == 1
    assert not card.isVisible()
    trigger(window, "first")
    broken.write_bytes(pixels)
    button(card, "Reload").click()
    wait_until(window.canvas.isVisible, timeout=5000)
    settled(window)
    assert window.viewer.image_set.known(0).problems == ()
    window.viewer.go(3)  # whose mask has another size
    settled(window)
    assert "⚠ the mask" in window.message.text()
