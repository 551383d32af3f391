"""One workload, both verbs, every library that can do it."""

import timeit
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from reftiler.tiler import Tiler
from reftiler_conformance.bench import caveats, timing
from reftiler_conformance.bench.bandwidth import Bandwidth
from reftiler_conformance.bench.implementations import (
    Implementation,
    Libraries,
    peak_memory,
)
from reftiler_conformance.bench.results import LIMIT, OUT, VERBS, Outcome, Timing
from reftiler_conformance.bench.sysinfo import torch_backend
from reftiler_conformance.bench.timing import run_interleaved
from reftiler_conformance.bench.workloads import Array, Workload, noise
from reftiler_conformance.protocol import Unsupported

Measure = Callable[[Workload, Libraries], Outcome]

_HELD = 3.2
"""Sizes of all tiles that the benchmark itself holds: given, expected, a buffer."""

_VIEWS = 50  # calls of ``view`` in a row: one is too short for the clock


class BenchCase:
    """What one verb is given on one workload, and what must come back."""

    def __init__(self, work: Workload, verb: str) -> None:
        self.work, self.verb = work, verb
        self._known: dict[Any, Array] = {}
        self.image = noise(work.shape, work.dtype)
        if verb == "tile":
            self.given = self.image
            self.whole = self.expected(work.tiler())
        else:
            # Tiles of noise differ where they overlap: only a mean merges them right.
            self.given = noise(work.tiles_shape, work.dtype, seed=1)
            self.whole = self.image
        self.out = np.zeros_like(self.whole)

    def given_for(self, tiler: Tiler) -> Array:
        """Return what is given, but for tiles of pixels that ``tiler`` drops."""
        if self.verb == "tile":
            return self.given
        return self.given[: self.work.shape[0] * len(tiler.grid(self.work.size))]

    def expected(self, tiler: Tiler) -> Array:
        """Return what the reference makes, with the tiles where ``tiler`` has them."""
        grid = tiler.grid(self.work.size)
        place = grid.padding, len(grid)
        if place not in self._known:
            if self.verb == "tile":
                made = tiler.tile(self.given)
            else:
                made = tiler.untile(self.given_for(tiler), self.image.shape)
            self._known[place] = made
        return self._known[place]


class ImplementationCall:
    """A library's call, with or without a buffer for its result."""

    def __init__(
        self, case: BenchCase, implementation: Implementation, *, out: bool
    ) -> None:
        self.case, self.implementation, self.out = case, implementation, out
        self.name = implementation.name + OUT * out
        self.timing = Timing()
        self.synchronize = implementation.synchronize
        on_host = implementation.device == "cpu"  # else it is the device's
        self.peak_memory = on_host * peak_memory(implementation.library, case.work)

    def prepare(self) -> Callable[[], Any]:
        """Give it the input in its own type."""
        implementation, case = self.implementation, self.case
        tiling = case.verb == "tile"
        convert = implementation.to_images if tiling else implementation.to_tiles
        case.out.fill(0)  # what stands there later must be its own
        out = implementation.session.to_image(case.out) if self.out else None
        given = convert(case.given_for(implementation.reference))
        if implementation.library.package == "reftiler":
            self.timing.backend = torch_backend(given[0])
        return partial(getattr(implementation, case.verb), given, out)

    def check(self, result: Any) -> None:
        """Compare with the reference, and note what is less."""
        implementation, case = self.implementation, self.case
        expected = case.expected(implementation.reference)
        if case.verb == "tile":
            found = caveats.tile_caveats(implementation, result, expected, case.given)
        else:
            found = caveats.image_caveats(implementation, result, expected)
        self.timing.caveats |= found

    def fail(self, error: Exception) -> None:
        """Note why."""
        self.timing.reason = _failed(error)


class BandwidthCall:
    """The call that moves the bytes and does no more."""

    name = LIMIT
    peak_memory = 0

    def __init__(self, case: BenchCase, bandwidth: Bandwidth) -> None:
        self.case, self.bandwidth = case, bandwidth
        self.timing = Timing()
        self.synchronize = bandwidth.synchronize

    def prepare(self) -> Callable[[], Any]:
        """Give it the bytes to move."""
        case, tiling = self.case, self.case.verb == "tile"
        arrays = case.whole if tiling else case.given, case.image, case.out
        tiles, image, out = (self.bandwidth.to_device(array) for array in arrays)
        if tiling:
            return partial(self.bandwidth.copy, tiles, out)

        def untile() -> None:
            self.bandwidth.read(tiles)
            self.bandwidth.copy(image, out)

        return untile

    def check(self, result: Any) -> None:
        """Do nothing: there is no result."""

    def fail(self, error: Exception) -> None:
        """Fail: nothing can be compared with it."""
        raise error


def measure(
    work: Workload,
    libraries: Libraries,
    bandwidth: Bandwidth,
    rounds: int,
    device: str = "cpu",
    busy: int = 0,
) -> Outcome:
    """Measure all libraries; with ``busy``, again beside so many processes."""
    outcome = Outcome(work)
    for verb in VERBS:
        able, unable = _set_up(work, libraries, device)
        case = BenchCase(work, verb)
        calls: list[ImplementationCall | BandwidthCall] = [
            BandwidthCall(case, bandwidth)
        ]
        for implementation in able:
            for out in (True, False) if implementation.supports_out else (False,):
                calls.append(ImplementationCall(case, implementation, out=out))
        seconds = run_interleaved(calls, rounds)
        done = [call for call in calls if seconds[call.name]]
        peaks = timing.measure_memory(done, device)
        with timing.busy_processes(busy):
            beside = run_interleaved(done, rounds) if busy else {}
        for call in calls:
            call.timing.seconds = seconds[call.name]
            call.timing.memory = peaks.get(call.name)
            call.timing.busy_seconds = beside.get(call.name, [])
        timings = {call.name: call.timing for call in calls} | unable
        order = [LIMIT, *(found for name in libraries for found in (name + OUT, name))]
        outcome.timings[verb] = {n: timings[n] for n in order if n in timings}
        if verb == "tile":
            outcome.views = view_times(case.image, able, rounds)
    return outcome


def _set_up(
    work: Workload, libraries: Libraries, device: str
) -> tuple[list[Implementation], dict[str, Timing]]:
    """Set up those that can do it; say why the others cannot."""
    able: list[Implementation] = []
    unable: dict[str, Timing] = {}
    free = timing.available_memory()
    for name, library in libraries.items():
        need = int(_HELD * work.bytes) + peak_memory(library, work)
        if free is not None and need > free:
            unable[name] = Timing(reason=f"needs {need / 2**30:.1f} GiB")
            continue
        try:
            able.append(Implementation(name, library, work, device))
        except Unsupported as error:
            unable[name] = Timing(reason=str(error))
        except Exception as error:  # noqa: BLE001 - a library may fail in any way
            unable[name] = Timing(reason=_failed(error))
    return able, unable


def view_times(
    image: Array, implementations: Iterable[Implementation], rounds: int
) -> dict[str, list[float]]:
    """Time ``view`` of those that have it, where the grid allows it."""
    timers = {
        one.name: timeit.Timer(partial(one.view, one.to_images(image)))
        for one in implementations
        if "view" in one.library.claims and _has_view(one)
    }
    times: dict[str, list[float]] = {name: [] for name in timers}
    for number in range(rounds + 1):
        for name, timer in timers.items():
            took = timer.timeit(_VIEWS) / _VIEWS  # timeit stops the collector itself
            if number:
                times[name].append(took)
    return times


def _has_view(implementation: Implementation) -> bool:
    grid = implementation.reference.grid(implementation.work.size)
    return all(axis.is_unpadded and axis.step is not None for axis in grid.axes)


def _failed(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"failed: {type(error).__name__}: {lines[0]}"[:108]
