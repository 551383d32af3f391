"""The display of images: limits, gamma, channels, histogram, of every dtype."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest

from reftiler.io import read_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.display import DisplaySettings, Histogram
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from tests.gui.windows import (
    LEFT,
    go,
    known,
    loaded_item,
    open_paths,
    settled,
    shown_image,
    trigger,
)

RNG = np.random.default_rng(0)
RAMP = np.linspace(1000, 3000, 64 * 64).reshape(64, 64)
STACK = RNG.integers(0, 256, (5, 64, 64), np.uint8)
KINDS: tuple[Any, ...] = (
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
)


@pytest.fixture
def show(window: MainWindow, tmp_path: Path) -> Callable[[Any], ImagePyramid]:
    """Return what opens an array as a file, and returns what is shown of it."""

    def shown(image: Any) -> ImagePyramid:
        np.save(tmp_path / "a.npy", image)
        open_paths(window, tmp_path / "a.npy")
        return shown_image(window)

    return shown


Show = Callable[[Any], ImagePyramid]


@pytest.fixture
def ramp(show: Show) -> ImagePyramid:
    return show(RAMP.astype(np.uint16))


def colors_of(source: ImagePyramid) -> tuple[int, ...]:
    """Return the red, green and blue that the first pixel is painted with."""
    pixel = int(source.region(0, (0, 1), (0, 1))[0, 0])
    return pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255


def test_values_of_every_kind_are_counted(
    window: MainWindow, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = window.display
    for image in KINDS:
        source = show(image)
        found = known(window.viewer.histogram)
        assert found.counts.sum() + found.nan + found.infinite == image.size
        assert panel.low.value() < panel.high.value()
        for name in [panel.limits.itemText(n) for n in range(panel.limits.count())]:
            panel.limits.setCurrentText(name)
            panel.limits.textActivated.emit(name)
            settled(window)
            assert source.low < source.high, (image.dtype, name)
    image = RAMP.astype(np.float32)
    image[0, :5], image[1, :3], image[2, :2] = np.nan, np.inf, -np.inf
    source = show(image)
    found = known(window.viewer.histogram)
    assert (found.nan, found.infinite) == (5, 5)
    assert np.isfinite([source.low, source.high]).all()
    assert "5 NaN and 5 infinite" in window.display.note.text()
    monkeypatch.setattr("reftiler_gui.model.display._SAMPLE", 1000)
    show(RAMP.astype(np.uint16))
    found = known(window.viewer.histogram)
    assert found.counts.sum() <= 1000
    assert f"Every {found.step}. row" in window.display.note.text()


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_percentiles_are_those_of_numpy(
    window: MainWindow, show: Show, dtype: str
) -> None:
    image: Any = (RNG.random((200, 300)) ** 3 * 60000).astype(dtype)
    source = show(image)
    window.display.limits.textActivated.emit("1 % to 99 %")
    want = np.percentile(image, [1, 99])
    assert np.abs(np.array([source.low, source.high]) - want).max() <= 1


def test_large_limits_are_written_and_typed_with_an_exponent(
    window: MainWindow, show: Show
) -> None:
    source, field = show(RAMP * 1e20), window.display.high
    assert field.text() == "3e+23"
    field.selectAll()
    QTest.keyClicks(field, "2.5E23x\r")  # no x is in a number
    assert source.high == 2.5e23
    assert source.low == pytest.approx(1e23)
    field.selectAll()
    QTest.keyClicks(field, "1e\r")  # not whole: what was there stays
    assert source.high == 2.5e23


def test_limits_and_gamma_are_typed_and_dragged(
    window: MainWindow, ramp: ImagePyramid
) -> None:
    panel = window.display
    assert (panel.low.value(), panel.high.value()) == (1000, 3000)
    panel.low.setValue(2000)
    assert ramp.low == 2000
    panel.low.setValue(5000)
    assert "must rise" in window.status.currentMessage()
    assert panel.low.value() == ramp.low == 2000
    window.registry.actions["automatic_display"].trigger()
    assert ramp.low == 1000
    window.registry.actions["dock_display"].trigger()
    window.registry.actions["dock_display"].trigger()
    view, panel = window.display.histogram, window.display
    ends = [round(view.x_of(value)) for value in (1000, 2000, 3000)]
    QTest.mousePress(view, LEFT, pos=QPoint(ends[0], 20))
    QTest.mouseMove(view, QPoint(ends[1], 20))
    assert ramp.low == pytest.approx(2000, abs=20)
    assert panel.low.value() == ramp.low
    QTest.mouseMove(view, QPoint(view.width() + 50, 20))
    assert ramp.low < ramp.high == 3000
    QTest.mouseRelease(view, LEFT, pos=QPoint(ends[1], 20))
    before = ramp.low, ramp.high
    QTest.mouseMove(view, QPoint(ends[0], 20))
    assert (ramp.low, ramp.high) == before
    image = np.full((8, 8), 64, np.uint8)
    source = ImagePyramid(image)
    other = source.like(image)
    for gamma in (0.5, 2.0):
        source.set_display(DisplaySettings(0.0, 255.0, gamma))
        want = round(255 * (64 / 255) ** gamma)
        assert colors_of(source) == colors_of(other) == (want,) * 3
    seen = window.canvas.picture()
    window.display.gamma.setValue(0.5)
    assert window.canvas.picture() != seen


def test_channels_are_chosen(window: MainWindow, show: Show) -> None:
    image = np.zeros((20, 30, 14), np.uint8)
    image[:] = np.arange(14) * 10
    source, panel = show(image), window.display
    assert colors_of(source) == (0, 10, 20)
    for field, channel in zip(panel.channels, (13, 5, 7), strict=True):
        field.setValue(channel)
    settled(window)
    assert colors_of(source) == (130, 50, 70)
    panel.colors.setCurrentText("Grey")
    settled(window)
    assert colors_of(source) == (130, 130, 130)
    assert not panel.channels[1].isVisibleTo(panel)


def test_limits_are_the_images_own_unless_they_are_kept(
    window: MainWindow, tmp_path: Path
) -> None:
    for number, name in enumerate("abc"):
        np.save(tmp_path / f"{name}.npy", (RAMP + 100 * number).astype(np.uint16))
    np.save(tmp_path / "d.npy", RAMP / 3000)
    open_paths(window, tmp_path)

    def limits_of(index: int) -> tuple[float, float]:
        go(window, index)
        return shown_image(window).low, shown_image(window).high

    window.display.low.setValue(1500)
    assert limits_of(1) == (1100, 3100)
    assert limits_of(0) == (1500, 3000)
    window.display.keep.setChecked(True)
    window.display.gamma.setValue(0.5)
    assert limits_of(1) == limits_of(2) == (1500, 3000)
    assert limits_of(3) == (0, 1)  # of another dtype
    assert shown_image(window).display.gamma == 0.5
    assert "uint16" in window.status.currentMessage()
    window.display.keep.setChecked(False)
    assert limits_of(0) == (1500, 3000)


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
    window: MainWindow,
    show: Show,
    shape: tuple[int, ...],
    axes: str,
    size: tuple[int, int],
    channels: int,
) -> None:
    source, panel = show(RNG.integers(0, 256, shape, np.uint8)), window.display
    assert (source.info.axes, source.size, source.channels) == (axes, size, channels)
    assert axes in panel.axes.currentText()
    choices = [panel.axes.itemText(n) for n in range(panel.axes.count())]
    other = next(name for name in choices[1:] if name != axes)
    panel.axes.setCurrentText(other)
    panel.axes.activated.emit(panel.axes.currentIndex())
    settled(window)
    assert shown_image(window).info.axes == other == panel.axes.currentText()
    panel.axes.activated.emit(0)
    settled(window)
    assert shown_image(window).info.axes == axes
    assert [panel.axes.itemText(n) for n in range(panel.axes.count())] == choices


def test_the_images_of_a_stack_are_gone_through(
    window: MainWindow, show: Show, tmp_path: Path, answer: Callable[..., None]
) -> None:
    def is_page(number: int) -> bool:
        settled(window)
        return bool((np.asarray(shown_image(window).array) == STACK[number]).all())

    show(STACK)
    assert window.display.page.isVisibleTo(window.display)
    for name, page in (("next_page", 1), ("next_page", 2), ("last_page", 1)):
        trigger(window, name)
        assert is_page(page)
    window.display.page.setValue(4)
    assert is_page(4)
    trigger(window, "next_page")
    assert is_page(4)
    answer(tmp_path / "tiles")
    trigger(window, "export")
    tile = read_image(next((tmp_path / "tiles").rglob("*.png")))
    assert (tile[:64, :64] == STACK[4]).all()
    source = shown_image(window)
    (tmp_path / "a.npy").unlink()
    window.viewer.read_as("CYX", 0)
    settled(window)
    assert shown_image(window) is source
    assert "No such file" in window.status.currentMessage()


def test_what_is_chosen_while_another_image_is_read_is_not_for_it(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", STACK)
    open_paths(window, tmp_path)
    load, slow = ImageItem.load, threading.Event()

    def slowly(item: ImageItem) -> LoadedImage:
        assert slow.wait(10)
        return load(item)

    def state() -> tuple[str, int, float]:
        image = shown_image(window)
        return loaded_item(window).item.name, image.page or 0, image.display.gamma

    monkeypatch.setattr(ImageItem, "load", slowly)
    window.viewer.go(1)
    window.display.gamma.setValue(2)
    window.registry.actions["next_page"].trigger()
    slow.set()
    settled(window)
    assert state() == ("b", 0, 1)
    go(window, 0)
    assert state() == ("a", 0, 2)
