"""``reftiler conform``: a tiler put to the specification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reftiler.cli.console import UsageError, stderr
from reftiler_conformance.subjects import BUILT_IN


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
        str | None,
        typer.Option(
            metavar="IDS", help="Clauses or families to ask about: PAD,MERGE-003."
        ),
    ] = None,
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
        typer.Option(metavar="CASE", help="Try this one case of --clauses."),
    ] = None,
) -> None:
    """Ask a tiler about every clause of the specification; find what it breaks.

    A clause that fails is shown with the smallest case that fails. What a tiler does
    not claim is unsupported: not failed, and not passed. Exit codes: 0 it conforms,
    1 it does not, 2 a bad call, 3 the adapter or the kit failed.

    [bold]Examples[/]

    reftiler conform torch
    reftiler conform mypackage.tiling:Tiler --quick --out report
    reftiler conform anomalib --python ~/anomalib/bin/python --clauses TYPE,BORDER
    reftiler conform --matrix torch kornia patchify --out matrix
    """
    try:
        from reftiler_conformance import conforming  # noqa: PLC0415 - it needs hypothesis
        from reftiler_conformance.exchange import HarnessError  # noqa: PLC0415 - numpy
    except ImportError as error:
        raise UsageError(
            'the conformance kit needs its extra: pip install "reftiler[conformance]" '
            f"({error})"
        ) from error
    asked = conforming.Asked(
        device=device,
        clauses=tuple(filter(None, (clauses or "").replace(" ", "").split(","))),
        examples=conforming.QUICK if quick else examples,
        fail_fast=fail_fast,
        seed=seed,
        known=known,
        out=out,
        pythons=tuple(python or ()),
        timeout=timeout,
    )
    try:
        if replay is not None:
            code = conforming.replay(subjects, asked, replay)
        elif matrix:
            code = conforming.matrix(subjects, asked)
        else:
            code = conforming.single(subjects, asked)
    except HarnessError as error:
        stderr.print("[bold red]error:[/]", end=" ")
        stderr.print(str(error), markup=False, soft_wrap=True)
        code = 3
    if code:
        raise typer.Exit(code)
