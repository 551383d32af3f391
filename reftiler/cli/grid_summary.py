"""A grid in numbers, for people and for programs."""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reftiler.axis import Axis
from reftiler.grid import Grid
from reftiler.json_io import SPEC_VERSION, pretty_json


@dataclass(frozen=True)
class GridSummary:
    """
    A grid in numbers.

    Attributes
    ----------
    grid : Grid
        Where the tiles lie.
    channels : int
        Of the image.
    dtype : dtype
        Of its pixels.
    notes : tuple of str
        What the image's file says that the reader should know.
    """

    grid: Grid
    channels: int
    dtype: np.dtype[Any]
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Memory of all tiles."""
        pixels = math.prod(self.grid.tiler.tile_size) * len(self.grid)
        return pixels * self.channels * self.dtype.itemsize

    def coverage(self) -> dict[str, float]:
        """Return in how many tiles a pixel lies: the least, the most and the mean."""
        if not self.grid.is_irregular:  # a product of axes, however large the image
            covers = [axis.coverage for axis in self.grid.axes]
            least, most, mean = (
                math.prod(part(cover).item() for cover in covers)
                for part in (np.min, np.max, np.mean)
            )
            return {"min": least, "max": most, "mean": mean}
        geometry = self.grid.geometry
        counts = [geometry.coverage(part) for part in geometry.blocks(2**20)]
        total = sum(int(part.sum()) for part in counts)
        return {
            "min": min(int(part.min()) for part in counts),
            "max": max(int(part.max()) for part in counts),
            "mean": total / math.prod(self.grid.image_size),
        }

    def to_json(self) -> str:
        """Write everything for programs."""
        content = {
            "spec_version": SPEC_VERSION,
            "grid": json.loads(self.grid.to_json()),
            "tiles": len(self.grid),
            "shape": self.grid.shape,
            "axes": [] if self.grid.is_irregular else list(map(_axis, self.grid.axes)),
            "coverage": self.coverage(),
            "uncovered": self.grid.uncovered,
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
