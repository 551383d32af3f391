"""What is tiled: shapes, tile sizes and settings, and noise to fill them."""

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.grid import Grid
from reftiler.tiler import Tiler

Array = NDArray[Any]


@dataclass(frozen=True)
class Workload:
    """Images to cut, and how."""

    name: str
    shape: tuple[int, ...]
    """Images, channels, and the spatial sizes."""
    tile: int
    stride: int
    dtype: str = "float32"
    window: str = "box"
    border: int = 0

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial sizes of an image."""
        return self.shape[2:]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.size)

    @property
    def title(self) -> str:
        """What it is, as in ``1×3×1024² 256/128 hann``."""
        groups = [(size, len(list(same))) for size, same in groupby(self.size)]
        sides = "×".join(f"{s}{'²³'[n - 2] if n > 1 else ''}" for s, n in groups)
        words = [f"{self.shape[0]}×{self.shape[1]}×{sides}"]
        words.append(f"{self.tile}/{self.stride}")
        words += [self.dtype] * (self.dtype != "float32")
        words += [self.window] * (self.window != "box")
        words += [f"border {self.border}"] * bool(self.border)
        return " ".join(words)

    def tiler(self, **settings: Any) -> Tiler:
        """Return the reference's tiler, with other settings where they are given."""
        return Tiler(
            (self.tile,) * self.rank,
            (self.stride,) * self.rank,
            window=self.window,
            remove_border_count=self.border,
            **settings,
        )

    @property
    def grid(self) -> Grid:
        """Where the tiles lie."""
        return self.tiler().grid(self.size)

    @property
    def tiles_shape(self) -> tuple[int, ...]:
        """The shape of all tiles, (N·K, C, *T)."""
        images, channels = self.shape[:2]
        tile = (self.tile,) * self.rank
        return (images * len(self.grid), channels, *tile)

    @property
    def pixels(self) -> int:
        """How many values the images have."""
        return math.prod(self.shape)

    @property
    def values(self) -> int:
        """How many values the tiles have."""
        return math.prod(self.tiles_shape)

    @property
    def bytes(self) -> int:
        """How much memory the tiles take."""
        return self.values * np.dtype(self.dtype).itemsize


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    """Return random values, the same each time: floats in [0, 1), or any bytes."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random(shape, dtype=np.float32)
    return rng.integers(0, 256, shape, dtype=np.uint8)


WORKLOADS = (
    Workload("plain", (1, 3, 1024, 1024), 256, 256),
    Workload("half", (1, 3, 1024, 1024), 256, 128),
    Workload("batch", (8, 3, 1024, 1024), 256, 64),
    Workload("large", (1, 3, 4096, 4096), 512, 256),
    Workload("many", (1, 3, 4096, 4096), 64, 32),
    Workload("odd", (1, 1, 2048, 2048), 100, 37),
    Workload("bytes", (1, 3, 4096, 4096), 256, 128, "uint8"),
    Workload("volume", (1, 1, 256, 256, 256), 64, 32),
    Workload("hann", (1, 3, 1024, 1024), 256, 128, window="hann"),
    Workload("border", (1, 3, 1024, 1024), 256, 128, border=16),
)

QUICK = ("plain", "half", "odd", "hann", "border")  # the names of the small ones
