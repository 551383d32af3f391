"""What the canvas shows, pixel by pixel, and what the mouse does to it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.model.colors import COLORS, UNCOVERED
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.overlays import Marker
from reftiler_gui.pan_zoom_view import LADDER
from tests.gui.windows import LEFT, canvas_of, drag, grid_of, seen, turn

GREY = np.full((100, 120), 100, dtype=np.uint8)


def alike(canvas: ImageCanvas, color: str | tuple[int, int, int]) -> np.ndarray:
    """Return which pixels of the screen have a colour."""
    wanted = np.array(COLORS[color] if isinstance(color, str) else color)
    found: np.ndarray = (seen(canvas) == wanted).all(axis=2)
    return found


def tiled(
    qtbot: QtBot, tile: int, step: int, image: np.ndarray = GREY, **more: Any
) -> tuple[GridLookup, ImageCanvas]:
    """Return tiles, and a canvas that shows them twice as large as they are."""
    settings = FormSettings(tile=(tile, tile), step=(step, step), **more)
    view = grid_of(settings, image.shape)
    canvas = canvas_of(qtbot, image, tiling=view)
    canvas.state.go(50, 60, 2)
    return view, canvas


def test_pixels_are_sharp_when_enlarged_and_means_when_reduced(qtbot: QtBot) -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    canvas = canvas_of(qtbot, image)
    canvas.state.go(50, 60, 8)
    transform = canvas.transform()
    assert (seen(canvas) == image[transform.rows[:, None], transform.cols]).all()
    image = np.indices((400, 400)).sum(axis=0) % 2 * np.uint8(255)
    canvas = canvas_of(qtbot, image.astype(np.uint8))
    for _ in canvas.source.build():  # type: ignore[union-attr]
        pass
    canvas.state.go(200, 200, 0.5)
    canvas.refresh()
    assert abs(int(seen(canvas)[150, 200, 0]) - 128) <= 1


def test_one_marked_pixel_never_vanishes(qtbot: QtBot) -> None:
    image, mask = np.zeros((999, 999), np.uint8), np.zeros((999, 999), bool)
    mask[501, 497] = True
    canvas = canvas_of(qtbot, image, mask)
    for zoom in LADDER[10:]:
        canvas.state.go(501, 497, zoom)
        assert alike(canvas, "orange").sum() >= 8, zoom
    canvas = canvas_of(qtbot, np.zeros((4000, 4000), np.uint8))
    canvas.fit()
    canvas.set_marks([Marker(((2000, 2001), (2000, 2001)))])
    near = np.abs(seen(canvas).astype(int) - np.array(COLORS["orange"])) < 40
    assert near.all(axis=2).sum() > 20


def test_uncovered_pixels_are_hatched_and_others_not(qtbot: QtBot) -> None:
    _, canvas = tiled(qtbot, 50, 50, mode="drop")
    canvas.set_layers(replace(canvas.layers, grid=False))
    transform, hatched = canvas.transform(), alike(canvas, UNCOVERED)
    rows, columns = transform.down((0, 100)), transform.across((100, 120))
    gap = hatched[slice(*rows), slice(*columns)]
    assert 0.1 < gap.mean() < 0.4
    assert hatched.sum() == gap.sum()
    _, canvas = tiled(qtbot, 300, 300, np.zeros((3000, 3001), np.uint8), mode="drop")
    canvas.set_layers(replace(canvas.layers, grid=False))
    canvas.fit()  # a thin gap is seen from afar
    assert alike(canvas, UNCOVERED).sum() > 20


def test_the_tile_under_the_cursor_and_what_is_kept_are_outlined(qtbot: QtBot) -> None:
    _, canvas = tiled(qtbot, 40, 20, border=(5, 5))
    assert not alike(canvas, "yellow").any()
    canvas.point_at(40, 40)
    yellow, y = alike(canvas, "yellow"), canvas.transform().y
    rows = set(np.flatnonzero(yellow[:, canvas.transform().x(30) + 30]))
    assert rows & {y(20) - 1, y(20)}
    assert rows & {y(60) - 1, y(60)}
    assert any(y(24) < row < y(26) for row in np.flatnonzero(yellow.any(1)))


@pytest.mark.parametrize("notches", [1, 2, -1])
def test_the_wheel_zooms_at_the_cursor(qtbot: QtBot, notches: int) -> None:
    canvas, place = canvas_of(qtbot, GREY), QPointF(110, 70)
    canvas.state.go(50, 60, 4)
    before = canvas.place(place)
    turn(canvas.viewport(), place, notches)
    assert canvas.state.zoom != 4
    off = np.abs(np.subtract(before, canvas.place(place))).max()
    assert off <= 1 / canvas.state.zoom


def test_a_drag_moves_and_does_not_click(qtbot: QtBot) -> None:
    canvas = canvas_of(qtbot, GREY)
    canvas.state.go(50, 60, 4)
    clicks: list[tuple[float, float]] = []
    canvas.clicked.connect(lambda row, col: clicks.append((row, col)))
    drag(canvas.viewport(), *(QPoint(x, 100) for x in (100, 110, 120, 140)))
    assert (canvas.state.row, canvas.state.col) == (50, 50)
    assert not clicks
    QTest.mouseClick(canvas.viewport(), LEFT, pos=QPoint(200, 150))
    assert np.allclose(clicks, [(50, 50)], atol=0.3)
