"""Two settings side by side: pinned and the form's, their numbers and difference."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from reftiler import TilingError
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model import comparison
from reftiler_gui.model.colors import signed
from reftiler_gui.model.comparison import (
    ComparedValues,
    CoverageDifference,
    MapComparison,
)
from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.lazy_picture import compute
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.model.steps import Work, finish
from tests.gui.windows import (
    change,
    grid_of,
    known,
    open_paths,
    settled,
    show_view,
    trigger,
    wait_until,
)

SIZE = (150, 230)
WIDER = replace(START, step=(128, 128))


@pytest.fixture
def opened(window: MainWindow) -> MainWindow:
    open_paths(window)
    trigger(window, "pin")
    return window


def numbers(window: MainWindow, name: str) -> list[str]:
    """Return what the table says of A and B."""
    model = window.side_by_side.table.model()
    heads = [
        model.headerData(n, Qt.Orientation.Horizontal)
        for n in range(model.columnCount())
    ]
    column = next(n for n, head in enumerate(heads) if head.startswith(name))
    return [model.index(row, column).data() for row in range(2)]


def message(window: MainWindow) -> str:
    return window.side_by_side.message.text()


def test_settings_are_pinned_and_compared_with_those_of_the_form(
    opened: MainWindow, tmp_path: Path, answer: Callable[..., None]
) -> None:
    view = opened.side_by_side
    assert view.isVisible()
    assert "the same settings" in message(opened)
    change(opened, WIDER)
    assert [words.split()[0] for words in numbers(opened, "Tiles")] == ["25", "49"]
    assert numbers(opened, "Defects") == ["2 of 2", "2 of 2"]
    canvases = first, second, third = [pane.canvas for pane in view.panes]
    assert [len(known(one.tiling)) for one in (first, second)] == [25, 49]
    assert "number of tiles changes" in message(opened)
    assert not third.isVisible()
    view.with_difference.click()
    assert third.isVisible()
    assert isinstance(third.source, CoverageDifference)
    first.state.go(500, 500, 3)
    places = {(one.transform().zoom, one.transform().top) for one in canvases}
    assert places == {(3, first.transform().top)}
    view.swap_button.click()
    settled(opened)
    assert opened.viewer.settings == START
    assert [words.split()[0] for words in numbers(opened, "Tiles")] == ["49", "25"]
    view.pin_button.click()
    settled(opened)
    assert "the same settings" in message(opened)
    opened.resize(900, 600)  # where there is room for both rows
    QTest.qWait(1)
    assert view.table.horizontalScrollBar().isVisible()
    last = view.table.visualRect(view.table.model().index(1, 0))
    assert view.table.viewport().rect().contains(last)
    view, path = opened.side_by_side, tmp_path / "s.yaml"
    answer(path)
    for words in ("", "tiling: [", "tiling: {apply: false}"):
        path.write_text(words, encoding="utf-8")
        view.yaml_button.click()
        assert "s.yaml" in opened.status.currentMessage()
        assert view.pinned == START
    large = replace(START, tile=(4000, 4000), step=(0, 0), mode="clamp")
    path.write_text(large.yaml(), encoding="utf-8")
    view.yaml_button.click()
    settled(opened)
    assert "larger than the image" in message(opened)
    assert view.panes[0].canvas.source is None
    assert view.panes[1].canvas.source is not None


@pytest.mark.parametrize(
    "other",
    [
        {"step": (20, 30)},
        {"tile": (50, 70), "step": (50, 70), "mode": "drop"},
        {"border": (3, 4)},
        {"random": 9, "seed": 4},
    ],
)
def test_the_difference_of_coverage_is_exact(other: dict[str, Any]) -> None:
    first = FormSettings(tile=(40, 40), step=(30, 30), mode="even")
    a, b = (grid_of(one, SIZE) for one in (first, replace(first, **other)))
    found = CoverageDifference(a, b)
    lines = [np.arange(length) for length in SIZE]
    change = b.coverage(lines[0], lines[1]) - a.coverage(lines[0], lines[1])
    assert (found.least, found.most) == (change.min(), change.max())
    assert found.share == pytest.approx((change != 0).mean())
    assert found.mean == pytest.approx(change.mean())
    whole = found.region(0, (0, SIZE[0]), (0, SIZE[1]))
    assert np.array_equal(whole, signed(change, np.abs(change).max()))
    assert found.region(3, (0, 19), (2, 29)).shape == (19, 27)


def test_two_maps_are_compared(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    window.show_view("beside")
    assert message(window) == "No image is open."
    first = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    second = first.copy()
    second[40, 50] += 2
    second[10:12, 20:23] = 0
    one, two = tmp_path / "one", tmp_path / "two"
    for path, array in ((one, first), (two, second)):
        path.mkdir()
        for image in "ab":
            np.save(path / f"{image}_map.npy", array)
    images = folder / "a.png", folder / "b.png"
    open_paths(window, *images, maps=[one])
    view = window.side_by_side
    shown = view.panes[0].canvas
    view.kind.setCurrentIndex(2)
    settled(window)
    assert "fewer than two maps" in message(window)
    assert not view.table.isVisible()
    assert "256" not in shown.accessibleName()  # the settings compared before
    open_paths(window, *images, maps=[one, two])
    window.maps.change(threshold=0.1)
    assert "at most 2" in message(window)
    bar = known(view.panes[1].canvas.color_bar)
    assert (bar.low, bar.high) == (first.min(), second.max())
    assert numbers(window, "Defects hit") == ["1 of 1", "0 of 1"]
    assert view.first.currentText() == "one/a_map.npy"
    view.with_difference.click()
    view.largest.click()
    assert (int(shown.state.row), shown.state.zoom) == (40, 8)
    view.second.setCurrentIndex(0)
    settled(window)
    assert message(window) == "A and B are equal in every pixel."
    np.save(one / "a_map.npy", np.zeros((3, 5)))
    view.second.setCurrentIndex(1)
    settled(window)
    assert "a_map" in message(window)
    assert shown.source is None


def values(array: np.ndarray, *, is_image: bool = False) -> ComparedValues:
    def load(rows: tuple[int, int], columns: tuple[int, int]) -> Work[None]:
        yield 0.0

    return ComparedValues("map", array, load, is_image)


@pytest.mark.parametrize("kind", ["float32", "uint8", "bool"])
@pytest.mark.parametrize("other", [(24, 36), (12, 18)])
def test_the_measure_of_two_maps_is_exact(
    kind: str, other: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "_BAND", 100)
    rng = np.random.default_rng(1)
    a = (rng.random((24, 36)) * 200 - 99).clip(0).astype(kind)
    b = (rng.random(other) * 200 - 99).clip(0).astype(kind)
    if kind == "float32":
        a[3, 4], b[5, 6] = np.nan, np.inf
        a[20, 30] = np.inf
    mask = np.zeros((24, 36), bool)
    mask[8:10, 8:12] = True
    image = ImagePyramid(np.zeros((24, 36), np.uint8))
    compared = MapComparison(values(a), values(b), image)
    found = finish(compared.measure(MaskPyramid(mask)))
    scale = 24 // other[0]
    large = b.repeat(scale, 0).repeat(scale, 1).astype(float)
    change = large - a.astype(float)
    known = ~np.isnan(change)
    assert found.unknown == (~known).sum()
    assert found.share == pytest.approx((change[known] != 0).mean())
    assert found.largest == np.abs(change[known]).max()
    if kind != "float32":
        assert found.mean == pytest.approx(np.abs(change).mean())
        assert found.rms == pytest.approx(np.sqrt((change**2).mean()))
    assert found.place is not None
    assert abs(change[found.place]) == found.largest
    assert found.peaks is not None
    assert [peak.tolist() for peak in found.peaks] == [
        [a[mask].max()],
        [large[mask].max()],
    ]
    for picture in compared.pictures:
        picture.region(0, (0, 24), (0, 36))
    finish(compute(compared.pictures))
    shown = compared.pictures[2].region(0, (0, 24), (0, 36))
    assert np.array_equal(shown[known], signed(change, compared.limit)[known])
    assert 0 < compared.limit < np.inf


def test_values_of_other_channels_are_refused() -> None:
    image = ImagePyramid(np.zeros((8, 8), np.uint8))
    with pytest.raises(TilingError, match="8 × 8 × 3"):
        MapComparison(values(np.zeros((8, 8, 3))), values(np.zeros((8, 8))), image)


def test_results_are_merged_with_both_settings(
    window: MainWindow, folder: Path
) -> None:
    view = window.side_by_side
    open_paths(window, folder / "a.png")
    show_view(window, "beside")
    view.kind.setCurrentIndex(1)
    settled(window)
    assert "No results of the tiles are open" in message(window)
    first = FormSettings(tile=(32, 32), step=(32, 32))
    second = FormSettings(tile=(32, 32), step=(16, 16), window="hann")
    rng, merged = np.random.default_rng(2), []
    for name, settings in (("one", first), ("two", second)):
        tiler = settings.tiler()
        tiles = rng.random((len(tiler.grid((64, 64))), 32, 32), dtype=np.float32)
        np.save(folder / f"{name}.npy", tiles)
        merged.append(tiler.untile(tiles, (64, 64)).astype(float))
        change(window, settings)
        window.results.open(folder / f"{name}.npy")
        settled(window)
        if settings is first:
            view.pin_button.click()
            settled(window)
            assert "equal in every pixel" in message(window)
            assert "the same settings" in message(window)
    off = np.abs(merged[1] - merged[0])
    assert f"at most {off.max():.6g}, {off.mean():.4g} on" in message(window)
    assert numbers(window, "Largest") == [f"{one.max():.6g}" for one in merged]
    view.swap_button.click()
    settled(window)
    assert window.results.source == folder / "one.npy"
    assert numbers(window, "Largest") == [f"{one.max():.6g}" for one in merged[::-1]]
    (folder / "two.npy").unlink()
    window.viewer.reload()
    settled(window)
    assert message(window).startswith("A: there is no")
    assert view.panes[0].canvas.source is None


def test_a_model_is_run_with_both_settings_and_can_be_cancelled(
    opened: MainWindow,
) -> None:
    opened.results.open(MockModel("offset"))
    opened.side_by_side.kind.setCurrentIndex(1)
    settled(opened)
    assert "equal in every pixel" in message(opened)
    change(opened, replace(START, window="hann"))
    assert "RMSE" in message(opened)
    opened.viewer.change(replace(START, window="gaussian"))
    wait_until(lambda: message(opened) == "Comparing all pixels…")
    opened.registry.actions["cancel"].trigger()
    assert message(opened) == "Comparing was cancelled."
