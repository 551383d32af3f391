"""Colours: premultiplied, told apart, and nothing that differs is white."""

from __future__ import annotations

import numpy as np

from reftiler_gui.model import colors
from reftiler_gui.model.colors import COLORS


def test_a_mask_has_an_outline_around_the_smallest_mark() -> None:
    marked = np.zeros((9, 9), dtype=bool)
    marked[4, 4] = True
    layer = colors.mask_layer(marked, alpha=0, outline=2)
    assert layer[4, 4] == 0
    rim = colors.pixel(COLORS["orange"])
    assert (layer == rim).sum() == 12
    assert layer[4, 6] == layer[2, 4] == layer[5, 5] == rim
    filled = colors.mask_layer(marked, COLORS["sky"], 1.0, outline=0)
    assert np.flatnonzero(filled).tolist() == [40]
    assert filled[4, 4] == colors.pixel(COLORS["sky"])


def test_signs_have_colours_and_zero_is_white() -> None:
    shown = colors.signed(np.array([[-5.0, -1, 0, 1e-9, 1, 5, 80, np.nan]]), 5)
    found = shown[0].tolist()
    assert found[2] == 0xFFFFFFFF
    assert found[0] == colors.pixel(COLORS["blue"])
    assert found[5] == found[6] == colors.pixel(COLORS["orange"])
    assert found[7] == 0xFF000000
    assert len(set(found)) == 7
    assert 0xFFFFFFFF not in (*found[:2], *found[3:])


def test_a_limit_of_zero_shows_all_that_differs() -> None:
    shown = colors.signed(np.array([[-1, 0, 2]]), 0)
    assert shown[0].tolist() == [
        colors.pixel(COLORS["blue"]),
        0xFFFFFFFF,
        colors.pixel(COLORS["orange"]),
    ]
