"""Colours: premultiplied, told apart, and nothing that differs is white."""

from __future__ import annotations

import numpy as np

from reftiler_gui.model import colors
from reftiler_gui.model.colors import COLORS


def test_signs_have_colours_and_zero_is_white() -> None:
    shown = colors.signed(np.array([[-5.0, -1, 0, 1e-9, 1, 5, 80, np.nan]]), 5)
    found = shown[0].tolist()
    assert found[2] == 0xFFFFFFFF
    assert found[0] == colors.pixel(COLORS["blue"])
    assert found[5] == found[6] == colors.pixel(COLORS["orange"])
    assert found[7] == 0xFF000000
    assert len(set(found)) == 7
    assert 0xFFFFFFFF not in (*found[:2], *found[3:])
