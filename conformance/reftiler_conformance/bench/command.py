"""``reftiler bench``: every installed tiler on the same work, interleaved."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reftiler.cli.console import UsageError, as_usage_error, refuse_existing, stdout
from reftiler.errors import TilingError, missing_extra
from reftiler_conformance.command import flag, option

if TYPE_CHECKING:
    from reftiler_conformance.bench.benchmark import BenchPlan
    from reftiler_conformance.bench.report import BenchRun

_DEVICES = ("cpu", "cuda")


_STARTUP = "Time imports and first calls, in fresh processes."
Names = list[str] | None
Count = int | None


def bench(  # noqa: PLR0913 - an option each
    quick: Annotated[bool, flag("--quick", words="Small images, few rounds.")] = False,
    only: Annotated[Names, option("NAME…", "These tilers, apart by commas.")] = None,
    workloads: Annotated[Names, option("NAME…", "This work, apart by commas.")] = None,
    rounds: Annotated[Count, option("COUNT", "Calls of each; 9, quick 3.")] = None,
    threads: Annotated[Count, option("COUNT", "As many as cores by default.")] = None,
    device: Annotated[str, option("NAME", f"One of {', '.join(_DEVICES)}.")] = "cpu",
    out: Annotated[
        Path | None, option("FOLDER", "For bench.json, bench.md and plots.")
    ] = None,
    overwrite: Annotated[
        bool, flag("--overwrite", words="Replace an earlier run's in FOLDER.")
    ] = False,
    growth: Annotated[
        bool | None,
        typer.Option(help="How cost grows; by default unless --quick or chosen work."),
    ] = None,
    busy: Annotated[
        int, option("COUNT", "Time all again beside so many busy processes.")
    ] = 0,
    startup: Annotated[
        bool,
        flag("--startup", words=_STARTUP),
    ] = False,
) -> None:
    """Time every installed tiler on the same work, and check what it makes.

    All are timed in one process, interleaved. The limit is what the hardware allows:
    copying all tiles into a reused buffer, or reading them once and copying the image,
    with all threads.

    [bold]Examples[/]

    reftiler bench --quick
    reftiler bench --only reftiler.torch,anomalib --workloads large
    reftiler bench --only reftiler.torch,monai --busy 2 --startup --no-growth
    reftiler bench --out bench

    Exit codes: 0 done, 1 reftiler made something wrong or the work failed, 2 the call
    was wrong.
    """
    from reftiler.validation import as_int, one_of  # noqa: PLC0415 - it needs numpy
    from reftiler_conformance.bench import benchmark  # noqa: PLC0415 - only where it is asked

    with as_usage_error():
        one_of(device, "--device", _DEVICES)
        for number, option in ((rounds, "--rounds"), (threads, "--threads")):
            if number is not None:
                as_int(number, option, minimum=1)
        as_int(busy, "--busy", minimum=0)
        plan = benchmark.plan(
            only=_names(only, "--only", benchmark.NAMES),
            workloads=_names(workloads, "--workloads", benchmark.WORK),
            quick=quick,
            rounds=rounds,
            threads=threads,
            device=device,
            growth=growth,
            busy=busy,
            startup=startup,
        )
    if out is not None:
        _check_out(out, overwrite=overwrite)
    run = _measured(plan)
    if out is not None:
        _write(run, out)
    wrong = [words for outcome in run.outcomes for words in outcome.wrong()]
    if wrong:
        raise TilingError(f"reftiler itself is wrong: {'; '.join(wrong)}")


def _names(given: list[str] | None, option: str, known: list[str]) -> list[str]:
    """Return the names that were given, those between commas apart."""
    from reftiler.validation import suggest  # noqa: PLC0415 - it needs numpy

    names = [name.strip() for part in given or () for name in part.split(",")]
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f": known are {', '.join(known)}"
            raise UsageError(f"{option} has no {name!r}{hint}")
    return list(dict.fromkeys(names))


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Refuse what cannot be written before anything is measured."""
    from reftiler.atomic import OutputTransaction, atomic_write  # noqa: PLC0415

    try:
        import reftiler_conformance.bench.plot  # noqa: F401, PLC0415 - better now than in an hour
    except ImportError as error:
        words = "--out draws plots and needs its extra"
        raise UsageError(str(missing_extra(words, "conformance", error))) from error
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: give a folder")
    refuse_existing([out / "bench.json"], overwrite=overwrite)
    probe = out / ".reftiler-bench"
    try:
        with OutputTransaction() as written:
            written.write(probe, partial(atomic_write, data=b""))
        probe.unlink()
    except TilingError as error:
        raise UsageError(str(error)) from error


def _measured(plan: "BenchPlan") -> "BenchRun":
    """Measure, and show each table once it is there."""
    from reftiler_conformance.bench import report, startup  # noqa: PLC0415 - only where it is asked

    run = plan.run()
    if plan.startup:  # first: it fails where there is no torch
        run.startup = startup.measure_startup(plan.threads, plan.device)
    stdout.print(report.headline(run), markup=False, soft_wrap=True)
    for name, reason in plan.missing.items():
        stdout.print(f"{name}: {reason}", style="dim", markup=False, soft_wrap=True)
    for outcome in plan.outcomes():
        run.outcomes.append(outcome)
        stdout.print()
        stdout.print(report.workload_table(outcome))
        for line in report.reasons(outcome):
            stdout.print(line, style="dim", markup=False, soft_wrap=True)
    for result in plan.scaling():
        run.scaling.append(result)
        stdout.print()
        stdout.print(report.scaling_table(result))
    stdout.print()
    for line in report.closing(run):
        stdout.print(line, markup=False, soft_wrap=True)
    return run


def _write(run: "BenchRun", out: Path) -> None:
    """Write JSON, Markdown and plots, all or none."""
    from reftiler.atomic import OutputTransaction, atomic_write  # noqa: PLC0415
    from reftiler_conformance.bench import plot, report  # noqa: PLC0415 - only where it is asked

    files = {
        "bench.json": report.to_json(run).encode(),
        "bench.md": report.to_markdown(run).encode(),
        "bench.png": plot.ratios(run.outcomes),
    }
    if run.scaling:
        files["scaling.png"] = plot.scaling(run.scaling)
    with OutputTransaction() as written:
        for name, data in files.items():
            written.write(out / name, partial(atomic_write, data=data))
    stdout.print(f"Wrote {', '.join(files)} to", end=" ")
    stdout.print(str(out), markup=False, soft_wrap=True)
