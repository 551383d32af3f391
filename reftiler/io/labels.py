"""Splits and labels that do not stand in an image's path."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reftiler.errors import TilingError, printable
from reftiler.io import read_mask
from reftiler.io.entries import GOOD, ImageEntry
from reftiler.io.file_tree import fold
from reftiler.io.layouts import Layout
from reftiler.io.pairing import Pairing
from reftiler.validation import first_few

__all__ = ["apply_split_list", "check_good_names", "label_by_masks"]

DEFECT = "bad"
"""The label of images with defects that have no name."""


def apply_split_list(root: Path, layout: Layout, found: Pairing) -> str:
    """Give images the splits and labels of a data set's list; say so, or nothing."""
    if layout.split_list is None:
        return ""
    listed = layout.split_list(root)
    if listed is None:
        return "the list of splits was not found: the images have no split"
    file = printable(str(listed.file.resolve()))
    unlisted = [path for path in found.entries if path not in listed.splits]
    if len(unlisted) == len(found.entries):
        raise TilingError(
            f"{file} names none of the images of {printable(str(root))}: it is of "
            "another data set; move it away to go on without splits"
        )
    for path, entry in found.entries.items():
        split, label = listed.splits.get(path, ("", ""))
        found.entries[path] = replace(entry, split=split, label=label or entry.label)
    missing = f"; it does not name {first_few(unlisted)}" if unlisted else ""
    return f"the splits are those of {file}{missing}"


def label_by_masks(found: Pairing) -> None:
    """Label images good whose mask marks nothing, all others with a mask bad."""
    for path, entry in found.entries.items():
        found.entries[path] = replace(entry, label=_label_of(entry))


def _label_of(entry: ImageEntry) -> str:
    try:
        if entry.masks:
            return DEFECT if read_mask(entry.masks).any() else GOOD
    except (ImportError, TilingError):  # it will be said when the pair is opened
        pass
    return ""


def check_good_names(found: Pairing, given: Sequence[str]) -> None:
    """Refuse names of good folders that no image lies in."""
    folders = {fold(folder) for path in found.entries for folder in path.split("/")}
    unknown = [name for name in given if fold(name) not in folders]
    if unknown:
        labels = sorted({entry.label for entry in found.entries.values()} - {""})
        raise TilingError(
            f"no folder of images is called {first_few(unknown)} (--good); the labels "
            f"are {first_few(labels, 10) or 'none'}"
        )
