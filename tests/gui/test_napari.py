"""The plug-in of napari: its manifest, reader and widget, in napari itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

napari = pytest.importorskip("napari", reason="needs napari: pip install napari")
npe2 = pytest.importorskip("npe2", reason="needs napari's npe2")
magicgui = pytest.importorskip("magicgui", reason="needs napari's magicgui")

from reftiler import Tiler, TilingError  # noqa: E402 - napari may be missing
from reftiler.io import write_image  # noqa: E402
from reftiler_gui import napari_plugin  # noqa: E402

MANIFEST = Path(napari_plugin.__file__).with_name("napari.yaml")
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8)
SCORES = RNG.random((30, 40), dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    mask = np.zeros(IMAGE.shape[:2], dtype=bool)
    mask[5:9, 70:] = True
    write_image(tmp_path / "part.png", IMAGE)
    write_image(tmp_path / "part_mask.png", mask)
    np.save(tmp_path / "part_map.npy", SCORES)
    return tmp_path / "part.png"


@pytest.fixture
def viewer() -> Any:
    """Return a viewer without a window: that needs OpenGL, which may be missing."""
    manager = npe2.PluginManager.instance()
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    if manifest.name not in manager:
        manager.register(manifest)
    return napari.components.ViewerModel()


def test_an_image_is_opened_with_mask_and_map(viewer: Any, path: Path) -> None:
    viewer.open(path, plugin="reftiler")
    image, mask, scores = viewer.layers
    assert [layer.name for layer in viewer.layers] == ["part", "part mask", "part map"]
    assert image.rgb
    assert np.array_equal(image.data, IMAGE)
    assert mask.data[5:9, 70:].all()
    assert mask.data.sum() == 40
    assert np.array_equal(scores.data, SCORES)
    # A pixel of the map covers 2 × 2 of the image: its corners are the image's.
    assert np.allclose(corners(scores), corners(image))


def corners(layer: Any) -> Any:
    """Return where a layer ends, the halves of its outer pixels included."""
    return layer.extent.world + np.array([[-0.5], [0.5]]) * layer.scale


def test_the_widget_adds_grid_coverage_and_map(viewer: Any, path: Path) -> None:
    layer = viewer.add_image(IMAGE, name="part", scale=(2, 2), translate=(5, 7))
    widget = magicgui.magicgui(napari_plugin.add_tiles)
    widget.image.choices = [layer]
    widget.tile_width.value, widget.tile_height.value = 32, 20
    widget.overlap.value, widget.coverage.value = 8, True
    widget.anomaly_map.value = path.with_name("part_map.npy")
    layers = [napari.layers.Layer.create(*data) for data in widget()]
    names = ["part tiles", "part coverage", "part map"]
    assert [one.name for one in layers] == names
    lines, coverage, scores = layers
    grid = Tiler((20, 32), overlap=8).grid((60, 80))
    assert lines.metadata["tiles"] == len(grid)
    rows = {line[0, 0] + 0.5 for line in lines.data if line[1, 0] == 0}
    columns = {line[0, 1] + 0.5 for line in lines.data if line[1, 1] == 0}
    assert rows == set(grid.boxes[:, 0].ravel().tolist())
    assert columns == set(grid.boxes[:, 1].ravel().tolist())
    assert np.array_equal(coverage.data, grid.coverage())
    for one in (coverage, scores):
        assert np.allclose(corners(one), corners(layer))


def test_what_does_not_fit_is_refused(path: Path) -> None:
    layer = napari.layers.Image(IMAGE)
    with pytest.raises(TilingError, match="overlap"):
        napari_plugin.add_tiles(layer, 16, 16, overlap=16)
    write_image(path.with_name("other.png"), IMAGE[:59, :31, 0])
    with pytest.raises(TilingError, match="a pixel of the map would cover"):
        napari_plugin.add_tiles(layer, anomaly_map=path.with_name("other.png"))
    path.write_bytes(b"no picture")
    with pytest.raises(TilingError, match=r"part\.png"):
        napari_plugin.read_layers(str(path))


def test_only_images_are_read_and_channels_kept(path: Path) -> None:
    assert napari_plugin.get_reader("a.csv") is None
    assert napari_plugin.get_reader(["a.png", "b.csv"]) is None
    many = path.with_name("many.npy")
    np.save(many, IMAGE.repeat(3, axis=2))
    (layer,) = napari_plugin.read_layers(str(many))
    assert layer[1]["channel_axis"] == -1
    assert len(layer[1]["name"]) == layer[0].shape[2] == 9


def test_the_manifest_is_valid_and_belongs_to_the_package() -> None:
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert manifest.name == "reftiler"
