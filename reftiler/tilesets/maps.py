"""What a model made of tiles: a result for each, or an array of all of an image's."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, TypeAlias

import numpy as np

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io import IMAGE_SUFFIXES
from reftiler.io.metadata import Metadata
from reftiler.io.zarr_io import missing_chunks
from reftiler.io.zarr_metadata import SUFFIX as ZARR
from reftiler.layout import tiles_layout
from reftiler.tilesets.reassemble import (
    Scale,
    TiledImageSet,
    averaging_notes,
    plan,
    tiled_image,
)
from reftiler.tilesets.records import ImageRecord
from reftiler.tilesets.tile_arrays import (
    ArrayOfTiles,
    FormSource,
    LabelFiles,
    TileArrays,
    TileFiles,
    TileForm,
    form_of,
    is_array,
    open_tiles,
    palette_of,
)
from reftiler.validation import count_of, first_few

_Found: TypeAlias = Path | list[Path]
"""An array of the results of all tiles of an image, or a file for each tile."""
_AXES = ("YXC", "CYX")
_ALIKE = "all results must be of one shape and dtype"
_SHOWN = 5


@dataclass(frozen=True)
class MapOptions:
    """How results are to be understood."""

    axes: str | None = None  # YXC or CYX; None: what fits the tile
    # Pixels of a result for one of the tile, down and across; None: the results' own,
    # which must be the same for both.
    scale: Scale | None = None
    # Of the tiler, instead of those with which the tiles were cut: merge, window,
    # remove_border_count, fill.
    settings: Mapping[str, Any] = field(default_factory=dict)
    skip_missing: bool = False  # leave out images without any result


def find_maps(
    folder: Path,
    records: Sequence[ImageRecord],
    options: MapOptions,
    passed_over: frozenset[Path] = frozenset(),
) -> TiledImageSet:
    """Find the results for the tiles of some images; ``passed_over`` are none.

    A result is called as its tile, with the suffix of any format that is read, and lies
    in the same folder below ``folder``, or all lie in ``folder`` itself. Or there is an
    array ``(K, …)`` for each image, ``<id>.npy`` or ``<id>.zarr``, of the tiles that
    were kept, in their order.
    """
    files = _Files(folder, passed_over, records)
    found: dict[str, _Found] = {}
    missing: dict[str, list[str]] = {}
    every = [[files.find(stem) for stem in _tile_stems(record)] for record in records]
    arrays = [files.find(_array_stem(record), arrays=True) for record in records]
    of_tiles = {path for paths in every for path in paths}
    of_images = set(arrays)
    for record, paths, array in zip(records, every, arrays, strict=True):
        single = [p for p in paths if p is not None and p not in of_images]
        if array is not None and array not in of_tiles and single:
            raise TilingError(
                f"{array} and {single[0]} are both results of one image's tiles: keep "
                "the array of all, or a file for each tile"
            )
        if paths and None not in paths:
            found[record.id] = [path for path in paths if path is not None]
        elif array is not None:
            found[record.id] = _checked_array(array, record)
        elif record.tiles:
            stems = _tile_stems(record) or [_array_stem(record)] * len(record.tiles)
            pairs = zip_longest(stems, paths)
            missing[record.id] = [stem for stem, path in pairs if path is None]
    notes = files.notes()
    if options.skip_missing:
        none = [r.id for r in records if len(missing.get(r.id, ())) == len(r.tiles) > 0]
        if none:
            notes.append(f"left out {counted(none, 'image')} without any result")
        missing = {name: lacks for name, lacks in missing.items() if name not in none}
        records = [record for record in records if record.id not in none]
    if missing or not found:
        lacking = [name for names in missing.values() for name in names]
        total = sum(len(record.tiles) for record in records)
        names = list(dict.fromkeys(lacking)) or ["tile"]
        raise TilingError(
            f"{folder} lacks the results of {len(lacking):,} of {total:,} tiles, "
            f"{first_few(names, _SHOWN)}: name each as its tile, {names[0]}.npy or "
            ".png …, or give an array (K, …) for each image, called as its id"
        )
    return map_set(records, found, options, tuple(notes))


def map_set(
    records: Sequence[ImageRecord],
    found: Mapping[str, "_Found"],
    options: MapOptions,
    notes: tuple[str, ...],
) -> TiledImageSet:
    """Return the images of results by their ids; the first says what all are like."""
    first = next(record for record in records if record.id in found)
    where = found[first.id]
    path = where if isinstance(where, Path) else where[0]
    kept = first.grid
    if 0 < len(first.tiles) < len(kept):
        kept = kept.select([tile.index for tile in first.tiles])
    stored, files = form_of(path, rows=path is where), TileFiles
    palette = palette_of(path)
    if palette is not None:
        stored = replace(stored, shape=stored.shape[:2], dtype=np.dtype(np.uint8))
        files = LabelFiles
    try:
        form = map_form(stored, kept, options, arrays=is_array(path))
    except TilingError as error:
        raise TilingError(f"{path}: {error}") from error
    source = FormSource(f"{path} is", _ALIKE)
    images = []
    for record in records:
        tiles: TileArrays = files((), form, source)
        paths = found.get(record.id, ())
        if isinstance(paths, Path):
            tiles = ArrayOfTiles(paths, len(record.tiles), form, source)
        elif paths:
            tiles = files(paths, form, source)
        image = tiled_image(record, tiles, options.settings)
        metadata = replace(_map_metadata(record, form), palette=palette)
        images.append(replace(image, metadata=metadata, labels=palette is not None))
    arrays = [path for path in found.values() if isinstance(path, Path)]
    lacking = [str(path) for path in arrays if _lacks_chunks(path)]
    if lacking:
        kind = counted(lacking, "zarr array")
        notes += (f"{kind} lack chunks, whose results are taken to be all zeros",)
    if palette is not None:
        notes += ("took the results for indices of a palette, as their files say",)
        if averaging_notes(images, options.settings):
            raise TilingError(
                f"{path} holds indices of a palette, which cannot be averaged where "
                "tiles overlap: give --merge vote"
            )
    notes = (*notes, *averaging_notes(images, options.settings))
    return TiledImageSet(tuple(images), path.suffix.lower(), notes)


def _lacks_chunks(path: Path) -> bool:
    """Tell whether parts of a zarr array were never written: zeros need not be."""
    if path.suffix.lower() != ZARR:
        return False
    array = open_tiles(path)
    chunk = (getattr(array, "shards", None) or array.chunks)[0]
    return bool(missing_chunks(path, range(-(-array.shape[0] // chunk))))


def _map_metadata(record: ImageRecord, form: TileForm) -> Metadata:
    """Return what is true of a result, too: its values may mean something else."""
    same_channels = record.shape[2:] == form.shape[2:]
    metadata = record.image_metadata
    if metadata == Metadata() or (same_channels and record.dtype == form.dtype.name):
        return metadata
    profile = metadata.icc_profile if same_channels else None
    return replace(metadata, icc_profile=profile, nodata=None)


def map_form(
    stored: TileForm, grid: Grid, options: MapOptions, *, arrays: bool
) -> TileForm:
    """Return the form of results: which axes are which, by what fits the tile."""
    shape, count = stored.shape, len(grid)
    if len(shape) not in (2, 3):
        tiles_layout(grid.tiler, (count, *shape))  # says what is wrong
    forms = [replace(stored, shape=shape)]
    if len(shape) == 3 and arrays:
        first = TileForm((*shape[1:], shape[0]), stored.dtype, channels_first=True)
        forms = [form for form, axes in zip([*forms, first], _AXES, strict=True)
                 if options.axes in (None, axes)]  # fmt: skip
    refusals, fitting = [], []
    for form in forms:
        try:
            _check_fit(form, grid, options.scale)
            fitting.append(form)
        except TilingError as error:
            refusals.append(error)
    if not fitting:
        # The channels are likelier to be fewer than the pixels on either axis.
        raise refusals[-1 if shape[0] < shape[-1] else 0]
    if len(fitting) > 1 and max(shape) > 1:
        raise TilingError(
            f"axes of {shape} may be CYX or YXC, both fit the tile "
            f"{grid.tiler.tile_size}: say which, --axes CYX or --axes YXC"
        )
    return fitting[0]


def _check_fit(form: TileForm, grid: Grid, scale: Scale | None) -> None:
    """Refuse a form that cannot be merged on a grid, however that merges."""
    tiler = replace(grid.tiler, merge="max", window="box", nan="propagate", fill=0)
    plan(replace(grid, tiler=tiler), len(grid), form, scale)


def _tile_stems(record: ImageRecord) -> list[str]:
    """Return what the result of each tile is called; none where one array has all."""
    names = [tile.file for tile in record.tiles]
    return [] if names[:1] and names[0].endswith(ZARR) else list(map(stem_of, names))


def _array_stem(record: ImageRecord) -> str:
    """Return what an array of the results of all tiles is called."""
    names = [tile.file for tile in record.tiles[:1]]
    return stem_of(names[0]) if names and names[0].endswith(ZARR) else record.id


def _checked_array(path: Path, record: ImageRecord) -> Path:
    shape, count = tuple(open_tiles(path).shape), len(record.tiles)
    if shape[:1] != (count,):
        raise TilingError(
            f"{path} has the shape {shape}, and {record.id} has {count:,} tiles: give "
            f"an array ({count}, …) of their results in the order of the manifest"
        )
    return path


class _Files:
    """Files in folders as the tiles have them, or by their own names alone."""

    def __init__(
        self,
        folder: Path,
        passed_over: frozenset[Path],
        records: Sequence[ImageRecord],
    ) -> None:
        self._all = [path for path in walk(folder) if path not in passed_over]
        self._used: set[Path] = set()
        self._folder, self._flat = folder, False
        self._index = self._by_name(lambda path: path.relative_to(folder))
        stems = [s for r in records for s in (*_tile_stems(r), _array_stem(r))]
        if any(stem in self._index for stem in stems):
            return
        self._flat = True
        self._index = self._by_name(lambda path: Path(path.name))
        counts = Counter(PurePosixPath(stem).name for stem in stems)
        twice = [name for name, n in counts.items() if n > 1 and name in self._index]
        if twice:
            raise TilingError(
                f"{folder}: {counts[twice[0]]} tiles are called {twice[0]}, in "
                "folders of their own: put their results into such folders too"
            )

    def _by_name(self, name: Callable[[Path], Path]) -> dict[str, list[Path]]:
        index: dict[str, list[Path]] = {}
        for path in self._all:
            if path.suffix.lower() in IMAGE_SUFFIXES:
                index.setdefault(stem_of(name(path).as_posix()), []).append(path)
        return index

    def find(self, stem: str, *, arrays: bool = False) -> Path | None:
        name = PurePosixPath(stem).name if self._flat else stem
        found = [p for p in self._index.get(name, ()) if is_array(p) or not arrays]
        if len(found) > 1:
            raise TilingError(
                f"{first_few(found, _SHOWN)} are results of one name: keep one of them"
            )
        self._used.update(found)
        return found[0] if found else None

    def notes(self) -> list[str]:
        rest = (path for path in self._all if path not in self._used)
        names = [path.relative_to(self._folder).as_posix() for path in rest]
        said = f"passed over {counted(names, 'file')} of no tile in {self._folder}"
        return [said] if names else []


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, and the folders that are zarr arrays."""

    def refuse(error: OSError) -> NoReturn:
        raise TilingError(f"cannot read {error.filename}: {error.strerror}")

    for inner, folders, names in os.walk(folder, onerror=refuse):
        arrays = [name for name in folders if name.lower().endswith(ZARR)]
        folders[:] = sorted(set(folders) - set(arrays))
        yield from (Path(inner, name) for name in sorted([*names, *arrays]))


def stem_of(name: str) -> str:
    """Return a name without its suffix."""
    return PurePosixPath(name).with_suffix("").as_posix()


def counted(names: Sequence[str], noun: str) -> str:
    """Write how many, of what, and the first few of them."""
    return f"{count_of(names, noun)} ({first_few(names, _SHOWN)})"
