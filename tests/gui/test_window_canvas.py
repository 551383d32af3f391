"""What the canvas shows, pixel by pixel, and what the mouse does to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from reftiler_gui.camera import LADDER, Camera
from reftiler_gui.image_canvas import Marker
from reftiler_gui.model.colors import COLORS, UNCOVERED
from reftiler_gui.model.overlay_settings import thinning
from tests.gui.windows import canvas_of, drag, seen, tiles, turn

GREY = np.full((100, 120), 100, dtype=np.uint8)
SKY = np.array(COLORS["sky"])
ORANGE = np.array(COLORS["orange"])


def test_pixels_are_sharp_when_enlarged(qtbot: QtBot) -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    canvas = canvas_of(qtbot, image)
    canvas.state.go(50, 60, 8)
    transform, shown = canvas.transform(), seen(canvas)
    assert (shown == image[transform.rows[:, None], transform.cols]).all()


def test_reduced_is_a_mean_and_not_a_pixel(qtbot: QtBot) -> None:
    image = np.indices((400, 400)).sum(axis=0) % 2 * np.uint8(255)
    canvas = canvas_of(qtbot, image.astype(np.uint8))
    for _ in canvas.source.build():  # type: ignore[union-attr]
        pass
    canvas.state.go(200, 200, 0.5)
    canvas.refresh()
    assert abs(int(seen(canvas)[150, 200, 0]) - 128) <= 1


@pytest.mark.parametrize("zoom", [2.0, 3.0, 0.75])
def test_lines_are_where_tiles_start(qtbot: QtBot, zoom: float) -> None:
    view = tiles((100, 120), tile=(40, 40), step=(30, 30))
    canvas = canvas_of(qtbot, GREY, tiling=view)
    canvas.state.go(50, 60, zoom)
    transform, shown = canvas.transform(), seen(canvas)
    solid = (shown == SKY).all(axis=2).mean(axis=0) > 0.95 * (
        np.diff(transform.down(view.frame[0]))[0] / transform.height
    )
    assert set(np.flatnonzero(solid)) == {
        x for x in transform.xs(view.starts[1]) if 0 <= x < transform.width
    }


def test_the_grid_can_be_hidden(qtbot: QtBot) -> None:
    view = tiles((100, 120), tile=(40, 40), step=(20, 20))
    canvas = canvas_of(qtbot, GREY, tiling=view)
    canvas.set_layers(replace(canvas.layers, grid=False))
    assert not (seen(canvas) == SKY).all(axis=2).any()


def test_close_lines_are_thinned(qtbot: QtBot) -> None:
    view = tiles((1000, 1000), tile=(8, 8), step=(2, 2))
    canvas = canvas_of(qtbot, np.zeros((1000, 1000), np.uint8), tiling=view)
    canvas.state.go(500, 500, 0.5)
    assert thinning(view, canvas.transform()) == 5
    canvas.state.go(500, 500, 8)
    assert thinning(view, canvas.transform()) == 1


@pytest.mark.parametrize("zoom", LADDER[10:])
def test_one_marked_pixel_never_vanishes(qtbot: QtBot, zoom: float) -> None:
    image, mask = np.zeros((999, 999), np.uint8), np.zeros((999, 999), bool)
    mask[501, 497] = True
    canvas = canvas_of(qtbot, image, mask)
    canvas.state.go(501, 497, zoom)
    opaque = (seen(canvas) == ORANGE).all(axis=2)
    assert opaque.sum() >= 8


def test_uncovered_pixels_are_hatched_and_others_not(qtbot: QtBot) -> None:
    view = tiles((100, 120), tile=(50, 50), step=(50, 50), mode="drop")
    canvas = canvas_of(qtbot, GREY, tiling=view)
    canvas.set_layers(replace(canvas.layers, grid=False))
    canvas.state.go(50, 60, 2)
    transform, hatched = canvas.transform(), (seen(canvas) == UNCOVERED).all(axis=2)
    gap = hatched[
        slice(*transform.down((0, 100))), slice(*transform.across((100, 120)))
    ]
    assert 0.1 < gap.mean() < 0.4
    assert hatched.sum() == gap.sum()


def test_a_thin_gap_is_seen_from_afar(qtbot: QtBot) -> None:
    image = np.zeros((3000, 3001), dtype=np.uint8)
    view = tiles((3000, 3001), tile=(300, 300), step=(300, 300), mode="drop")
    canvas = canvas_of(qtbot, image, tiling=view)
    canvas.set_layers(replace(canvas.layers, grid=False))
    canvas.fit()
    assert (seen(canvas) == UNCOVERED).all(axis=2).sum() > 20


def test_random_tiles_are_outlined_and_the_rest_is_hatched(qtbot: QtBot) -> None:
    view = tiles((100, 120), tile=(30, 30), step=(30, 30), random=2, seed=4)
    canvas = canvas_of(qtbot, GREY, tiling=view)
    canvas.state.go(50, 60, 2)
    shown, transform = seen(canvas), canvas.transform()
    (top, _), (left, right) = view.box(0)
    corner = shown[transform.y(top), transform.x(left) : transform.x(right)]
    assert (corner == SKY).all()
    cover = view.coverage(transform.rows.clip(0, 99), transform.cols.clip(0, 119))
    outside = (shown == UNCOVERED).all(axis=2) & (cover > 0)
    assert not outside[
        slice(*transform.down((0, 100))), slice(*transform.across((0, 120)))
    ].any()


def test_the_tile_under_the_cursor_and_what_is_kept_are_outlined(qtbot: QtBot) -> None:
    view = tiles((100, 120), tile=(40, 40), step=(20, 20), border=(5, 5))
    canvas = canvas_of(qtbot, GREY, tiling=view)
    canvas.state.go(50, 60, 2)
    before = seen(canvas)
    canvas.point_at(40, 40)
    shown, transform = seen(canvas), canvas.transform()
    yellow = (shown == COLORS["yellow"]).all(axis=2)
    assert not (before == COLORS["yellow"]).all(axis=2).any()
    middle = transform.x(30)
    rows = set(np.flatnonzero(yellow[:, middle + 30]))
    assert rows & {transform.y(20) - 1, transform.y(20)}
    assert rows & {transform.y(60) - 1, transform.y(60)}
    assert any(
        transform.y(24) < row < transform.y(26) for row in np.flatnonzero(yellow.any(1))
    )


def test_a_mark_smaller_than_a_pixel_is_ringed(qtbot: QtBot) -> None:
    image = np.zeros((4000, 4000), np.uint8)
    canvas = canvas_of(qtbot, image)
    canvas.fit()
    canvas.set_marks([Marker(((2000, 2001), (2000, 2001)))])
    ring = (np.abs(seen(canvas).astype(int) - ORANGE) < 40).all(axis=2)
    assert ring.sum() > 20


@pytest.mark.parametrize("notches", [1, 2, -1])
def test_the_wheel_zooms_at_the_cursor(qtbot: QtBot, notches: int) -> None:
    canvas = canvas_of(qtbot, GREY)
    canvas.state.go(50, 60, 4)
    before = canvas.place(QPointF(110, 70))
    turn(canvas, 110, 70, notches)
    assert canvas.state.zoom != 4
    after = canvas.place(QPointF(110, 70))
    assert np.abs(np.subtract(before, after)).max() <= 1 / canvas.state.zoom


def test_a_drag_moves_and_does_not_click(qtbot: QtBot) -> None:
    canvas = canvas_of(qtbot, GREY)
    canvas.state.go(50, 60, 4)
    clicks: list[tuple[float, float]] = []
    canvas.clicked.connect(lambda row, col: clicks.append((row, col)))
    port = canvas.viewport()
    drag(port, *(QPoint(x, 100) for x in (100, 110, 120, 140)))
    assert (canvas.state.row, canvas.state.col) == (50, 50)
    assert not clicks
    qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    assert np.allclose(clicks, [(50, 50)], atol=0.3)


def test_all_is_seen_when_fitted_and_stays_so(qtbot: QtBot) -> None:
    canvas = canvas_of(qtbot, np.zeros((1000, 400), np.uint8))
    assert canvas.state.fitted
    canvas.setFixedSize(300, 200)
    transform = canvas.transform()
    assert transform.y(0) > 0
    assert transform.y(1000) < 200


def test_the_ladder_is_climbed_and_the_middle_kept_within_bounds() -> None:
    state = Camera()
    state.bound(((0, 100), (0, 200)))
    state.go(1000, -5, 1.0)
    assert (state.row, state.col) == (100, 0)
    state.step(1)
    assert state.zoom == 2
    state.step(-2)
    assert state.zoom == 0.75
    state.step(100)
    assert state.zoom == LADDER[-1]
