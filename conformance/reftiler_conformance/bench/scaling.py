"""How cost grows: one thing larger from workload to workload, the rest as it is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from reftiler_conformance.bench.implementations import Libraries
from reftiler_conformance.bench.measure import Measure
from reftiler_conformance.bench.results import Outcome
from reftiler_conformance.bench.workloads import Workload

FOLLOWED = ("reftiler", "reftiler.torch", "anomalib")
"""The libraries that are measured: others need many times the memory, or hours."""


@dataclass(frozen=True)
class Sweep:
    """Workloads in which one thing grows."""

    name: str
    axis: str  # what grows, for the plot
    per: str  # what the cost is divided by: where it is level, cost is linear in that
    works: tuple[Workload, ...]
    at: tuple[float, ...]  # how large it is in each

    @property
    def unit(self) -> str:
        """The unit of the cost."""
        return "µs" if self.per == "tile" else "ns"


@dataclass(frozen=True)
class SweepResult:
    """What came of a sweep."""

    sweep: Sweep
    outcomes: tuple[Outcome, ...]

    def costs(self, verb: str, name: str) -> list[tuple[float, float]]:
        """Return how large it was, and the time for each of what it has."""
        scale = {"µs": 1e6, "ns": 1e9}[self.sweep.unit]
        found = []
        for at, outcome in zip(self.sweep.at, self.outcomes, strict=True):
            timing, work = outcome.timings[verb].get(name), outcome.work
            if timing is not None and timing.seconds:
                by = {"pixel": work.pixels, "tile": work.tiles_shape[0]}
                count = by.get(self.sweep.per, work.values)
                found.append((at, scale * timing.median / count))
        return found

    def max_over_min(self, verb: str, name: str) -> float:
        """Return the greatest of these costs by the least; 1 is linear growth."""
        costs = [cost for _, cost in self.costs(verb, name)]
        return max(costs) / min(costs) if costs else math.nan


def _image(size: int, tile: int, stride: int, images: int = 1) -> Workload:
    name = f"{images}x{size}-{tile}-{stride}"
    return Workload(name, (images, 1, size, size), tile, stride)


_SIZES = (1024, 2048, 4096, 8192)
_STRIDES = (256, 192, 128, 64, 32)
_TILES = (64, 96, 128, 192, 256)
_BATCHES = (1, 2, 4, 8, 16)

SWEEPS = (
    Sweep(
        "size",
        "side of the image, 256/128",
        "pixel",
        tuple(_image(size, 256, 128) for size in _SIZES),
        _SIZES,
    ),
    Sweep(
        "tiles",
        "tiles of 256, by stride, 2048²",
        "tile",
        tuple(_image(2048, 256, stride) for stride in _STRIDES),
        tuple(len(_image(2048, 256, stride).grid) for stride in _STRIDES),
    ),
    Sweep(
        "overlap",
        "overlap in pixels, stride 64, 2048²",
        "tile pixel",
        tuple(_image(2048, tile, 64) for tile in _TILES),
        tuple(tile - 64 for tile in _TILES),
    ),
    Sweep(
        "batch",
        "images of 1024², 256/128",
        "pixel",
        tuple(_image(1024, 256, 128, images) for images in _BATCHES),
        _BATCHES,
    ),
)
"""One channel, so that the largest image fits a small machine."""


def measure_scaling(libraries: Libraries, measure: Measure) -> Iterator[SweepResult]:
    """Measure every sweep of those libraries that are followed."""
    followed = {name: libraries[name] for name in libraries if name in FOLLOWED}
    for sweep in SWEEPS:
        outcomes = tuple(measure(work, followed) for work in sweep.works)
        yield SweepResult(sweep, outcomes)
