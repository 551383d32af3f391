"""A grid in numbers, for people and for programs."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from reftiler.axis import Axis
from reftiler.grid import Grid
from reftiler.json_io import SPEC_VERSION, pretty_json


@dataclass(frozen=True)
class GridSummary:
    """A grid in numbers."""

    grid: Grid
    channels: int  # of the image
    dtype: np.dtype[Any]
    notes: tuple[str, ...] = ()  # what the image's file says that one should know

    @property
    def bytes(self) -> int:
        """Memory of all tiles."""
        pixels = math.prod(self.grid.tiler.tile_size) * len(self.grid)
        return pixels * self.channels * self.dtype.itemsize

    @cached_property
    def coverage(self) -> dict[str, float]:
        """In how many tiles a pixel lies: min, max and mean."""
        if not self.grid.is_irregular:  # a product of axes, however large the image
            covers = [axis.coverage for axis in self.grid.axes]
            least, most, mean = (
                math.prod(part(cover).item() for cover in covers)
                for part in (np.min, np.max, np.mean)
            )
            return {"min": least, "max": most, "mean": mean}
        geometry, total = self.grid.geometry, 0
        least, most = len(self.grid), 0
        for block in geometry.blocks(2**20):
            count = geometry.coverage(block)
            least, most = min(least, int(count.min())), max(most, int(count.max()))
            total += int(count.sum())
        mean = total / math.prod(self.grid.image_size)
        return {"min": least, "max": most, "mean": mean}

    @property
    def least(self) -> int:
        """The smallest number of tiles that a pixel lies in."""
        return int(self.coverage["min"])

    @property
    def most(self) -> int:
        """The largest number of tiles that a pixel lies in."""
        return int(self.coverage["max"])

    @cached_property
    def uncovered(self) -> int:
        """Pixels in no tile."""
        return self.grid.uncovered

    @property
    def share(self) -> float:
        """Share of the pixels that are in no tile."""
        return self.uncovered / math.prod(self.grid.image_size)

    def counted(self) -> "GridSummary":
        """Count the pixels of random tiles, which takes a while, and return this."""
        _ = self.coverage, self.uncovered  # they are kept
        return self

    def to_json(self) -> str:
        """Write everything for programs."""
        content = {
            "spec_version": SPEC_VERSION,
            "grid": json.loads(self.grid.to_json()),
            "tiles": len(self.grid),
            "shape": self.grid.shape,
            "axes": [] if self.grid.is_irregular else list(map(_axis, self.grid.axes)),
            "coverage": self.coverage,
            "uncovered": self.uncovered,
            "memory": {
                "bytes": self.bytes,
                "channels": self.channels,
                "dtype": self.dtype.name,
            },
            "notes": list(self.notes),
        }
        return pretty_json(content)


def _axis(axis: Axis) -> dict[str, Any]:
    return {
        "length": axis.length,
        "tile": axis.tile,
        "tiles": len(axis),
        "frame": axis.padded_length,
        "padding": [axis.pad_before, axis.pad_after],
        "starts": list(axis.starts),
    }


def bytes_words(size: float) -> str:
    """Write bytes as people read them."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"
