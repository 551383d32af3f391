"""The tables on the screen."""

from collections.abc import Iterator

from rich import box
from rich.table import Table

from reftiler.bench import words
from reftiler.bench.growth import Growth
from reftiler.bench.report import Run
from reftiler.bench.results import LIMIT, Outcome, scores


def headline(run: Run) -> str:
    """Say what runs where."""
    machine = run.machine
    names = ", ".join(f"{name} {found}" for name, found in run.versions.items())
    load = "" if machine["load"] is None else f", load {machine['load']}"
    return (
        f"{machine['cpu']}, {machine['threads']} threads{load}; {names}; medians of "
        f"{run.rounds} rounds"
    )


def table(outcome: Outcome) -> Table:
    """Show one workload, verb by verb."""
    made = _table(outcome.work.title)
    for name in ("ms", "", "× limit", f"× {words.short(outcome.base('tile'))}", "MiB"):
        made.add_column(name, justify="right")
    made.add_column("", style="dim")
    for verb, by_name in outcome.timings.items():
        made.add_row(f"[bold]{verb}[/]")
        for name, timing in by_name.items():
            if not timing.seconds:
                continue
            made.add_row(
                f"  {name}",
                words.milliseconds(timing.median),
                words.percent(timing.spread),
                words.digits(outcome.ratio(verb, name, LIMIT)),
                words.digits(words.compared(outcome, verb, name)),
                words.mebibytes(timing.memory),
                ", ".join(sorted(timing.marks)),
                style="cyan" if name.startswith("reftiler") else None,
            )
    if outcome.views:
        made.add_row("[bold]view[/]")
        for name, took in words.views(outcome).items():
            made.add_row(f"  {name}", took, style="cyan")
    return made


def reasons(outcome: Outcome) -> Iterator[str]:
    """Say who could not do it, and why."""
    names: dict[str, dict[str, None]] = {}
    for by_name in outcome.timings.values():
        for name, timing in by_name.items():
            if timing.reason:
                names.setdefault(timing.reason, {})[name] = None
    for reason, found in names.items():
        yield f"{reason}: {', '.join(found)}"


def growth_table(growth: Growth) -> Table:
    """Show how level the cost was."""
    sweep = growth.sweep
    made = _table("")
    made.title = f"{sweep.name}: {sweep.unit} per {sweep.per}; {sweep.axis}"
    made.title_justify = "left"
    for at in sweep.at:
        made.add_column(f"{at:g}", justify="right")
    made.add_column("max/min", justify="right")
    for verb, by_name in growth.outcomes[0].timings.items():
        made.add_row(f"[bold]{verb}[/]")
        for name in by_name:
            costs = dict(growth.costs(verb, name))
            shown = [words.digits(costs[at]) if at in costs else "" for at in sweep.at]
            made.add_row(f"  {name}", *shown, words.digits(growth.slack(verb, name)))
    return made


def closing(run: Run) -> Iterator[str]:
    """Say how reftiler stands, and what the words in the tables mean."""
    for found in scores(run.outcomes):
        yield words.sentence(found)
    for mark, meaning in words.legend(run.outcomes).items():
        yield f"{mark}: {meaning}"
    yield words.MEMORY


def _table(title: str) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column(title, no_wrap=True)
    return made
