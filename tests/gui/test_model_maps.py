"""Anomaly maps: which there are, what they hold, how they are drawn and scored."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler import TilingError
from reftiler.evaluation import map_rows, rank_pixels
from reftiler.io import write_image
from reftiler_gui.model import anomaly_map
from reftiler_gui.model.anomaly_map import (
    AnomalyMap,
    MapSettings,
    color_table,
)
from reftiler_gui.model.image_set import ImageItem, ImageSet
from reftiler_gui.model.map_scores import score_image, score_set, set_range
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.steps import finish
from tests.gui.windows import known

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
VALUES = np.random.default_rng(1).random((20, 30)).astype(np.float32)
MASK = np.zeros((20, 30), dtype=bool)
MASK[4:6, 5:9] = True


def write(path: Path, array: np.ndarray[Any, Any] = IMAGE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        write_image(path, array)
    return path


@pytest.mark.parametrize("name", ["a_map.npy", "a_heat.tif", "a_anomaly_map.png"])
def test_maps_beside_images_are_theirs_and_no_images(tmp_path: Path, name: str) -> None:
    for image in ("a", "b"):
        write(tmp_path / f"{image}.png")
    values = (VALUES * 255).astype(np.uint8) if name.endswith("png") else VALUES
    write(tmp_path / name, values)
    write(tmp_path / "c_map.png")  # of no image: an image of its own
    opened = ImageSet.open([tmp_path])
    assert {item.name: item.maps for item in opened.items} == {
        "a": (tmp_path / name,),
        "b": (),
        "c_map": (),
    }
    assert any("1 anomaly map" in note and name in note for note in opened.notes)
    found = opened.items[0].open_map((20, 30))
    assert found.value(3, 7) == values[3, 7]
    assert found.value(20, 0) is None
    assert tmp_path / name in opened.items[0].files
    alone = ImageSet.open([tmp_path / "a.png"])
    assert [item.maps for item in alone.items] == [(tmp_path / name,)]
    assert not any("may be a mask" in note for note in alone.notes)


def test_maps_of_a_folder_are_matched_by_path(tmp_path: Path) -> None:
    images, maps = tmp_path / "images", tmp_path / "maps"
    for name in ("good/000", "scratch/000", "scratch/001"):
        write(images / "test" / f"{name}.png")
    write(images / "train" / "good" / "000.png")
    for name in ("test/good/000_map", "scratch/000", "scratch/001_heat", "000", "x"):
        write(maps / f"{name}.npy", VALUES)
    opened = ImageSet.open([images]).with_maps([maps])
    notes = opened.notes
    assert any("3 of 4 images" in note for note in notes)
    assert {item.name: item.maps[:1] for item in opened.items} == {
        "train/good/000": (),
        "test/good/000": (maps / "test/good/000_map.npy",),
        "test/scratch/000": (maps / "scratch/000.npy",),
        "test/scratch/001": (maps / "scratch/001_heat.npy",),
    }
    assert any("x.npy" in note for note in notes)
    assert any("000.npy" in note and "several" in note for note in notes)
    # Of an image that is opened alone the other maps are no news.
    alone = ImageSet.open([images / "test" / "scratch" / "001.png"]).with_maps([maps])
    assert alone.items[0].maps == (maps / "scratch/001_heat.npy",)
    assert alone.notes == ("maps of 1 of 1 image",)


def test_one_map_for_the_image_that_is_shown(tmp_path: Path) -> None:
    opened = ImageSet.open([write(tmp_path / "a.png")])
    path = write(tmp_path / "other" / "result.npy", VALUES)
    once = opened.with_maps([path], index=0)
    assert once.items[0].maps == (path,)
    assert once.with_maps([path], index=0).items[0].maps == (path,)
    for nothing in (path, tmp_path / "nothing"):
        with_none = opened.with_maps([nothing])
        assert with_none.items[0].maps == ()
        assert any(nothing.name in note for note in with_none.notes)


def test_a_folder_is_of_maps_or_of_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / "images" / f"{name}.png")
        write(tmp_path / "maps" / f"{name}.npy", VALUES)
        write(tmp_path / "bytes" / f"{name}.png")
        write(tmp_path / "named" / f"{name}_map.png")
    opened = ImageSet.open([tmp_path / "images"])
    found = {
        path.name: opened.are_maps([path])
        for path in (*tmp_path.iterdir(), tmp_path / "maps" / "b.npy")
    }
    assert found == {
        "images": False,
        "maps": True,
        "bytes": False,
        "named": True,
        "b.npy": True,
    }


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((20, 30), (20, 30)),
        ((1, 20, 30), (20, 30)),
        ((20, 30, 1), (20, 30)),
        ((1, 1, 20, 30), (20, 30)),
        ((10, 15), (20, 30)),
        ((8, 12), (20, 30)),  # 2.5 of the image
        ((10, 10), (20, 30)),  # 2 by 3
        ((40, 60), (20, 30)),
        ((16, 16), (20, 30)),  # square, as of an image resized to a square
    ],
)
def test_shapes_and_scales_that_are_taken(
    tmp_path: Path, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    values = np.random.default_rng(2).random(shape).astype(np.float32)
    write(tmp_path / "a_map.npy", values)
    plane = values.reshape([n for n in shape if n != 1])
    for found in (
        AnomalyMap.open(tmp_path / "a_map.npy", size),
        AnomalyMap(values, size),
    ):
        assert found.shape == plane.shape
        assert (found.low, found.high) == (plane.min(), plane.max())
        whole = map_rows(plane, size, 0, size[0])
        assert [found.value(r, c) for r, c in ((0, 0), (19, 29), (7, 11))] == [
            whole[0, 0],
            whole[19, 29],
            whole[7, 11],
        ]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((30, 20)), "30 × 20|20 × 30"),  # turned
        (np.zeros((7, 15)), "equal or whole"),
        (np.zeros((40, 15)), "equal or whole"),
        (np.zeros((20, 30, 3)), "one number a pixel"),
        (np.zeros((2, 20, 30)), "one number a pixel"),
        (np.zeros(20), "one number a pixel"),
        (np.zeros((20, 30), complex), "complex128"),
        (np.full((20, 30), "x"), "<U1"),
        (np.full((20, 30), None), "object"),
    ],
)
def test_what_is_no_map_is_refused(values: Any, words: str) -> None:
    with pytest.raises(TilingError, match=words):
        AnomalyMap(values, (20, 30), "it")


def test_nan_infinite_and_constant_values_are_counted_and_drawn() -> None:
    values = VALUES.copy()
    values[0, :5], values[1, 0] = np.nan, np.inf
    found = AnomalyMap(values)
    assert (found.unknown, found.infinite) == (5, 1)
    assert found.high == np.delete(VALUES.ravel(), [0, 1, 2, 3, 4, 30]).max()
    nothing = AnomalyMap(np.full((4, 4), np.nan))
    assert nothing.unknown == 16
    assert math.isnan(nothing.low)
    constant = AnomalyMap(np.ones((4, 4), np.uint8))
    notes = [" ".join(one.notes) for one in (found, nothing, constant)]
    assert ["NaN" in note for note in notes] == [True, True, False]
    assert "infinite" in notes[0]
    assert "all its values are 1" in notes[2]
    screen = ScreenTransform(0, 0, 1, 4, 4)
    colors = {}
    for name, one in (("found", found), ("nothing", nothing), ("constant", constant)):
        painted = known(one.paint(screen, MapSettings(opacity=1)))
        colors[name] = painted[2]
    table = color_table("inferno")
    assert colors["nothing"][0, 0] == colors["found"][0, 0]
    assert colors["nothing"][0, 0] not in table
    assert colors["found"][1, 0] == table[255]
    assert colors["constant"][0, 0] == table[0]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("zoom", [0.03, 0.1, 0.37, 0.5, 0.99])
def test_no_peak_vanishes_at_any_zoom(
    zoom: float, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:  # half the resolution is not kept
        monkeypatch.setattr(anomaly_map, "_LARGE", 1000)
    values = np.zeros((700, 900), dtype=np.float32)
    peaks = [(3, 5), (333, 471), (698, 899), (100, 897)]
    for row, column in peaks:
        values[row, column] = 1
    height, width = math.ceil(700 * zoom) + 4, math.ceil(900 * zoom) + 4
    screen = ScreenTransform(-1 / zoom, -1 / zoom, zoom, height, width)
    found = AnomalyMap(values)
    painted = found.paint(screen, MapSettings(opacity=1))
    outlined = found.paint(screen, MapSettings(threshold=1.0), colors=False)
    assert painted is not None
    assert outlined is not None
    top, left, pixels = painted
    for row, column in peaks:
        y, x = round(row * zoom) + 1 - top, round(column * zoom) + 1 - left
        near = slice(max(0, y - 2), y + 3), slice(max(0, x - 2), x + 3)
        assert color_table("inferno")[255] in pixels[near]
        assert outlined[2][near].any()


def test_enlarged_pixels_are_the_values_under_them() -> None:
    for shape in ((20, 30), (10, 15), (8, 12), (40, 60)):
        values = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        settings = MapSettings(opacity=1, low=0, high=255)
        screen = ScreenTransform(2, 3, 4.0, 30, 40)
        painted = known(AnomalyMap(values, (20, 30)).paint(screen, settings))
        rows = (2 + (np.arange(30) + 0.5) / 4) * shape[0] / 20
        columns = (3 + (np.arange(40) + 0.5) / 4) * shape[1] / 30
        if shape[0] < 20:  # pixels of the image are whole
            rows = (np.floor(2 + (np.arange(30) + 0.5) / 4) + 0.5) * shape[0] / 20
            columns = (np.floor(3 + (np.arange(40) + 0.5) / 4) + 0.5) * shape[1] / 30
        plain = values[np.ix_(rows.astype(int), columns.astype(int))]
        np.testing.assert_array_equal(painted[2], color_table("inferno")[plain])


def test_a_file_that_becomes_shorter_costs_a_map_not_the_window(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    np.save(path, np.random.default_rng(0).random((4000, 4500)))
    found = AnomalyMap.open(path)
    assert found.value(700, 900) is not None
    with path.open("r+b") as file:
        file.truncate(1000)
    assert found.value(700, 900) is None
    assert found.paint(ScreenTransform(700, 900, 1, 10, 10), MapSettings()) is None


def test_scores_are_those_of_the_library(tmp_path: Path) -> None:
    values = np.where(MASK, VALUES + 0.3, VALUES)
    values[0, 0] = np.nan
    found = finish(score_image(AnomalyMap(values), MaskPyramid(MASK)))
    ranking = rank_pixels([values], [MASK])
    assert found.areas == (ranking.auroc(), ranking.aupro(), ranking.aupro(0.05))
    assert found.pixels == ranking.good
    assert found.score == np.nanmax(values)
    assert (found.good.sum(), found.defective.sum()) == (591, 8)
    assert found.defects.hits(float(values[MASK].max())).tolist() == [True]


def test_scores_of_a_set_say_what_is_left_out(tmp_path: Path) -> None:
    def item(name: str, **more: Any) -> ImageItem:
        mask = MASK if name == "bad" else None
        return ImageItem(name, make=lambda: (IMAGE, mask), **more)

    bad = np.where(MASK, VALUES + 0.3, VALUES)
    items = [
        item("bad", label="scratch", maps=(lambda: bad,)),
        item("good", label="good", maps=(lambda: VALUES[::2, ::2],)),
        item("unmasked", label="scratch", maps=(lambda: VALUES,)),
        item("misfit", label="good", maps=(lambda: VALUES.T,)),
        item("unmapped", label="good"),
    ]
    found = finish(score_set(items))
    assert set(found.left_out) == {"unmasked", "misfit", "unmapped"}
    coarse = map_rows(VALUES[::2, ::2], (20, 30), 0, 20)
    ranking = rank_pixels([bad, coarse], [MASK, None])
    areas = ranking.auroc(), ranking.aupro(), ranking.aupro(0.05)
    assert found.areas == (1.0, *areas)
    assert found.hits(0.0) == (1, 1)
    assert found.false_alarms(0.0) == 1
    assert found.false_alarms(2.0) == 0
    low, high, unread = finish(set_range(items))
    assert (low, high) == (VALUES.min(), bad.max())
    assert unread == []
