"""``reftiler demo``: the whole story on the bundled sample, as pictures and words."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from reftiler.atomic import OutputTransaction, atomic_write
from reftiler.cli.console import CallError, bad_call, progress, stdout
from reftiler.cli.options import TilingOptions
from reftiler.cli.pictures import PICTURES
from reftiler.cli.story import Story
from reftiler.io import write_image
from reftiler.samples import TEXTURES, sample
from reftiler.validation import one_of

_OPTIONS = {"tile": "256", "stride": "192"}
"""What is shown without options: an overlap in which a defect is whole somewhere."""

_DEFECTS = ("spot", "scratch", "dent")
_STORY = "story.txt"


def demo(
    options: TilingOptions,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the pictures go.")
    ] = Path("reftiler-demo"),
    texture: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {', '.join(TEXTURES)}.")
    ] = TEXTURES[0],
    defect: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {', '.join(_DEFECTS)}.")
    ] = _DEFECTS[0],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier demo in FOLDER.")
    ] = False,
) -> None:
    """Show on a sample what resizing loses of small defects, and tiling keeps.

    Needs no data and no display: it writes PNG pictures and story.txt to a folder.
    Without options, tiles are 256 pixels wide and overlap by 64.

    [bold]Examples[/]

    reftiler demo
    reftiler demo --texture grass --defect scratch --out grass
    reftiler demo --tile 300 --mode even --out even
    """
    if options.tile is None and options.config is None:
        asked = options.stride or options.overlap
        options = replace(options, tile=_OPTIONS["tile"])
        options = options if asked else replace(options, stride=_OPTIONS["stride"])
    config = options.resolve()
    with bad_call():
        one_of(texture, "--texture", TEXTURES)
        one_of(defect, "--defect", _DEFECTS)
        made = sample(texture, defect, 1)
        assert config.tiler is not None
        tiler = replace(config.tiler, channels_last=True)
        grid = replace(config, tiler=tiler).plan(made.image.shape)
    story = Story(made, grid)
    files = _names(story)
    _check_room(out, [*files, _STORY], overwrite=overwrite)
    with progress("Drawing", len(files)) as advance, OutputTransaction() as written:
        for name, picture in files.items():
            draw, _ = PICTURES[picture]
            written.write(out / name, partial(write_image, image=draw(story)))
            advance()
        text = _text(story, files).encode()
        written.write(out / _STORY, partial(atomic_write, data=text))
    for sentence in story.sentences():
        stdout.print(sentence, markup=False)
    stdout.print()
    stdout.print(story.table())
    stdout.print()
    stdout.print(f"Wrote {len(files)} pictures and {_STORY} to", end=" ")
    stdout.print(str(out), markup=False, soft_wrap=True)


def _names(story: Story) -> dict[str, str]:
    """Name the files of the pictures, numbered in the order of the story."""
    names = [name for name in PICTURES if story.held or "defects" not in name]
    files = {}
    for place, name in enumerate(names, start=1):
        size = "x".join(map(str, story.size))
        words = f"resized-to-{size}" if name == "resized" else name
        files[f"{place:02d}-{words}.png"] = name
    return files


def _check_room(out: Path, names: list[str], *, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise CallError(f"{out} is a file: give a folder for the pictures")
    there = [name for name in names if (out / name).exists()]
    if there and not overwrite:
        raise CallError(f"{out / there[0]} exists: give another folder, or --overwrite")


def _text(story: Story, files: dict[str, str]) -> str:
    """Tell the story, and what each picture shows, in lines of 80 characters."""
    paragraphs = [fill(sentence, 80) for sentence in story.sentences()]
    for name, picture in files.items():
        paragraphs.append(f"{name}\n{fill(PICTURES[picture][1], 80)}")
    return "\n\n".join(paragraphs) + "\n"
