"""Colours: premultiplied, told apart, and nothing that differs is white."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from reftiler_gui.model import colors
from reftiler_gui.model.colors import COLORS


def brightness(color: tuple[int, int, int]) -> float:
    red, green, blue = color
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_pixel_is_multiplied_by_its_alpha() -> None:
    assert colors.pixel((255, 128, 0)) == 0xFFFF8000
    assert colors.pixel((200, 100, 0), 0.5) == 0x80643200


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


def test_more_tiles_are_brighter() -> None:
    for most in (1, 2, 9, 400):
        found = colors.coverage_colors(most)
        assert len(found) == most + 1
        assert found[0] == colors.UNCOVERED
        rising = [brightness(color) for color in found[1:]]
        assert all(b > a - 1 for a, b in pairwise(rising))  # but for rounding
        assert most == 1 or rising[-1] > rising[0] + 150


def test_the_coverage_has_the_legends_colours() -> None:
    counts = np.array([[0, 1, 2, 3, 9]])
    layer = colors.coverage_layer(counts, 3, alpha=1.0)
    legend = dict(colors.legend(1, 3))
    assert layer[0].tolist() == [
        0,
        *(colors.pixel(legend[n]) for n in (1, 2, 3)),
        colors.pixel(legend[3]),
    ]
    long = colors.legend(0, 1000)
    assert len(long) <= 13
    assert (long[0][0], long[-1][0]) == (0, 1000)


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
