"""A whole run, and how it is written: JSON with every round, and Markdown."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from reftiler.bench import words
from reftiler.bench.growth import Growth
from reftiler.bench.results import LIMIT, OUT, VERBS, Outcome, Timing, scores
from reftiler.files import pretty_json

FORMAT = 1
"""The version of the JSON."""


@dataclass
class Run:
    """Everything that one call measured."""

    machine: dict[str, Any]
    versions: dict[str, str]
    rounds: int
    missing: dict[str, str]
    """Why who is not installed is not."""
    outcomes: list[Outcome] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)


def to_json(run: Run) -> str:
    """Write everything, every round of it."""
    content = {
        "format": FORMAT,
        "machine": run.machine,
        "versions": run.versions,
        "rounds": run.rounds,
        "not_installed": run.missing,
        "memory": words.MEMORY,
        "workloads": [_outcome(outcome) for outcome in run.outcomes],
        "growth": [_growth(growth) for growth in run.growth],
        "scores": [asdict(score) for score in scores(run.outcomes)],
    }
    return pretty_json(content) + "\n"


def _outcome(outcome: Outcome) -> dict[str, Any]:
    work = outcome.work
    return {
        **asdict(work),
        "title": work.title,
        "tiles": work.tiles_shape[0],
        "verbs": {
            verb: {name: _timing(timing) for name, timing in by_name.items()}
            for verb, by_name in outcome.timings.items()
        },
        "view_seconds": outcome.views,
    }


def _timing(timing: Timing) -> dict[str, Any]:
    if not timing.seconds:
        return {"reason": timing.reason}
    return {
        "median": timing.median,
        "seconds": timing.seconds,
        "peak_bytes": timing.memory,
        "marks": sorted(timing.marks),
    }


def _growth(growth: Growth) -> dict[str, Any]:
    sweep = growth.sweep
    return {
        "name": sweep.name,
        "axis": sweep.axis,
        "per": sweep.per,
        "unit": sweep.unit,
        "cost": {
            verb: {name: growth.costs(verb, name) for name in by_name}
            for verb, by_name in growth.outcomes[0].timings.items()
        },
        "at": sweep.at,
        "workloads": [_outcome(outcome) for outcome in growth.outcomes],
    }


def to_markdown(run: Run) -> str:
    """Write a table for each verb, and what must be known to read them."""
    parts = [_about(run), *(_table(run, verb) for verb in VERBS)]
    parts += ["\n".join(_footing(run))]
    return "\n\n".join(parts) + "\n"


def _about(run: Run) -> str:
    machine = run.machine
    packages = ", ".join(f"{name} {found}" for name, found in run.versions.items())
    memory = machine["memory_bytes"]
    size = f", {memory / 2**30:.0f} GiB" if memory else ""
    place = f"{machine['cpu']}, {machine['cores']} cores{size}, {machine['threads']} "
    device = "" if machine["device"] == "cpu" else f", {machine['device']}"
    return (
        f"{machine['date'][:10]}; {place}threads{device}; Python {machine['python']}, "
        f"{packages}. Medians of {run.rounds} interleaved rounds in ms; in brackets, "
        "for reftiler with `out=`, times the limit; for the others, times "
        f"{_base(run)} without it."
    )


def _base(run: Run) -> str:
    return run.outcomes[0].base("tile") if run.outcomes else "reftiler"


def _table(run: Run, verb: str) -> str:
    names = list(dict.fromkeys(n for o in run.outcomes for n in o.timings[verb]))
    head = [
        f"`{verb}`",
        *(f"{n[: -len(OUT)]} `out=`" if OUT in n else n for n in names),
    ]
    rows = [head, ["---"] + ["---:"] * len(names)]
    for outcome in run.outcomes:
        cells = [_cell(outcome, verb, name) for name in names]
        rows.append([outcome.work.title, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(outcome: Outcome, verb: str, name: str) -> str:
    timing = outcome.timings[verb].get(name)
    if timing is None or not timing.seconds:
        return timing.reason.replace("|", "/") if timing is not None else ""
    ratio = words.compared(outcome, verb, name)
    if name.endswith(OUT):
        ratio = outcome.ratio(verb, name, LIMIT)
    brackets = f" ({words.digits(ratio)})" if words.digits(ratio) else ""
    marks = "".join(f", {mark}" for mark in sorted(timing.marks))
    return f"{words.milliseconds(timing.median)}{brackets}{marks}"


def _footing(run: Run) -> Iterator[str]:
    for found in scores(run.outcomes):
        yield f"- {words.sentence(found)}"
    for outcome in run.outcomes:
        if outcome.views:
            took = ", ".join(f"{n} {t}" for n, t in words.views(outcome).items())
            yield f"- `view`, {outcome.work.title}: {took}"
    for mark, meaning in words.legend(run.outcomes).items():
        yield f"- *{mark}*: {meaning}"
    for name, reason in run.missing.items():
        yield f"- {name}: {reason}"
