"""``reftiler conform``: a tiler put to the specification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reftiler.cli.console import UsageError
from reftiler.errors import missing_extra
from reftiler_conformance.peers import BUILT_IN


def option(metavar: str, words: str, **more: Any) -> Any:
    """Return an option of a command that takes a value."""
    return typer.Option(metavar=metavar, help=words, **more)


def flag(*names: str, words: str) -> Any:
    """Return an option of a command that takes none."""
    return typer.Option(*names, help=words)


_SUBJECT = f"A tiler: module:attribute, or one of {', '.join(BUILT_IN)}."
_DEVICE = "Where to ask; wherever it runs by default."
_CLAUSES = "Clauses, families or checks to ask about: PAD,MERGE-003."
_PYTHON = "The Python of the environment a subject lives in; may be repeated."
_QUICK = "A few cases for each check."
_FAST = "Stop at the first clause that fails."
_OUT = "For the record, the reports and counterexamples."


def conform(
    subjects: Annotated[list[str], typer.Argument(metavar="SUBJECT", help=_SUBJECT)],
    *,
    matrix: Annotated[
        bool, flag("--matrix", words="Put several subjects into one table.")
    ] = False,
    device: Annotated[str | None, option("NAME", _DEVICE)] = None,
    clauses: Annotated[str, option("IDS", _CLAUSES)] = "",
    spec: Annotated[str, option("VERSION", "Of the specification, such as 1.0.")] = "",
    examples: Annotated[int, option("COUNT", "Cases for each check.", min=1)] = 60,
    quick: Annotated[bool, flag("--quick", words=_QUICK)] = False,
    fail_fast: Annotated[bool, flag("--fail-fast", words=_FAST)] = False,
    seed: Annotated[
        int, option("NUMBER", "Which cases: same seed, same run.", min=0)
    ] = 0,
    known: Annotated[
        Path | None, option("FILE", "YAML list of known failures.")
    ] = None,
    out: Annotated[Path | None, option("FOLDER", _OUT)] = None,
    overwrite: Annotated[
        bool, flag("--overwrite", words="Replace an earlier run's in FOLDER.")
    ] = False,
    python: Annotated[list[str] | None, option("[SUBJECT=]PATH", _PYTHON)] = None,
    timeout: Annotated[float, option("SECONDS", "For each call.", min=0.1)] = 10.0,
    replay: Annotated[
        str | None, option("CASE", "Try this one case by --clauses.")
    ] = None,
    verbose: Annotated[
        bool, flag("--verbose", "-v", words="Show the tests as pytest does.")
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
