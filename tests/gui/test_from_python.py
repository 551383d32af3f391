"""From Python: ``reftiler_gui.view`` and ``Tiler.show``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

import reftiler_gui
from reftiler import Tiler, TilingError
from reftiler.config import TilingConfig
from reftiler_gui.main_window import MainWindow
from tests.gui.windows import (
    names_of,
    settled,
    shown_image,
    trigger,
    wait_until,
    write_pair,
)

torch = pytest.importorskip("torch")
torch_backend = pytest.importorskip("reftiler.torch")

GREY = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
COLOR = np.arange(48 * 64 * 3, dtype=np.float32).reshape(48, 64, 3)
MASK = np.zeros((48, 64), dtype=bool)
MASK[10:14, 20:26] = True


def shown(qtbot: QtBot, *given: Any, **named: Any) -> MainWindow:
    window = reftiler_gui.view(*given, block=False, **named)
    qtbot.addWidget(window)
    settled(window)
    return window


def pixels(window: MainWindow) -> NDArray[Any]:
    return np.asarray(shown_image(window).array)


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (GREY, GREY),
        (COLOR, COLOR),
        (np.moveaxis(COLOR, -1, 0), COLOR),
        (GREY[None], GREY),
        (GREY.tolist(), None),
        (torch.from_numpy(COLOR).permute(2, 0, 1), COLOR),
        (torch.from_numpy(COLOR).permute(2, 0, 1)[None], COLOR),
        (torch.zeros((9, 48, 64), dtype=torch.bfloat16), np.zeros((48, 64, 9))),
        (torch.ones((48, 64), dtype=torch.uint8, requires_grad=False), MASK | True),
    ],
)
def test_arrays_and_tensors_of_any_layout(qtbot: QtBot, given: Any, want: Any) -> None:
    if want is None:  # a list is several images
        with pytest.raises(TypeError, match="an array, a tensor or a path"):
            shown(qtbot, given)
        return
    window = shown(qtbot, given)
    assert np.array_equal(pixels(window), want)
    assert len(window.viewer.image_set.items) == 1


def test_a_closed_window_lets_go_of_its_images(qtbot: QtBot) -> None:
    window = reftiler_gui.view(GREY, block=False)
    settled(window)
    window.close()
    # Only the window says that it is gone: its wrapper in Python would stay alive.
    wait_until(lambda: not isValid(window))


def test_mask_maps_and_tiler_are_shown(qtbot: QtBot) -> None:
    scores = torch.rand((1, 1, 24, 32))
    tiler = Tiler(16, 8, mode="even", merge="max")
    window = shown(qtbot, COLOR, torch.from_numpy(MASK[None]), scores, tiler)
    assert [one.box for one in window.defects_bar.defects.regions] == [
        ((10, 14), (20, 26))
    ]
    assert window.viewer.settings.tiler() == tiler
    assert window.viewer.tiling is not None
    assert len(window.viewer.tiling) == len(tiler.grid((48, 64)))
    assert window.maps.map is not None
    assert np.array_equal(window.maps.map.array, scores[0, 0].numpy())
    assert not window.viewer.undo_stack.canUndo()


@pytest.mark.parametrize(
    "tiler",
    [
        {"tile_size": 16, "overlap": 4},
        TilingConfig(Tiler(16, 12)),
        torch_backend.Tiler(16, 12),
        Tiler(16, 12).to_dict(),
    ],
)
def test_settings_of_any_kind(qtbot: QtBot, tiler: Any) -> None:
    window = shown(qtbot, GREY, tiler=tiler)
    assert window.viewer.settings.tiler() == Tiler(16, 12)


def test_several_images_each_with_its_own(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pair(tmp_path, "part")
    window = shown(qtbot, [GREY, path, COLOR], [MASK, None, None], [None, None, MASK])
    names = names_of(window)
    assert names == ["image 0", "part.png", "image 2"]
    assert np.array_equal(pixels(window), GREY)
    window.viewer.step(2)
    settled(window)
    assert np.array_equal(pixels(window), COLOR)
    assert window.maps.map is not None
    trigger(window, "reload")
    assert len(window.viewer.image_set.items) == 3
    batch = shown(qtbot, torch.zeros((5, 3, 48, 64)), torch.zeros((5, 1, 48, 64)))
    assert len(batch.viewer.image_set.items) == 5


def test_paths_are_opened_as_on_the_command_line(qtbot: QtBot, folder: Path) -> None:
    window = shown(qtbot, folder)
    assert len(window.viewer.image_set.items) == 3
    assert len(window.defects_bar.defects) == 1
    image, mask = folder / "a.png", folder / "b_mask.png"
    window = Tiler(32).show(image, mask, block=False)
    qtbot.addWidget(window)
    settled(window)
    assert len(window.viewer.image_set.items) == 1
    assert len(window.defects_bar.defects) == 1


def test_a_mapped_file_that_is_cut_short_does_not_end_the_process(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "large.npy"
    np.save(path, np.ones((2000, 1500), np.uint8))
    window = shown(qtbot, np.load(path, mmap_mode="r"), np.load(path, mmap_mode="r"))
    os.truncate(path, 4096)
    window.canvas.repaint_pixels()
    window.canvas.viewport().repaint()
    window.registry.actions["actual"].trigger()
    window.canvas.viewport().repaint()


def test_a_script_waits_until_the_window_is_closed(qtbot: QtBot) -> None:
    def close() -> None:
        (window,) = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
        assert isinstance(window, MainWindow)
        closed.append(window)
        window.close()

    closed: list[MainWindow] = []
    for _ in range(2):
        QTimer.singleShot(200, close)
        window = Tiler(16).show(GREY)
        assert closed[-1] is window
        assert not window.isVisible()


def test_in_jupyter_its_event_loop_is_started(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    shell = SimpleNamespace(enable_gui=started.append)
    module = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.delenv("QT_API", raising=False)
    window = reftiler_gui.view(GREY)  # returns at once
    qtbot.addWidget(window)
    assert started == ["qt6"]
    assert os.environ["QT_API"] == "pyside6"
    settled(window)


@pytest.mark.parametrize("shell", [{"simple_prompt": True}, {"active_eventloop": "tk"}])
def test_without_its_event_loop_ipython_waits(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, shell: dict[str, Any]
) -> None:
    module = SimpleNamespace(get_ipython=lambda: SimpleNamespace(**shell))
    monkeypatch.setitem(sys.modules, "IPython", module)
    QTimer.singleShot(200, QApplication.closeAllWindows)
    assert not reftiler_gui.view(GREY).isVisible()


@pytest.mark.parametrize(
    ("given", "named", "error", "match"),
    [
        (GREY, {"mask": MASK[1:]}, TilingError, "the mask is 64 × 47"),
        (GREY, {"mask": np.zeros((2, 48, 64))}, TilingError, "a mask has the shape"),
        ([GREY, GREY], {"mask": MASK}, TilingError, "2 images and 48 of these"),
        ([GREY, GREY], {"maps": [MASK]}, TilingError, "2 images and 1 of these"),
        (GREY, {"tiler": 256}, TypeError, "tiler is a Tiler, a TilingConfig"),
        (GREY, {"tiler": {"tile": 256}}, TypeError, "tile"),
        (GREY, {"tiler": Tiler((4, 4, 4))}, TilingError, "height and a width"),
        (np.array(["a"]), {}, TypeError, "an array, a tensor or a path"),
        (GREY.astype(complex), {}, TypeError, "an array, a tensor or a path"),
        ("nowhere.png", {}, FileNotFoundError, "there is no nowhere.png"),
        ([], {}, TilingError, "the list is empty"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    given: Any, named: Any, error: type[Exception], match: str
) -> None:
    before = len(QApplication.topLevelWidgets())
    with pytest.raises(error, match=match):
        reftiler_gui.view(given, block=False, **named)
    assert len(QApplication.topLevelWidgets()) == before


def test_without_qt_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySide6", None)
    with pytest.raises(ImportError, match=r'pip install "reftiler\[gui\]"'):
        Tiler(16).show(GREY)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 and Wayland")
def test_without_a_display_it_is_a_sentence_and_the_import_needs_no_qt() -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in names}
    code = """
import sys, reftiler_gui
assert not [name for name in sys.modules if "PySide6" in name]
reftiler_gui.view("part.png")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "RuntimeError: there is no display" in done.stderr
    assert "--screenshot FILE" in done.stderr
