"""Numbers and sentences, the same on the screen and in Markdown."""

import math
import statistics

from reftiler_conformance.bench.caveats import MEANING
from reftiler_conformance.bench.results import (
    ALONE,
    FASTEST,
    LIMIT,
    OUT,
    Outcome,
    Score,
)

MEMORY = (
    "memory: peak beyond the input, the result counted, by the kernel's highest "
    "resident size in a call of its own; on CUDA by torch's allocator"
)


def milliseconds(seconds: float) -> str:
    """Write a time."""
    return digits(1000 * seconds)


def digits(number: float) -> str:
    """Write three digits, or as many as there are before the point."""
    if math.isnan(number):
        return ""
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:.{places}f}"


def percent(share: float) -> str:
    """Write a spread."""
    return "" if math.isnan(share) else f"±{share:.0%}"


def mebibytes(size: int | None) -> str:
    """Write an amount of memory."""
    return "" if size is None else f"{size / 2**20:,.0f}"


def legend(outcomes: list[Outcome]) -> dict[str, str]:
    """Explain the caveats that stand in the tables."""
    used = {
        caveat
        for outcome in outcomes
        for by_name in outcome.timings.values()
        for timing in by_name.values()
        for caveat in timing.caveats
    }
    other = "returns this dtype whatever it was given"
    return {caveat: MEANING.get(caveat, other) for caveat in sorted(used)}


def views(outcome: Outcome) -> str:
    """Write the times of ``view``."""
    middle = {name: statistics.median(took) for name, took in outcome.views.items()}
    return ", ".join(f"{name} {1e6 * took:.0f} µs" for name, took in middle.items())


def short(base: str) -> str:
    """Name what peers are compared with, in a narrow column."""
    return "torch" if base == FASTEST else "numpy"


def sentence(score: Score) -> str:
    """Write what a score says."""
    many = f"{score.count} workload" + "s" * (score.count != 1)
    name = score.name
    if name.endswith(OUT):
        name = f"{name.removesuffix(OUT)} into a buffer"
    by = {
        LIMIT: "times the limit",
        ALONE: "times as long beside busy processes as alone",
    }.get(score.base, f"times the time of {score.base}")
    return (
        f"{score.verb}, {name}: {digits(score.mean)} {by} in the geometric mean, "
        f"{digits(score.least)} to {digits(score.most)} ({many})"
    )


def compared(outcome: Outcome, verb: str, name: str) -> float:
    """Return a library's time by reftiler's, neither with a buffer."""
    if name == LIMIT or name.endswith(OUT) or name == outcome.base(verb):
        return math.nan
    return outcome.ratio(verb, name, outcome.base(verb))
