"""The files that tiles are put together into: their names, their formats, their end."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.atomic import (
    FolderLock,
    OutputTransaction,
    remove,
    safe_join,
    stale_temp_files,
)
from reftiler.errors import TilingError, count
from reftiler.io import IMAGE_SUFFIXES, create_image, open_image, write_image
from reftiler.io.file_tree import fold
from reftiler.io.info import MAX_BYTES
from reftiler.io.lazy import size_of
from reftiler.io.write import STREAMED, suffix_of
from reftiler.io.zarr_metadata import SUFFIX as ZARR
from reftiler.streaming import ReadableArray
from reftiler.tilesets.reassemble import TiledImage, TiledImageSet, reassemble
from reftiler.tilesets.tile_arrays import stores
from reftiler.tilesets.tile_storage import FORMATS

RESULT_FORMATS = {**FORMATS, "ome.zarr": ".ome.zarr"}
"""The suffixes of results in a folder, by the names of formats."""

_LOSSLESS = (".png", *STREAMED)
_NO_FOLDERS = (".npz", ".svg", ".pdf", ".hdf5", ".h5", ".nii", ".dcm", ".exr")


def result_paths(
    found: TiledImageSet, result: Path, file_format: str | None, end: str = ""
) -> list[Path]:
    """Name the results: one file, or files in a folder, called as the images are.

    ``file_format`` None takes that of the tiles, or npy where it cannot hold the
    results; ``end`` is that of each name, before the suffix.
    """
    from PIL import Image  # noqa: PLC0415 - it takes its time

    named = result.suffix.lower()
    pictures = {*IMAGE_SUFFIXES, *Image.registered_extensions(), *_NO_FOLDERS}
    if named not in pictures or (result.is_dir() and named != ZARR):
        suffix = RESULT_FORMATS[file_format] if file_format else _suffix_for(found)
        paths = [safe_join(result, f"{i.id}{end}{suffix}") for i in found.images]
        _check_distinct(paths)
    else:
        if named not in _LOSSLESS:
            raise TilingError(
                f"{result}: results are written without loss, as {', '.join(_LOSSLESS)}"
            )
        if file_format is not None:
            raise TilingError(f"{result} says its format itself: leave out --format")
        if len(found.images) > 1:
            raise TilingError(
                f"there are {len(found.images):,} images to put together and one file "
                f"{result}: give a folder"
            )
        paths = [result]
    for image, path in zip(found.images, paths, strict=True):
        _check_format(image, path)
    return paths


def is_finished(image: TiledImage, path: Path, since: int) -> bool:
    """Tell whether a file, no older than ``since`` in ns, is these tiles' result."""
    if path.stat().st_mtime_ns < since:
        return False
    try:
        expected = _Expected(open_image(path), image)
        if expected.may_be_same:
            reassemble(image, lambda *_: nullcontext(expected))
    except TilingError:  # it differs, or cannot even be read
        return False
    return expected.may_be_same


def lost_metadata(pairs: Sequence[tuple[TiledImage, Path]]) -> list[str]:
    """Say what the formats of results do not keep of what images' files said."""
    lost: Counter[tuple[str, str]] = Counter()
    for image, path in pairs:
        suffix = suffix_of(path)
        lost.update((suffix, name) for name in image.result_metadata.lost(suffix))
    return [
        f"{suffix} does not keep {name} (of {count(images, 'image')})"
        for (suffix, name), images in lost.items()
    ]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other runs from writing one result, or the results in its folder."""
    name = os.fsdecode(os.fsencode(path.name)[:200])
    beside = path.with_name(f".{name}.lock")
    try:
        with FolderLock(beside), FolderLock(path.parent, shared=True):
            yield
    finally:
        with suppress(OSError):  # another run has it
            beside.rmdir()


def write_result(
    image: TiledImage, path: Path, advance: Callable[[int], object]
) -> None:
    """Put an image together in a file, which is there once it is whole.

    Formats other than PNG are written piece by piece. What a killed process left of the
    same file is removed first.
    """
    if path.parent.is_dir():
        for stale in stale_temp_files(path.parent):
            if stale.name.startswith(f".{path.name}."):
                remove(stale)
    with OutputTransaction() as files:
        files.write(path, partial(_write, image, advance=advance))


def _write(image: TiledImage, path: Path, advance: Callable[[int], object]) -> None:
    metadata = image.result_metadata
    try:
        if path.suffix.lower() in STREAMED:
            create = partial(
                create_image,
                path,
                metadata=metadata,
                alpha=image.alpha,
                labels=image.has_labels,
            )
            reassemble(image, create, advance)
        else:
            whole = reassemble(image, advance=advance)
            write_image(path, whole, metadata, alpha=image.alpha)
    except TilingError as error:
        if str(path) in str(error):
            raise
        raise TilingError(f"{path}: {error}") from error


class _Expected:
    """What is there, which is compared with what is written."""

    def __init__(self, there: ReadableArray, image: TiledImage) -> None:
        whole = image.result_form
        self.shape, self.dtype = whole.shape, whole.dtype
        found = tuple(there.shape), np.dtype(there.dtype)
        self.may_be_same, self._there = stores(whole, *found), there

    def __getitem__(self, index: Any, /) -> Any:
        """Return what is there, in the form of the result."""
        there = np.asarray(self._there[index[: len(self._there.shape)]])
        if self.dtype.kind == "b":
            there = there != 0
        if there.ndim < len(self.shape):  # PNG and TIFF drop a single channel
            there = there[..., np.newaxis]
        return there.astype(self.dtype)

    def __setitem__(self, index: Any, value: Any, /) -> None:
        """Compare some slices."""
        if self[index].tobytes() != np.ascontiguousarray(value).tobytes():
            raise TilingError("it differs")


def _suffix_for(found: TiledImageSet) -> str:
    """Return the tiles' own suffix, or .npy where it is none of a result's."""
    first = found.images[0]
    if found.suffix in _LOSSLESS:
        try:
            _check_format(first, Path("result" + found.suffix))
        except TilingError:
            return ".npy"
        return found.suffix
    return ".npy" if first.result_form.dtype.kind == "f" else ".png"


def _check_format(image: TiledImage, path: Path) -> None:
    """Refuse a format that cannot hold a result, before any tile is merged."""
    form, shape = image.result_form, image.result_shape
    if path.suffix.lower() in STREAMED:
        return
    channels = shape[2] if len(shape) == 3 else 1
    if channels in (2, 4) and not image.alpha:
        raise TilingError(
            f"{path}: PNG takes the last of {channels} channels for alpha, which it "
            "is not: write .tif, .npy or .zarr (--format)"
        )
    if form.dtype.name not in ("bool", "uint8", "uint16") or channels > 4:
        raise TilingError(
            f"{path}: PNG holds bool, uint8 and uint16 of up to 4 channels, and the "
            f"result is {form.dtype.name} {shape}: write .tif, .npy or .zarr (--format)"
        )
    size = size_of(shape, form.dtype)
    if size > MAX_BYTES:
        raise TilingError(
            f"{path}: a PNG is written whole, this one of {shape} has {size:,} "
            "bytes: write .tif, .npy or .zarr, which are written piece by piece"
        )


def _check_distinct(paths: Sequence[Path]) -> None:
    """Refuse names that some disks take for one."""
    seen: dict[str, Path] = {}
    for path in paths:
        first = seen.setdefault(fold(str(path)), path)
        if first is not path:
            raise TilingError(
                f"{first} and {path} are one file on some disks: put these images "
                "together one by one"
            )
