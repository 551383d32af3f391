"""``reftiler bench``: every installed tiler on the same work, in turns."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reftiler.cli.console import CallError, bad_call, stdout
from reftiler.errors import TilingError
from reftiler.files import AllOrNothing, write_whole
from reftiler.validation import as_int, one_of, suggest

if TYPE_CHECKING:
    from reftiler.bench.benchmark import Plan
    from reftiler.bench.report import Run

_DEVICES = ("cpu", "cuda")


def bench(  # noqa: PLR0913, PLR0917 - an option each
    quick: Annotated[
        bool, typer.Option("--quick", help="Small images, few rounds: a minute.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME…", help="These tilers, apart by commas; else all."),
    ] = None,
    workloads: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME…", help="This work, apart by commas; else all."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(metavar="COUNT", help="Calls of each; 9, quick 3.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="COUNT", help="As many as cores by default.")
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {', '.join(_DEVICES)}.")
    ] = "cpu",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For bench.json, bench.md and plots."),
    ] = None,
    growth: Annotated[
        bool | None,
        typer.Option(help="How cost grows; by default unless --quick or chosen work."),
    ] = None,
) -> None:
    """Time every installed tiler on the same work, and check what it makes.

    All take turns in one process. The limit is what the hardware allows: copying all
    tiles into a reused buffer, or reading them once and copying the image, with all
    threads.

    [bold]Examples[/]

    reftiler bench --quick
    reftiler bench --only reftiler.torch,anomalib --workloads large
    reftiler bench --out bench
    """
    from reftiler.bench import benchmark  # noqa: PLC0415 - only where it is asked

    with bad_call():
        one_of(device, "--device", _DEVICES)
        for number, option in ((rounds, "--rounds"), (threads, "--threads")):
            if number is not None:
                as_int(number, option, minimum=1)
        plan = benchmark.plan(
            only=_names(only, "--only", benchmark.NAMES),
            workloads=_names(workloads, "--workloads", benchmark.WORK),
            quick=quick,
            rounds=rounds,
            threads=threads,
            device=device,
            growth=growth,
        )
    if out is not None:
        _check_room(out)
    run = _measured(plan)
    if out is not None:
        _write(run, out)
    wrong = [words for outcome in run.outcomes for words in outcome.wrong()]
    if wrong:
        raise TilingError(f"reftiler itself is wrong: {'; '.join(wrong)}")


def _names(given: list[str] | None, option: str, known: list[str]) -> list[str]:
    """Return the names that were given, those between commas apart."""
    names = [name.strip() for part in given or () for name in part.split(",")]
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f": known are {', '.join(known)}"
            raise CallError(f"{option} has no {name!r}{hint}")
    return list(dict.fromkeys(names))


def _check_room(out: Path) -> None:
    """Refuse what cannot be written before anything is measured."""
    try:
        import reftiler.bench.plot  # noqa: F401, PLC0415 - better now than in an hour
    except ImportError as error:
        raise CallError(
            f'--out draws plots and needs its extra: pip install "reftiler[bench]" '
            f"({error})"
        ) from error
    if out.exists() and not out.is_dir():
        raise CallError(f"{out} is a file: give a folder")
    probe = out / ".reftiler-bench"
    try:
        with AllOrNothing() as written:
            written.write(probe, partial(write_whole, data=b""))
        probe.unlink()
    except TilingError as error:
        raise CallError(str(error)) from error


def _measured(plan: "Plan") -> "Run":
    """Measure, and show each table once it is there."""
    from reftiler.bench import screen  # noqa: PLC0415 - only where it is asked

    run = plan.run()
    stdout.print(screen.headline(run), markup=False, soft_wrap=True)
    for name, reason in plan.missing.items():
        stdout.print(f"{name}: {reason}", style="dim", markup=False, soft_wrap=True)
    for outcome in plan.outcomes():
        run.outcomes.append(outcome)
        stdout.print()
        stdout.print(screen.table(outcome))
        for line in screen.reasons(outcome):
            stdout.print(line, style="dim", markup=False, soft_wrap=True)
    for growth in plan.grown():
        run.growth.append(growth)
        stdout.print()
        stdout.print(screen.growth_table(growth))
    stdout.print()
    for line in screen.closing(run):
        stdout.print(line, markup=False, soft_wrap=True)
    return run


def _write(run: "Run", out: Path) -> None:
    """Write JSON, Markdown and plots, all or none."""
    from reftiler.bench import plot, report  # noqa: PLC0415 - only where it is asked

    files = {
        "bench.json": report.to_json(run).encode(),
        "bench.md": report.to_markdown(run).encode(),
        "bench.png": plot.ratios(run.outcomes),
    }
    if run.growth:
        files["growth.png"] = plot.growth(run.growth)
    with AllOrNothing() as written:
        for name, data in files.items():
            written.write(out / name, partial(write_whole, data=data))
    stdout.print(f"Wrote {', '.join(files)} to", end=" ")
    stdout.print(str(out), markup=False, soft_wrap=True)
