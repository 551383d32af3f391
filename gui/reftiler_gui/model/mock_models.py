"""Simulated models, which err in the ways that windows and borders mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reftiler_gui.model.array_types import Array


def _offset(tile: Array, number: int, height: float) -> Array:
    """Make each tile a little brighter or darker: seams appear where they meet."""
    (draw,) = np.random.Philox(key=number).random_raw(1).tolist()
    return tile.astype(np.float32) + np.float32((draw / 2**63 - 1) * height)


def _rim(tile: Array, number: int, height: float) -> Array:
    """Err near the tile's edge, as a model does that pads its input with zeros."""
    near = []
    for side in tile.shape[:2]:
        far = np.minimum(np.arange(side), np.arange(side)[::-1])
        near.append((1 - far / max(1, side / 8)).clip(0).astype(np.float32))
    wrong: Array = np.maximum.outer(*near)
    wrong = wrong[..., np.newaxis] if tile.ndim == 3 else wrong
    return tile.astype(np.float32) - wrong * np.float32(height)


def _noise(tile: Array, number: int, height: float) -> Array:
    """Add noise, another in each tile: overlaps average it away."""
    draw = np.random.Generator(np.random.Philox(key=number))
    noise = draw.standard_normal(tile.shape, dtype=np.float32)
    return tile.astype(np.float32) + noise * np.float32(height / 2)


MODELS: dict[str, Callable[[Array, int, float], Array]] = {
    "rim": _rim,
    "offset": _offset,
    "noise": _noise,
    "none": lambda tile, number, height: tile,
}
"""By name: a tile ``(h, w)`` or ``(h, w, C)``, its number and by how much to err to a
tile; ``none`` errs in nothing, the others return float32."""

WORDS = {
    "rim": "errs at the edge of its tile",
    "offset": "is off by another value in each tile",
    "noise": "is noisy",
    "none": "gives back what it gets",
}
"""What is said of each: a model that …"""


@dataclass(frozen=True)
class MockModel:
    """A simulated model."""

    name: str = "rim"  # one of `MODELS`
    percent: float = 10.0  # by how much it errs, of the range of values that is shown

    @property
    def words(self) -> str:
        """What it does."""
        by = f" by up to {self.percent:g} %" if self.name != "none" else ""
        return WORDS[self.name] + by
