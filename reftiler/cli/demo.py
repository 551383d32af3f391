"""``reftiler demo``: what resizing loses and tiling keeps, as pictures and words."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reftiler.cli.console import (
    UsageError,
    as_usage_error,
    progress,
    refuse_existing,
    say,
    stdout,
)
from reftiler.cli.options import ReadingOptions, Text, TilingOptions, flag, option
from reftiler.errors import TilingError, count, printable

if TYPE_CHECKING:
    from reftiler.cli.demo_report import DemoReport

_TILE, _STRIDE = 256, 192
"""What is shown without options: an overlap in which a defect is whole somewhere."""

_TEXTURES = ("brick", "grass", "gravel")
_DEFECTS = ("spot", "scratch", "dent")
_STORY = "story.txt"
_MAX_PIXELS = 2**26  # of an image, which is measured and drawn whole


@dataclass(frozen=True)
class DemoOptions:
    """The options of this command alone."""

    out: Path = option("Where the pictures go.", "FOLDER", Path("reftiler-demo"))
    texture: Text = option(f"Of the sample. One of {', '.join(_TEXTURES)}.", "NAME")
    defect: Text = option(f"Of the sample. One of {', '.join(_DEFECTS)}.", "NAME")
    overwrite: bool = flag("Replace an earlier demo in FOLDER.")


def demo(
    own: DemoOptions,
    options: TilingOptions,
    reading: ReadingOptions,
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE",
            help="An image of your own; a bundled sample by default.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Argument(
            metavar="MASK",
            help="Where its defects are; nothing is said of them without.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what resizing loses of small defects, and tiling keeps.

    Needs no data and no display: it writes PNG pictures and story.txt to a folder.
    Without options, tiles are 256 pixels wide and overlap by 64; for images of less
    than 256 pixels they are smaller.

    [bold]Examples[/]

    reftiler demo
    reftiler demo part.png part_mask.png --out part
    reftiler demo --texture grass --defect scratch --out grass
    reftiler demo --tile 300 --mode even --out even
    """
    if image is None:
        report = _of_sample(options, own)
    elif own.texture or own.defect:
        raise UsageError("--texture and --defect choose a sample: leave out IMAGE")
    else:
        report = _of_image(options, reading, image, mask)
    from reftiler.cli.demo_figures import figures_of  # noqa: PLC0415 - slow to import

    words = figures_of(report)
    resized_to = "resized-to-" + "x".join(map(str, report.size))
    files = {
        f"{place:02d}-{resized_to if name == 'resized' else name}.png": name
        for place, name in enumerate(words, start=1)
    }
    _check_room(own, [*files, _STORY], [image, mask])
    _write(report, own.out, files, words)
    for sentence in report.sentences():
        stdout.print(printable(sentence), markup=False)
    if report.seen:
        stdout.print()
        stdout.print(report.table())
    stdout.print()
    stdout.print(f"Wrote {count(len(files), 'picture')} and {_STORY} to", end=" ")
    say(str(own.out))


def _of_sample(options: TilingOptions, own: DemoOptions) -> "DemoReport":
    from reftiler.cli.demo_report import DemoReport  # noqa: PLC0415 - slow to import
    from reftiler.samples import TEXTURES, sample  # noqa: PLC0415
    from reftiler.validation import one_of  # noqa: PLC0415

    with as_usage_error():
        surface = one_of(own.texture or _TEXTURES[0], "--texture", TEXTURES)
        kind = one_of(own.defect or _DEFECTS[0], "--defect", _DEFECTS)
    made = sample(surface, kind, 1)
    kinds = {one.box: one.kind for one in made.defects}
    return DemoReport(made.image, made.mask, _grid(options, made.image), kinds)


def _of_image(
    options: TilingOptions, reading: ReadingOptions, path: Path, mask: Path | None
) -> "DemoReport":
    from reftiler.cli.demo_report import DemoReport  # noqa: PLC0415 - slow to import
    from reftiler.io import read_mask  # noqa: PLC0415

    for given in (path, mask):
        if given is not None and not given.exists():
            raise UsageError(f"there is no {given}: give an image file")
    image, notes = _read(path, reading)
    marked = None if mask is None else read_mask(mask)
    if marked is not None and marked.shape != image.shape[:2]:
        raise TilingError(
            f"{mask} is {marked.shape}, {path} {image.shape[:2]}: a mask must have "
            "its image's size"
        )
    return DemoReport(image, marked, _grid(options, image), notes=notes)


def _read(path: Path, reading: ReadingOptions) -> tuple[Any, tuple[str, ...]]:
    """Read an image whole as colours of finite numbers, and say what that left out."""
    import numpy as np  # noqa: PLC0415 - help needs no numpy

    opened = reading.open(path)
    if opened.shape[0] * opened.shape[1] > _MAX_PIXELS:
        raise TilingError(
            f"{path} is {opened.shape[:2]}, and the demo draws whole images of up to "
            f"{_MAX_PIXELS:,} pixels: give a part of it, or see `reftiler grid`"
        )
    info = opened.info
    image, notes = np.asarray(opened[...]), list(info.notes)
    if info.alpha:
        image = image[..., :-1]
        notes.append("Its alpha channel is left out.")
    channels = image.shape[2] if image.ndim == 3 else 1
    if channels not in (1, 3):
        seen = "first three" if channels > 3 else "first"
        notes.append(f"Figures show the {seen} of its {channels} channels.")
    bad = image.size - np.count_nonzero(np.isfinite(image))
    if bad:
        notes.append(f"{bad:,} of its values are no finite numbers; they count as 0.")
        image = np.nan_to_num(image, nan=0, posinf=0, neginf=0)
    if image.dtype.itemsize == 8:  # resizing takes no 64-bit integers
        image = image.astype(np.float64)
    return image, tuple(notes)


def _grid(options: TilingOptions, image: Any) -> Any:
    """Plan the tiles, of a size that suits the image where none was given."""
    if options.tile is None and options.config is None:
        shorter = min(image.shape[:2])
        tile = _TILE if shorter >= _TILE else max(8, 2 ** (shorter.bit_length() - 2))
        stride = str(tile * _STRIDE // _TILE)
        if options.stride or options.overlap:
            options = replace(options, tile=str(tile))
        else:
            options = replace(options, tile=str(tile), stride=stride)
    config = options.resolve()
    assert config.tiler is not None
    tiler = replace(config.tiler, channels_last=True)
    with as_usage_error():
        return replace(config, tiler=tiler).plan(image.shape[:2])


def _check_room(own: DemoOptions, names: list[str], inputs: list[Path | None]) -> None:
    out = own.out
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: give a folder for the pictures")
    there = [out / name for name in names if (out / name).exists()]
    for path in there:
        if any(given is not None and path.samefile(given) for given in inputs):
            raise UsageError(f"{path} is what is to be shown: give another folder")
    refuse_existing(there, overwrite=own.overwrite)


def _write(
    report: "DemoReport", out: Path, files: dict[str, str], words: dict[str, str]
) -> None:
    """Write the figures, and the report and what each shows in 80 characters a line."""
    from reftiler.atomic import OutputTransaction, atomic_write  # noqa: PLC0415
    from reftiler.cli.demo_figures import FIGURES  # noqa: PLC0415 - slow to import
    from reftiler.io import write_image  # noqa: PLC0415

    paragraphs = [fill(sentence, 80) for sentence in report.sentences()]
    with progress("Drawing", len(files)) as advance, OutputTransaction() as written:
        for name, figure in files.items():
            picture = FIGURES[figure][0](report)
            written.write(out / name, partial(write_image, image=picture))
            paragraphs.append(f"{name}\n{fill(words[figure], 80)}")
            advance()
        text = "\n\n".join(paragraphs) + "\n"
        written.write(out / _STORY, partial(atomic_write, data=text.encode()))
