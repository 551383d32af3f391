"""Two settings for the same image: their numbers, and where their coverage differs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reftiler.cli.grid_summary import GridSummary
from reftiler_gui.model.advice import count_contained
from reftiler_gui.model.array_types import Ints, Span
from reftiler_gui.model.code_export import as_terms
from reftiler_gui.model.colors import signed
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.picture import Picture
from reftiler_gui.model.texts import facts_words

__all__ = ["CoverageDifference", "SettingsSide", "settings_side", "short_words"]


@dataclass(frozen=True, eq=False)
class SettingsSide:
    """One of two settings, for an image."""

    settings: FormSettings
    tiling: GridLookup | None  # the tiles; None if the settings are refused
    words: str  # why they are; empty if they are not
    numbers: dict[str, str]  # the numbers of the tiles by what they are
    most: int  # the largest number of tiles that share a pixel


def settings_side(
    settings: FormSettings, image: ImagePyramid, defects: Defects
) -> SettingsSide:
    """Return the tiles that settings give an image, and their numbers."""
    plan = settings.plan(image.size)
    if isinstance(plan, ValidationError):
        return SettingsSide(settings, None, plan.words, {}, 0)
    view = GridLookup(plan)
    known = GridSummary(plan, image.channels, image.dtype)
    numbers = dict(facts_words(known, settings))
    numbers = {name: " ".join(words.split()) for name, words in numbers.items()}
    numbers["Uncovered"] = f"{known.uncovered:,} px"
    if len(defects):
        whole = count_contained(plan, defects.boxes)
        numbers["Defects held whole"] = f"{whole:,} of {len(defects):,}"
    return SettingsSide(settings, view, "", numbers, known.most)


def short_words(settings: FormSettings) -> str:
    """Return the settings in a line: the sizes, and what differs from the defaults."""
    plain = dict(as_terms(FormSettings()))
    terms = dict(as_terms(settings))
    words = [terms.pop("Tile size")]
    for name, value in terms.items():
        if name in ("Overlap", "Stride", "Random tiles"):
            words.append(f"{name.lower()} {value}")
        elif plain.get(name) != value:
            words.append(value if name == "Fit" else f"{name.lower()} {value}")
    return ", ".join(words).replace(" px", "")


class CoverageDifference(Picture):
    """How many more tiles a pixel lies in with B than with A.

    It is painted as `reftiler_gui.model.image_pyramid.ImagePyramid` is, each pixel of a
    level as the one in the middle of what it covers.
    """

    def __init__(self, a: GridLookup, b: GridLookup) -> None:
        self._pair, self.size = (a, b), a.size
        # Between the edges of tiles nothing changes: one pixel stands for a rectangle.
        firsts = []
        for number, length in enumerate(self.size):
            edges = [view.grid.axes[number].valid.ravel() for view in (a, b)]
            found = np.unique(np.concatenate([[0], *edges]))
            firsts.append(found[(found >= 0) & (found < length)])
        change = self._at(*firsts)
        heights, widths = (
            np.diff(first, append=length)
            for first, length in zip(firsts, self.size, strict=True)
        )
        pixels = math.prod(self.size)
        # the smallest and the largest difference of a pixel
        self.least, self.most = int(change.min()), int(change.max())
        # share of the pixels whose numbers differ
        self.share = float(heights @ (change != 0) @ widths) / pixels
        # the mean difference, which is that of the work
        self.mean = float(heights @ change @ widths) / pixels

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint, as `ImagePyramid.region` does."""
        places = [
            ((2 * np.arange(*span) + 1) << level >> 1).clip(0, length - 1)
            for span, length in zip((rows, columns), self.size, strict=True)
        ]
        return signed(self._at(*places), max(abs(self.least), abs(self.most)))

    def _at(self, rows: Ints, columns: Ints) -> Ints:
        a, b = (view.coverage(rows, columns) for view in self._pair)
        return b - a
