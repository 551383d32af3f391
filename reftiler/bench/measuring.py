"""One workload, both verbs, everybody who can do it."""

import timeit
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from reftiler.bench import checking, limits, memory, rounds
from reftiler.bench.contenders.base import CannotError, Contender
from reftiler.bench.results import LIMIT, OUT, VERBS, Outcome, Timing
from reftiler.bench.workloads import Array, Workload, noise
from reftiler.tiler import Tiler

Kind = type[Contender]
Measure = Callable[[Workload, Sequence[Kind]], Outcome]

_HELD = 3.2
"""Sizes of all tiles that the benchmark itself holds: given, expected, a buffer."""

_VIEWS = 50
"""Calls of ``view`` in a row: one is too short for the clock."""


class Stage:
    """What one verb is given on one workload, and what must come back."""

    def __init__(self, work: Workload, verb: str) -> None:
        self.work, self.verb = work, verb
        self.known: dict[Any, Array] = {}
        self.image = noise(work.shape, work.dtype)
        if verb == "tile":
            self.given = self.image
            self.whole = self.expected(work.tiler({}))
        else:
            # Tiles of noise differ where they overlap: only a mean merges them right.
            self.given = noise(work.tiles_shape, work.dtype, seed=1)
            self.whole = self.image
        self.target = np.zeros_like(self.whole)

    @property
    def tiles(self) -> Array:
        """All tiles: those to be made, or those that are given."""
        return self.whole if self.verb == "tile" else self.given

    def expected(self, tiler: Tiler) -> Array:
        """Return what the reference makes, with the tiles where ``tiler`` has them."""
        grid = tiler.grid(self.work.size)
        place = grid.padding, len(grid)
        if place not in self.known:
            if self.verb == "tile":
                made = tiler.tile(self.given)
            else:
                images = self.work.shape[0]
                made = tiler.untile(self.given[: images * len(grid)], self.image.shape)
            self.known[place] = made
        return self.known[place]


class ContenderTurn:
    """A contender's turn, with or without a buffer for its result."""

    def __init__(self, stage: Stage, contender: Contender, *, out: bool) -> None:
        self.stage, self.contender, self.out = stage, contender, out
        self.name = contender.name + OUT * out
        self.timing = Timing()
        self.room = _appetite(contender, stage.work) if contender.device == "cpu" else 0

    def ready(self) -> Callable[[], Any]:
        """Give it the input in its own type."""
        contender, stage = self.contender, self.stage
        own = contender.image if stage.verb == "tile" else contender.tiles
        stage.target.fill(0)  # what stands there later must be its own
        out = contender.own(stage.target) if self.out else None
        given = own(self._given())
        return partial(getattr(contender, stage.verb), given, out)

    def _given(self) -> Array:
        """Return what is given, but for tiles of pixels that the contender drops."""
        if self.stage.verb == "tile":
            return self.stage.given
        count = len(self.contender.reference.grid(self.stage.work.size))
        return self.stage.given[: self.stage.work.shape[0] * count]

    def settle(self) -> None:
        """Wait for the device."""
        self.contender.settle()

    def check(self, result: Any) -> None:
        """Compare with the reference, and note what is less."""
        expected = self.stage.expected(self.contender.reference)
        if self.stage.verb == "tile":
            given = self.stage.given
            marks = checking.tile_marks(self.contender, result, expected, given)
        else:
            marks = checking.image_marks(self.contender, result, expected)
            kind, device = type(self.contender), self.contender.device
            if not _probe("averages", kind, device):
                marks = marks - {checking.WRONG} | {checking.NO_MEAN}
            if expected.dtype.kind == "f" and not _probe("keeps_nan", kind, device):
                marks = marks | {checking.NO_NAN}
        self.timing.marks |= marks

    def fail(self, error: Exception) -> None:
        """Note why."""
        self.timing.reason = f"failed: {_words(error)}"


class LimitTurn:
    """The hardware's turn."""

    name = LIMIT
    room = 0

    def __init__(self, stage: Stage, limit: limits.Limit) -> None:
        self.stage, self.limit = stage, limit
        self.timing = Timing()

    def ready(self) -> Callable[[], Any]:
        """Give it the bytes to move."""
        stage, own = self.stage, self.limit.own
        tiles, image, out = own(stage.tiles), own(stage.image), own(stage.target)
        return limits.bound(self.limit, stage.verb, tiles, image, out)

    def settle(self) -> None:
        """Wait for the device."""
        self.limit.settle()

    def check(self, result: Any) -> None:
        """Nothing comes back."""

    def fail(self, error: Exception) -> None:
        """Fail: nothing can be held to it."""
        raise error


def measure(
    work: Workload,
    kinds: Sequence[Kind],
    limit: limits.Limit,
    count: int,
    device: str = "cpu",
) -> Outcome:
    """Measure both verbs of all contenders on one workload in ``count`` rounds."""
    outcome = Outcome(work)
    for verb in VERBS:
        able, unable = _able(work, kinds, device)
        stage = Stage(work, verb)
        turns: list[ContenderTurn | LimitTurn] = [LimitTurn(stage, limit)]
        for contender in able:
            if contender.takes_out:
                turns.append(ContenderTurn(stage, contender, out=True))
            turns.append(ContenderTurn(stage, contender, out=False))
        seconds = rounds.interleave(turns, count)
        done = [turn for turn in turns if seconds[turn.name]]
        peaks = rounds.weigh(done, memory.meter(device))
        for turn in turns:
            turn.timing.seconds = seconds[turn.name]
            turn.timing.memory = peaks.get(turn.name)
        timings = {turn.name: turn.timing for turn in turns} | unable
        outcome.timings[verb] = _in_order(timings, kinds)
        if verb == "tile":
            outcome.views = view_times(stage.image, able, count)
    return outcome


def _in_order(timings: dict[str, Timing], kinds: Iterable[Kind]) -> dict[str, Timing]:
    names = [name for kind in kinds for name in (kind.name + OUT, kind.name)]
    return {name: timings[name] for name in (LIMIT, *names) if name in timings}


def _able(
    work: Workload, kinds: Iterable[Kind], device: str
) -> tuple[list[Contender], dict[str, Timing]]:
    """Set up those who can do it; say why the others cannot."""
    able: list[Contender] = []
    unable: dict[str, Timing] = {}
    free = memory.available()
    for kind in kinds:
        need = int(_HELD * work.bytes) + _appetite(kind, work)
        if free is not None and need > free:
            unable[kind.name] = Timing(reason=f"needs {need / 2**30:.1f} GiB")
            continue
        try:
            able.append(kind(work, device))
        except CannotError as error:
            unable[kind.name] = Timing(reason=str(error))
        except Exception as error:  # noqa: BLE001 - a stranger may fail anyhow
            unable[kind.name] = Timing(reason=f"failed: {_words(error)}")
    return able, unable


def _appetite(kind: Kind | Contender, work: Workload) -> int:
    """Return how many bytes a call needs beyond its input."""
    return int(kind.appetite.get(work.dtype, 0) * work.bytes)


def view_times(
    image: Array, contenders: Iterable[Contender], count: int
) -> dict[str, list[float]]:
    """Time ``view`` of those who have it, where the grid allows it."""
    views = {
        contender.name: timeit.Timer(partial(view, contender.image(image)))
        for contender in contenders
        if (view := getattr(contender, "view", None)) and _views(contender)
    }
    times: dict[str, list[float]] = {name: [] for name in views}
    for number in range(count + 1):
        for name, timer in views.items():
            took = timer.timeit(_VIEWS) / _VIEWS  # timeit stops the collector itself
            if number:
                times[name].append(took)
    return times


def _views(contender: Contender) -> bool:
    grid = contender.reference.grid(contender.work.size)
    return all(axis.is_unpadded and axis.step is not None for axis in grid.axes)


@lru_cache
def _probe(question: str, kind: Kind, device: str) -> bool:
    """Ask once."""
    answer: bool = getattr(checking, question)(kind, device)
    return answer


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:100]
