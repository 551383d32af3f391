"""Two settings side by side: pinned and the form's, their numbers and difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.colors import signed
from reftiler_gui.model.comparison import CoverageDifference
from reftiler_gui.model.form_settings import START
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
