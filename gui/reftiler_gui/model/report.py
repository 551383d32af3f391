"""What a report holds of an image and its tiles: words, numbers and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler import TilingError
from reftiler_gui.model.code_export import as_command, as_python
from reftiler_gui.model.defect_metrics import DefectMetrics, look
from reftiler_gui.model.defects import Defects, find_defects
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.merging import merge
from reftiler_gui.model.mock_models import WORDS, MockModel
from reftiler_gui.model.report_figures import Figure, compared, gridded, rejoined
from reftiler_gui.model.steps import Work
from reftiler_gui.model.texts import facts_words, merged_words, times, uncovered_words
from reftiler_gui.model.tiling_summary import facts

__all__ = ["Report", "report"]

Rgb: TypeAlias = NDArray[np.uint8]

_LISTED = 200  # defects in the table, at the most
_COMPARED = 3  # of them as pictures: those that lose most


@dataclass(frozen=True, eq=False)
class Report:
    """
    A report.

    Attributes
    ----------
    title, image : str
        What is reported on: its name; its size and dtype.
    spelled : tuple of pairs of str
        The settings in each spelling: its name, the words.
    figures : tuple of pairs of str
        The numbers of the tiling: what they are, and they.
    warning : str
        What is wrong with it; empty if nothing.
    grid : Figure
        The image with its tiles.
    seen : tuple of DefectMetrics
        What is left of its defects.
    defects : int
        How many there are; of some nothing may be told.
    compared : tuple of (str, Figure, Figure)
        A sentence, the defect resized, and in its tile.
    merged : tuple of (str, Figure, Figure), or None
        The same of the merged image and its difference; None where nobody asked.
    """

    title: str
    image: str
    spelled: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str], ...]
    warning: str
    grid: Figure
    seen: tuple[DefectMetrics, ...]
    defects: int
    compared: tuple[tuple[str, Figure, Figure], ...]
    merged: tuple[str, Figure, Figure] | None


def report(
    loaded: LoadedImage, settings: FormSettings, stand_in: MockModel | None = None
) -> Work[Report]:
    """
    Report on an image and its tiles.

    Parameters
    ----------
    loaded : LoadedImage
        The image.
    settings : FormSettings
        How it is tiled.
    stand_in : MockModel, optional
        The model whose merged tiles are shown too; by default none are.

    Raises
    ------
    TilingError, TypeError
        If the image cannot be read, or reftiler refuses the settings.
    """
    if loaded.image is None:
        raise TilingError(loaded.words)
    source, plan = loaded.image, settings.plan(loaded.image.size)
    if isinstance(plan, ValidationError):
        raise TilingError(plan.words)
    view = GridLookup(plan)
    yield from source.build()
    known = facts(view, source.channels, source.dtype)
    defects = find_defects(loaded.mask) if loaded.mask else Defects(())
    seen = yield from _looked(loaded, defects, view)
    merged = None
    if stand_in is not None:
        merged = yield from _merged(source, view, stand_in)
    return Report(
        title=loaded.item.name,
        image=f"{times(source.size)} px, {_channels(source)}, {source.dtype.name}",
        spelled=_spelled(settings, loaded),
        figures=tuple(facts_words(known, settings)),
        warning=f"{loaded.words} {uncovered_words(known, settings)}".strip(),
        grid=gridded(loaded, view, defects, known.most, _LISTED),
        seen=seen,
        defects=len(defects),
        compared=_compared(source, seen),
        merged=merged,
    )


def _channels(source: ImagePyramid) -> str:
    names = {(1, False): "grey", (2, True): "grey with alpha"}
    names |= {(3, False): "RGB", (4, True): "RGB with alpha"}
    kind = source.channels, source.has_alpha
    return names.get(kind, f"{source.channels} channels")


def _spelled(
    settings: FormSettings, loaded: LoadedImage
) -> tuple[tuple[str, str], ...]:
    image = str(loaded.item.image.name) if loaded.item.image else "image.png"
    try:
        command = as_command(settings, image)
    except TilingError as error:
        command = f"# {error}"
    return (
        ("Command line", command),
        ("Python", as_python(settings, image)),
        ("YAML", settings.yaml()),
    )


def _looked(
    loaded: LoadedImage, defects: Defects, view: GridLookup
) -> Work[tuple[DefectMetrics, ...]]:
    """Look at the first defects: what resizing to one tile and tiling leave."""
    found = []
    if loaded.image is not None and loaded.mask is not None:
        target, array = view.grid.tiler.tile_size, loaded.image.array
        for number, region in enumerate(defects.regions[:_LISTED]):
            found.append(look(array, loaded.mask, region, view, target))
            yield number / min(len(defects), _LISTED)
    return tuple(found)


def _compared(
    source: ImagePyramid, seen: tuple[DefectMetrics, ...]
) -> tuple[tuple[str, Figure, Figure], ...]:
    """Show the defects of which resizing leaves least, resized and as they are."""
    lost = sorted(enumerate(seen, start=1), key=lambda one: one[1].resized.contrast)
    return tuple(
        (f"Defect {number}. {one.sentence}", *compared(source, one))
        for number, one in lost[:_COMPARED]
    )


def _merged(
    source: ImagePyramid, view: GridLookup, stand_in: MockModel
) -> Work[tuple[str, Figure, Figure]]:
    height = (source.high - source.low) * stand_in.percent / 100
    found = yield from merge(source.array, view.grid, stand_in.name, height)
    by = f" by up to {stand_in.percent:g}%" if stand_in.name != "none" else ""
    words = f"A model that {WORDS[stand_in.name]}{by}. {merged_words(found, view)}"
    return (words, *rejoined(source, found))
