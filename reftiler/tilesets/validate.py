"""Checking an image and its masks before a tile of them is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.atomic import safe_relative
from reftiler.config import TilingConfig
from reftiler.dtypes import check_mergeable, check_representable
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io import write_image
from reftiler.io.datasets import GOOD, ImageEntry, open_pair
from reftiler.io.lazy import LazyImage
from reftiler.io.masks import Mask
from reftiler.io.read import fingerprint
from reftiler.io.zarr_io import load_zarr
from reftiler.plan import check_merge, plan_tile
from reftiler.streaming import Source
from reftiler.streaming.reading import read_tiles
from reftiler.tilesets.job import ExportOptions, as_text, min_pixels
from reftiler.tilesets.naming import TileNames, default_pattern
from reftiler.tilesets.records import ImageRecord, TileRecord
from reftiler.tilesets.tile_storage import FORMATS

_BATCH = 2**23
"""Bytes of tiles that are cut at a time."""
_LONGEST_NAME = 255  # bytes, on nearly all file systems


@dataclass(frozen=True)
class BadImage:
    """An image that cannot be cut, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Validated:
    """An image that can be cut, and what there is to say of it."""

    record: ImageRecord
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ValidateTask:
    """An image to be checked, and what for."""

    entry: ImageEntry
    config: TilingConfig  # its tiler has channels last
    source: Path
    options: ExportOptions

    @property
    def subject(self) -> str:
        """The image."""
        return str(self.entry.image)


def validate(task: ValidateTask) -> Validated | BadImage:
    """Check an image and its masks, and name their tiles."""
    try:
        return _validated(task)
    except (TilingError, TypeError, UnicodeError) as error:
        return BadImage(relative(task.entry.image, task.source), reason(task, error))


def reason(task: Any, error: Exception) -> str:
    """Return what an error says, which names the image."""
    if isinstance(error, UnicodeError):
        return f"{task.subject!a}: its name is not UTF-8: rename it"
    known = task.subject in str(error)
    return str(error) if known else f"{task.subject}: {error}"


def cut_tiles(image: Source, grid: Grid, indices: Sequence[int]) -> NDArray[Any]:
    """Cut some tiles of an image, and read no more of it than they show."""
    dtype = np.dtype(image.dtype).name
    call = plan_tile(grid.tiler, tuple(image.shape), dtype, grid)
    return read_tiles(image, call, indices)


def batches(count: int, shape: Sequence[int], dtype: Any) -> Iterator[range]:
    """Yield as many tiles of a shape at a time as memory has room for."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    step = max(1, _BATCH // size)
    for first in range(0, count, step):
        yield range(first, min(first + step, count))


def relative(path: Path, source: Path) -> str:
    """Say where in the source a file lies, without saying where the source lies."""
    inside = path.is_relative_to(source) and path != source
    return as_text(path.relative_to(source).as_posix() if inside else path.name)


def _validated(task: ValidateTask) -> Validated:
    entry, options = task.entry, task.options
    safe_relative(entry.id).encode()
    prints = tuple(map(fingerprint, (entry.image, *entry.masks)))
    image, mask = open_pair(entry, options.reading, options.mask_threshold)
    record = replace(_record(task, image), fingerprints=prints)
    cut_tiles(image, record.grid, [0])  # all that can be told of a file read lazily
    suffix = FORMATS[options.file_format]
    _check_format(suffix, record.shape[2:], record.dtype, record.alpha)
    tiler, dtype = record.grid.tiler, record.dtype
    check_mergeable(dtype, "its pixels")
    check_merge(tiler, dtype, dtype)
    if tiler.fill is not None:
        check_representable(tiler.fill, dtype, "fill")
    names = TileNames(
        entry,
        record.grid,
        options.name or default_pattern(len(record.grid)),
        suffix,
        min_pixels(options.min_marked, tiler.tile_size),
        options.folder,
    )
    notes, marks = list(_image_notes(image, suffix)), None
    if mask is not None:
        record = _with_mask(record, mask, task)
        marks = _count_marks(mask, record.mask_grid)
        notes += [*mask.notes, *_mask_notes(entry, mask, marks, names.min_marked)]
    tiles = tuple(_tiles(names, mask, marks, record.mask_grid, options))
    # A grid remembers what it has computed: a fresh one is small to send and to keep.
    record = replace(record, tiles=tiles, grid=replace(record.grid))
    return Validated(record, tuple(notes))


def _record(task: ValidateTask, image: LazyImage) -> ImageRecord:
    """Return what is known of an image, without mask and tiles."""
    shape, info = tuple(image.shape), image.info
    return ImageRecord(
        id=task.entry.id,
        source=relative(task.entry.image, task.source),
        masks=(),
        shape=shape,
        dtype=np.dtype(image.dtype).name,
        grid=task.config.plan(shape[:2]),
        tiles=(),
        split=task.entry.split,
        label=task.entry.label,
        orientation=info.orientation,
        oriented=info.oriented,
        alpha=info.alpha,
        metadata=replace(info.metadata, palette=None),
    )


def _with_mask(record: ImageRecord, mask: Mask, task: ValidateTask) -> ImageRecord:
    labels, suffix = mask.labels, FORMATS[task.options.file_format]
    dtype = np.dtype(labels.dtype).name
    try:
        _check_format(suffix, labels.shape[2:], dtype, False)
    except TilingError as error:
        raise TilingError(f"{task.subject}: its mask: {error}") from error
    return replace(
        record,
        masks=tuple(relative(path, task.source) for path in task.entry.masks),
        mask_dtype=dtype,
        mask_channels=labels.shape[2] if len(labels.shape) == 3 else None,
        void=mask.void,
        metadata=replace(record.metadata, palette=labels.info.metadata.palette),
    )


def _count_marks(mask: Mask, grid: Grid) -> list[int]:
    """Count the marked pixels of each tile as it is cut, those of its context not."""
    counts: list[int] = []
    for indices in batches(len(grid), grid.tiler.input_size, bool):
        tiles = cut_tiles(mask, grid, indices)[(slice(None), *grid.tiler.inner)]
        counts += np.count_nonzero(tiles.reshape(len(indices), -1), axis=1).tolist()
    return counts


def _tiles(
    names: TileNames,
    mask: Mask | None,
    marks: list[int] | None,
    grid: Grid,
    options: ExportOptions,
) -> Iterator[TileRecord]:
    entry = names.entry
    is_whole = not options.skip_empty or entry.label == GOOD
    arrays = names.arrays() if options.file_format == "zarr" else None
    for index in range(len(grid)):
        marked = None if marks is None else marks[index]
        if marked is not None and marked < names.min_marked and not is_whole:
            continue
        if arrays is not None:
            yield TileRecord(index, arrays[0], arrays[1] if mask else None, marked)
            continue
        file = names.tile(index, marked)
        found = None
        if mask is not None and marked is not None:
            is_zero = _is_zero(mask, grid, index, marked)
            found = names.mask(index, marked, is_zero=is_zero)
        for part in "/".join(filter(None, (file, found))).split("/"):
            if len(part.encode()) > _LONGEST_NAME:
                raise TilingError(
                    f"its tiles would be called {part[:40]}…, {len(part.encode())} "
                    f"bytes of at most {_LONGEST_NAME}: shorten the image's name"
                )
        yield TileRecord(index, file, found, marked)


def _is_zero(mask: Mask, grid: Grid, index: int, marked: int) -> bool:
    """Tell whether a mask's tile is all zeros; what is void is not, nor marked."""
    if marked or (mask.void is None and not grid.tiler.has_context):
        return not marked
    return not cut_tiles(mask.labels, grid, [index]).any()


@lru_cache(maxsize=64)
def _check_format(
    suffix: str, channels: tuple[int, ...], dtype: str, alpha: bool
) -> None:
    """Refuse what a format cannot hold, by writing the least of it."""
    if suffix == FORMATS["zarr"]:
        load_zarr()
        return
    with TemporaryDirectory() as folder:
        try:
            least = np.zeros((1, 1, *channels), dtype)
            write_image(Path(folder) / f"a{suffix}", least, alpha=alpha)
        except TilingError as error:
            cause = str(error).split(": ", 1)[-1]
            reason = cause.replace("use .tif or .npy", "use --format tiff or npy")
            raise TilingError(reason) from error


def _image_notes(image: LazyImage, suffix: str) -> Iterator[str]:
    yield from image.info.notes
    if image.info.oriented and image.info.orientation != 1:
        yield "turned upright, as EXIF or TIFF say (--no-orient leaves it)"
    lost = replace(image.info.metadata, palette=None).lost(suffix)
    if lost:
        hint = "" if suffix == ".tif" else " (--format tiff keeps more)"
        yield f"tiles in {suffix} do not keep {', '.join(lost)}{hint}"


def _mask_notes(
    entry: ImageEntry, mask: Mask, marks: Sequence[int], min_marked: int
) -> Iterator[str]:
    if not any(marks) and entry.label not in ("", GOOD):
        yield f"the mask of an image labelled {entry.label} marks nothing"
    if any(count >= min_marked for count in marks) and entry.label == GOOD:
        yield "the mask of an image labelled good marks pixels"
    if marks[0] and mask.marks_everything():
        yield "the mask marks every pixel"
