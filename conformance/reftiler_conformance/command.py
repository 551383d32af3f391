"""``reftiler conform``: a tiler put to the specification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reftiler.cli.console import UsageError
from reftiler.errors import missing_extra
from reftiler_conformance.peers import BUILT_IN


def conform(
    subjects: Annotated[
        list[str],
        typer.Argument(
            metavar="SUBJECT",
            help=f"A tiler: module:attribute, or one of {', '.join(BUILT_IN)}.",
        ),
    ],
    *,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Put several subjects into one table.")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Where to ask; wherever it runs by default."),
    ] = None,
    clauses: Annotated[
        str,
        typer.Option(
            metavar="IDS",
            help="Clauses, families or checks to ask about: PAD,MERGE-003.",
        ),
    ] = "",
    spec: Annotated[
        str,
        typer.Option(metavar="VERSION", help="Of the specification, such as 1.0."),
    ] = "",
    examples: Annotated[
        int, typer.Option(metavar="COUNT", min=1, help="Cases for each check.")
    ] = 60,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few cases for each check.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first clause that fails.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option(metavar="NUMBER", min=0, help="Which cases: same seed, same run."),
    ] = 0,
    known: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML list of known failures."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For the record, the reports and counterexamples."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run's in FOLDER.")
    ] = False,
    python: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SUBJECT=]PATH",
            help="The Python of the environment a subject lives in; may be repeated.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="For each call.")
    ] = 10.0,
    replay: Annotated[
        str | None,
        typer.Option(metavar="CASE", help="Try this one case by --clauses."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the tests as pytest does.")
    ] = False,
) -> None:
    """Ask a tiler about every clause of the specification; find what it breaks.

    A clause that fails is shown with the smallest case that fails. What a tiler does
    not claim is unsupported: not failed, and not passed. The run is one of pytest,
    whose options may follow behind --. `reftiler spec` prints the clauses.

    [bold]Examples[/]

    reftiler conform torch
    reftiler conform mypackage.tiling:Tiler --quick --out report
    reftiler conform anomalib --python ~/anomalib/bin/python --clauses TYPE,BORDER
    reftiler conform --matrix torch kornia patchify --out matrix
    reftiler conform torch -- -k "MERGE and cpu" -x -n 2

    Exit codes: 0 it conforms, 1 it does not, 2 the call was wrong, 3 the adapter or
    the kit failed, or the run was cut short.
    """
    try:
        # Both are slow to import.
        from reftiler_conformance import conforming, evaluate  # noqa: PLC0415
    except ImportError as error:
        what = "the conformance kit needs its extra"
        raise UsageError(str(missing_extra(what, "conformance", error))) from error
    named, words = conforming.behind_dashes(subjects)
    call = conforming.Call(
        asked={
            "known": known,
            "device": device,
            "clauses": clauses,
            "examples": evaluate.QUICK if quick else examples,
            "seed": seed,
            "spec": spec,
            "timeout": timeout,
        },
        out=out,
        overwrite=overwrite,
        pythons=tuple(python or ()),
        pytest_options=(*words, *(["-v"] * verbose), *(["-x"] * fail_fast)),
    )
    if replay is not None:
        code = conforming.replay(named, call, replay)
    elif matrix:
        code = conforming.matrix(named, call)
    else:
        code = conforming.single(named, call)
    if code:
        raise typer.Exit(code)
