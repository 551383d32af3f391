"""Masks that lie in a folder of their own, apart from the images and their layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reftiler.errors import TilingError
from reftiler.io.entries import ImageEntry
from reftiler.io.map_files import match_maps
from reftiler.validation import count_of, first_few

__all__ = ["MASK_ENDINGS", "with_masks_of"]

MASK_ENDINGS = ("_mask", "_label", "_gt")
"""What may follow an image's name in that of its mask."""


def with_masks_of(
    entries: Sequence[ImageEntry], source: Path
) -> tuple[list[ImageEntry], list[str]]:
    """Return images with the masks that a folder, or a file, has for them; and notes.

    A mask belongs to an image as a map does, see `match_maps`. Images that lie among
    the masks are left out, unless all do.
    """
    folder = source.resolve()
    outside = [e for e in entries if not e.image.resolve().is_relative_to(folder)]
    given = outside or entries
    names, images = [one.id for one in given], [one.image for one in given]
    found, notes = match_maps(names, images, source, MASK_ENDINGS, "mask")
    if len(given) < len(entries):
        inside = len(entries) - len(given)
        notes.append(f"took the images in {source}, {inside} of all, for masks alone")
    paired = list[ImageEntry]()
    for number, entry in enumerate(given):
        image = entry.image.resolve()
        masks = [one for one in found.get(number, ()) if one.resolve() != image]
        if len(masks) > 1:
            raise TilingError(
                f"{first_few([entry.image])} has {count_of(masks, 'mask')}: "
                f"{first_few(masks)}; keep one of them, or say which by a pattern"
            )
        paired.append(replace(entry, masks=tuple(masks)))
    return paired, notes
