"""What was measured, and the numbers that are made of it."""

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reftiler_conformance.bench.caveats import LESS_WORK
from reftiler_conformance.bench.workloads import Workload

VERBS = ("tile", "untile")
LIMIT = "limit"
OUT = " out="  # what the name of a tiler ends with that was given a buffer
ALONE = "alone"  # the same call, without busy processes beside it

FASTEST = "reftiler.torch"
"""Whose time without a buffer the peers' are divided by, if it is here."""


@dataclass
class Timing:
    """A library's calls of one verb on one workload, or why there are none."""

    seconds: list[float] = field(default_factory=list)
    memory: int | None = None  # peak bytes beyond the input; None if unknown
    caveats: set[str] = field(default_factory=set)
    reason: str = ""
    backend: str = ""  # which body of reftiler.torch ran, where it tells
    busy_seconds: list[float] = field(default_factory=list)  # beside busy processes

    @property
    def median(self) -> float:
        """The middle one; NaN if there are none."""
        return statistics.median(self.seconds) if self.seconds else math.nan

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a part of the median."""
        if len(self.seconds) < 2:
            return math.nan
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return (high - low) / 2 / self.median

    @property
    def slowdown(self) -> float:
        """How many times as long it took beside busy processes; NaN if unknown."""
        if not self.busy_seconds:
            return math.nan
        return statistics.median(self.busy_seconds) / self.median


@dataclass
class Outcome:
    """All that was measured on one workload, by verb and by name."""

    work: Workload
    timings: dict[str, dict[str, Timing]] = field(default_factory=dict)
    views: dict[str, list[float]] = field(default_factory=dict)  # seconds of ``view``

    def calls(self) -> Iterator[tuple[str, str, Timing]]:
        """Yield the verb, the name and the timing of each."""
        for verb, by_name in self.timings.items():
            for name, timing in by_name.items():
                yield verb, name, timing

    def ratio(self, verb: str, name: str, base: str) -> float:
        """Return how many times as long as ``base`` it took; NaN if unknown."""
        one = self.timings[verb].get(name, Timing())
        if base == ALONE:
            return one.slowdown
        return one.median / self.timings[verb].get(base, Timing()).median

    def base(self, verb: str) -> str:
        """Return whom peers are compared with."""
        fastest = self.timings[verb].get(FASTEST)
        return FASTEST if fastest is not None and fastest.seconds else "reftiler"

    def wrong(self) -> Iterator[str]:
        """Yield where reftiler itself is wrong or failed."""
        for verb, name, timing in self.calls():
            broken = timing.caveats or timing.reason.startswith("failed")
            if broken and name.startswith("reftiler"):
                what = timing.reason or ", ".join(sorted(timing.caveats))
                yield f"{name}, {verb}, {self.work.name}: {what}"


@dataclass(frozen=True)
class Score:
    """A ratio over all workloads on which it is known: its geometric mean, and ends."""

    verb: str
    name: str
    base: str
    mean: float
    least: float
    most: float
    count: int


def score(outcomes: Iterable[Outcome], verb: str, name: str, base: str) -> Score | None:
    """Return how ``name`` compares with ``base``; None if they never did the same."""
    ratios = [
        outcome.ratio(verb, name, base)
        for outcome in outcomes
        if name in outcome.timings[verb]
        and not outcome.timings[verb][name].caveats & LESS_WORK
    ]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    if not known:
        return None
    mean = statistics.geometric_mean(known)
    return Score(verb, name, base, mean, min(known), max(known), len(known))


def scores(outcomes: list[Outcome]) -> Iterator[Score]:
    """Yield reftiler by the limits and by itself alone, and every peer by reftiler."""
    for verb in VERBS:
        names = dict.fromkeys(n for o in outcomes for n in o.timings[verb])
        base = FASTEST if FASTEST in names else "reftiler"
        own = [name for name in names if name.startswith("reftiler")]
        pairs = [(name, LIMIT) for name in names if name.endswith(OUT)]
        pairs += [(name, ALONE) for name in own]
        pairs += [(name, base) for name in names if name not in (LIMIT, *own)]
        for name, other in pairs:
            found = score(outcomes, verb, name, other)
            if found is not None:
                yield found
