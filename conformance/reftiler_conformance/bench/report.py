"""How a run is told: tables on the screen, JSON with every round, and Markdown."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.table import Table

from reftiler.json_io import pretty_json
from reftiler_conformance.bench.caveats import MEANING
from reftiler_conformance.bench.results import (
    ALONE,
    FASTEST,
    LIMIT,
    OUT,
    VERBS,
    Outcome,
    Score,
    scores,
)
from reftiler_conformance.bench.scaling import SweepResult

FORMAT = 2  # the version of the JSON

MEMORY = (
    "memory: peak beyond the input, the result counted, by the kernel's highest "
    "resident size in a call of its own; on CUDA by torch's allocator"
)


@dataclass
class BenchRun:
    """Everything that one call measured."""

    sysinfo: dict[str, Any]
    versions: dict[str, str]
    rounds: int
    missing: dict[str, str]  # why a library is not here
    outcomes: list[Outcome] = field(default_factory=list)
    scaling: list[SweepResult] = field(default_factory=list)
    startup: dict[str, float] = field(default_factory=dict)  # seconds


def to_json(run: BenchRun) -> str:
    """Write everything, every round of it."""
    content = asdict(run, dict_factory=_plain)
    content["scores"] = [asdict(score) for score in scores(run.outcomes)]
    return pretty_json({"format": FORMAT, **content, "memory": MEMORY}) + "\n"


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {k: sorted(v) if isinstance(v, set) else v for k, v in pairs}


def to_markdown(run: BenchRun) -> str:
    """Write a table for each verb, and what must be known to read them."""
    base = run.outcomes[0].base("tile") if run.outcomes else "reftiler"
    reading = (
        "Times in ms; in brackets, for reftiler with `out=`, times the limit; for the "
        f"others, times {base} without it."
    )
    notes = [*closing(run), *(f"{name}: {why}" for name, why in run.missing.items())]
    tables = [_markdown_table(run, verb) for verb in VERBS]
    listed = "\n".join(f"- {note}" for note in notes)
    return "\n\n".join([f"{headline(run)}. {reading}", *tables, listed]) + "\n"


def headline(run: BenchRun) -> str:
    """Say when and where which versions ran."""
    machine = run.sysinfo
    versions = ", ".join(f"{name} {found}" for name, found in run.versions.items())
    memory, load = machine["memory_bytes"], machine["load"]
    place = [f"{machine['date'][:10]}; {machine['cpu']}", f"{machine['cores']} cores"]
    place += [f"{memory / 2**30:.0f} GiB"] if memory else []
    place += [machine["device"]] * (machine["device"] != "cpu")
    place += [f"{machine['threads']} threads"]
    place += [] if load is None else [f"load {load}"]
    busy = f", then beside {machine['busy']} busy processes" * bool(machine["busy"])
    return (
        f"{', '.join(place)}; Python {machine['python']}, {versions}; "
        f"medians of {run.rounds} interleaved rounds{busy}"
    )


def closing(run: BenchRun) -> Iterator[str]:
    """Say how reftiler compares, and what the words in the tables mean."""
    for found in scores(run.outcomes):
        yield _sentence(found)
    bodies: dict[str, list[str]] = {}
    used: set[str] = set()
    for outcome in run.outcomes:
        title = outcome.work.title
        if outcome.views:
            middle = {n: statistics.median(took) for n, took in outcome.views.items()}
            shown = (f"{name} {1e6 * took:.0f} µs" for name, took in middle.items())
            yield f"view, {title}: {', '.join(shown)}"
        for verb, name, timing in outcome.calls():
            used |= timing.caveats
            if timing.backend and not name.endswith(OUT):
                body = f"{name} ran on {timing.backend}"
                bodies.setdefault(body, []).append(f"{verb} {title}")
    for body, ran in bodies.items():
        yield f"{body}: {', '.join(ran)}"
    for name, seconds in run.startup.items():
        yield f"{name}, in a fresh process: {_digits(1000 * seconds)} ms"
    for caveat in sorted(used):
        other = "returns this dtype whatever it was given"
        yield f"*{caveat}*: {MEANING.get(caveat, other)}"
    yield MEMORY


def _sentence(score: Score) -> str:
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
        f"{score.verb}, {name}: {_digits(score.mean)} {by} in the geometric mean, "
        f"{_digits(score.least)} to {_digits(score.most)} ({many})"
    )


def _markdown_table(run: BenchRun, verb: str) -> str:
    names = list(dict.fromkeys(n for o in run.outcomes for n in o.timings[verb]))
    shown = [n.replace(OUT, f" `{OUT.strip()}`") for n in names]
    rows = [[f"`{verb}`", *shown], ["---"] + ["---:"] * len(names)]
    for outcome in run.outcomes:
        cells = [_cell(outcome, verb, name) for name in names]
        rows.append([outcome.work.title, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(outcome: Outcome, verb: str, name: str) -> str:
    timing = outcome.timings[verb].get(name)
    if timing is None or not timing.seconds:
        return timing.reason.replace("|", "/") if timing is not None else ""
    ratio = compared(outcome, verb, name)
    if name.endswith(OUT):
        ratio = outcome.ratio(verb, name, LIMIT)
    brackets = f" ({_digits(ratio)})" if _digits(ratio) else ""
    notes = sorted(timing.caveats)
    if timing.busy_seconds:
        notes.insert(0, f"busy ×{_digits(timing.slowdown)}")
    return ", ".join([f"{_digits(1000 * timing.median)}{brackets}", *notes])


def compared(outcome: Outcome, verb: str, name: str) -> float:
    """Return a library's time by reftiler's, neither with a buffer."""
    if name == LIMIT or name.endswith(OUT) or name == outcome.base(verb):
        return math.nan
    return outcome.ratio(verb, name, outcome.base(verb))


def _digits(number: float) -> str:
    """Write three digits, or as many as there are before the point."""
    if math.isnan(number):
        return ""
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:.{places}f}"


def workload_table(outcome: Outcome) -> Table:
    """Show one workload, verb by verb."""
    busy = any(timing.busy_seconds for _, _, timing in outcome.calls())
    short = "torch" if outcome.base("tile") == FASTEST else "numpy"
    columns = ["ms", "", "× limit", f"× {short}", "MiB"] + ["× alone"] * busy
    made = _screen_table(outcome.work.title, columns)
    made.add_column("", style="dim")
    for verb, by_name in outcome.timings.items():
        made.add_row(f"[bold]{verb}[/]")
        for name, timing in by_name.items():
            if not timing.seconds:
                continue
            size, spread = timing.memory, timing.spread
            made.add_row(
                f"  {name}",
                _digits(1000 * timing.median),
                "" if math.isnan(spread) else f"±{spread:.0%}",
                _digits(outcome.ratio(verb, name, LIMIT)),
                _digits(compared(outcome, verb, name)),
                "" if size is None else f"{size / 2**20:,.0f}",
                *([_digits(timing.slowdown)] if busy else []),
                ", ".join(filter(None, (timing.backend, *sorted(timing.caveats)))),
                style="cyan" if name.startswith("reftiler") else None,
            )
    return made


def reasons(outcome: Outcome) -> Iterator[str]:
    """Say which libraries could not do it, and why."""
    names: dict[str, dict[str, None]] = {}
    for _, name, timing in outcome.calls():
        if timing.reason:
            names.setdefault(timing.reason, {})[name] = None
    for reason, found in names.items():
        yield f"{reason}: {', '.join(found)}"


def scaling_table(result: SweepResult) -> Table:
    """Show how level the cost was."""
    sweep = result.sweep
    made = _screen_table("", [*(f"{at:g}" for at in sweep.at), "max/min"])
    made.title = f"{sweep.name}: {sweep.unit} per {sweep.per}; {sweep.axis}"
    made.title_justify = "left"
    for verb, by_name in result.outcomes[0].timings.items():
        made.add_row(f"[bold]{verb}[/]")
        for name in by_name:
            costs = dict(result.costs(verb, name))
            numbers = [costs.get(at, math.nan) for at in sweep.at]
            numbers.append(result.max_over_min(verb, name))
            made.add_row(f"  {name}", *map(_digits, numbers))
    return made


def _screen_table(title: str, columns: list[str]) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column(title, no_wrap=True)
    for name in columns:
        made.add_column(name, justify="right")
    return made
