"""Loading tiles of PNGs to train on, beside a data set that decodes one for each tile.

Run it with ``python -m tests.bench_tile_dataset [IMAGES] [ROUNDS]``. Both have two
workers and are asked in turns, the plain one for as many tiles as it loads in some
seconds; neither reads masks, because the plain one would read them with Pillow too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler

from reftiler import Tiler
from reftiler.io.datasets import find_images
from reftiler.torch.data import TileDataset, TileSampler
from tests.bench_tilesets import (
    COUNT,
    SIZE,
    STRIDE,
    TILE,
    padded,
    tile_of,
    write_images,
)

WORKERS, BATCH, PLAIN_TILES = 2, 32, 128


class PlainTiles(Dataset[dict[str, torch.Tensor]]):
    """Opens an image, pads it and slices, for each tile."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths) * COUNT**2

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        number, k = divmod(index, COUNT**2)
        tile = tile_of(padded(self.paths[number]), k)
        return {"image": torch.from_numpy(tile.transpose(2, 0, 1).copy())}


def tiles_per_second(data: Any, sampler: Any) -> float:
    """Load what a sampler asks for, and return how many tiles came a second."""
    begun, count = time.perf_counter(), 0
    for batch in DataLoader(data, BATCH, sampler=sampler, num_workers=WORKERS):
        count += len(batch["image"])
    return count / (time.perf_counter() - begun)


def main(images: int = 8, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_images(Path(name) / "images", images)
        entries = find_images(Path(name) / "images")
        ours = TileDataset(entries, Tiler(TILE, STRIDE), masks=False)
        plain = PlainTiles([entry.image for entry in entries])
        assert torch.equal(ours[130]["image"], plain[130]["image"])
        speeds: dict[str, list[float]] = {"TileDataset": [], "a decode for each": []}
        for epoch in range(rounds):
            ours.set_epoch(epoch)
            speeds["TileDataset"].append(tiles_per_second(ours, TileSampler(ours)))
            some = RandomSampler(plain, num_samples=PLAIN_TILES)
            speeds["a decode for each"].append(tiles_per_second(plain, some))
        for what, found in speeds.items():
            print(f"{what}: {median(found):,.0f} tiles/s, {sorted(map(round, found))}")
        one, other = (median(found) for found in speeds.values())
        print(f"{one / other:.1f} times as many, {images} images of {SIZE}²")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
