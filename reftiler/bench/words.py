"""Numbers as people read them, alike on the screen and in Markdown."""

import math
import statistics

from reftiler.bench.checking import MEANING
from reftiler.bench.results import FASTEST, LIMIT, OUT, Outcome, Score

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
    """Explain the words that stand in the tables."""
    used = {
        mark
        for outcome in outcomes
        for by_name in outcome.timings.values()
        for timing in by_name.values()
        for mark in timing.marks
    }
    other = "returns this dtype whatever it was given"
    return {mark: MEANING.get(mark, other) for mark in sorted(used)}


def views(outcome: Outcome) -> dict[str, str]:
    """Write the time of ``view`` by name."""
    middle = {name: statistics.median(took) for name, took in outcome.views.items()}
    return {name: f"{1e6 * took:.0f} µs" for name, took in middle.items()}


def short(base: str) -> str:
    """Name whom peers are compared with, in a narrow column."""
    return "torch" if base == FASTEST else "numpy"


def sentence(score: Score) -> str:
    """Write what a score says."""
    mean, most = digits(score.mean), digits(score.most)
    many = f"{score.count} workload" + "s" * (score.count != 1)
    if score.base == LIMIT:
        name = score.name.removesuffix(OUT)
        return (
            f"{score.verb}, {name} into a buffer: {mean} times the limit in the "
            f"geometric mean, {most} at most ({many})"
        )
    return (
        f"{score.verb}, {score.name}: {mean} times the time of {score.base} in the "
        f"geometric mean, {digits(score.least)} to {most} ({many})"
    )


def compared(outcome: Outcome, verb: str, name: str) -> float:
    """Return a contender's time by reftiler's, neither with a buffer."""
    if name == LIMIT or name.endswith(OUT) or name == outcome.base(verb):
        return math.nan
    return outcome.ratio(verb, name, outcome.base(verb))
