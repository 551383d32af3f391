"""What is opened: images with their masks, found by reftiler, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from reftiler import samples
from reftiler.errors import TilingError
from reftiler.io import ReadOptions, open_image, open_mask
from reftiler.io.datasets import GOOD, ImageEntry, find_images
from reftiler.io.layouts import PLAIN, match_path
from reftiler.io.map_files import map_base, maps_beside, match_maps
from reftiler.validation import count_of, first_few
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.array_types import Array
from reftiler_gui.model.file_pixels import mapped_file
from reftiler_gui.model.image_pyramid import GUESS, ImagePyramid
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.steps import Work

CASES = (".npz", ".jsonl")  # suffixes of what the conformance kit writes
SETTINGS = (".yaml", ".yml")  # suffixes of tiling settings
_BAND = 2**24  # pixels of a mask that are looked at together


@dataclass(frozen=True)
class Check:
    """What is known of an image without showing it."""

    has_defect: bool | None = None  # None where nothing says so
    problems: tuple[str, ...] = ()  # a sentence each


@dataclass(frozen=True)
class ImageItem:
    """An image that can be shown."""

    name: str  # unique within its source: ``part`` or ``test/scratch/000``
    image: Path | None = None  # None for an image that is made
    masks: tuple[Path, ...] = ()
    # split, label: the folders of a data set that it lies in; empty outside of one
    split: str = ""
    label: str = ""
    make: Callable[[], tuple[Array, Array | None]] | None = None
    # anomaly maps, the first of which is shown at first: files, or what returns an
    # array
    maps: tuple[Path | Callable[[], Array], ...] = ()
    problems: tuple[str, ...] = ()
    reading: ReadOptions = GUESS

    @property
    def has_mask(self) -> bool:
        """Whether there should be a mask."""
        return bool(self.masks) or (self.image is None and self.label != GOOD)

    @property
    def by_name(self) -> Check:
        """What the names of files and folders say."""
        return Check(self.label != GOOD if self.label else None, self.problems)

    @property
    def files(self) -> list[Path]:
        """The files it is read from."""
        maps = (one for one in self.maps if isinstance(one, Path))
        return [*([self.image] if self.image else []), *self.masks, *maps]

    @property
    def stem(self) -> str:
        """What files that are made of it are called."""
        return self.image.stem if self.image else self.name.replace("/", "-")

    def path_beside(self, name: str) -> str:
        """Return a path for a file beside the image, if that is one."""
        return str(self.image.parent / name) if self.image else name

    def open_map(self, size: tuple[int, int] | None, number: int = 0) -> AnomalyMap:
        """Open one of its maps, for an image of a size; TilingError if it is none."""
        source = self.maps[number]
        if isinstance(source, Path):
            return AnomalyMap.open(source, size)
        return AnomalyMap(source(), size, f"the map of {self.name}")

    def check(self) -> Check:
        """Read the image's header and the mask; what cannot be read is a problem."""
        if self.image is None:
            return self.by_name
        problems, marks, size = list(self.problems), None, None
        try:
            height, width = open_image(self.image, self.reading).shape[:2]
            size = height, width
        except (ImportError, TilingError) as error:
            problems.append(str(error))
        try:
            mask = open_mask(self.masks, self.reading) if self.masks else None
            if mask is not None and size not in (None, mask.shape):
                misfit = self._misfit(mask.shape, size)
                problems.append(f"{misfit}: the image is shown without it")
            elif mask is not None:
                height, width = mask.shape
                rows = max(1, _BAND // max(1, width))
                marks = any(mask[k : k + rows].any() for k in range(0, height, rows))
        except (ImportError, TilingError) as error:
            problems.append(str(error))
        if marks and self.label == GOOD:
            problems.append("its folder says good, and its mask marks pixels")
        if marks is False and self.label not in ("", GOOD):
            problems.append(f"its folder is {self.label}, and its mask marks nothing")
        known = self.by_name.has_defect if marks is None else marks
        return Check(known, tuple(problems))

    def open_mask(self) -> tuple[tuple[int, int], Array | None]:
        """Return its size and what its mask marks; the image itself is not read."""
        if self.image is None or self.make is not None:
            loaded = self.load()
            if loaded.image is None or len(loaded.problems) > len(self.problems):
                raise TilingError(loaded.words)
            return loaded.image.size, loaded.mask.array if loaded.mask else None
        height, width = open_image(self.image, self.reading).shape[:2]
        if not self.masks:
            return (height, width), None
        mask = open_mask(self.masks, self.reading)[...]
        if mask.shape != (height, width):
            raise TilingError(self._misfit(mask.shape, (height, width)))
        return (height, width), mask

    def load(self) -> LoadedImage:
        """Read image and mask; what cannot be read is a problem, and no more."""
        mask: Array | None = None
        try:
            if self.make is not None:
                array, mask = self.make()
                image = ImagePyramid(array)
            else:
                assert self.image is not None
                image = ImagePyramid.open(self.image, self.reading)
        except (ImportError, TilingError) as error:
            words = str(error)
            return LoadedImage(self, None, None, words, (*self.problems, words))
        notes, problems, void = list(image.info.notes), list(self.problems), None
        if self.masks:
            try:
                opened = open_mask(self.masks, self.reading)
                mask, void = opened.labels[...], opened.void
                mask = mask if mapped_file(mask) is None else mask.copy()
                notes += opened.notes
            except (ImportError, TilingError) as error:
                problems.append(f"{error}; the image is shown without it")
        if mask is not None and mask.shape[:2] != image.size:
            misfit = self._misfit(mask.shape[:2], image.size)
            problems.append(f"{misfit}: the image is shown without it")
            mask = None
        found = None if mask is None else MaskPyramid(mask, void)
        if found is not None and found.area == found.array.size:
            notes.append("the mask marks the whole image")
        words = "; ".join((*problems, *notes))
        return LoadedImage(self, image, found, words, tuple(problems))

    def _misfit(self, mask: tuple[int, ...], image: tuple[int, ...] | None) -> str:
        sizes = [" × ".join(map(str, reversed(size or ()))) for size in (mask, image)]
        where = self.masks[0] if self.masks else self.name
        return f"the mask {where} is {sizes[0]} (width × height), its image {sizes[1]}"


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An item as it was read."""

    item: ImageItem
    image: ImagePyramid | None  # None if it cannot be read
    # None if there is none, or it cannot be read or has another size
    mask: MaskPyramid | None
    # a sentence for each problem, and for what was decided in reading them; empty if
    # all is well
    words: str
    problems: tuple[str, ...] = ()  # what is wrong, a sentence each

    @property
    def check(self) -> Check:
        """What is known of it now."""
        known = self.item.by_name.has_defect
        return Check(known if self.mask is None else self.mask.area > 0, self.problems)


@dataclass(frozen=True)
class ImageSet:
    """What is open."""

    items: tuple[ImageItem, ...] = ()  # in the order in which they were given and found
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what `find_images` passed over or guessed
    cases: tuple[Path, ...] = ()
    settings: tuple[Path, ...] = ()
    title: str = ""  # what to call it
    checks: dict[int, Check] = field(default_factory=dict, compare=False)

    @property
    def start(self) -> int:
        """The item to show first: one with a defect, if there is one."""
        marked = (n for n, item in enumerate(self.items) if item.has_mask)
        return next(marked, 0)

    def known(self, index: int) -> Check:
        """Return what is known of an item."""
        return self.checks.get(index) or self.items[index].by_name

    def check(self) -> Work[None]:
        """Check all items, those with masks first; `checks` grows meanwhile."""
        order = sorted(range(len(self.items)), key=lambda k: not self.items[k].masks)
        for count, index in enumerate(order):
            if index not in self.checks:
                self.checks[index] = self.items[index].check()
                yield count / len(order)

    def with_item(self, index: int, item: ImageItem) -> ImageSet:
        """Return this set with another item in the place of one, not checked yet."""
        self.checks.pop(index, None)  # which both share: it grows in the background
        return replace(
            self, items=(*self.items[:index], item, *self.items[index + 1 :])
        )

    def with_maps(self, sources: Iterable[Path], index: int | None = None) -> ImageSet:
        """Return this set with maps, matched by names, before those that were there.

        A single file is the map of the image ``index``; notes say what fits none.
        """
        found: dict[int, tuple[Path, ...]] = {}
        notes, sources = list[str](), list(sources)
        names = [item.name for item in self.items]
        for source in sources:
            try:
                maps, unmatched = self._maps_in(source)
            except TilingError as error:
                notes.append(str(error))
                continue
            if index is not None and len(sources) == 1 and source.is_file():
                maps, unmatched = {index: (source,)}, []
            for number, own in maps.items():
                found[number] = (*found.get(number, ()), *own)
            alone = len(self.items) == 1 and maps  # the others are of other images
            notes += [] if alone else unmatched
        several = [names[number] for number, own in found.items() if len(own) > 1]
        if several:
            notes.append(
                f"of {count_of(several, 'image')} there are several maps, the first "
                f"is shown: {first_few(several)}"
            )
        files = {path.resolve() for own in found.values() for path in own}
        items = tuple(
            replace(item, maps=(*dict.fromkeys((*found.get(number, ()), *item.maps)),))
            for number, item in enumerate(self.items)
            if item.image is None or item.image.resolve() not in files
        )
        notes.append(f"maps of {len(found):,} of {count_of(items, 'image')}")
        same = len(items) == len(self.items)
        return replace(
            self,
            items=items,
            notes=(*self.notes, *notes),
            checks=self.checks if same else {},
        )

    def _maps_in(self, path: Path) -> tuple[dict[int, tuple[Path, ...]], list[str]]:
        images = [item.image for item in self.items]
        return match_maps([item.name for item in self.items], images, path)

    def are_masks(self, paths: Sequence[Path], index: int) -> bool:
        """Tell whether files are called as masks of an image, and not as the image."""
        item = self.items[index]
        stem = item.image.stem if item.image else item.name.rpartition("/")[2]
        patterns = PLAIN.places[0].masks

        def is_mask(path: Path) -> bool:
            name = f"{path.resolve().parent.name}/{path.stem}"
            found = (match_path(pattern, name) for pattern in patterns)
            return any(fields and fields["stem"] == stem for fields in found)

        return bool(paths) and all(path.is_file() and is_mask(path) for path in paths)

    def are_maps(self, paths: Iterable[Path]) -> bool:
        """Tell whether all fit images by name, are named as maps or hold fractions."""
        files = {item.image.resolve() for item in self.items if item.image}
        paths = list(paths)
        for path in paths:
            try:
                maps, _ = self._maps_in(path)
                first = next((own[0] for own in maps.values()), None)
                if first is None or first.resolve() in files:
                    return False
                if not (map_base(first.stem) or open_image(first).dtype.kind == "f"):
                    return False
            except (ImportError, TilingError):
                return False
        return bool(paths)

    @classmethod
    def open(cls, paths: Iterable[str | Path]) -> ImageSet:
        """Open images, folders, data sets and others; if nothing, the sample."""
        given = [Path(path) for path in paths]
        if not given:
            return bundled()
        found: list[ImageEntry] = []
        problems, notes = [], list[str]()
        cases, settings = (
            [p for p in given if p.suffix.lower() in suffixes and not p.is_dir()]
            for suffixes in (CASES, SETTINGS)
        )
        for path in given:
            if path in cases or path in settings:
                continue
            try:
                images = find_images(path, recursive=True, strict=False)
                found += images
                notes += images.notes
            except TilingError as error:
                records = _records(path)
                cases += records
                if not records:
                    problems.append(str(error))
        more = f" and {len(given) - 1} more" if len(given) > 1 else ""
        beside = maps_beside(entry.image for entry in found)
        maps = [path for own in beside.values() for path in own]
        if maps:
            total = count_of(maps, "anomaly map")
            notes.append(f"{total} beside images: {first_few(maps)}")
        return cls(
            items=tuple(_items(found, beside)),
            problems=tuple(problems),
            notes=tuple(notes),
            cases=tuple(cases),
            settings=tuple(settings),
            title=given[0].resolve().name + more,
        )


def _records(folder: Path) -> list[Path]:
    """Return what the conformance kit wrote into a folder: records, or else cases."""
    if not folder.is_dir():
        return []
    return sorted(folder.glob("*.jsonl")) or sorted(folder.glob("*.npz"))


def bundled(texture: str = "brick") -> ImageSet:
    """Return the bundled sample: its defects first, then what is good."""
    rows = [
        (split, label, index)
        for split, labels in samples.CONTENTS.items()
        for label, count in labels.items()
        for index in range(count)
    ]
    rows.sort(key=lambda row: (row[0] != "test", row[1] == GOOD, row[1] != "spot"))

    def make(split: str, label: str, index: int) -> tuple[Array, Array | None]:
        made = samples.sample(texture, label, index, split)
        return made.image, made.mask if made.defects else None

    items = (
        ImageItem("{}/{}/{:03d}".format(*row), None, (), *row[:2], partial(make, *row))
        for row in rows
    )
    return ImageSet(tuple(items), title=f"bundled sample ({texture})")


def _items(
    found: list[ImageEntry], beside: dict[Path, tuple[Path, ...]]
) -> Iterator[ImageItem]:
    """Yield what was found, each image once and no mask or map as an image."""

    @cache
    def resolved(folder: Path) -> Path:
        return folder.resolve()

    masks = [mask for entry in found for mask in entry.masks]
    others = [*masks, *(path for own in beside.values() for path in own)]
    seen = {resolved(path.parent) / path.name for path in others}
    for entry in found:
        file = resolved(entry.image.parent) / entry.image.name
        if file not in seen:
            seen.add(file)
            yield ImageItem(
                *(entry.id, entry.image, entry.masks, entry.split, entry.label),
                problems=entry.problems,
                maps=beside.get(entry.image, ()),
            )
