"""What leaves the window, and what is there again the next day."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from reftiler.io import read_image
from reftiler.tilesets.manifest import Manifest
from reftiler_gui.exporting import write_tiles
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model import overlay_settings
from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem
from reftiler_gui.model.steps import finish
from reftiler_gui.preferences import Preferences
from tests.gui.windows import change, names_of, open_paths, settled, trigger, wait_until


def test_what_was_set_is_there_the_next_day(qtbot: QtBot, tmp_path: Path) -> None:
    def store() -> Preferences:
        form = QSettings.Format.IniFormat
        return Preferences(QSettings(str(tmp_path / "viewer.ini"), form))

    first = MainWindow(store())
    qtbot.addWidget(first)
    settings = FormSettings(tile=(99, 98), step=(50, 40), window="hann", random=3)
    first.viewer.change(settings)
    first.registry.actions["grid"].trigger()
    first.registry.actions["thumbnails"].trigger()
    first.registry.actions["group_label"].trigger()
    first.preferences.remember(tmp_path)
    first.close()
    second = MainWindow(store())
    qtbot.addWidget(second)
    assert second.viewer.settings == settings
    assert second.form.tile.value == (99, 98)
    assert not second.canvas.layers.grid
    assert second.image_list.rows.thumbnails
    assert second.image_list.grouping == "label"
    assert second.preferences.recent == (str(tmp_path),)
    second.close()


@pytest.mark.parametrize("kept", ["{", "[]", '{"tile": "x"}', '{"odd": 1}', "7"])
def test_damaged_settings_are_forgotten(
    qtbot: QtBot, tmp_path: Path, kept: str
) -> None:
    store = QSettings(str(tmp_path / "viewer.ini"), QSettings.Format.IniFormat)
    for key in ("tiling", "layers", "recent"):
        store.setValue(key, kept)
    window = MainWindow(Preferences(store))
    qtbot.addWidget(window)
    assert window.viewer.settings == START
    window.close()


@pytest.mark.parametrize("newer", [False, True])
def test_what_another_version_remembered_is_put_aside_and_said(
    qtbot: QtBot, tmp_path: Path, newer: bool
) -> None:
    store = QSettings(str(tmp_path / "viewer.ini"), QSettings.Format.IniFormat)
    other = asdict(FormSettings(tile=(64, 64), step=(64, 64)))
    if newer:
        other["newer"] = 1
    else:
        del other["merge"]
    store.setValue("tiling", json.dumps(other))
    store.setValue(
        "layers", json.dumps(asdict(overlay_settings.START) | {"grid": "odd"})
    )
    window = MainWindow(Preferences(store))
    qtbot.addWidget(window)
    assert window.viewer.settings == START
    assert window.canvas.layers == overlay_settings.START
    assert "tiling is of another version" in window.status.currentMessage()
    window.close()
    assert json.loads(store.value("another_version/tiling")) == json.loads(
        json.dumps(other)
    )
    again = MainWindow(Preferences(store))
    qtbot.addWidget(again)
    assert not again.status.currentMessage()
    again.close()


def test_what_is_copied_makes_the_same_tiles(window: MainWindow, folder: Path) -> None:
    window.open([folder / "a.png"])
    window.viewer.change(FormSettings(tile=(32, 32), step=(16, 16)))
    settled(window)
    board = QGuiApplication.clipboard()
    window.registry.actions["copy_python"].trigger()
    space: dict[str, Any] = {}
    exec(board.text(), space)
    assert len(space["tiles"]) == 9
    window.registry.actions["copy_yaml"].trigger()
    (folder / "s.yaml").write_text(board.text(), encoding="utf-8")
    window.viewer.change(START)
    window.open([folder / "s.yaml"])
    wait_until(lambda: window.viewer.settings.tile == (32, 32))
    window.registry.actions["copy_command"].trigger()
    assert board.text().startswith("reftiler tile ")


def test_dialogs_write_what_they_say(
    window: MainWindow,
    folder: Path,
    answer: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_paths(window, folder / "a.png")
    change(window, FormSettings(tile=(32, 32), step=(32, 32)))

    def do(name: str, path: Path) -> None:
        answer(path)
        trigger(window, name)

    do("export", folder / "tiles")  # one that is not there yet
    assert Manifest.read(folder / "tiles").images[0].grid.shape == (2, 2)
    do("save_picture", folder / "seen.png")
    assert read_image(folder / "seen.png").shape[2] == 3
    do("save_picture", folder / "none" / "seen.png")
    assert "cannot write" in window.status.currentMessage()
    do("save_settings", folder / "t.yaml")
    window.viewer.change(START)
    do("load_settings", folder / "t.yaml")
    assert window.viewer.settings.tile == (32, 32)
    do("open", folder / "b.png")
    assert window.viewer.image_set.title == "b.png"
    do("open_folder", folder)
    assert len(names_of(window)) == 4
    last = str(folder / "b.png")
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (last, True))
    trigger(window, "recent")
    assert window.viewer.image_set.title == "b.png"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
@pytest.mark.parametrize("on_disk", [False, True])
def test_tiles_of_every_image_are_written_without_loss(
    tmp_path: Path, dtype: type, shape: tuple[int, ...], on_disk: bool
) -> None:
    image: np.ndarray = np.random.default_rng(0).integers(0, 250, shape).astype(dtype)
    path = tmp_path / "part.npy"
    np.save(path, image)
    made = ImageItem("part", make=lambda: (image, None))
    out, settings = tmp_path / "tiles", FormSettings(tile=(16, 16), step=(8, 8))
    work = write_tiles(ImageItem("part", path) if on_disk else made, settings, out)
    want = replace(settings, channels_last=True).tiler().tile(image)
    assert finish(work) == len(want)
    found = [read_image(file) for file in sorted(out.glob("part_*"))]
    assert found[0].dtype == dtype
    assert np.array_equal(np.stack(found), want)


@pytest.mark.parametrize("made", [False, True])
def test_writing_that_is_cancelled_leaves_nothing(folder: Path, made: bool) -> None:
    out = folder / "tiles"
    if not made:
        out.mkdir()
    settings = FormSettings(tile=(8, 8), step=(1, 1))
    work = write_tiles(ImageItem("a", folder / "a.png"), settings, out)
    next(work)
    next(work)
    work.close()
    assert out.exists() is not made
    assert not made or not list(folder.glob("tiles*"))
    assert made or not list(out.iterdir())


def test_a_file_that_changes_is_read_again(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "part.npy"
    np.save(path, np.zeros((300, 300), np.uint8))
    open_paths(window, path)
    np.save(path, np.full((200, 300), 7, np.uint8))

    def shown() -> tuple[float, ...] | None:
        source = window.canvas.source
        if isinstance(source, ImagePyramid) and source.size == (200, 300):
            return source.value(150, 200)
        return None

    wait_until(lambda: shown() == (7,), timeout=5000)
    assert "part has changed" in window.status.currentMessage()
    np.save(tmp_path / "other.npy", np.zeros((9, 9), np.uint8))
    changed = np.full((200, 300), 9, np.uint8)
    window.viewer._watcher.removePath(str(path))  # as where nobody tells of changes
    np.save(path, changed)
    window.registry.actions["reload"].trigger()
    wait_until(lambda: shown() == (9,), timeout=5000)
    open_paths(window, tmp_path)
    window.viewer.step(1)
    settled(window)
    np.save(tmp_path / "new.npy", np.zeros((9, 9), np.uint8))
    trigger(window, "reload_all")
    names = names_of(window)
    assert (names, window.viewer.index) == (["new", "other", "part"], 2)
    path.unlink()
    window.viewer.reload()
    settled(window)
    assert "No such file" in window.viewer.image_set.known(2).problems[0]
