"""A report on an image set, as a page and a CSV file: what tiling leaves of defects.

The page is one HTML file without scripts that needs no other file; the CSV file beside
it has a row for each defect. Images are examined one after the other, and of each only
its numbers are kept, so that sets of thousands need little memory.
"""

from __future__ import annotations

import base64
import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from reftiler import SPEC_VERSION, Grid, TilingError, __version__
from reftiler.atomic import OutputTransaction, atomic_write
from reftiler.cli.grid_summary import GridSummary
from reftiler.config import TilingConfig
from reftiler.errors import count, printable
from reftiler.io import resize
from reftiler.io.datasets import GOOD
from reftiler.io.png import encode_png
from reftiler.regions import Region
from reftiler_gui.model.array_types import Box, Span
from reftiler_gui.model.colors import as_rgb
from reftiler_gui.model.defects import (
    DefectMetrics,
    Defects,
    find_defects,
    look,
    shrinkage,
    square_around,
)
from reftiler_gui.model.form_settings import (
    START,
    FormSettings,
    ValidationError,
    as_command,
    as_python,
    as_terms,
)
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid, ResizedImage
from reftiler_gui.model.image_set import ImageItem, ImageSet, LoadedImage
from reftiler_gui.model.map_scores import LIMITS, SetScores, score_set
from reftiler_gui.model.overlay_settings import OverlaySettings, lines_of, mask_of
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.steps import Work, finish
from reftiler_gui.model.texts import facts_words, times, uncovered_words

T = TypeVar("T")

MEASURED = 200  # defects of an image whose contrast is measured
PICTURED = 6  # defects that the page shows as pictures: those that suffer most
LISTED = 500  # rows of a table of the page, at the most; the CSV file has them all
_TABLE = b"image,defect,"  # how the CSV file begins: no other file is replaced
_COLUMNS = (
    "image,defect,x,y,width,height,pixels,cut,tiles,best_tile,share_in_best_tile,"
    "contrast_in_best_tile,contrast_resized,map_peak,threshold,hit\n"
)

# A defect: its image, its number in that, its box and area; whether no tile holds it
# whole; how many tiles hold a part, that with most of it (-1 for none), the share of
# its pixels there, and of its contrast there and after resizing (NaN if not measured);
# the largest value of the anomaly map in it (NaN without a map).
_FIELDS = (
    "image i4, number i4, x i4, y i4, width i4, height i4, pixels i8, cut ?, tiles i4, "
    "tile i4, share f4, tiled f4, resized f4, peak f8"
)
DEFECT = np.dtype([(name, kind) for name, kind in map(str.split, _FIELDS.split(","))])


@dataclass(frozen=True)
class ImageRecord:
    """What is known of an image of the set."""

    name: str  # its name in the set
    size: Span | None = None  # height and width; None if it cannot be read
    kind: str = ""  # its channels and dtype
    defects: int = 0  # how many its mask marks
    cut: int = 0  # how many of them no tile holds whole
    masked: bool = False  # whether it has a mask, or is labelled good
    problem: str = ""  # why it could not be read or tiled; empty if it was
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """The numbers and pictures of a report."""

    title: str  # what the set is called
    settings: FormSettings  # how its images are tiled
    images: tuple[ImageRecord, ...]  # all images, in their order
    defects: NDArray[Any]  # all defects, image by image
    # for each size and kind of image: it, how many images, the numbers of its grid and
    # a warning of uncovered pixels, if any
    grids: tuple[tuple[str, int, list[tuple[str, str]], str], ...]
    grid: Figure  # the image of the defect that suffers most, and its tiles
    worst: tuple[tuple[str, Figure, Figure], ...]
    scores: SetScores | None = None
    threshold: float | None = None
    why: str = ""  # why this one
    notes: tuple[str, ...] = ()  # what was said when the set was opened

    @cached_property
    def problems(self) -> list[tuple[str, str]]:
        """The images that were passed over or read in part, and why."""
        said = ((one.name, one.problem or one.notes) for one in self.images)
        return [(name, words) for name, words in said if words]

    @property
    def read(self) -> int:
        """How many images the numbers are about."""
        return sum(not one.problem for one in self.images)

    @property
    def unknown(self) -> int:
        """How many of these have no mask, so that nothing is known of their defects."""
        return sum(not (one.masked or one.problem) for one in self.images)

    @property
    def summary(self) -> str:
        """One sentence for a status bar or a terminal."""
        words = f"{count(self.read, 'image')}, {count(len(self.defects), 'defect')}"
        if len(self.defects):
            words += f", {int(self.defects['cut'].sum()):,} cut by tile edges"
        if self.threshold is not None:
            known = int((~np.isnan(self.defects["peak"])).sum())
            missed = known - int(self.hit(self.defects).sum())
            words += (
                f", {missed:,} of {known:,} missed at threshold {self.threshold:.6g}"
            )
        if passed := len(self.images) - self.read:
            words += f"; {count(passed, 'image')} could not be read or tiled"
        return words

    def hit(self, rows: Any) -> Any:
        """Say of defects whether their map reaches the threshold."""
        return rows["peak"] >= (np.inf if self.threshold is None else self.threshold)

    @cached_property
    def thresholds(self) -> list[dict[str, Any]]:
        """What is hit, and what is found wrongly, at some thresholds; lowest first."""
        if self.scores is None or self.threshold is None:
            return []
        peaks = np.sort(self.scores.peaks)[::-1]
        peaks = peaks[~np.isnan(peaks)]  # these are never hit
        chosen = {self.threshold: self.why}
        for share in (1.0, 0.95, 0.9, 0.75, 0.5):
            number = math.ceil(share * len(peaks))
            if number:
                words = "all defects are hit" if share == 1 else f"{share:.0%} are hit"
                chosen.setdefault(float(peaks[number - 1]), words)
        rows = []
        for threshold in sorted(chosen):
            hits, total = self.scores.hits(threshold)
            row = {"threshold": threshold, "words": chosen[threshold], "hits": hits}
            false, exact = self._false_share(threshold)
            words = f"{100 * false:.3g} %" if exact else f"≤ {100 * false:.3g} %"
            row |= {"missed": total - hits, "false": words}
            rows.append(row | {"alarms": self.scores.false_alarms(threshold)})
        return rows

    def _false_share(self, threshold: float) -> tuple[float, bool]:
        """Return the share of good pixels that are found, and whether it is exact."""
        assert self.scores is not None
        # Known at values of defective pixels; elsewhere that of the next lower one.
        values, false, _ = self.scores.ranking.curve()
        place = int(np.searchsorted(-values, -threshold, "left"))
        if place == len(values):
            return 1.0, False
        return float(false[place]), bool(values[place] == threshold)

    @cached_property
    def curve(self) -> list[tuple[float, float]]:
        """Points of defects hit (y) over good pixels found (x, 0 is 1e-5 or less)."""
        if self.scores is None:
            return []
        peaks = np.sort(self.scores.peaks)[::-1]
        known = peaks[~np.isnan(peaks)]
        steps = np.unique(np.linspace(1, len(known), 200).round().astype(int)) - 1
        points = list[tuple[float, float]]()
        for step in steps if len(known) else ():
            false, _ = self._false_share(known[step])
            x = 1 + max(-5.0, math.log10(false) if false > 0 else -5.0) / 5
            if points:  # until the threshold is reached, no other defect is hit
                points.append((x, points[-1][1]))
            points.append((x, int((known >= known[step]).sum()) / len(peaks)))
        return points

    @property
    def advice(self) -> str:
        """Which overlap would hold every defect whole; empty if all are."""
        if not self.defects["cut"].any():
            return ""
        large = [int(self.defects[name].max()) for name in ("width", "height")]
        words = f"The largest defects are {large[0]} px wide and {large[1]} px high: "
        tile = self.settings.tile[::-1]
        if any(side >= whole for side, whole in zip(large, tile, strict=True)):
            return words + "only larger tiles hold them whole."
        return words + (
            f"an overlap of {times(large[::-1])} px (width × height) or more holds "
            "every defect whole, wherever it lies, if tiles cover all pixels."
        )

    @cached_property
    def classes(self) -> list[dict[str, Any]]:
        """The defects by their shorter side: what is cut and what is left of each."""
        sides = np.minimum(self.defects["width"], self.defects["height"])
        edges = [1, 3, 5, 9, 17, 33, 65, 129, np.inf]
        rows = list[dict[str, Any]]()
        for low, high in pairwise(edges):
            part = self.defects[(sides >= low) & (sides < high)]
            if not len(part):
                continue
            known = part[~np.isnan(part["resized"])]
            mapped = part[~np.isnan(part["peak"])]
            size = f"{low} to {high - 1} px" if high < np.inf else f"{low} px and more"
            row = {
                "size": size,
                "count": len(part),
                "cut": int(part["cut"].sum()),
                "outside": int((part["tiles"] == 0).sum()),
                "missed": int((~self.hit(mapped)).sum()),
            }
            for name in ("resized", "tiled"):
                row[name] = float(np.median(known[name])) if len(known) else None
            rows.append(row)
        return rows

    @cached_property
    def listed(self) -> list[tuple[str, Any]]:
        """The defects of the table, with their images: those that suffer most first."""
        found = self.defects
        hit = self.hit(found) & (self.threshold is not None)
        order = np.lexsort((found["resized"], found["tiled"], ~found["cut"], hit))
        if len(order) <= LISTED and len(self.images) == 1:
            order = np.arange(len(order))
        return [(self.images[row["image"]].name, row) for row in found[order[:LISTED]]]

    @cached_property
    def listed_images(self) -> list[ImageRecord]:
        """The images of the table: all, or those with defects or problems first."""
        ranked = sorted(
            self.images, key=lambda one: (-one.cut, -one.defects, not one.problem)
        )
        return list(self.images) if len(ranked) <= LISTED else ranked[:LISTED]

    def html(self) -> str:
        """Write the page."""
        import jinja2  # noqa: PLC0415 - only a report needs it

        loader = jinja2.PackageLoader("reftiler_gui.model", "")
        pages = jinja2.Environment(
            loader=loader,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        pages.filters |= {"percent": _percent, "named": printable, "times": times}
        return pages.get_template("report.html").render(
            report=self,
            count=count,
            terms=as_terms(self.settings),
            spelled=_spelled(self.settings),
            version=__version__,
            spec=SPEC_VERSION,
            measured=MEASURED,
            limits=LIMITS,
        )

    def csv(self) -> bytes:
        """Write the CSV file, a row for each defect, as UTF-8."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        text.write(_COLUMNS)
        for row in self.defects:
            kept, mapped = ["", "", ""], ["", "", ""]
            if not np.isnan(row["resized"]):
                kept = [f"{row[n]:.4f}" for n in ("share", "tiled", "resized")]
            if self.threshold is not None and not np.isnan(row["peak"]):
                peak = "nan" if np.isneginf(row["peak"]) else repr(float(row["peak"]))
                hit = "yes" if self.hit(row) else "no"
                mapped = [peak, repr(float(self.threshold)), hit]
            name, cut = self.images[row["image"]].name, "yes" if row["cut"] else "no"
            places = [row[n] for n in ("number", "x", "y", "width", "height", "pixels")]
            tile = row["tile"] if row["tile"] >= 0 else ""
            table.writerow(
                [printable(name), *places, cut, row["tiles"], tile, *kept, *mapped]
            )
        return text.getvalue().encode()


def examine_set(
    image_set: ImageSet, settings: FormSettings, threshold: float | None = None
) -> Work[Report]:
    """Examine the images of a set; those that cannot be read or tiled are named.

    Threshold None: the least peak above all good images. TilingError if none is read.
    """
    items = image_set.items
    scores, mapped = None, any(item.maps for item in items)
    if mapped:
        scores = yield from _scaled(score_set(items), 0.0, 0.5)
    threshold, why = _threshold(scores, threshold)
    records, rows = list[ImageRecord](), list[NDArray[Any]]()
    grids: dict[tuple[Span, str], list[Any]] = {}
    worst = list[_Seen]()
    example: int | None = None
    start = 0.5 if mapped else 0.0
    for number, item in enumerate(items):
        loaded = item.load()
        record, view = _record(loaded, settings)
        if loaded.image is not None and view is not None:
            peaks = _peaks_of(item, scores)
            before = worst
            try:
                defects = find_defects(loaded.mask) if loaded.mask else Defects(())
                found = np.zeros(len(defects), DEFECT)
                for place, region in enumerate(defects.regions):
                    peak, seen = peaks.get(region, math.nan), None
                    if place < MEASURED and loaded.mask is not None:
                        pixels, target = loaded.image.array, settings.tile
                        seen = look(pixels, loaded.mask, region, view, target)
                        missed = threshold is not None and peak < threshold
                        entry = (not missed, number, place, seen)
                        worst = sorted([*worst, entry], key=_loss)[:PICTURED]
                    found[place] = _row(number, place, region, view, seen, peak)
                    done = (number + place / len(defects)) / len(items)
                    yield start + (1 - start) * done
            except TilingError as error:  # it has changed since it was opened
                worst = before
                records.append(replace(record, problem=str(error)))
                continue
            example = number if example is None else example
            size, kind = loaded.image.size, record.kind
            if (size, kind) not in grids:
                picture = loaded.image
                known = GridSummary(view.grid, picture.channels, picture.dtype)
                words = facts_words(known, settings), uncovered_words(known, settings)
                grids[size, kind] = [0, *words]
            grids[size, kind][0] += 1
            rows.append(found)
            cut = int(found["cut"].sum())
            record = replace(record, defects=len(defects), cut=cut)
        records.append(record)
        yield start + (1 - start) * (number + 1) / len(items)
    if example is None:
        raise TilingError(
            records[0].problem if records else f"no image in {image_set.title}"
        )
    sizes = tuple((f"{times(k[0])} px, {k[1]}", *known) for k, known in grids.items())
    shown = items[worst[0][1] if worst else example].load()
    return Report(
        title=image_set.title,
        settings=settings,
        images=tuple(records),
        defects=np.concatenate(rows),
        grids=sizes,
        grid=_grid_figure(shown, settings),
        worst=tuple(_pictured(items, worst, settings)),
        scores=scores,
        threshold=threshold,
        why=why,
        notes=(*image_set.problems, *image_set.notes),
    )


def write_report(
    image_set: ImageSet,
    settings: FormSettings,
    path: Path,
    *,
    threshold: float | None = None,
    overwrite: bool,
) -> Work[Report]:
    """Examine a set and write the page and, beside it, the CSV file, or neither."""
    table = path.with_suffix(".csv")
    folder = path.absolute().parent
    if path.suffix.lower() not in (".html", ".htm"):
        raise TilingError(f"the report is a page: give a name with .html, got {path}")
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise TilingError(f"cannot write {path}: {folder} is no folder to write to")
    for target in (path, table):
        if target.is_dir():
            raise TilingError(f"cannot write {target}: it is a folder")
        if target.exists() and not overwrite:
            raise TilingError(
                f"{target} is there already: give another name, or ask to overwrite it"
            )
    if table.exists():
        with table.open("rb") as file:
            if file.read(len(_TABLE)) != _TABLE:
                raise TilingError(f"{table} is no table of a report: give another name")
    if find_spec("jinja2") is None:  # before any work is done
        raise TilingError('a report needs jinja2: pip install "reftiler[gui]"')
    report = yield from examine_set(image_set, settings, threshold)
    page = report.html().encode()
    with OutputTransaction() as files:
        files.write(table, lambda file: atomic_write(file, report.csv()))
        files.write(path, lambda file: atomic_write(file, page))
    return report


def report_on(
    paths: Sequence[Path],
    config: TilingConfig | None,
    path: Path,
    *,
    maps: Sequence[Path] = (),
    threshold: float | None = None,
    overwrite: bool,
) -> Work[Report]:
    """Write a report on all images that a window would show, as `write_report` does."""
    opened = ImageSet.open(paths)
    if not opened.items:
        named = ", ".join(map(str, paths))
        raise TilingError("; ".join(opened.problems) or f"no image in {named}")
    if maps:
        opened = opened.with_maps(maps)
    if threshold is not None and not any(item.maps for item in opened.items):
        raise TilingError("a threshold is one of anomaly maps, and no image has a map")
    settings = START if config is None else FormSettings.of(config)
    for file in opened.settings if config is None else ():
        settings = FormSettings.read(file)
    if len(opened.items) == 1:
        opened = replace(opened, title=opened.items[0].name)
    writing = write_report(
        opened, settings, path, threshold=threshold, overwrite=overwrite
    )
    return (yield from writing)


_Seen: TypeAlias = tuple[bool, int, int, DefectMetrics]
"""Whether a defect is hit, the numbers of its image and of itself, its metrics."""


def _scaled(work: Work[T], start: float, share: float) -> Work[T]:
    """Do work that is a part of other work."""
    while True:
        try:
            yield start + share * next(work)
        except StopIteration as end:
            found: T = end.value
            return found


def _peaks_of(item: ImageItem, scores: SetScores | None) -> dict[Region, float]:
    """Return the largest values of a map at the defects of its image."""
    found = scores.defects.get(item.name) if scores else None
    if found is None:
        return {}
    peaks = np.where(np.isnan(found.peaks), -np.inf, found.peaks)  # all NaN: never hit
    return dict(zip(found.regions, peaks.tolist(), strict=True))


def _threshold(
    scores: SetScores | None, threshold: float | None
) -> tuple[float | None, str]:
    """Return the threshold of the report, and why it is this one."""
    if scores is None or not (scores.good or scores.defective):
        return None, ""
    if threshold is not None:
        return threshold, "chosen"
    good = [score for score in scores.good.values() if not math.isnan(score)]
    peaks = scores.peaks[~np.isnan(scores.peaks)]
    if not good and peaks.size:
        return float(peaks.min()), "all defects are hit"
    highest = max(good, default=0.0)
    above = peaks[peaks > highest]
    if above.size:
        return float(above.min()), "the lowest without a false alarm"
    return float(np.nextafter(highest, np.inf)), "just above all good images"


def _loss(entry: _Seen) -> tuple[float, ...]:
    """Order defects: those that suffer most first."""
    hit, number, place, seen = entry
    share = seen.tiled.area / seen.region.area
    return (hit, seen.whole, share, seen.resized.contrast, number, place)


def _record(
    loaded: LoadedImage, settings: FormSettings
) -> tuple[ImageRecord, GridLookup | None]:
    """Return what is known of an image at once, and its tiles if it has some."""
    name, image = loaded.item.name, loaded.image
    if image is None:
        return ImageRecord(name, problem=loaded.words), None
    alpha = " with alpha" if image.has_alpha else ""
    names = {1: f"grey{alpha}", 3: f"RGB{alpha}"}
    colors = names.get(image.channels - image.has_alpha, f"{image.channels} channels")
    record = ImageRecord(name, image.size, f"{colors}, {image.dtype.name}")
    plan = settings.plan(image.size)
    if isinstance(plan, ValidationError):
        return replace(record, problem=plan.words), None
    masked = loaded.mask is not None or loaded.item.label == GOOD
    return replace(record, masked=masked, notes=loaded.words), GridLookup(plan)


def _row(
    number: int,
    place: int,
    region: Region,
    view: GridLookup,
    seen: DefectMetrics | None,
    peak: float,
) -> tuple[Any, ...]:
    """Return a row of DEFECT."""
    (top, bottom), (left, right) = region.box
    box = left, top, right - left, bottom - top
    first = number, place + 1, *box, region.area, not view.holding(*region.box).size
    if seen is None:
        return *first, len(view.meeting(*region.box)), -1, *[np.nan] * 3, peak
    kept = seen.tiled.area / region.area, seen.tiled.contrast, seen.resized.contrast
    best = -1 if seen.best is None else seen.best
    return *first, len(seen.tiles), best, *kept, peak


def _pictured(
    items: Sequence[ImageItem], worst: list[_Seen], settings: FormSettings
) -> Iterator[tuple[str, Figure, Figure]]:
    """Draw defects, each image read once."""
    sources: dict[int, tuple[ImagePyramid, ResizedImage]] = {}
    for hit, number, place, seen in worst:
        if number not in sources:
            image = items[number].load().image
            if image is None:
                continue  # it has vanished meanwhile; its numbers are in the report
            finish(image.build())
            sources[number] = image, ResizedImage(image, seen.target)
        name = items[number].name
        words = (
            f"Defect {place + 1} of {name}{'' if hit else ', missed'}. {seen.sentence}"
        )
        plan = settings.plan(sources[number][0].size)
        grid = plan if isinstance(plan, Grid) else None
        yield (printable(words), *_compare_figures(*sources[number], seen, grid))


def _spelled(settings: FormSettings) -> list[tuple[str, str]]:
    """Return the settings as a command line, Python and YAML."""
    try:
        command = as_command(settings)
    except TilingError as error:
        command = f"# {error}"
    python = as_python(settings)
    return [("Command line", command), ("Python", python), ("YAML", settings.yaml())]


def _percent(share: float | None) -> str:
    """Write a share so that 0 % and 100 % are exact."""
    if share is None or np.isnan(share):
        return ""
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{share:.0%}".replace("%", " %")


Rgb: TypeAlias = NDArray[np.uint8]

_SIDE = 1280  # pixels of the longer side of the picture of the grid
_LARGEST = 16  # zoom of small images, at the most
_WIDTH = 2  # of lines and outlines, in pixels of the picture
_BACKGROUND = np.array((225, 226, 228), np.uint8)
_RING = 15.0  # smallest radius of a ring
_PART = 768  # pixels of the longer side of the picture of a defect, about
_AROUND = 14  # pixels of the resized image shown around a defect


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture of a report."""

    pixels: Rgb  # shape (H, W, 3): the picture
    caption: str  # what it shows
    # places to mark: column, row and radius in its pixels, and a label
    rings: tuple[tuple[float, float, float, str], ...] = ()
    # left, top, width and height of a tile in its pixels: what lies beyond is veiled
    frame: tuple[float, ...] | None = None
    sharp: bool = False  # whether it is enlarged without smoothing

    @property
    def uri(self) -> str:
        """The picture as a PNG file in a line of text, grey ones as such."""
        grey = bool((self.pixels == self.pixels[..., :1]).all())
        data = encode_png(self.pixels[..., 0] if grey else self.pixels)
        return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"

    @property
    def line(self) -> float:
        """Width of a ring in its pixels, so that all rings look equally wide."""
        return float(max(self.pixels.shape[:2]) / (160 if self.sharp else 520))


def _grid_figure(loaded: LoadedImage, settings: FormSettings) -> Figure:
    """Draw an image with its mask and tiles, some of its defects ringed."""
    image = loaded.image
    plan = settings.plan(image.size) if image else None
    if image is None or plan is None or isinstance(plan, ValidationError):
        raise TilingError(f"{loaded.item.name} has changed meanwhile: try again")
    finish(image.build())
    regions = find_defects(loaded.mask).regions[:MEASURED] if loaded.mask else ()
    layers, view = OverlaySettings(), GridLookup(plan)
    transform = _transform_on(view.frame)
    canvas = _drawn(image, transform)
    drawn = [(0, 0, lines_of(view, transform, layers, _WIDTH))]
    if loaded.mask and (mask := mask_of(loaded.mask, transform, layers, _WIDTH)):
        drawn.insert(0, mask)
    for top, left, pixels in drawn:
        height, width = pixels.shape
        part = canvas[top : top + height, left : left + width]
        part[:] = as_rgb(pixels, part)
    caption = f"{loaded.item.name}. Tiles start at solid lines and end at dashed ones."
    if any(any(pair) for pair in view.padding):
        caption += " Grey stripes are padding."
    if regions:
        caption += " Defects are ringed, with the numbers of the table."
    rings = list[tuple[float, float, float, str]]()
    for number, region in enumerate(regions, start=1):
        (top, bottom), (left, right) = region.box
        x = ((left + right) / 2 - transform.left) * transform.zoom
        y = ((top + bottom) / 2 - transform.top) * transform.zoom
        radius = max(_RING, max(region.size) * transform.zoom / 2 + 6)
        rings.append((x, y, radius, str(number)))
    return Figure(canvas, caption, tuple(rings))


def _compare_figures(
    source: ImagePyramid, small: ResizedImage, seen: DefectMetrics, grid: Grid | None
) -> tuple[Figure, Figure]:
    """Draw a defect after resizing the image, and as it is in its tile."""
    around = round(_AROUND * shrinkage(source.size, seen.target))
    box = square_around(seen.region, source.size, around)
    (top, bottom), (left, _) = box
    level = max(0, math.ceil(math.log2((bottom - top) / _PART)))
    (first, last), (low, high) = seen.region.box
    place = (low + high) / 2 - left, (first + last) / 2 - top
    radius = max(seen.region.size) / 2 + (bottom - top) / 30
    x, y, radius = (length / 2**level for length in (*place, radius))
    resized = f"Resized to {times(seen.target)} px"
    if small.mean > 1:
        resized += f", from means of {small.mean} × {small.mean} px"
    tiled = "In no tile" if seen.best is None else f"In tile {seen.best}"
    rows, columns = ((span[0] >> level, -(-span[1] >> level)) for span in box)
    left_side, right_side = (
        as_rgb(picture.region(level, rows, columns), _BACKGROUND)
        for picture in (small, source)
    )
    rings = ((x, y, radius, ""),)
    frame = None
    if grid is not None and seen.best is not None:
        lows, highs = np.array(box).T
        tile = GridLookup(grid).boxes([seen.best])[0]
        first, stop = (tile.T.clip(lows, highs) - lows) / 2**level
        frame = (*first[::-1].tolist(), *(stop - first)[::-1].tolist())
    return (
        Figure(left_side, resized, rings, sharp=True),
        Figure(right_side, tiled, rings, frame, sharp=True),
    )


def _transform_on(frame: Box) -> ScreenTransform:
    """Return what shows a whole box in `_SIDE` pixels, or a few less."""
    (top, bottom), (left, right) = frame
    zoom = _SIDE / max(bottom - top, right - left)
    if zoom > 1:
        zoom = float(min(int(zoom), _LARGEST))
    height, width = (max(1, round(n * zoom)) for n in (bottom - top, right - left))
    return ScreenTransform(float(top), float(left), zoom, height, width)


def _drawn(picture: ImagePyramid, transform: ScreenTransform) -> Rgb:
    """Draw a whole picture; what lies around it is grey."""
    canvas = np.empty((transform.height, transform.width, 3), np.uint8)
    canvas[:] = _BACKGROUND
    (top, bottom), (left, right) = transform.shown(picture.size)
    if top == bottom or left == right:
        return canvas
    level = picture.level(transform.zoom)
    height, width = picture.level_size(level)
    shown = as_rgb(picture.whole(level), _BACKGROUND)
    size = bottom - top, right - left
    if transform.zoom >= 1:
        rows = np.arange(size[0]) * height // size[0]
        columns = np.arange(size[1]) * width // size[1]
        shown = shown[np.ix_(rows, columns)]
    elif size != (height, width):
        shown = resize(shown, size)
    canvas[top:bottom, left:right] = shown
    return canvas
