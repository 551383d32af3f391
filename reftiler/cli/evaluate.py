"""``reftiler evaluate``: how well anomaly maps find the defects of a data set."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich import box
from rich.table import Table

from reftiler.cli.console import (
    UsageError,
    as_usage_error,
    progress,
    say_notes,
    stdout,
)
from reftiler.cli.options import FindingOptions, flag, option
from reftiler.errors import count, printable

if TYPE_CHECKING:
    from reftiler.map_scores import Evaluation

_Figure: TypeAlias = float | tuple[int, int]
_Row: TypeAlias = tuple[str, Sequence[_Figure]]


@dataclass(frozen=True)
class ScoreOptions:
    """How the maps are scored, and how that is shown."""

    aupro_limits: str = option(
        "False-positive rates up to which AUPRO is taken.", "RATES", "0.3,0.05"
    )
    rate: float = option(
        "Share of good pixels that may be found where defects are counted.",
        "RATE",
        0.01,
        name="--fpr",
    )
    image_score: str = option(
        "Of an image: max, mean, or top, the mean of the largest 1 %.", "RULE", "max"
    )
    skip_missing: bool = flag("Leave out images that lack a map in some folder.")
    as_json: bool = flag("For programs: images and defects one by one.", name="--json")
    as_csv: bool = flag("The table as CSV.", name="--csv")


def evaluate(
    maps: Annotated[
        list[str],
        typer.Argument(
            metavar="MAPS",
            help="Folders of anomaly maps, each a column: FOLDER, or NAME=FOLDER.",
        ),
    ],
    dataset: Annotated[
        Path,
        typer.Argument(metavar="DATASET", help="Images and their masks."),
    ],
    own: ScoreOptions,
    finding: FindingOptions,
) -> None:
    """Say how well anomaly maps find the defects of a data set.

    A map belongs to an image by its path: scratch/000.npy or 000_map.tif to
    test/scratch/000.png. It may have another resolution. All columns are of the same
    images: those of the test split, where there is one.

    AUROC and AUPRO are exact, over all pixels of the set. A defect is found at a
    false-positive rate if one of its pixels is, at the least threshold at which no
    more than that share of all good pixels is found.

    [bold]Examples[/]

    reftiler evaluate maps bottle
    reftiler evaluate maps/resized maps/tiled whole=maps/untiled bottle
    reftiler evaluate maps bottle --fpr 0.001 --image-score top --csv > bottle.csv
    """
    from reftiler.map_scores import EvaluationOptions  # noqa: PLC0415
    from reftiler.map_scores import evaluate as evaluate_maps  # noqa: PLC0415

    if own.as_json and own.as_csv:
        raise UsageError("--json and --csv are two forms of one result: give one")
    folders = _folders(maps)
    with as_usage_error():
        options = EvaluationOptions(
            limits=_rates(own.aupro_limits),
            rate=own.rate,
            score=own.image_score,
            mask_threshold=finding.mask_threshold,
            skip_missing=own.skip_missing,
        )
    found = finding.find(dataset)
    with progress("Reading maps", 2 * len(found) * len(folders)) as advance:
        result = evaluate_maps(found, folders, options, advance)
    if own.as_json:
        content = {"dataset": str(dataset), **result.to_dict()}
        typer.echo(json.dumps(content, indent=1, allow_nan=False))
    elif own.as_csv:
        typer.echo(_csv(result), nl=False)
    else:
        _show(result, found.notes)


def _folders(given: list[str]) -> dict[str, Path]:
    """Name each folder; its own name will do where it is the only one of that name."""
    folders: dict[str, Path] = {}
    for text in given:
        name, equals, rest = text.partition("=")
        path = Path(rest) if equals and not Path(text).exists() else Path(text)
        if not path.exists():
            raise UsageError(f"there are no maps {path}: give a folder of maps")
        name = name if path == Path(rest) and equals else path.resolve().name
        if name in folders:
            raise UsageError(
                f"two folders of maps are called {name}: name them, {name}1="
                f"{folders[name]} {name}2={path}"
            )
        folders[name] = path
    return folders


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise UsageError(
            f"--aupro-limits must be numbers such as 0.3,0.05, got {text!r}"
        ) from None


def _rows(result: Evaluation) -> list[_Row]:
    """Return the rows of the table: what is measured, and a figure for each column."""
    from reftiler.evaluation import SCORES  # noqa: PLC0415 - slow to import

    options, maps = result.options, result.maps
    rate = f"at FPR {options.rate:g}"
    rows: list[_Row] = [
        ("pixel AUROC", [one.pixel_auroc for one in maps]),
        *(
            (f"AUPRO, FPR up to {limit:g}", [one.aupro[place] for one in maps])
            for place, limit in enumerate(options.limits)
        ),
        (
            f"image AUROC, by the {SCORES[options.score]}",
            [one.image_auroc for one in maps],
        ),
        (f"defects found {rate}", [one.found() for one in maps]),
    ]
    if len(result.labels) > 1:
        rows += [
            (f"  {label}", [one.found(label) for one in maps])
            for label in result.labels
        ]
    return [*rows, (f"threshold {rate}", [one.threshold for one in maps])]


def _show(result: Evaluation, notes: tuple[str, ...]) -> None:
    images = result.maps[0].images
    bad = sum(one.defective for one in images)
    stdout.print(
        f"[bold]{count(len(images), 'image')}[/], {bad:,} of them with "
        f"{count(len(result.maps[0].defects), 'defect')}"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for one in result.maps:
        table.add_column(printable(one.name), justify="right")
    for name, figures in _rows(result):
        table.add_row(name, *map(_figure, figures))
    stdout.print(table)
    say_notes([*notes, *result.notes])


def _figure(value: _Figure) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:,} of {value[1]:,}"
    return "none" if math.isnan(value) else f"{value:.4g}"


def _csv(result: Evaluation) -> str:
    """Write the table in full precision; of defects, the share that is found."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["measure", *(one.name for one in result.maps)])
    for name, figures in _rows(result):
        exact = [
            f[0] / (f[1] or math.nan) if isinstance(f, tuple) else f for f in figures
        ]
        writer.writerow([name.strip(), *("" if math.isnan(f) else f for f in exact)])
    return buffer.getvalue()
