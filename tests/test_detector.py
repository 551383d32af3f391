"""The bundled detector: tiles give the bits of the whole, and find what is painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage")

from reftiler import Tiler, TilingError
from reftiler.io import read_image
from reftiler.models import load_model
from reftiler.samples import detector, sample, write_dataset
from reftiler_conformance.compare import same_bits

WALL = sample("grass", "dent", 0)
OTHER = Tiler(320, 256, mode="clamp", remove_border_count=32)


@pytest.mark.long
@pytest.mark.parametrize("tiler", [detector.TILER, OTHER])
def test_merged_tiles_are_the_whole_to_the_bit(tiler: Tiler) -> None:
    whole = detector.grass(WALL.image[np.newaxis])[0]
    same_bits(tiler.apply(detector.grass, WALL.image, batch_size=5), whole)


def test_tiles_without_a_border_are_not() -> None:
    whole = detector.grass(WALL.image[np.newaxis])[0]
    tiled = Tiler(256).apply(detector.grass, WALL.image)
    assert not np.array_equal(tiled, whole)


def test_it_is_a_model_of_tiles_with_and_without_channels() -> None:
    model = load_model("reftiler.samples.detector:grass")
    images = WALL.image[np.newaxis, :64, :96]
    want = detector.grass(images)
    same_bits(model(images[..., np.newaxis]), want[..., np.newaxis])
    same_bits(model(images[:, np.newaxis]), want[:, np.newaxis])
    with pytest.raises(TilingError, match=r"grey images .*\(1, 64, 96, 3\)"):
        model(np.repeat(images[..., np.newaxis], 3, axis=-1))


@pytest.mark.long
def test_maps_on_disk(tmp_path: Path) -> None:
    write_dataset(tmp_path / "brick", max_good=0)
    detector.write_maps(tmp_path / "brick", tmp_path, maps=["resized", "whole"])
    paths = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.npy"))
    assert len(paths) == 12
    assert Path("resized/test/spot/001.npy") in paths
    wall = sample("brick", "spot", 1)
    whole = read_image(tmp_path / "whole/test/spot/001.npy")
    same_bits(whole, detector.brick(wall.image[np.newaxis])[0])
    assert read_image(tmp_path / "resized/test/spot/001.npy").shape == (128, 128)
    with pytest.raises(TilingError, match="maps must be one of"):
        detector.write_maps(tmp_path / "brick", tmp_path, maps=["tiles"])
