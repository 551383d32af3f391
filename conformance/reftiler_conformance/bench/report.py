"""A whole run, and how it is written: JSON with every round, and Markdown."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from reftiler.json_io import pretty_json
from reftiler_conformance.bench import format as fmt
from reftiler_conformance.bench.results import LIMIT, OUT, VERBS, Outcome, scores
from reftiler_conformance.bench.scaling import SweepResult

FORMAT = 2
"""The version of the JSON."""


@dataclass
class BenchRun:
    """Everything that one call measured."""

    sysinfo: dict[str, Any]
    versions: dict[str, str]
    rounds: int
    missing: dict[str, str]
    """Why a library is not here."""
    outcomes: list[Outcome] = field(default_factory=list)
    scaling: list[SweepResult] = field(default_factory=list)
    startup: dict[str, float] = field(default_factory=dict)
    """Seconds in a fresh process, by what was measured."""


def to_json(run: BenchRun) -> str:
    """Write everything, every round of it."""
    content = asdict(run, dict_factory=_plain)
    content["scores"] = [asdict(score) for score in scores(run.outcomes)]
    return pretty_json({"format": FORMAT, **content, "memory": fmt.MEMORY}) + "\n"


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
    tables = [_table(run, verb) for verb in VERBS]
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
        yield fmt.sentence(found)
    for outcome in run.outcomes:
        if outcome.views:
            yield f"view, {outcome.work.title}: {fmt.views(outcome)}"
    for body, ran in _backends(run).items():
        yield f"{body}: {', '.join(ran)}"
    for name, seconds in run.startup.items():
        yield f"{name}, in a fresh process: {fmt.milliseconds(seconds)} ms"
    for caveat, meaning in fmt.legend(run.outcomes).items():
        yield f"*{caveat}*: {meaning}"
    yield fmt.MEMORY


def _backends(run: BenchRun) -> dict[str, list[str]]:
    """Return on what each body of reftiler ran."""
    found: dict[str, list[str]] = {}
    for outcome in run.outcomes:
        for verb, by_name in outcome.timings.items():
            for name, timing in by_name.items():
                if timing.backend and not name.endswith(OUT):
                    body = f"{name} ran on {timing.backend}"
                    found.setdefault(body, []).append(f"{verb} {outcome.work.title}")
    return found


def _table(run: BenchRun, verb: str) -> str:
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
    ratio = fmt.compared(outcome, verb, name)
    if name.endswith(OUT):
        ratio = outcome.ratio(verb, name, LIMIT)
    brackets = f" ({fmt.digits(ratio)})" if fmt.digits(ratio) else ""
    notes = sorted(timing.caveats)
    if timing.busy_seconds:
        notes.insert(0, f"busy ×{fmt.digits(timing.slowdown)}")
    return ", ".join([f"{fmt.milliseconds(timing.median)}{brackets}", *notes])
