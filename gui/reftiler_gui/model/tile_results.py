"""What came back for the tiles of an image: read from files, or made by a model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reftiler import Grid, TilingError
from reftiler.batching import annotate_errors, validate_results
from reftiler.io.file_tree import bare_path
from reftiler.models import Model, select_map
from reftiler.plan import plan_tile
from reftiler.streaming import MergedArray
from reftiler.streaming.reading import read_tiles
from reftiler.tilesets.manifest import NAME, Manifest
from reftiler.tilesets.maps import MapOptions, find_maps, map_form, map_set, walk
from reftiler.tilesets.naming import default_pattern
from reftiler.tilesets.records import ImageRecord, TileRecord
from reftiler.tilesets.tile_arrays import TileArrays, TileForm, open_tiles
from reftiler.validation import first_few
from reftiler_gui.model.array_types import Array, Span
from reftiler_gui.model.file_pixels import FilePixels, mapped_file
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.mock_models import MODELS, MockModel
from reftiler_gui.model.steps import Work

Source: TypeAlias = Path | Model | MockModel

_KEPT = 2**29  # bytes of a model's results that are kept
_KEPT_OF_FILES = 2**26  # of what can be read again
_BATCH = 8  # tiles that a model is given, so that a slow one shows something soon
_ARRAYS = (".npy", ".zarr")


class OtherTilesError(TilingError):
    """The results are of other tiles than those set; `grid` is theirs if known."""

    def __init__(
        self, words: str, grid: Grid | None = None, random: Any = None
    ) -> None:
        super().__init__(words)
        self.grid, self.random = grid, random  # count and seed of random tiles


class TileResults:
    """The results of an image's tiles, kept up to some bytes once they are known.

    ``read`` returns those of some tiles, in a thread if ``slow``.
    """

    def __init__(
        self,
        name: str,
        grid: Grid,
        form: TileForm,
        read: Callable[[Sequence[int]], Array],
        kind: str = "map",
        *,
        slow: bool = False,
        indices: Sequence[int] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.name, self.form, self.kind, self.slow = name, form, kind, slow
        self.notes = tuple(notes)
        self.indices = None if indices is None else tuple(indices)
        # the least and largest finite value seen so far; NaN before
        self.low = self.high = np.nan
        self.nan = 0  # values seen so far that are NaN
        self._grid, self._read = merge_grid(grid), read
        self._kept: OrderedDict[int, Array] = OrderedDict()
        self._needed = threading.local()  # what the work of this thread needs now
        self._seen: set[int] = set()
        self._bytes = 0
        self._lock = threading.Lock()

    def fits(self, grid: Grid) -> bool:
        """Tell whether these are results of the tiles of a grid, however it merges."""
        return _same_tiles(self._grid, grid) and (
            not self.slow or _padding(self._grid) == _padding(grid)
        )

    def peek(self, k: int) -> Array | None:
        """Return the result of a tile if it is known already."""
        with self._lock:
            found = self._kept.get(k)
            if found is not None:
                self._kept.move_to_end(k)
            return found

    def tile(self, k: int) -> Array:
        """Return the result of a tile, read or computed now if it is not known."""
        found = getattr(self._needed, "tiles", {}).get(k)
        found = self.peek(k) if found is None else found
        return self._keep([k], self._read([k]))[k] if found is None else found

    def load(self, tiles: Iterable[int]) -> Work[None]:
        """Make sure that some results are known, until it is called again."""
        needed = {k: self.peek(k) for k in tiles}
        missing = [k for k, found in needed.items() if found is None]
        for first in range(0, len(missing), _BATCH):
            batch = missing[first : first + _BATCH]
            share = first / len(missing)
            if self.slow:
                read = yield from _in_thread(partial(self._read, batch), share)
            else:
                read = self._read(batch)
            needed.update(self._keep(batch, read))
            yield share
        self._needed.tiles = needed

    def load_part(self, merged: MergedArray, rows: Span, columns: Span) -> Work[None]:
        """Make sure that the results are known of which a part of `merged` is made."""
        overlaps = merged.plan.geometry.overlaps((rows, columns))
        places = dict.fromkeys(overlap.tile for overlap in overlaps)
        yield from self.load(self.indices[k] if self.indices else k for k in places)

    def merged(self, grid: Grid, merge: str | None = None) -> MergedArray:
        """Return what the results make with a grid; the extremes for max or min."""
        grid = merge_grid(grid)
        if merge is not None:
            tiler = replace(grid.tiler, window="box", merge=merge, nan="propagate")
            grid = replace(grid, tiler=tiler)
        if self.indices and len(self.indices) < len(grid):
            grid = grid.select(self.indices)
        shape = (*grid.image_size, *self.form.shape[2:])
        return MergedArray(
            grid.tiler, self, self.form.shape, self.form.dtype, shape, grid
        )

    def __getitem__(self, place: int) -> Array:
        """Return the result of a tile by its place among those that have one."""
        return self.tile(self.indices[place] if self.indices else place)

    def _keep(self, tiles: Sequence[int], results: Array) -> dict[int, Array]:
        found = dict(zip(tiles, results, strict=True))
        with self._lock:
            for k, result in found.items():
                if k not in self._seen:
                    self._seen.add(k)
                    self._measure(result)
                if k not in self._kept:
                    self._kept[k] = result
                    self._bytes += result.nbytes
            most = _KEPT if self.slow else _KEPT_OF_FILES
            while self._bytes > most and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return found

    def _measure(self, result: Array) -> None:
        if result.dtype.kind == "f":
            finite = np.isfinite(result)
            if not finite.all():
                self.nan += int(np.isnan(result).sum())
                result = result[finite]
        if result.size:
            self.low = float(np.fmin(self.low, result.min()))
            self.high = float(np.fmax(self.high, result.max()))


def merge_grid(grid: Grid) -> Grid:
    """Return a grid for arrays with channels last; uncovered pixels become zero."""
    fill = 0 if grid.tiler.fill is None else grid.tiler.fill
    return replace(grid, tiler=replace(grid.tiler, channels_last=True, fill=fill))


def _in_thread(function: Callable[[], Array], share: float) -> Work[Array]:
    """Wait for a function that cannot be interrupted, in steps that can."""
    future: Future[Array] = Future()

    def run() -> None:
        try:
            with _one_at_a_time:
                future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not future.done():
        wait([future], 0.02)
        yield share
    return future.result()


_one_at_a_time = threading.Lock()  # a model that was cancelled may still be at work


# Files


def is_array(path: Path) -> bool:
    """Tell whether a path is that of an array, of the results of one image."""
    return path.suffix.lower() in _ARRAYS


def is_results(path: Path, count: int) -> bool:
    """Tell whether a path holds a manifest of tiles, or an array of so many results."""
    if is_array(path):
        try:
            shape = tuple(open_tiles(path).shape)
            return len(shape) > 2 and shape[0] == count
        except (TilingError, ImportError):
            return False
    return (path / NAME).is_file()


def open_results(
    path: Path, loaded: LoadedImage, grid: Grid, names: Iterable[str] = ()
) -> TileResults:
    """Open results: an array ``(K, …)``, or a folder of files or arrays named as tiles.

    OtherTilesError if its manifest lists other tiles, else TilingError or ImportError.
    """
    if not path.exists():
        raise TilingError(f"there is no {path}: give an array or a folder of results")
    if not (path.is_dir() or is_array(path)):
        raise TilingError(
            f"{path} is no array (.npy, .zarr) and no folder of results: give one"
        )
    assert loaded.image is not None
    grid, array, names = merge_grid(grid), is_array(path), list(names)
    record = None if array else _recorded(path, loaded)
    if record is not None:
        _check_same(path, *record, grid)
        found, arrays = record[0], list[Path]()
    else:
        pattern = default_pattern(len(grid)) + ".npy"
        name = loaded.item.name
        name = name if array else _name_in(path, loaded, pattern, names)
        files = (pattern.format(id=name, index=k) for k in range(len(grid)))
        called = tuple(TileRecord(k, file) for k, file in enumerate(files))
        shape, dtype = tuple(loaded.image.array.shape), loaded.image.dtype.name
        found = ImageRecord(name, name, (), shape, dtype, grid, called)
        inside = (path / f"{found.id}{suffix}" for suffix in _ARRAYS)
        arrays = [path] if array else [own for own in inside if own.exists()]
    for own in arrays:
        shape = tuple(open_tiles(own).shape)
        if len(shape) < 3 or shape[0] != len(grid):
            raise OtherTilesError(
                f"{own.name} has the shape {shape}, and these settings give "
                f"{len(grid):,} tiles: choose the settings with which the tiles were "
                f"cut; an array of results is ({len(grid)}, height, width, …)"
            )
    if array:
        image_set = map_set([found], {found.id: path}, MapOptions(), ())
    else:
        others = _of_others(path, names, found.id) if record is None else frozenset()
        image_set = find_maps(path, [found], MapOptions(), others)
    (image,) = image_set.images
    tiles: TileArrays = image.tiles
    stored = getattr(tiles, "_array", None)
    if isinstance(stored, np.ndarray) and stored.flags.c_contiguous:
        file = mapped_file(stored)
        if file is not None:
            rows = FilePixels(stored.reshape(len(stored), -1), file)
            tiles = _FileTiles(rows, tiles.form)
    kept = [tile.index for tile in found.tiles]
    places = {k: place for place, k in enumerate(kept)}
    notes = list(image_set.notes)
    if image.missing:
        notes.append(f"{image.missing:,} of {image.total:,} tiles have no result")

    def read(indices: Sequence[int]) -> Array:
        return np.concatenate([tiles.read(places[k], 1) for k in indices])

    return TileResults(
        path.name,
        grid,
        tiles.form,
        read,
        _kind(tiles.form, grid, loaded.image),
        indices=kept if image.missing else None,
        notes=notes,
    )


def _of_others(folder: Path, names: Iterable[str], name: str) -> frozenset[Path]:
    """Return the results that are called as other images, whose they are."""
    ends = set[str]()
    for parts in (bare_path(other).split("/") for other in names):
        ends.update("/".join(parts[k:]) for k in range(len(parts)))
    ends -= {name}
    found = set[Path]()
    for path in walk(folder):
        own = bare_path(path.relative_to(folder).as_posix())
        of_tile = own.rpartition("_")[0]
        if of_tile != name and (own in ends or of_tile in ends):
            found.add(path)
    return frozenset(found)


def _recorded(
    folder: Path, loaded: LoadedImage
) -> tuple[ImageRecord, dict[str, int] | None] | None:
    """Return what the manifest of the tiles says of an image; None without one."""
    place = next((p for p in (folder, folder.parent) if (p / NAME).is_file()), None)
    if place is None:
        return None
    manifest = Manifest.read(place)
    item = loaded.item
    stem = item.image.stem if item.image else item.name.rsplit("/", 1)[-1]
    by_id = [r for r in manifest.images if r.id == item.name]
    by_stem = [r for r in manifest.images if r.id.rsplit("/", 1)[-1] == stem]
    found = by_id or by_stem
    if len(found) != 1:
        names = first_few([record.id for record in manifest.images])
        raise TilingError(
            f"{place / NAME} lists the tiles of {names}, and {len(found):,} of these "
            f"are called {stem}: open the image whose tiles they are"
        )
    return found[0], manifest.random


def _check_same(
    path: Path, record: ImageRecord, random: dict[str, int] | None, grid: Grid
) -> None:
    if record.grid.image_size != grid.image_size:
        sizes = [f"{w} × {h}" for h, w in (record.grid.image_size, grid.image_size)]
        raise TilingError(
            f"{path.name} has results of an image of {sizes[0]} px, and this one is "
            f"{sizes[1]} px: open the image whose tiles they are"
        )
    if not _same_tiles(record.grid, grid):
        height, width = record.grid.tiler.tile_size
        down, across = record.grid.tiler.stride
        kind = "random tiles" if record.grid.is_irregular else "tiles"
        raise OtherTilesError(
            f"{path.name} has the results of {len(record.grid):,} {kind} of {width} × "
            f"{height} px, stride {across} × {down}, and these settings give "
            f"{len(grid):,} others: take over the settings of the results",
            record.grid,
            random,
        )


def _name_in(
    folder: Path, loaded: LoadedImage, pattern: str, names: Iterable[str]
) -> str:
    """Return the longest end of an image's path under which a folder has results."""
    item = loaded.item
    paths = [item.name, bare_path(item.name)]
    if item.image:
        paths.append(bare_path(item.image.resolve().as_posix()))
    ends = {
        "/".join(parts[k:])
        for parts in (path.strip("/").split("/") for path in paths)
        for k in range(len(parts))
    }
    for name in sorted(ends, key=lambda end: (-end.count("/"), -len(end))):
        own, first = folder / name, folder / pattern.format(id=name, index=0)
        found = own.parent.is_dir() and any(
            bare_path(other.name) in (own.name, first.with_suffix("").name)
            for other in own.parent.iterdir()
        )
        if found:
            also = [n for n in names if f"/{bare_path(n)}".endswith(f"/{name}")]
            if "/" not in name and len(also) > 1:
                raise TilingError(
                    f"{folder} has results called {name}, as are {len(also):,} images: "
                    f"{first_few(also)}; put results into folders as the images are"
                )
            return name
    if "/" in item.name:
        raise TilingError(
            f"{folder} has no results of {item.name}: give an array "
            f"{bare_path(item.name)}.npy or .zarr for each image, or a file for each "
            f"tile, {pattern.format(id=bare_path(item.name), index=0)} or .png …"
        )
    return item.image.stem if item.image else item.name


def _same_tiles(one: Grid, other: Grid) -> bool:
    if len(one) != len(other) or one.image_size != other.image_size:
        return False
    return one.tiler.context == other.tiler.context and all(
        (a.tile, a.pad_before, a.resampled and a.padded_length)
        == (b.tile, b.pad_before, b.resampled and b.padded_length)
        and np.array_equal(a.start_array, b.start_array)
        for a, b in zip(one.axes, other.axes, strict=True)
    )


def _padding(grid: Grid) -> tuple[Any, ...]:
    """Return what a model sees beyond the image."""
    tiler = grid.tiler
    padded = any(any(pair) for pair in grid.padding)
    return (tiler.pad_mode, repr(tiler.pad_value)) if padded else ()


def _kind(form: TileForm, grid: Grid, image: ImagePyramid) -> str:
    shape = (*grid.tiler.tile_size, *image.array.shape[2:])
    return "image" if (form.shape, form.dtype) == (shape, image.dtype) else "map"


@dataclass(frozen=True)
class _FileTiles:
    """The tiles of one array in a file, which may become shorter while it is open."""

    file: FilePixels
    form: TileForm

    def __len__(self) -> int:
        return len(self.file)

    def read(self, first: int, count: int) -> Array:
        rows = self.file[first : first + count]
        tiles = rows.reshape(len(rows), *self.form.stored_shape)
        tiles = tiles.astype(self.form.dtype.newbyteorder("="), copy=False)
        return np.moveaxis(tiles, 1, -1) if self.form.channels_first else tiles


# Models


def run_model(
    model: Model | MockModel, image: ImagePyramid, grid: Grid
) -> Work[TileResults]:
    """Return the results of a model: now of the first tile, of others when needed.

    TilingError names the tiles if it raises or does not return a result for each.
    """
    grid, array = merge_grid(grid), image.array
    call = plan_tile(grid.tiler, array.shape, np.dtype(array.dtype).name, grid)
    notes: list[str] = []
    if isinstance(model, MockModel):
        name = f"Simulated model that {model.words}"
    else:
        name = model.name
        notes += [model.note] if model.note else []
    form: TileForm | None = None

    def results(indices: Sequence[int]) -> Array:
        tiles = read_tiles(array, call, indices)
        tiles = tiles.astype(tiles.dtype.newbyteorder("="), copy=False)
        if tiles.dtype == bool:
            tiles = tiles.view(np.uint8) * np.uint8(255)
        if isinstance(model, MockModel):
            height = (image.high - image.low) * model.percent / 100
            function = MODELS[model.name]
            pairs = zip(tiles, indices, strict=True)
            return np.stack([function(tile, k, height) for tile, k in pairs])
        try:
            with annotate_errors(indices, call):
                found, note = select_map(model(tiles), name)
                validate_results(found, len(indices), np.ndarray)
        except (Exception, SystemExit) as error:  # whatever the model raises
            places = getattr(error, "__notes__", ()) or (f"in tile {indices[0]}",)
            where = "; ".join(places)
            own = isinstance(error, TilingError | TypeError)
            words = f"{error}" if own else f"{type(error).__name__}: {error}"
            raise TilingError(f"{name} failed, {where}: {words}") from error
        if note and note not in notes:
            notes.append(note)
        if found.dtype.kind not in "biuf":
            raise TilingError(f"{name} returned {found.dtype}: give real numbers")
        return found

    def read(indices: Sequence[int]) -> Array:
        assert form is not None
        found = results(indices)
        if found.shape[1:] != form.stored_shape or found.dtype != form.dtype:
            raise TilingError(
                f"{name} returned {found.dtype} {found.shape[1:]} for tile "
                f"{indices[0]} and {form.dtype} {form.stored_shape} before: all "
                "results must be of one shape and dtype"
            )
        found = found.reshape(len(found), *form.stored_shape)
        return np.moveaxis(found, 1, -1) if form.channels_first else found

    first = yield from _in_thread(lambda: results([0]), 0.0)
    shape = first.shape[1:]
    form = map_form(TileForm(shape, first.dtype), grid, MapOptions(), arrays=True)
    mock = isinstance(model, MockModel)
    kind = "image" if mock else _kind(form, grid, image)
    return TileResults(name, grid, form, read, kind, slow=not mock, notes=notes)
