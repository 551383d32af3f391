"""Masks of several labels: colours, legend, read-out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.colors import label_colors
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.overlays import label_entries
from tests.gui.windows import known, loaded_item, open_paths, seen

SIZE = (100, 130)


def labels(*values: int, dtype: str = "uint8") -> NDArray[Any]:
    """Return a mask in which each label marks a square of 100 pixels."""
    mask = np.zeros(SIZE, dtype)
    for place, value in enumerate(values):
        mask[10:20, 20 * place + 5 : 20 * place + 15] = value
    return mask


def show(window: MainWindow, folder: Path, mask: Path) -> MaskPyramid:
    write_image(folder / "a.png", np.full(SIZE, 100, np.uint8))
    open_paths(window, folder / "a.png", mask)
    return known(loaded_item(window).mask)


@pytest.mark.parametrize("kind", ["grey", "palette", "channels", "uint16"])
def test_each_label_has_its_colour_and_its_name(
    window: MainWindow, tmp_path: Path, kind: str
) -> None:
    values = (1, 2, 3) if kind != "uint16" else (7, 300, 40_000)
    path, image = tmp_path / "a_mask.png", labels(*values, dtype="uint16")
    if kind == "palette":
        picture = Image.fromarray(image.astype(np.uint8)).convert("P")
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9])
        picture.save(path)
    elif kind == "channels":
        path = path.with_suffix(".tif")
        each = image[..., np.newaxis] == np.arange(1, 5)
        write_image(path, each.astype(np.uint8))
    else:
        write_image(path, image.astype("uint8" if kind == "grey" else "uint16"))
    mask = show(window, tmp_path, path)
    assert (mask.labels, mask.counts, mask.area) == (values, (100,) * 3, 300)
    for name in ("marks", "grid", "minimap", "scale_bar"):
        window.registry.actions[name].setChecked(False)
    window.layer_visibility.put("alpha", 1.0)
    window.state.go(15, 35, 4)
    screen, transform = seen(window.canvas), window.canvas.transform()
    for place, color in enumerate(label_colors(3)):
        spot = screen[transform.y(15), transform.x(20 * place + 10)]
        assert tuple(spot) == color
    window.canvas.point_at(15, 30)
    assert f"label {values[1]}" in window.status.place.text()
    window.registry.actions["labels"].trigger()
    spots = seen(window.canvas)[transform.y(15), [transform.x(10), transform.x(50)]]
    assert (spots[0] == spots[1]).all()


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
