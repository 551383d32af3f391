"""Two settings side by side: pinned and the form's, their numbers and difference."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from reftiler import TilingError
from reftiler.io import write_image
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
from tests.gui.windows import settled, tiles

SIZE = (150, 230)


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.open(())
    settled(qtbot, window)
    window.registry.actions["pin"].trigger()
    settled(qtbot, window)
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


def test_pinned_settings_are_compared_with_those_of_the_form(
    qtbot: QtBot, opened: MainWindow
) -> None:
    view = opened.side_by_side
    assert view.isVisible()
    assert "the same settings" in view.message.text()
    opened.viewer.change(replace(START, step=(128, 128)))
    settled(qtbot, opened)
    assert [words.split()[0] for words in numbers(opened, "Tiles")] == ["25", "49"]
    assert numbers(opened, "Defects") == ["2 of 2", "2 of 2"]
    first, second, third = (pane.canvas for pane in view.panes)
    assert first.tiling is not None
    assert second.tiling is not None
    assert (len(first.tiling), len(second.tiling)) == (25, 49)
    assert "number of tiles changes" in view.message.text()
    assert not third.isVisible()
    view.with_difference.click()
    assert third.isVisible()
    assert isinstance(third.source, CoverageDifference)
    first.state.go(500, 500, 3)
    assert {canvas.transform().zoom for canvas in (first, second, third)} == {3}
    assert {canvas.transform().top for canvas in (first, second, third)} == {
        first.transform().top
    }
    view.swap_button.click()
    settled(qtbot, opened)
    assert opened.viewer.settings == START
    assert [words.split()[0] for words in numbers(opened, "Tiles")] == ["49", "25"]
    view.pin_button.click()
    settled(qtbot, opened)
    assert "the same settings" in view.message.text()


def test_settings_that_fit_no_image_are_a_sentence(
    qtbot: QtBot,
    opened: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view, path = opened.side_by_side, tmp_path / "s.yaml"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    for words in ("", "tiling: [", "tiling: {apply: false}"):
        path.write_text(words, encoding="utf-8")
        view.yaml_button.click()
        assert "s.yaml" in opened.status.currentMessage()
        assert view.pinned == START
    large = replace(START, tile=(4000, 4000), step=(0, 0), mode="clamp")
    path.write_text(large.yaml(), encoding="utf-8")
    view.yaml_button.click()
    settled(qtbot, opened)
    assert "larger than the image" in view.message.text()
    assert view.panes[0].canvas.source is None
    assert view.panes[1].canvas.source is not None


def test_a_small_window_has_room_for_both_rows(
    qtbot: QtBot, opened: MainWindow
) -> None:
    opened.resize(900, 600)
    qtbot.wait(1)
    table = opened.side_by_side.table
    assert table.horizontalScrollBar().isVisible()
    last = table.visualRect(table.model().index(1, 0))
    assert table.viewport().rect().contains(last)


def test_without_an_image_the_view_says_so(window: MainWindow) -> None:
    window.show_view("beside")
    assert window.side_by_side.message.text() == "No image is open."


@pytest.mark.parametrize(
    "other",
    [
        {"step": (20, 30)},
        {"tile": (50, 70), "step": (50, 70), "mode": "drop"},
        {"border": (3, 4)},
        {"random": 9, "seed": 4},
    ],
)
def test_the_difference_of_coverage_is_exact(other: dict[str, object]) -> None:
    first = {"tile": (40, 40), "step": (30, 30), "mode": "even"}
    a, b = tiles(SIZE, **first), tiles(SIZE, **(first | other))
    found = CoverageDifference(a, b)
    lines = [np.arange(length) for length in SIZE]
    change = b.coverage(lines[0], lines[1]) - a.coverage(lines[0], lines[1])
    assert (found.least, found.most) == (change.min(), change.max())
    assert found.share == pytest.approx((change != 0).mean())
    assert found.mean == pytest.approx(change.mean())
    limit = np.abs(change).max()
    whole = found.region(0, (0, SIZE[0]), (0, SIZE[1]))
    assert np.array_equal(whole, signed(change, limit))
    assert found.region(3, (0, 19), (2, 29)).shape == (19, 27)


def test_two_maps_are_compared(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    first = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    second = first.copy()
    second[40, 50] += 2
    second[10:12, 20:23] = 0
    for name, array in (("one", first), ("two", second)):
        (tmp_path / name).mkdir()
        for image in "ab":
            np.save(tmp_path / name / f"{image}_map.npy", array)
    window.open([folder / "a.png", folder / "b.png"], [tmp_path / "one"])
    settled(qtbot, window)
    window.show_view("beside")
    view = window.side_by_side
    view.kind.setCurrentIndex(2)
    settled(qtbot, window)
    assert "fewer than two maps" in view.message.text()
    assert not view.table.isVisible()
    assert (
        "256" not in view.panes[0].canvas.accessibleName()
    )  # the settings compared before
    window.open(
        [folder / "a.png", folder / "b.png"], [tmp_path / "one", tmp_path / "two"]
    )
    settled(qtbot, window)
    window.maps.change(threshold=0.1)
    assert "at most 2" in view.message.text()
    bar = view.panes[1].canvas.color_bar
    assert bar is not None
    assert (bar.low, bar.high) == (first.min(), second.max())
    assert numbers(window, "Defects hit") == ["1 of 1", "0 of 1"]
    assert view.first.currentText() == "one/a_map.npy"
    view.with_difference.click()
    view.largest.click()
    assert (int(view.panes[0].canvas.state.row), view.panes[0].canvas.state.zoom) == (
        40,
        8,
    )
    view.second.setCurrentIndex(0)
    settled(qtbot, window)
    assert view.message.text() == "A and B are equal in every pixel."
    np.save(tmp_path / "one" / "a_map.npy", np.zeros((3, 5)))
    view.second.setCurrentIndex(1)
    settled(qtbot, window)
    assert "one/a_map.npy" in view.message.text() or "a_map" in view.message.text()
    assert view.panes[0].canvas.source is None


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


def test_the_whole_story(
    qtbot: QtBot,
    window: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A defect is missed and cut; with more overlap a tile holds it; a report says so.

    The defect lies across the edge of tiles of 128 px.
    """
    image = np.random.default_rng(0).integers(90, 110, (256, 256), np.uint8)
    mask, found = np.zeros(image.shape, bool), np.zeros(image.shape, np.float32)
    mask[60:64, 120:140] = True
    found[61, 122], found[200, 200] = 0.4, 0.6
    image[mask] = 250
    write_image(tmp_path / "part.png", image)
    write_image(tmp_path / "part_mask.png", mask)
    np.save(tmp_path / "part_map.npy", found)
    window.open([tmp_path / "part.png"])
    settled(qtbot, window)
    tight = FormSettings(tile=(128, 128), step=(0, 0), overlapping=True)
    window.viewer.change(tight)
    window.maps.change(threshold=0.5)
    window.registry.actions["pin"].trigger()
    window.viewer.change(replace(tight, step=(32, 32)))
    settled(qtbot, window)
    assert numbers(window, "Defects held") == ["0 of 1", "1 of 1"]
    rows = []
    for settings, name in ((tight, "a.html"), (window.viewer.settings, "b.html")):
        window.viewer.change(settings)
        path = tmp_path / name
        answer = (str(path), "")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, a=answer: a)
        window.registry.actions["report"].trigger()
        settled(qtbot, window)
        with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    assert [row["cut"] for row in rows] == ["yes", "no"]
    assert [row["hit"] for row in rows] == ["no", "no"]
    window.maps.change(threshold=0.4)
    window.registry.actions["report_image"].trigger()
    settled(qtbot, window)
    assert ",yes" in (tmp_path / "b.csv").read_text("utf-8")


def test_results_are_merged_with_both_settings(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    view = window.side_by_side
    window.open([folder / "a.png"])
    settled(qtbot, window)
    window.show_view("beside")
    view.kind.setCurrentIndex(1)
    settled(qtbot, window)
    assert "No results of the tiles are open" in view.message.text()
    first = FormSettings(tile=(32, 32), step=(32, 32))
    second = FormSettings(tile=(32, 32), step=(16, 16), window="hann")
    rng, merged = np.random.default_rng(2), []
    for name, settings in (("one", first), ("two", second)):
        tiler = settings.tiler()
        grid = tiler.grid((64, 64))
        tiles = rng.random((len(grid), 32, 32), dtype=np.float32)
        np.save(folder / f"{name}.npy", tiles)
        merged.append(tiler.untile(tiles, (64, 64)).astype(float))
        window.viewer.change(settings)
        settled(qtbot, window)
        window.results.open(folder / f"{name}.npy")
        settled(qtbot, window)
        if settings is first:
            view.pin_button.click()
            settled(qtbot, window)
            assert "equal in every pixel" in view.message.text()
            assert "the same settings" in view.message.text()
    change = np.abs(merged[1] - merged[0])
    assert f"at most {change.max():.6g}, {change.mean():.4g} on" in view.message.text()
    assert numbers(window, "Largest") == [f"{one.max():.6g}" for one in merged]
    view.swap_button.click()
    settled(qtbot, window)
    assert window.results.source == folder / "one.npy"
    assert numbers(window, "Largest") == [f"{one.max():.6g}" for one in merged[::-1]]
    (folder / "two.npy").unlink()
    window.viewer.reload()
    settled(qtbot, window)
    assert view.message.text().startswith("A: there is no")
    assert view.panes[0].canvas.source is None


def test_a_model_is_run_with_both_settings_and_can_be_cancelled(
    qtbot: QtBot, opened: MainWindow
) -> None:
    view = opened.side_by_side
    opened.results.open(MockModel("offset"))
    view.kind.setCurrentIndex(1)
    settled(qtbot, opened)
    assert "equal in every pixel" in view.message.text()
    opened.viewer.change(replace(START, window="hann"))
    settled(qtbot, opened)
    assert "RMSE" in view.message.text()
    opened.viewer.change(replace(START, window="gaussian"))
    qtbot.waitUntil(lambda: view.message.text() == "Comparing all pixels…")
    opened.registry.actions["cancel"].trigger()
    assert view.message.text() == "Comparing was cancelled."
