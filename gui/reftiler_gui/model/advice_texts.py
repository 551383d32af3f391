"""What there is to say of a survey, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reftiler_gui.model.advice import Candidate, Survey
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.texts import count

__all__ = ["best_of", "by_stride", "named", "part", "shared", "summed_up", "told"]


def best_of(survey: Survey | None) -> Candidate | None:
    """Return the smallest, then cheapest tiles of those that hold most."""
    if survey is None or not len(survey.sizes):
        return None
    rows = [row for row in survey.rows if not row.refused]
    return min(
        rows,
        key=lambda row: (-row.whole, max(row.settings.tile), row.work),
        default=None,
    )


def summed_up(survey: Survey | None, items: int) -> str:
    """Say what is known of so many images and their defects."""
    if survey is None:
        return "Open a folder with images and masks to see which tiles suit it."
    sizes = survey.sizes
    done = "" if survey.images == items else f"{survey.images:,} of "
    words = f"{count(len(sizes), 'defect')} in {done}{count(items, 'image')}"
    if len(sizes):
        longer = sizes.max(axis=1)
        middle = f"{np.median(longer):.1f}".removesuffix(".0")
        words += (
            f", {longer.min()} to {longer.max()} px long, half of them up to "
            f"{middle} px"
        )
    words += "."
    best = best_of(survey)
    if best is not None:
        size, overlap = named(best.settings)
        words += (
            f"\nThe smallest tiles that hold the most defects whole are {size}, "
            f"shared: {overlap}. They hold {part(best.whole, len(sizes))} of them, "
            f"for {best.work:.2f} times the pixels."
        )
    if survey.problems:
        more = len(survey.problems) - 1
        words += f"\n{survey.problems[0]}" + (f" ({more} more)" if more else "")
    return words


def told(row: Candidate, defects: int) -> str:
    """Say what a setting does to so many defects, or why it is refused."""
    if row.refused:
        return row.refused
    size, overlap = named(row.settings)
    words = (
        f"Tiles of {size}, shared: {overlap}: {row.whole:,} of {defects:,} defects "
        f"lie whole in some tile; {row.tiles:,} tiles, {row.work:.2f} times the "
        "pixels."
    )
    if row.resized is None:
        return words
    kept = ""
    if row.contrast is not None:
        kept = f" and {100 * row.contrast:.0f}% of its contrast"
    return words + (
        f" Of the middle defect, resizing each image to {size} would leave "
        f"{row.resized:.1f} px{kept}."
    )


def named(settings: FormSettings) -> tuple[str, str]:
    """Return a setting's tile and what neighbours share, in words."""
    height, width = settings.tile
    pair = shared(settings)
    words = f"{pair[0]} px" if pair[0] == pair[1] else f"{pair[0]} × {pair[1]} px"
    if settings.random is not None:
        words = f"{settings.random} random"
    return f"{height} × {width}", "none" if pair == (0, 0) else words


def part(some: int, of: int) -> str:
    """Return a share in percent, 100 only if it is all."""
    if not of:
        return "none"
    return "all" if some == of else f"{min(99, round(100 * some / of))}%"


def by_stride(settings: FormSettings) -> FormSettings:
    """Return settings that say the stride, so that alike ones are equal."""
    height, width = settings.tile
    rows, columns = shared(settings)
    stride = height - rows, width - columns
    return replace(settings, step=stride, overlapping=False)


def shared(settings: FormSettings) -> tuple[int, int]:
    """Return what neighbours share, in pixels."""
    if settings.overlapping:
        return settings.step
    return settings.tile[0] - settings.step[0], settings.tile[1] - settings.step[1]
