"""The display of images: limits, gamma, channels, histogram, of every dtype."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from reftiler.io import read_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.display import DisplaySettings, Histogram
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from tests.gui.windows import settled

RNG = np.random.default_rng(0)
RAMP = np.linspace(1000, 3000, 64 * 64).reshape(64, 64)


def shown(qtbot: QtBot, window: MainWindow, path: Path, image: Any) -> ImagePyramid:
    """Open an array as a file; return what the window shows of it."""
    np.save(path, image)
    window.open([path])
    settled(qtbot, window)
    return now(window)


def now(window: MainWindow) -> ImagePyramid:
    assert window.viewer.loaded is not None
    assert window.viewer.loaded.image is not None
    return window.viewer.loaded.image


def colors_of(source: ImagePyramid, row: int, column: int) -> tuple[int, ...]:
    """Return the red, green and blue that a pixel is painted with."""
    pixel = int(source.region(0, (row, row + 1), (column, column + 1))[0, 0])
    return pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255


@pytest.mark.parametrize(
    "image",
    [
        RNG.integers(0, 256, (64, 64), np.uint8),
        RAMP.astype(np.uint16),
        RAMP.astype(np.int16) - 2000,
        (RAMP.astype(np.int64) * 10**6 - 2 * 10**9).astype(np.int32),
        RAMP.astype(np.float32),
        RAMP > 2000,
        np.array([[-3e38, 0, 3e38]], np.float32),
        np.array([[-1.5e308, 0, 1.5e308]]),
        np.full((9, 9), 6e22),
        np.full((9, 9), np.nan),
        np.zeros((9, 9), np.int64),
    ],
    ids=lambda image: f"{image.dtype}",
)
def test_every_dtype_has_a_histogram_with_limits(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, image: Any
) -> None:
    source = shown(qtbot, window, tmp_path / "a.npy", image)
    panel, found = window.display, window.viewer.histogram
    assert found is not None
    assert found.counts.sum() + found.nan + found.infinite == image.size
    assert panel.low.value() < panel.high.value()
    for name in [panel.limits.itemText(n) for n in range(panel.limits.count())]:
        panel.limits.setCurrentText(name)
        panel.limits.textActivated.emit(name)
        settled(qtbot, window)
        assert source.low < source.high, name


def test_what_is_not_finite_is_counted(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    image = RAMP.astype(np.float32)
    image[0, :5], image[1, :3], image[2, :2] = np.nan, np.inf, -np.inf
    source = shown(qtbot, window, tmp_path / "a.npy", image)
    found = window.viewer.histogram
    assert found is not None
    assert (found.nan, found.infinite) == (5, 5)
    assert np.isfinite([source.low, source.high]).all()
    assert "5 NaN and 5 infinite" in window.display.note.text()


def test_percentiles_are_those_of_numpy(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    for dtype in ("uint16", "float64"):
        image: Any = (RNG.random((200, 300)) ** 3 * 60000).astype(dtype)
        source = shown(qtbot, window, tmp_path / f"{dtype}.npy", image)
        window.display.limits.textActivated.emit("1 % to 99 %")
        want = np.percentile(image, [1, 99])
        assert np.abs(np.array([source.low, source.high]) - want).max() <= 1


def test_a_large_image_is_sampled_and_it_is_said(
    qtbot: QtBot,
    window: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reftiler_gui.model.display._SAMPLE", 1000)
    shown(qtbot, window, tmp_path / "a.npy", RAMP.astype(np.uint16))
    found = window.viewer.histogram
    assert found is not None
    assert found.counts.sum() <= 1000
    assert f"Every {found.step}. row" in window.display.note.text()


def test_a_handle_is_dragged_up_to_the_other(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    source = shown(qtbot, window, tmp_path / "a.npy", RAMP.astype(np.uint16))
    window.registry.actions["dock_display"].trigger()
    window.registry.actions["dock_display"].trigger()
    view, panel = window.display.histogram, window.display
    ends = [round(view.x_of(value)) for value in (1000, 2000, 3000)]
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=QPoint(ends[0], 20))
    qtbot.mouseMove(view, QPoint(ends[1], 20))
    assert source.low == pytest.approx(2000, abs=20)
    assert panel.low.value() == source.low
    qtbot.mouseMove(view, QPoint(view.width() + 50, 20))
    assert source.low < source.high == 3000
    qtbot.mouseRelease(view, left, pos=QPoint(ends[1], 20))
    before = source.low, source.high
    qtbot.mouseMove(view, QPoint(ends[0], 20))
    assert (source.low, source.high) == before


def test_large_limits_are_written_and_typed_with_an_exponent(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    image = RAMP.astype(np.float64) * 1e20
    source = shown(qtbot, window, tmp_path / "a.npy", image)
    field = window.display.high
    assert field.text() == "3e+23"
    field.selectAll()
    qtbot.keyClicks(field, "2.5E23x\r")  # no x is in a number
    assert source.high == 2.5e23
    assert source.low == pytest.approx(1e23)
    field.selectAll()
    qtbot.keyClicks(field, "1e\r")  # not whole: what was there stays
    assert source.high == 2.5e23


def test_limits_are_typed_and_must_rise(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    source = shown(qtbot, window, tmp_path / "a.npy", RAMP.astype(np.uint16))
    panel = window.display
    assert (panel.low.value(), panel.high.value()) == (1000, 3000)
    panel.low.setValue(2000)
    assert source.low == 2000
    panel.low.setValue(5000)
    assert "must rise" in window.status.currentMessage()
    assert panel.low.value() == source.low == 2000
    window.registry.actions["automatic_display"].trigger()
    assert source.low == 1000


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6])
def test_a_range_of_any_size_can_be_set(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, scale: float
) -> None:
    image = np.linspace(-scale, scale, 4096).reshape(64, 64)
    source = shown(qtbot, window, tmp_path / "deep.npy", image)
    low, high = window.display.low, window.display.high
    assert high.value() == pytest.approx(scale, rel=1e-3)
    low.setValue(scale / 3)
    assert (source.low, source.high) == pytest.approx((scale / 3, scale), rel=1e-3)


def test_gamma_brightens_and_merged_and_resized_images_follow(
    qtbot: QtBot, window: MainWindow
) -> None:
    image = np.full((8, 8), 64, np.uint8)
    source = ImagePyramid(image)
    other = source.like(image)
    for gamma in (0.5, 2.0):
        source.set_display(DisplaySettings(0.0, 255.0, gamma))
        want = round(255 * (64 / 255) ** gamma)
        assert colors_of(source, 0, 0) == colors_of(other, 0, 0) == (want,) * 3
    window.open(())
    settled(qtbot, window)
    before = window.canvas.picture()
    window.display.gamma.setValue(0.5)
    assert window.canvas.picture() != before


def test_channels_are_chosen(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    image = np.zeros((20, 30, 14), np.uint8)
    image[:] = np.arange(14) * 10
    source = shown(qtbot, window, tmp_path / "a.npy", image)
    panel = window.display
    assert colors_of(source, 0, 0) == (0, 10, 20)
    for field, channel in zip(panel.channels, (13, 5, 7), strict=True):
        field.setValue(channel)
    settled(qtbot, window)
    assert colors_of(source, 0, 0) == (130, 50, 70)
    panel.colors.setCurrentText("Grey")
    settled(qtbot, window)
    assert colors_of(source, 0, 0) == (130, 130, 130)
    assert not panel.channels[1].isVisibleTo(panel)


def test_images_have_limits_of_their_own_unless_they_are_kept(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    for number, name in enumerate("abc"):
        np.save(tmp_path / f"{name}.npy", (RAMP + 100 * number).astype(np.uint16))
    window.open([tmp_path])
    settled(qtbot, window)

    def go(index: int) -> tuple[float, float]:
        window.viewer.go(index)
        settled(qtbot, window)
        return now(window).low, now(window).high

    window.display.low.setValue(1500)
    assert go(1) == (1100, 3100)
    assert go(0) == (1500, 3000)
    window.display.keep.setChecked(True)
    assert go(1) == go(2) == (1500, 3000)
    window.display.keep.setChecked(False)
    assert go(0) == (1500, 3000)


def test_kept_limits_are_not_those_of_another_dtype(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", RAMP.astype(np.uint16))
    np.save(tmp_path / "b.npy", RAMP / 3000)
    window.open([tmp_path])
    settled(qtbot, window)
    window.display.keep.setChecked(True)
    window.display.gamma.setValue(0.5)
    window.viewer.go(1)
    settled(qtbot, window)
    assert (now(window).low, now(window).high, now(window).display.gamma) == (0, 1, 0.5)
    assert "uint16" in window.status.currentMessage()


def test_a_histogram_counts_all_channels_that_are_shown() -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 1] = 200
    found = Histogram.of(image, (0, 1))
    assert (found.counts[0], found.counts[-1], found.counts.sum()) == (20, 20, 40)


@pytest.mark.parametrize(
    ("shape", "axes", "size", "channels"),
    [
        ((1, 64, 80), "CYX", (64, 80), 1),
        ((3, 64, 80), "CYX", (64, 80), 3),
        ((64, 80, 3), "YXC", (64, 80), 3),
        ((5, 64, 64), "KYX", (64, 64), 1),
        ((5, 64, 64, 3), "KYXC", (64, 64), 3),
    ],
)
def test_axes_are_recognised_and_can_be_chosen(
    qtbot: QtBot,
    window: MainWindow,
    tmp_path: Path,
    shape: tuple[int, ...],
    axes: str,
    size: tuple[int, int],
    channels: int,
) -> None:
    image = RNG.integers(0, 256, shape, np.uint8)
    source = shown(qtbot, window, tmp_path / "a.npy", image)
    assert (source.info.axes, source.size, source.channels) == (axes, size, channels)
    panel = window.display
    assert axes in panel.axes.currentText()
    choices = [panel.axes.itemText(n) for n in range(panel.axes.count())]
    other = next(name for name in choices[1:] if name != axes)
    panel.axes.setCurrentText(other)
    panel.axes.activated.emit(panel.axes.currentIndex())
    settled(qtbot, window)
    assert now(window).info.axes == other == panel.axes.currentText()
    panel.axes.activated.emit(0)
    settled(qtbot, window)
    assert now(window).info.axes == axes


def test_the_images_of_a_stack_are_gone_through(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = RNG.integers(0, 256, (5, 64, 64), np.uint8)
    shown(qtbot, window, tmp_path / "a.npy", image)
    assert window.display.page.isVisibleTo(window.display)
    for name, page in (("next_page", 1), ("next_page", 2), ("last_page", 1)):
        window.registry.actions[name].trigger()
        settled(qtbot, window)
        assert (np.asarray(now(window).array) == image[page]).all()
    window.display.page.setValue(4)
    settled(qtbot, window)
    assert (np.asarray(now(window).array) == image[4]).all()
    window.registry.actions["next_page"].trigger()
    settled(qtbot, window)
    assert now(window).page == 4
    folder = tmp_path / "tiles"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(folder), ""))
    window.registry.actions["export"].trigger()
    settled(qtbot, window)
    tile = read_image(next(folder.rglob("*.png")))
    assert (tile[:64, :64] == image[4]).all()


def test_what_is_chosen_while_another_image_is_read_is_not_for_it(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", RNG.integers(0, 9, (5, 64, 64), np.uint8))
    window.open([tmp_path])
    settled(qtbot, window)
    load, slow = ImageItem.load, threading.Event()

    def slowly(item: ImageItem) -> LoadedImage:
        assert slow.wait(10)
        return load(item)

    monkeypatch.setattr(ImageItem, "load", slowly)
    window.viewer.go(1)
    window.display.gamma.setValue(2)
    window.registry.actions["next_page"].trigger()
    slow.set()
    settled(qtbot, window)
    assert window.viewer.loaded is not None
    assert window.viewer.loaded.item.name == "b"
    assert (now(window).page, now(window).display.gamma) == (0, 1)
    window.viewer.go(0)
    settled(qtbot, window)
    assert (now(window).page, now(window).display.gamma) == (0, 2)


def test_axes_that_cannot_be_leave_the_image(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "a.npy"
    source = shown(qtbot, window, path, RNG.integers(0, 256, (5, 64, 64), np.uint8))
    path.unlink()
    window.viewer.read_as("CYX", 0)
    settled(qtbot, window)
    assert now(window) is source
    assert "No such file" in window.status.currentMessage()


def test_a_mask_may_have_an_axis_more(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[0, 5:9, 7:20] = 1
    np.save(tmp_path / "a_mask.npy", mask)
    np.save(tmp_path / "a.npy", RNG.integers(0, 256, (3, 64, 80), np.uint8))
    window.open([tmp_path / "a.npy"])
    settled(qtbot, window)
    assert window.viewer.loaded is not None
    assert window.viewer.loaded.mask is not None
    assert window.viewer.loaded.mask.area == 4 * 13
