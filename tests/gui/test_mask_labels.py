"""Masks of several labels: colours, legend, read-out."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reftiler_gui.model import colors
from reftiler_gui.model.colors import COLORS, label_colors
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.overlays import label_entries

SIZE = (100, 130)


def labels(*values: int, dtype: str = "uint8") -> NDArray[Any]:
    """Return a mask in which each label marks a square of 100 pixels."""
    mask = np.zeros(SIZE, dtype)
    for place, value in enumerate(values):
        mask[10:20, 20 * place + 5 : 20 * place + 15] = value
    return mask


def test_the_legend_counts_and_joins_what_is_too_much() -> None:
    entries = [words for words, _ in label_entries(MaskPyramid(labels(2, 9)))]
    assert entries == ["2: 100 px", "9: 100 px"]
    many = MaskPyramid(np.arange(1, 41, dtype=np.uint8).reshape(1, 40))
    entries = [words for words, _ in label_entries(many)]
    assert (len(entries), entries[-1]) == (13, "28 more: 28 px")
    assert len(set(label_colors(40))) == 40


@pytest.mark.parametrize(
    ("array", "void", "found"),
    [
        (labels(255), None, ()),
        (labels(1, 1), None, ()),
        (labels(1, 2, 255), 255, (1, 2)),
        (labels(1, 2) != 0, None, ()),
        (labels(-5, 70_000, dtype="int32"), None, (-5, 70_000)),
        (np.arange(2000, dtype=np.uint16).reshape(40, 50), None, ()),  # too many
        (np.full((4, 5, 3), 255, np.uint8), None, ()),  # white, no classes
    ],
    ids=repr,
)
def test_what_are_labels(
    array: NDArray[Any], void: int | None, found: tuple[int, ...]
) -> None:
    mask = MaskPyramid(array, void)
    assert mask.labels == found
    marked = (array != 0) & (array != (0 if void is None else void))
    assert mask.area == (marked.any(axis=-1) if array.ndim == 3 else marked).sum()


@pytest.mark.parametrize("zoom", [1.0, 0.75, 0.5, 0.19, 0.03])
def test_no_label_vanishes_at_any_zoom(zoom: float) -> None:
    mask = np.zeros((512, 512), np.uint8)
    mask[100, 77], mask[300, 400] = 2, 5
    side = int(512 * zoom) + 1
    shown = MaskPyramid(mask).view(0, 0, zoom, side, side, labels=True)
    assert set(np.unique(shown).tolist()) == {0, 1, 2}
    near = np.tile(np.array([1, 2], np.uint8), (64, 32))
    shown = MaskPyramid(near).view(0, 0, zoom, 8, 8, labels=True)
    assert set(np.unique(shown).tolist()) <= {0, 1, 2}


def test_signs_have_colours_and_zero_is_white() -> None:
    shown = colors.signed(np.array([[-5.0, -1, 0, 1e-9, 1, 5, 80, np.nan]]), 5)
    found = shown[0].tolist()
    assert found[2] == 0xFFFFFFFF
    assert found[0] == colors.pixel(COLORS["blue"])
    assert found[5] == found[6] == colors.pixel(COLORS["orange"])
    assert found[7] == 0xFF000000
    assert len(set(found)) == 7
    assert 0xFFFFFFFF not in (*found[:2], *found[3:])
