"""``reftiler untile``: a folder of tiles to images."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from reftiler.atomic import OutputTransaction
from reftiler.cli.console import CallError, bad_call, count, progress_of, stdout
from reftiler.cli.options import number
from reftiler.dtypes import check_representable
from reftiler.errors import TilingError
from reftiler.io import IMAGE_SUFFIXES, create_image, write_image
from reftiler.io.write import STREAMED
from reftiler.io.zarr_io import SUFFIX as ZARR
from reftiler.tilesets.manifest import ImageTiles, Manifest
from reftiler.tilesets.reassemble import restore_image, restore_mask, uncovered
from reftiler.tilesets.tile_storage import FORMATS
from reftiler.validation import Real

_LOSSLESS = (".png", *STREAMED)


def untile(
    folder: Annotated[
        Path, typer.Argument(metavar="TILES", help="What `reftiler tile` wrote.")
    ],
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT",
            help="An image file (.png, .tif, .npy, .zarr), or a folder for all images.",
        ),
    ],
    fill: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="The value of pixels that are in no tile."),
    ] = None,
    masks: Annotated[
        bool, typer.Option("--masks", help="Put the masks together instead.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace images that are there already.")
    ] = False,
) -> None:
    """Put the tiles of a folder together again, by its manifest alone.

    Every pixel comes back as it was (of 64-bit types the mean of overlapping tiles
    may round). Results in .npy, .tif and .zarr are written piece by piece and may be
    larger than memory. Tiles changed by a model are merged as they were told to when
    they were cut: --window, --merge and --border.

    [bold]Examples[/]

    reftiler untile tiles whole.png
    reftiler untile tiles restored
    reftiler untile defects sparse --fill 0
    """
    value = None if fill is None else number(fill, "--fill")
    if not folder.is_dir():
        raise CallError(f"there is no folder {folder}: give what `reftiler tile` wrote")
    manifest = Manifest.read(folder)
    images = [image for image in manifest.images if image.masks or not masks]
    if not images:
        raise CallError(f"no image in {folder} has a mask: leave out --masks")
    paths = _paths(images, result, FORMATS[manifest.format], masks=masks)
    _check_targets(folder, paths, overwrite=overwrite)
    if masks and manifest.skip_empty and value is None:
        value = 0  # the tiles left out are those without a marked pixel
    _check_fill(images, value, masks=masks)
    restore = restore_mask if masks else restore_image
    total = sum(len(image.tiles) for image in images)
    with (
        progress_of("Merging tiles", total, len(images)) as advance,
        OutputTransaction() as files,
    ):
        for image, path in zip(images, paths, strict=True):
            merge = partial(
                restore, folder, image, value, advance=lambda n: advance(n, 0)
            )
            files.write(path, partial(_write, merge=merge))
            advance(0, 1)
    tiles = count(total, "tile")
    what = count(len(images), "mask" if masks else "image")
    stdout.print(f"Put together [bold]{what}[/] from {tiles}:", end=" ")
    stdout.print(str(result), markup=False, soft_wrap=True)


def _write(path: Path, merge: Callable[..., Any]) -> None:
    """Write a result, piece by piece where its format is written so."""
    try:
        if path.suffix.lower() in STREAMED:
            merge(into=partial(create_image, path))
        else:
            write_image(path, merge())
    except TilingError as error:
        if str(path) in str(error):
            raise
        raise TilingError(f"{path}: {error}") from error


def _paths(
    images: list[ImageTiles], result: Path, suffix: str, *, masks: bool
) -> list[Path]:
    """Name the results: one file, or files in a folder, named as the images are."""
    wanted = result.suffix.lower()
    if wanted not in IMAGE_SUFFIXES or (result.is_dir() and wanted != ZARR):
        end = f"_mask{suffix}" if masks else suffix
        return [result / f"{image.id}{end}" for image in images]
    if wanted not in _LOSSLESS:
        raise CallError(
            f"{result}: results are written without loss, as {', '.join(_LOSSLESS)}"
        )
    if len(images) > 1:
        raise CallError(
            f"there are {len(images)} images to put together and one file {result}: "
            "give a folder"
        )
    return [result]


def _check_targets(folder: Path, paths: list[Path], *, overwrite: bool) -> None:
    for path in paths:
        if path.resolve().is_relative_to(folder.resolve()):
            raise CallError(
                f"{path} would lie among the tiles: give a RESULT outside of {folder}"
            )
        if path.exists() and not overwrite:
            raise CallError(f"{path} exists: give another RESULT, or --overwrite")


def _check_fill(images: list[ImageTiles], fill: Real | None, *, masks: bool) -> None:
    """Refuse before any work a value that does not fit, or none where one is due."""
    if fill is not None:
        for dtype in {"bool" if masks else image.dtype for image in images}:
            with bad_call():
                check_representable(fill, dtype, "--fill")
        return
    bare = [
        image
        for image in images
        if (masks or image.grid.tiler.fill is None) and uncovered(image)
    ]
    if bare:
        missing = sum(image.missing for image in bare)
        total = count(sum(len(image.grid) for image in bare), "tile")
        why = f" ({missing} of {total} were left out)" if missing else ""
        raise CallError(
            f"pixels of {count(len(bare), 'image')}, such as {bare[0].id}, lie in no "
            f"tile{why}: give the value that they shall have, --fill NUMBER"
        )
