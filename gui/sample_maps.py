"""Write the bundled sample, and anomaly maps of it: ``python gui/sample_maps.py DIR``.

The detector needs no download: it describes each pixel by its surroundings at a few
scales, and scores it by how far it is from the nearest of those seen in good images.
It runs on tiles; `score` is for ``reftiler view --model sample_maps.py:score`` too.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

import reftiler
from reftiler import samples
from reftiler.io import open_image
from reftiler.io.datasets import find_images

TEXTURE = "brick"
TILER = reftiler.Tiler(256, 192, window="hann")
SCALES = (1, 3)
KEPT = 300  # surroundings of good pixels that are remembered

Array = NDArray[Any]


def describe(tile: Array) -> Array:
    """Return the surroundings of every second pixel, shape (h, w, features)."""
    tile = tile.astype(np.float32)
    found = [tile]
    for scale in SCALES:
        blurred = ndimage.gaussian_filter(tile, scale)
        found.append(blurred - ndimage.gaussian_filter(tile, 3 * scale))
        found.append(ndimage.gaussian_gradient_magnitude(tile, scale))
    return np.stack(found, axis=-1)[::2, ::2]


@cache
def memory() -> tuple[spatial.cKDTree, Array]:
    """Return the surroundings seen in good images, and their spread."""
    good = [
        describe(samples.sample(TEXTURE, "good", index, "train").image)
        for index in range(samples.CONTENTS["train"]["good"])
    ]
    seen = np.concatenate([one.reshape(-1, one.shape[-1]) for one in good])
    spread = seen.std(axis=0)
    chosen = np.random.default_rng(0).choice(len(seen), KEPT, replace=False)
    return spatial.cKDTree(seen[chosen] / spread), spread


def score(tiles: Array) -> Array:
    """Return anomaly maps (B, h / 2, w / 2) of grey tiles (B, h, w)."""
    tree, spread = memory()
    described = np.stack([describe(tile) for tile in tiles]) / spread
    distance, _ = tree.query(described, workers=-1)
    return np.asarray(distance, np.float32)


def main(folder: Path) -> None:
    """Write the data set and a map of each test image."""
    if not (folder / TEXTURE).exists():
        samples.write_dataset(folder / TEXTURE, TEXTURE)
    for entry in find_images(folder / TEXTURE):
        if entry.split == "test":
            image = open_image(entry.image)[...]
            path = folder / "maps" / f"{entry.id}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, TILER.apply(score, image))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
