"""A report on an image set, as a page and a CSV file: what tiling leaves of defects.

The page is one HTML file without scripts that needs no other file; the CSV file beside
it has a row for each defect. Images are examined one after the other, and of each only
its numbers are kept, so that sets of thousands need little memory.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler import SPEC_VERSION, TilingError, __version__
from reftiler.atomic import OutputTransaction, atomic_write
from reftiler.config import TilingConfig
from reftiler.errors import printable
from reftiler.io.datasets import GOOD
from reftiler.regions import Region
from reftiler_gui.model.code_export import as_command, as_python, as_terms
from reftiler_gui.model.defect_metrics import DefectMetrics, look
from reftiler_gui.model.defects import Defects, find_defects
from reftiler_gui.model.form_settings import START, FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, ImageSet, LoadedImage
from reftiler_gui.model.report_figures import Figure, compare_figures, grid_figure
from reftiler_gui.model.resized_image import ResizedImage
from reftiler_gui.model.steps import Work, finish
from reftiler_gui.model.texts import count, facts_words, times, uncovered_words
from reftiler_gui.model.tiling_summary import facts

__all__ = ["ImageRecord", "Report", "examine_set", "report_on", "write_report"]

Span: TypeAlias = tuple[int, int]

MEASURED = 200
"""Defects of an image whose contrast is measured; of all others the place is known."""
PICTURED = 6
"""Defects that the page shows as pictures: those that suffer most."""
LISTED = 500
"""Rows of a table of the page, at the most; the CSV file has them all."""

DEFECT = np.dtype(
    [
        *(
            (name, np.int32)
            for name in ("image", "number", "x", "y", "width", "height")
        ),
        ("pixels", np.int64),
        ("cut", np.bool_),
        *((name, np.int32) for name in ("tiles", "tile")),
        *((name, np.float32) for name in ("share", "tiled", "resized")),
    ]
)
"""A defect of `Report.defects`: the numbers of its image and of itself in that image,
its box and area; whether no tile holds it whole; how many tiles hold a part of it, the
number of the tile with most of it (-1 for none), the share of its pixels there, and the
shares of its contrast kept in that tile and after resizing (NaN if not measured)."""


@dataclass(frozen=True)
class ImageRecord:
    """
    What is known of an image of the set.

    Attributes
    ----------
    name : str
        Its name in the set.
    size : pair of int, or None
        Height and width; None if it cannot be read.
    kind : str
        Its channels and dtype.
    defects : int
        How many its mask marks.
    cut : int
        How many of them no tile holds whole.
    masked : bool
        Whether its defects are known: it has a mask, or is labelled good.
    problem : str
        Why it could not be read or tiled; empty if it was.
    notes : str
        What else was said when it was read, such as a mask of another size.
    """

    name: str
    size: Span | None = None
    kind: str = ""
    defects: int = 0
    cut: int = 0
    masked: bool = False
    problem: str = ""
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """
    The numbers and pictures of a report.

    Attributes
    ----------
    title : str
        What the set is called.
    settings : FormSettings
        How its images are tiled.
    images : tuple of ImageRecord
        All images, in their order.
    defects : ndarray of DEFECT
        All defects, image by image.
    grids : tuple of (str, int, list, str)
        For each size and kind of image: it, how many images, the numbers of its grid
        and a warning of uncovered pixels, if any.
    grid : Figure
        The first image with a defect, and its tiles.
    worst : tuple of (str, Figure, Figure)
        A sentence on a defect, and pictures of it resized and in its tile.
    """

    title: str
    settings: FormSettings
    images: tuple[ImageRecord, ...]
    defects: NDArray[Any]
    grids: tuple[tuple[str, int, list[tuple[str, str]], str], ...]
    grid: Figure
    worst: tuple[tuple[str, Figure, Figure], ...]

    @cached_property
    def problems(self) -> list[tuple[str, str]]:
        """The images that were passed over or read in part, and why."""
        return [
            (one.name, one.problem or one.notes)
            for one in self.images
            if one.problem or one.notes
        ]

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
        if passed := len(self.images) - self.read:
            words += f"; {count(passed, 'image')} could not be read or tiled"
        return words

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
            f"an overlap of {times(tuple(large))} px (width × height) or more holds "
            "every defect whole, wherever it lies, if tiles cover all pixels."
        )

    @cached_property
    def classes(self) -> list[dict[str, Any]]:
        """The defects by their shorter side: what is cut and what is left of each."""
        sides = np.minimum(self.defects["width"], self.defects["height"])
        edges = [1, 3, 5, 9, 17, 33, 65, 129, np.inf]
        rows = []
        for low, high in pairwise(edges):
            part = self.defects[(sides >= low) & (sides < high)]
            if len(part):
                size = (
                    f"{low} to {high - 1} px" if high < np.inf else f"{low} px and more"
                )
                known = part[~np.isnan(part["resized"])]
                medians = {
                    name: float(np.median(known[name])) if len(known) else None
                    for name in ("resized", "tiled")
                }
                cut = int(part["cut"].sum())
                outside = int((part["tiles"] == 0).sum())
                row = {"size": size, "count": len(part), "cut": cut, "outside": outside}
                rows.append(row | medians)
        return rows

    @cached_property
    def listed(self) -> list[tuple[str, Any]]:
        """The defects of the table, with their images: those that suffer most first."""
        found = self.defects
        order = np.lexsort((found["resized"], found["tiled"], ~found["cut"]))
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
        )

    def csv(self) -> Iterator[bytes]:
        """Yield the rows of the CSV file, a row for each defect, as UTF-8."""
        head = (
            *("image", "defect", "x", "y", "width", "height", "pixels", "cut"),
            *("tiles", "best_tile", "share_in_best_tile"),
            *("contrast_in_best_tile", "contrast_resized"),
        )
        yield _csv_line(head)
        for row in self.defects:
            known = not np.isnan(row["resized"])
            yield _csv_line(
                (
                    printable(self.images[row["image"]].name),
                    *(row[name] for name in DEFECT.names[1:7]),  # type: ignore[index]
                    "yes" if row["cut"] else "no",
                    row["tiles"],
                    row["tile"] if row["tile"] >= 0 else "",
                    *(f"{row[n]:.4f}" if known else "" for n in ("share", "tiled")),
                    f"{row['resized']:.4f}" if known else "",
                )
            )


def examine_set(
    items: Sequence[ImageItem], settings: FormSettings, title: str
) -> Work[Report]:
    """
    Examine the images of a set.

    Parameters
    ----------
    items : sequence of ImageItem
        The images; those that cannot be read or tiled are passed over and named.
    settings : FormSettings
        How they are tiled.
    title : str
        What to call the set.

    Raises
    ------
    TilingError
        If no image can be read, or the settings fit none of them.
    """
    records, rows = list[ImageRecord](), list[NDArray[Any]]()
    grids: dict[tuple[Span, str], list[Any]] = {}
    worst = list[_Seen]()
    example, marked = None, False
    for number, item in enumerate(items):
        loaded = item.load()
        record, view = _record(loaded, settings)
        if loaded.image is not None and view is not None:
            defects = find_defects(loaded.mask) if loaded.mask else Defects(())
            found = np.zeros(len(defects), DEFECT)
            for place, region in enumerate(defects.regions):
                seen = None
                if place < MEASURED and loaded.mask is not None:
                    pixels, target = loaded.image.array, settings.tile
                    seen = look(pixels, loaded.mask, region, view, target)
                    worst = sorted([*worst, (number, place, seen)], key=_loss)
                    del worst[PICTURED:]
                found[place] = _row(number, place, region, view, seen)
                yield (number + place / len(defects)) / len(items)
            if example is None or (len(defects) and not marked):
                example, marked = number, len(defects) > 0
            size, kind = loaded.image.size, record.kind
            if (size, kind) not in grids:
                known = facts(view, loaded.image.channels, loaded.image.dtype)
                words = facts_words(known, settings), uncovered_words(known, settings)
                grids[size, kind] = [0, *words]
            grids[size, kind][0] += 1
            rows.append(found)
            cut = int(found["cut"].sum())
            record = replace(record, defects=len(defects), cut=cut)
        records.append(record)
        yield (number + 1) / len(items)
    if example is None:
        raise TilingError(records[0].problem if records else f"no image in {title}")
    return Report(
        title=title,
        settings=settings,
        images=tuple(records),
        defects=np.concatenate(rows),
        grids=tuple(
            (f"{times(size[::-1])} px, {kind}", *numbers)
            for (size, kind), numbers in grids.items()
        ),
        grid=_example(items[example].load(), settings),
        worst=tuple(_pictured(items, worst)),
    )


def write_report(
    items: Sequence[ImageItem],
    settings: FormSettings,
    title: str,
    path: Path,
    *,
    overwrite: bool,
) -> Work[Report]:
    """
    Examine a set and write the page, and beside it the CSV file of the same name.

    Parameters
    ----------
    items, settings, title
        As `examine_set` takes them.
    path : Path
        The page; its name ends with ``.html`` or ``.htm``.
    overwrite : bool
        Whether files that are there already are replaced.

    Returns
    -------
    Report
        What was written.

    Raises
    ------
    TilingError, TypeError
        If a file is there already or cannot be written, which is found out first, or
        as `examine_set` raises. Nothing is written then.
    """
    table = path.with_suffix(".csv")
    folder = path.absolute().parent
    if path.suffix.lower() not in (".html", ".htm"):
        raise TilingError(f"the report is a page: give a name with .html, got {path}")
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise TilingError(f"cannot write {path}: {folder} is no folder to write to")
    for file in (path, table):
        if file.is_dir():
            raise TilingError(f"cannot write {file}: it is a folder")
        if file.exists() and not overwrite:
            raise TilingError(
                f"{file} is there already: give another name, or ask to overwrite it"
            )
    if table.exists() and not _is_table(table):
        raise TilingError(f"{table} is no table of a report: give another name")
    report = yield from examine_set(items, settings, title)
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
    overwrite: bool,
) -> Work[Report]:
    """
    Write a report on all images that a window would show, as `write_report` does.

    Raises
    ------
    TilingError, TypeError, ImportError
        As `write_report`, and if there is no image in ``paths``.
    """
    opened = ImageSet.open(paths)
    if not opened.items:
        named = ", ".join(map(str, paths))
        raise TilingError("; ".join(opened.problems) or f"no image in {named}")
    settings = START if config is None else FormSettings.of(config)
    for file in opened.settings if config is None else ():
        settings = FormSettings.read(file)
    title = opened.items[0].name if len(opened.items) == 1 else opened.title
    return (
        yield from write_report(
            opened.items, settings, title, path, overwrite=overwrite
        )
    )


_TABLE = b"image,defect,"
"""How the CSV file begins: another file of its name is never replaced."""


def _is_table(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_TABLE)) == _TABLE


_Seen: TypeAlias = tuple[int, int, DefectMetrics]
"""The numbers of an image and of a defect in it, and what is left of the defect."""


def _loss(entry: _Seen) -> tuple[float, ...]:
    """Order defects: those that suffer most first."""
    number, place, seen = entry
    share = seen.tiled.area / seen.region.area
    return (seen.whole, share, seen.resized.contrast, number, place)


def _record(
    loaded: LoadedImage, settings: FormSettings
) -> tuple[ImageRecord, GridLookup | None]:
    """Return what is known of an image at once, and its tiles if it has some."""
    name, image = loaded.item.name, loaded.image
    if image is None:
        return ImageRecord(name, problem=loaded.words), None
    names = {(1, False): "grey", (2, True): "grey with alpha"}
    names |= {(3, False): "RGB", (4, True): "RGB with alpha"}
    colors = names.get((image.channels, image.has_alpha), f"{image.channels} channels")
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
) -> tuple[Any, ...]:
    """Return a row of DEFECT."""
    (top, bottom), (left, right) = region.box
    box = (left, top, right - left, bottom - top)
    cut = not view.holding(*region.box).size
    tiles, tile, share = len(view.meeting(*region.box)), -1, np.nan
    tiled = resized = np.nan
    if seen is not None:
        tiles, tile = len(seen.tiles), -1 if seen.best is None else seen.best
        share = seen.tiled.area / region.area
        tiled, resized = seen.tiled.contrast, seen.resized.contrast
    return (
        number,
        place + 1,
        *box,
        region.area,
        cut,
        tiles,
        tile,
        share,
        tiled,
        resized,
    )


def _example(loaded: LoadedImage, settings: FormSettings) -> Figure:
    """Draw the tiles of an image."""
    plan = settings.plan(loaded.image.size) if loaded.image else None
    if loaded.image is None or plan is None or isinstance(plan, ValidationError):
        raise TilingError(f"{loaded.item.name} has changed meanwhile: try again")
    finish(loaded.image.build())
    regions = find_defects(loaded.mask).regions[:MEASURED] if loaded.mask else ()
    return grid_figure(loaded, GridLookup(plan), regions)


def _pictured(
    items: Sequence[ImageItem], worst: list[_Seen]
) -> Iterator[tuple[str, Figure, Figure]]:
    """Draw defects, each image read once."""
    sources: dict[int, tuple[ImagePyramid, ResizedImage]] = {}
    for number, place, seen in worst:
        if number not in sources:
            image = items[number].load().image
            if image is None:
                continue  # it has vanished meanwhile; its numbers are in the report
            finish(image.build())
            sources[number] = image, ResizedImage(image, seen.target)
        name = items[number].name
        words = f"Defect {place + 1} of {name}. {seen.sentence}"
        yield (printable(words), *compare_figures(*sources[number], seen))


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


def _csv_line(values: Iterable[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode()
