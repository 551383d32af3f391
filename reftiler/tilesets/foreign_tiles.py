"""Tiles that another tool cut: their names say where they lie."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import ceil
from pathlib import Path
from string import Formatter
from typing import Any, TypeAlias

import numpy as np

from reftiler.axis import Axis
from reftiler.errors import TilingError
from reftiler.geometry import TileGeometry
from reftiler.grid import Grid
from reftiler.io import IMAGE_SUFFIXES, open_image
from reftiler.io.metadata import Metadata
from reftiler.layout import FEW_CHANNELS
from reftiler.settings import TilerSettings
from reftiler.tilesets.maps import MapOptions, counted, map_form, walk
from reftiler.tilesets.reassemble import TiledImage, TiledImageSet, averaging_notes
from reftiler.tilesets.tile_arrays import (
    Array,
    FormSource,
    TileFiles,
    TileForm,
    form_of,
    is_array,
    load,
)
from reftiler.validation import first_few

_REMEDY = (
    "all tiles must be of one shape and dtype; where those at the edge are cut short, "
    "give the image's --size HxW"
)

_FIELDS = ("id", "row", "col", "x", "y", "index")
_PLACES = (("y", "x"), ("row", "col"), ("index",))
"""What a name says of its tile's place, the most certain first; rows first."""

NamedTiles: TypeAlias = dict[str, dict[tuple[int, ...], Path]]
"""For each image its tiles by their places."""


class NamePattern:
    """A pattern of names below a folder; without a suffix, of files of any format.

    Its ``place`` is what says where a tile lies: y and x, row and col, or index.
    """

    def __init__(self, text: str) -> None:
        try:
            parts = [(part, name) for part, name, _, _ in Formatter().parse(text)]
        except ValueError as error:
            raise TilingError(f"the pattern {text!r} is wrong: {error}") from error
        names = [name for _, name in parts if name is not None]
        if len(set(names)) < len(names) or not set(names) <= set(_FIELDS):
            known = ", ".join(f"{{{name}}}" for name in _FIELDS)
            raise TilingError(f"the pattern {text!r} may have {known}, each once")
        places = [place for place in _PLACES if set(place) <= set(names)]
        if not places:
            raise TilingError(
                f"the pattern {text!r} does not say where tiles lie: it needs {{row}} "
                "and {col}, {x} and {y}, or {index}"
            )
        self.text, self.place = text, places[0]
        expression = ""
        for part, name in parts:
            expression += re.escape(part)
            if name is not None:
                kind = ".+" if name == "id" else "[0-9]{1,12}"
                expression += f"(?P<{name}>{kind})"
        self._regex = re.compile(expression)

    def find(
        self, folder: Path, first: int | None = None
    ) -> tuple[NamedTiles, list[str]]:
        """Return the tiles in a folder, in the order of their places, and some notes.

        Places count from 0, whatever ``first``, the first number in names, is; None
        takes 0 where one is there, and 1 where the least of each is 1.
        """
        found: NamedTiles = {}
        passed: list[str] = []
        for path in walk(folder):
            name = path.relative_to(folder)
            given = self._match(name)
            if given is None:
                passed.append(name.as_posix())
                continue
            where = tuple(int(given[field]) for field in self.place)
            tiles = found.setdefault(given.get("id", ""), {})
            if where in tiles:
                raise TilingError(
                    f"{tiles[where]} and {path} lie in one place: keep one of them"
                )
            tiles[where] = path
        if not found:
            there = counted(passed, "other file") if passed else "none"
            raise TilingError(f"no file in {folder} is called {self.text}, but {there}")
        notes = []
        if passed:
            notes.append(f"passed over {counted(passed, 'file')} not like {self.text}")
        places = [where for tiles in found.values() for where in tiles]
        least = [min(numbers) for numbers in zip(*places, strict=True)]
        if self.place != ("y", "x") and self._count_from(least, first) == 1:
            if first is None:
                names = " and ".join(self.place)
                notes.append(
                    f"{names} count from 1 in these names: where tiles numbered 0 are "
                    "missing, give --first 0"
                )
            for image, tiles in found.items():
                found[image] = {
                    tuple(n - 1 for n in where): path for where, path in tiles.items()
                }
        return {
            name: dict(sorted(tiles.items())) for name, tiles in found.items()
        }, notes

    def _count_from(self, least: Sequence[int], first: int | None) -> int:
        """Return the number from which names count, given the least of each."""
        said = " and ".join(
            f"{name} {n}" for name, n in zip(self.place, least, strict=True)
        )
        if first is None and 0 not in least and set(least) != {1}:
            raise TilingError(
                f"the names begin with {said}: tiles are missing; say whether the "
                "first is 0 or 1, --first 0 or --first 1"
            )
        if first is None:
            return min(least)
        if min(least) < first:
            raise TilingError(f"the names begin with {said}, not with {first}")
        return first

    def _match(self, name: Path) -> dict[str, str] | None:
        if name.suffix.lower() not in IMAGE_SUFFIXES:
            return None
        has_suffix = Path(self.text).suffix.lower() in IMAGE_SUFFIXES
        text = (name if has_suffix else name.with_suffix("")).as_posix()
        found = self._regex.fullmatch(text)
        return found and found.groupdict()


@dataclass(frozen=True)
class Placement:
    """How the tiles of another tool lie; pairs are down and across."""

    size: tuple[int, ...] | None = None  # None: what the tiles cover
    tile: tuple[int, ...] | None = None  # None: that of the first file
    stride: tuple[int, ...] | None = None
    overlap: tuple[int, ...] | None = None
    mode: str = "padding"  # padding, clamp, even or drop
    first: int | None = None  # 0 or 1, from which names count; None guesses


def foreign_images(
    folder: Path, pattern: NamePattern, placement: Placement, options: MapOptions
) -> TiledImageSet:
    """Return the images whose tiles lie in a folder."""
    found, notes = pattern.find(folder, placement.first)
    path = next(iter(next(iter(found.values())).values()))
    stored = form_of(path)
    tiler = _tiler(stored, path, pattern, placement, options)
    source = FormSource(f"{path} is", _REMEDY)
    images: list[TiledImage] = []
    form: TileForm | None = None
    for name, tiles in found.items():
        grid, total = _grid(tiler, list(tiles), pattern.place, placement.size)
        form = form or map_form(stored, grid, options, arrays=is_array(path))
        files = TileFiles(list(tiles.values()), form, source)
        if placement.size is not None:
            files = _CroppedFiles(files.paths, form, source, _visible(grid, form))
        image = TiledImage(name or folder.resolve().name, grid, files, total)
        image, lost = _with_info(image, list(tiles.values()))
        if lost:
            notes.append(
                f"{image.id} does not keep {', '.join(lost)}: its tiles differ"
            )
        if image.missing:
            notes.append(_missing(image, tiler, tiles))
        images.append(image)
    if placement.size is None:
        sizes = dict.fromkeys(image.grid.image_size for image in images)
        shown = first_few([f"{height}x{width}" for height, width in sizes], 5)
        notes.append(f"took what the tiles cover as the image's size, {shown}")
    notes += averaging_notes(images, options.settings)
    return TiledImageSet(tuple(images), path.suffix.lower(), tuple(notes))


def _with_info(
    image: TiledImage, paths: Sequence[Path]
) -> tuple[TiledImage, list[str]]:
    """Return an image with what its first and last tile say, and what differs."""
    if is_array(paths[0]):
        return image, []
    first, last = (open_image(paths[k]).info for k in (0, -1))
    kept, lost = _common(
        _at_corner(first.metadata, image, 0), _at_corner(last.metadata, image, -1)
    )
    return replace(image, metadata=kept, alpha=first.alpha and last.alpha), lost


def _at_corner(metadata: Metadata, image: TiledImage, k: int) -> Metadata:
    """Return a tile's metadata as that of the image, in the image's pixels."""
    top, left = (int(n) for n in image.grid.boxes[k, :, 0])
    own = metadata.scaled(*(1 / scale for scale in image.scale))
    return replace(own.cropped(-top, -left), palette=None)


def _common(one: Metadata, other: Metadata) -> tuple[Metadata, list[str]]:
    """Return what is alike in both, and the names of what is not."""
    changes: dict[str, Any] = {}
    for entry in fields(Metadata):
        values = getattr(one, entry.name), getattr(other, entry.name)
        if entry.name == "transform" and None not in values:
            pixel = max(map(abs, values[0][:2]))
            alike = np.allclose(*values, rtol=1e-9, atol=pixel / 1000)
        else:
            alike = values[0] == values[1]
        if not alike:
            changes[entry.name] = None
    lost = [entry.replace("_", " ") for entry in changes]
    return replace(one, **changes), lost


def _tiler(
    stored: TileForm,
    path: Path,
    pattern: NamePattern,
    placement: Placement,
    options: MapOptions,
) -> TilerSettings:
    """Return the settings with which the tiles were cut, and those of their merge."""
    tile = placement.tile or _space(stored.shape, path, options.axes)
    unknown = placement.stride is None and placement.overlap is None
    if unknown and pattern.place != ("y", "x"):
        raise TilingError(
            f"{' and '.join(pattern.place)} count tiles, not pixels: give --stride or "
            "--overlap, --overlap 0 where tiles do not overlap"
        )
    return TilerSettings(
        tile,
        placement.stride,
        overlap=placement.overlap,
        mode=placement.mode,
        channels_last=True,
        **options.settings,
    )


def _space(shape: tuple[int, ...], path: Path, axes: str | None) -> tuple[int, ...]:
    """Return the height and width of a tile, of arrays by which axis is short."""
    if len(shape) == 3 and is_array(path):
        few = [n <= FEW_CHANNELS for n in shape]
        if axes is None and few[0] == few[-1]:
            raise TilingError(
                f"{path} has the shape {shape}: give --tile, or --axes CYX or YXC"
            )
        if axes == "CYX" or (axes is None and few[0]):
            return shape[1:]
    return shape[:2]


def _grid(
    tiler: TilerSettings,
    places: Sequence[tuple[int, ...]],
    names: Sequence[str],
    size: tuple[int, ...] | None,
) -> tuple[Grid, int]:
    """Return the grid of tiles at some places, and how many there might be."""
    last = [max(place[axis] for place in places) for axis in range(len(names))]
    if names == ("y", "x"):
        end = [start + tile for start, tile in zip(last, tiler.tile_size, strict=True)]
        size = size or tuple(end)
        _check_inside(places, names, size, size)
        return _grid_at(tiler, size, places), len(places)
    if size is None and names == ("index",):
        raise TilingError("{index} counts tiles row by row: give --size HxW")
    steps = zip(last, tiler.stride, tiler.tile_size, strict=False)
    grid = Grid(tiler, size or tuple(n * stride + tile for n, stride, tile in steps))
    shape = (len(grid),) if names == ("index",) else grid.shape
    _check_inside(places, names, shape, grid.image_size)
    kept = [int(np.ravel_multi_index(place, shape)) for place in places]
    return grid if len(kept) == len(grid) else grid.select(kept), len(grid)


@dataclass(frozen=True)
class _ListedGrid(Grid):
    """A grid of tiles in any order and number, padded as they need it."""

    listed: tuple[Axis, ...] = ()

    @property
    def is_irregular(self) -> bool:
        """The tiles are a list."""
        return True

    @cached_property
    def whole_geometry(self) -> TileGeometry:
        """The geometry of the listed tiles."""
        return TileGeometry(self.listed, is_irregular=True)


def _grid_at(
    tiler: TilerSettings, image_size: tuple[int, ...], starts: Sequence[Sequence[int]]
) -> Grid:
    """Return the grid of tiles at some starts, which may stick out at the end."""
    axes = []
    columns = zip(*starts, strict=True)
    for length, tile, begin, border in zip(
        image_size, tiler.tile_size, columns, tiler.remove_border_count, strict=True
    ):
        padded = max(length, max(begin) + tile)
        axes.append(Axis(length, tile, padded, 0, tuple(begin), border))
    return _ListedGrid(tiler, image_size, listed=tuple(axes))


def _check_inside(
    places: Sequence[tuple[int, ...]],
    names: Sequence[str],
    shape: Sequence[int],
    size: Sequence[int],
) -> None:
    for place in places:
        if any(n >= end for n, end in zip(place, shape, strict=True)):
            where = zip(names, place, strict=True)
            said = ", ".join(f"{name} {number}" for name, number in where)
            raise TilingError(
                f"the tile at {said} lies outside of the image of {size[0]}x{size[1]}: "
                "give another --size, --tile or --stride"
            )


def _missing(
    image: TiledImage, tiler: TilerSettings, tiles: Mapping[tuple[int, ...], Path]
) -> str:
    """Say which tiles of an image are missing; refuse that where pixels are bare."""
    grid = Grid(tiler, image.grid.image_size)
    shape = (len(grid),) if len(next(iter(tiles))) == 1 else grid.shape
    every = (np.unravel_index(k, shape) for k in range(len(grid)))
    absent = (where for where in every if tuple(map(int, where)) not in tiles)
    some = [" ".join(map(str, where)) for where in islice(absent, 3)]
    rest = image.missing - len(some)
    more = f" and {rest:,} more" if rest else ""
    what = "row and column" if len(shape) == 2 else "index"
    note = f"{image.id} lacks the tiles at {what} {', '.join(some)}{more}"
    if image.num_uncovered and tiler.fill is None:
        raise TilingError(
            f"{note}: give the value of pixels that lie in no tile, --fill NUMBER"
        )
    return note


def _visible(grid: Grid, form: TileForm) -> list[tuple[int, ...]]:
    """Return how much of each tile lies within the image, in its own pixels."""
    tile, space = np.array(grid.tiler.tile_size), form.shape[:2]
    sides = np.minimum(np.array(grid.image_size) - grid.boxes[..., 0], tile)
    scales = [
        Fraction(side, int(whole)) for side, whole in zip(space, tile, strict=True)
    ]
    return [
        tuple(ceil(n * scale) for n, scale in zip(side, scales, strict=True))
        for side in sides.tolist()
    ]


@dataclass(frozen=True)
class _CroppedFiles(TileFiles):
    """Files of tiles that may be cut short where they stick out of the image."""

    visible: Sequence[tuple[int, ...]] = field(default=())

    def _load(self, k: int, path: Path) -> Array:
        tile, shape = load(path), self.form.shape[:2]
        axes = slice(-2, None) if self.form.channels_first else slice(0, 2)
        space = tile.shape[axes]
        if space == shape or space != self.visible[k]:
            return tile
        rest = [(0, n - side) for n, side in zip(shape, space, strict=True)]
        width = [(0, 0)] * tile.ndim
        width[axes] = rest
        return np.pad(tile, width)
