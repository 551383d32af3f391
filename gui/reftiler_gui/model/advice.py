"""Which tile size and overlap suit the defects of some images."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from reftiler import Grid, Tiler
from reftiler.errors import TilingError, count
from reftiler.regions import Region
from reftiler_gui.model.array_types import Ints, Size
from reftiler_gui.model.defects import Defects, find_defects, look
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.steps import Work
from reftiler_gui.model.texts import times

TILES = (128, 192, 256, 384, 512, 768, 1024)  # sides of tiles that are tried, in pixels
OVERLAPS = (0, 8, 4, 2)  # that are tried: none, or the tile divided by one of these
SAMPLED = 60  # defects of which the contrast is measured; of more, a sample
_PAUSE = 0.1  # seconds between two snapshots, at the least
_NO_SIZES: Ints = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class Candidate:
    """What a setting does to the defects of the images."""

    settings: FormSettings
    whole: int = 0  # defects that lie whole in some tile
    tiles: int = 0  # of all images
    work: float = 0.0  # pixels of these for each pixel of the images
    # of defects of images resized to one tile the medians of the shorter side, in
    # pixels, and of the share of contrast that is left
    resized: float | None = None
    contrast: float | None = None
    refused: str = ""  # why reftiler refuses the setting; empty if it does not
    front: bool = False  # whether no other is as good in all of whole, work and size

    @property
    def size(self) -> str:
        """The tile's width × height."""
        return times(self.settings.tile)

    @property
    def overlap_size(self) -> Size:
        """What neighbouring tiles share, height and width."""
        height, width = by_stride(self.settings).step
        return self.settings.tile[0] - height, self.settings.tile[1] - width

    @property
    def overlap(self) -> str:
        """The overlap in words."""
        if self.settings.random is not None:
            return f"{self.settings.random} random"
        height, width = self.overlap_size
        if height != width:
            return f"{times((height, width))} px"
        return f"{width} px" if width else "none"

    def cells(self, defects: int) -> tuple[str, ...]:
        """Return a row of a table: tile, overlap, whole, tiles, cost and so on."""
        height, width = self.settings.tile
        size = str(width) if width == height else self.size
        if self.refused:
            return size, self.overlap, "refused", "", "", "", ""
        return (
            size,
            self.overlap,
            _percent(self.whole, defects),
            f"{self.tiles:,}",
            f"{self.work:.2f} ×",
            "" if self.resized is None else f"{self.resized:.1f} px",
            "" if self.contrast is None else f"{self.contrast:.0%}",
        )

    def sentence(self, defects: int) -> str:
        """Say what the setting does to so many defects, or why it is refused."""
        if self.refused:
            return self.refused
        words = (
            f"Tiles of {self.size}, overlap {self.overlap}: {self.whole:,} of "
            f"{defects:,} defects lie whole in some tile; {self.tiles:,} tiles, "
            f"{self.work:.2f} times the pixels."
        )
        if self.resized is None:
            return words
        kept = ""
        if self.contrast is not None:
            kept = f" and {self.contrast:.0%} of its contrast"
        return words + (
            f" Of the median defect, resizing each image to {self.size} would leave "
            f"{self.resized:.1f} px{kept}."
        )


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a survey knew at one moment: all its parts are of the same images."""

    rows: tuple[Candidate, ...] = ()  # what each setting does
    # shape (n, 2): heights and widths of the defects
    sizes: Ints = field(default_factory=_NO_SIZES.copy)
    images: int = 0
    total: int = 0
    problems: tuple[str, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The cheapest, then smallest tiles of those that hold most defects whole."""
        tiled = [row for row in self.rows if row.tiles]
        rows = [row for row in tiled if row.tiles > self.images] or tiled
        if not (len(self.sizes) and rows):
            return None
        return min(rows, key=lambda r: (-r.whole, round(r.work, 2), _area(r.settings)))

    @property
    def sentence(self) -> str:
        """What is known of the images and their defects, in words."""
        left_out = len(self.problems)
        done = f"{self.images:,} of " if self.images + left_out < self.total else ""
        words = f"{count(len(self.sizes), 'defect')} in {done}"
        words += count(self.total if done else self.images, "image")
        longer = self.sizes.max(axis=1, initial=0)
        if len(longer):
            middle = f"{np.median(longer):.1f}".removesuffix(".0")
            words += f", {longer.min()} to {longer.max()} px long, median {middle} px"
        words += "."
        if best := self.best:
            held = _percent(best.whole, len(self.sizes))
            words += (
                "\nOf tiles smaller than the images, the cheapest that hold the most "
                f"defects whole are {best.size}, overlap {best.overlap}: {held} of "
                f"them, for {best.work:.2f} times the pixels. An overlap of "
                f"{longer.max()} px holds the largest wherever it lies."
            )
        if self.problems:
            more = f" ({left_out - 1} more)" if left_out > 1 else ""
            words += f"\n{self.problems[0]}{more}"
        return words


def candidates(
    current: FormSettings, longest: int, tiles: Sequence[int] = TILES
) -> tuple[FormSettings, ...]:
    """Return settings to try, ``current`` first, no tile larger than ``longest``."""
    sides = [side for side in tiles if side <= longest]
    tried = [_square(current, s, n and s // n) for s, n in product(sides, OVERLAPS)]
    return tuple(dict.fromkeys([current, *tried]))


def _square(current: FormSettings, side: int, overlap: int) -> FormSettings:
    stride = side - overlap
    return replace(
        current,
        tile=(side, side),
        step=(stride, stride),
        overlapping=False,
        random=None,
        border=(0, 0),
        window="box",
    )


class Survey:
    """Counts what settings do to defects of some images, those with a mask first."""

    def __init__(
        self, items: Sequence[ImageItem], tried: Sequence[FormSettings]
    ) -> None:
        self.items = tuple(sorted(items, key=lambda item: not item.has_mask))
        self.tried = tuple(tried)
        rows = tuple(map(Candidate, self.tried))
        # what is known; replaced, never changed. May be read by other threads
        self.snapshot = Snapshot(rows, total=len(self.items))
        self._regions: list[tuple[ImageItem, Region]] = []
        self._images: defaultdict[Size, list[Ints]] = defaultdict(list)
        self._problems: list[str] = []

    def run(self) -> Work[None]:
        """Search the masks, then measure how much contrast is left."""
        due = 0.0
        for number, item in enumerate(self.items, start=1):
            share = 0.5 * number / len(self.items)
            self._search(item)
            begin = time.monotonic()
            if begin >= due and number < len(self.items):
                yield from self._count(share)
                due = begin + max(_PAUSE, 10 * (time.monotonic() - begin))
            yield share
        largest = int(self._sizes().max(initial=0))
        sides = {settings.tile[0] for settings in self.tried[1:]}
        sure = (_square(self.tried[0], t, largest) for t in sides if 2 * largest <= t)
        if largest:
            self.tried = tuple(dict.fromkeys([*self.tried, *sorted(sure, key=_area)]))
        yield from self._count(0.5)
        yield from self._measure()

    def _search(self, item: ImageItem) -> None:
        """Read the mask and the size of an image."""
        try:
            size, mask = item.open_mask()
        except (ImportError, TilingError) as error:
            self._problems.append(f"{item.name}: {error}")
            return
        defects = Defects(()) if mask is None else find_defects(MaskPyramid(mask))
        self._regions += [(item, region) for region in defects.regions]
        self._images[size].append(defects.boxes)

    def _sizes(self) -> Ints:
        found = [part for parts in self._images.values() for part in parts]
        sizes = [boxes[..., 1] - boxes[..., 0] for boxes in found]
        return np.concatenate([_NO_SIZES, *sizes])

    def _count(self, share: float) -> Work[None]:
        """Publish what all settings do to all images so far, by geometry alone."""
        images = {size: (len(b), np.concatenate(b)) for size, b in self._images.items()}
        rows = []
        for settings in self.tried:
            rows.append(_counted(settings, images))
            yield share
        self.snapshot = Snapshot(
            _fronted(rows),
            self._sizes(),
            sum(number for number, _ in images.values()),
            len(self.items),
            tuple(self._problems),
        )

    def _measure(self) -> Work[None]:
        """Measure the contrast of some defects after resizing to each size of tile."""
        chosen = self._regions[:: -(-len(self._regions) // SAMPLED) or 1]
        rows = [row for row in self.snapshot.rows if not row.refused]
        shares: dict[Size, list[float]] = {row.settings.tile: [] for row in rows}
        loaded: LoadedImage | None = None
        for done, (item, region) in enumerate(chosen):
            if loaded is None or loaded.item is not item:
                loaded = item.load()
            if loaded.image is None or loaded.mask is None:
                continue  # it has vanished since
            whole = GridLookup(Tiler(loaded.image.size).grid(loaded.image.size))
            for number, target in enumerate(shares):
                seen = look(loaded.image.array, loaded.mask, region, whole, target)
                shares[target].append(seen.resized.contrast)
                yield 0.5 + 0.5 * (done + number / len(shares)) / len(chosen)
            left = {tile: float(np.median(part)) for tile, part in shares.items()}
            now = self.snapshot
            rows = [replace(r, contrast=left.get(r.settings.tile)) for r in now.rows]
            self.snapshot = replace(now, rows=tuple(rows))
        yield 1.0


def _counted(settings: FormSettings, images: dict[Size, tuple[int, Ints]]) -> Candidate:
    """Return what a setting does to images of some sizes and their defects' boxes."""
    whole = tiles = pixels = 0
    shorter = []
    for size, (number, boxes) in images.items():
        grid = settings.plan(size)
        if isinstance(grid, ValidationError):
            return Candidate(settings, refused=grid.words)
        whole += count_contained(grid, boxes)
        tiles += number * len(grid)
        pixels += number * size[0] * size[1]
        scale = np.array(settings.tile) / size
        shorter.append(((boxes[..., 1] - boxes[..., 0]) * scale).min(axis=1))
    known = np.concatenate(shorter) if shorter else np.zeros(0)
    resized = float(np.median(known)) if known.size else None
    work = tiles * _area(settings) / max(1, pixels)
    return Candidate(settings, whole, tiles, work, resized)


def count_contained(grid: Grid, boxes: Ints) -> int:
    """Return how many boxes, shape (n, 2, 2), lie whole in some tile."""
    if grid.is_irregular:
        view = GridLookup(grid)
        return sum(view.holding(tuple(r), tuple(c)).size > 0 for r, c in boxes.tolist())
    held = np.ones(len(boxes), dtype=bool)
    for number, axis in enumerate(grid.axes):
        # Of the tiles that begin early enough the last one reaches farthest.
        low, high = boxes[:, number, 0], boxes[:, number, 1]
        last = np.searchsorted(axis.boxes[:, 0], low, side="right") - 1
        held &= (last >= 0) & (axis.boxes[last.clip(0), 1] >= high)
    return int(held.sum())


def _fronted(rows: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Mark the candidates that no other beats."""
    keys = {r: (-r.whole, r.work, _area(r.settings)) for r in rows if not r.refused}

    def beaten(row: Candidate) -> Iterator[bool]:
        for key in keys.values():
            pairs = zip(key, keys[row], strict=True)
            yield key != keys[row] and all(a <= b for a, b in pairs)

    return tuple(replace(r, front=r in keys and not any(beaten(r))) for r in rows)


def _area(settings: FormSettings) -> int:
    return settings.tile[0] * settings.tile[1]


def by_stride(settings: FormSettings) -> FormSettings:
    """Return settings with a stride for an overlap, so that equal ones compare so."""
    if not settings.overlapping:
        return settings
    (height, width), (rows, columns) = settings.tile, settings.step
    return replace(settings, step=(height - rows, width - columns), overlapping=False)


def _percent(some: int, of: int) -> str:
    """Return a share in percent, 100 only if it is all."""
    if not of:
        return "none"
    return "all" if some == of else f"{min(99, round(100 * some / of))}%"
