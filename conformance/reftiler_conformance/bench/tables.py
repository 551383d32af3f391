"""The tables on the screen."""

from collections.abc import Iterator

from rich import box
from rich.table import Table

from reftiler_conformance.bench import format as fmt
from reftiler_conformance.bench.results import LIMIT, Outcome
from reftiler_conformance.bench.scaling import SweepResult


def workload_table(outcome: Outcome) -> Table:
    """Show one workload, verb by verb."""
    timings = [t for by_name in outcome.timings.values() for t in by_name.values()]
    busy = any(timing.busy_seconds for timing in timings)
    made = _table(outcome.work.title)
    columns = ["ms", "", "× limit", f"× {fmt.short(outcome.base('tile'))}", "MiB"]
    for name in columns + ["× alone"] * busy:
        made.add_column(name, justify="right")
    made.add_column("", style="dim")
    for verb, by_name in outcome.timings.items():
        made.add_row(f"[bold]{verb}[/]")
        for name, timing in by_name.items():
            if not timing.seconds:
                continue
            made.add_row(
                f"  {name}",
                fmt.milliseconds(timing.median),
                fmt.percent(timing.spread),
                fmt.digits(outcome.ratio(verb, name, LIMIT)),
                fmt.digits(fmt.compared(outcome, verb, name)),
                fmt.mebibytes(timing.memory),
                *([fmt.digits(timing.slowdown)] if busy else []),
                ", ".join(filter(None, (timing.backend, *sorted(timing.caveats)))),
                style="cyan" if name.startswith("reftiler") else None,
            )
    return made


def reasons(outcome: Outcome) -> Iterator[str]:
    """Say which libraries could not do it, and why."""
    names: dict[str, dict[str, None]] = {}
    for by_name in outcome.timings.values():
        for name, timing in by_name.items():
            if timing.reason:
                names.setdefault(timing.reason, {})[name] = None
    for reason, found in names.items():
        yield f"{reason}: {', '.join(found)}"


def scaling_table(result: SweepResult) -> Table:
    """Show how level the cost was."""
    sweep = result.sweep
    made = _table("")
    made.title = f"{sweep.name}: {sweep.unit} per {sweep.per}; {sweep.axis}"
    made.title_justify = "left"
    for at in sweep.at:
        made.add_column(f"{at:g}", justify="right")
    made.add_column("max/min", justify="right")
    for verb, by_name in result.outcomes[0].timings.items():
        made.add_row(f"[bold]{verb}[/]")
        for name in by_name:
            costs = dict(result.costs(verb, name))
            shown = [fmt.digits(costs[at]) if at in costs else "" for at in sweep.at]
            made.add_row(
                f"  {name}", *shown, fmt.digits(result.max_over_min(verb, name))
            )
    return made


def _table(title: str) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column(title, no_wrap=True)
    return made
