"""``reftiler tile``: images to a folder of tiles."""

from pathlib import Path
from typing import Annotated

import typer

from reftiler.checks import choice
from reftiler.cli.console import CallError, bad_call, count, progress, stdout, times
from reftiler.cli.options import TilingOptions
from reftiler.datasets import find_samples
from reftiler.errors import TilingError
from reftiler.folders.export import Export, plan_export
from reftiler.folders.manifest import FORMATS, NAME, Manifest


def tile(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="An image, a folder of images, or a data set."
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The folder for the tiles; new or empty."),
    ],
    options: TilingOptions,
    file_format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="png, tiff or npy.")
    ] = "png",
    skip_empty: Annotated[
        bool,
        typer.Option("--skip-empty", help="Keep only tiles with a marked pixel."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the tiles of an earlier run in OUT."),
    ] = False,
) -> None:
    """Cut images into tiles, their masks in step, and write a manifest.

    The mask of part.png is called part_mask.png and lies beside it. A data set has
    the layout of MVTec AD, and so have its tiles. All images are checked before the
    first tile is written; a run that fails leaves no manifest.

    [bold]Examples[/]

    reftiler tile part.png tiles --tile 256 --stride 128
    reftiler tile bottle tiles --config patchcore.yaml
    reftiler tile bottle defects --tile 256 --overlap 64 --skip-empty
    reftiler tile scans crops --tile 512 --random 16 --seed 7 --format tiff
    """
    config = options.resolve()
    with bad_call():
        choice(file_format, "--format", tuple(FORMATS))
    if not source.exists():
        raise CallError(f"there is no {source}: give an image, a folder or a data set")
    earlier = _check_room(out, overwrite=overwrite)
    samples = find_samples(source)
    with progress("Checking images", len(samples)) as advance:
        export = plan_export(
            samples,
            config,
            source=source,
            file_format=file_format,
            skip_empty=skip_empty,
            advance=advance,
        )
    with progress("Writing tiles", export.count) as advance:
        export.write(out, earlier=earlier, advance=advance)
    _tell(export, out)


def _check_room(out: Path, *, overwrite: bool) -> Manifest | None:
    """Refuse a folder with something in it, or return its manifest to replace it."""
    if out.exists() and not out.is_dir():
        raise CallError(f"{out} is a file: give a new or empty folder for the tiles")
    if not out.is_dir() or not any(out.iterdir()):
        return None
    if not overwrite:
        raise CallError(
            f"{out} is not empty: give another folder, or --overwrite to replace the "
            "tiles of an earlier run"
        )
    try:
        return Manifest.read(out)
    except TilingError as error:
        raise CallError(
            f"{error}; --overwrite removes only what the {NAME} of an earlier run "
            "lists: empty the folder, or give another"
        ) from error


def _tell(export: Export, out: Path) -> None:
    images = export.manifest.images
    masks = sum(image.mask is not None for image in images)
    with_masks = f" ({masks} with a mask)" if masks else ""
    sizes = {image.grid.tiler.tile_size for image in images}
    stdout.print(
        f"Wrote [bold]{count(export.count, 'tile')}[/] of {times(sizes.pop())} from "
        f"{count(len(images), 'image')}{with_masks} to",
        end=" ",
    )
    stdout.print(str(out), markup=False, soft_wrap=True)
    left_out = sum(image.missing for image in images)
    if export.manifest.skip_empty:
        stdout.print(f"Left out {count(left_out, 'tile')} without a marked pixel")
