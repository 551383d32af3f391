"""Sentences on what the search for images passed over, counted and named."""

import re
from collections import Counter
from pathlib import PurePosixPath

from reftiler.errors import printable
from reftiler.io.entries import GOOD
from reftiler.io.file_tree import FileTree
from reftiler.io.layouts import Layout
from reftiler.io.pairing import Pairing
from reftiler.validation import count_of, first_few

__all__ = ["notes_of"]

_ABOUT = re.compile(
    r"(readme|licen[cs]e|copying|changelog|citation).*|thumbs\.db|desktop\.ini",
    re.IGNORECASE,
)
_OBJECTS = re.compile(
    r"(.*/)?(_annotations\.coco\.json|annotations/[^/]+\.json|data\.yaml|classes\.txt"
    r"|labels/([^/]+/)?[^/]+\.txt)"
)
"""Files that `reftiler.io.annotations` reads."""

_PICTURES = {
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
    *(".heic", ".heif", ".avif", ".jxl", ".jxr", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".pam", ".pfm", ".tga", ".psd", ".psb", ".xcf", ".exr", ".hdr", ".pcx", ".dds"),
    *(".ico", ".svg", ".eps", ".czi", ".nd2", ".lif", ".oib", ".vsi", ".mrxs"),
    *(".dcm", ".nii", ".fits", ".fit"),
}
"""Suffixes of pictures in formats that are not read."""


def notes_of(
    tree: FileTree, layout: Layout, found: Pairing, closed: list[str]
) -> list[str]:
    """Say what was passed over; ``closed`` are sub-folders that were not entered."""
    return [
        *_unused_images(layout, found, closed),
        *_missing_masks(found),
        *_other_files(tree),
    ]


def _unused_images(layout: Layout, found: Pairing, closed: list[str]) -> list[str]:
    notes = []
    if found.strays:
        named = first_few(found.strays)
        notes.append(
            f"passed over {count_of(found.strays, 'image')} for which the layout "
            f"{layout.name} has no place: {named}"
        )
    if found.orphans:
        masks = count_of(found.orphans, "mask")
        notes.append(
            f"passed over {masks} without an image: {first_few(found.orphans)}"
        )
    if found.copies:
        masks = count_of(found.copies, "other form", "other forms")
        places = {path.rpartition("/")[0] for path in found.copies}
        notes.append(f"passed over {masks} of masks in {first_few(sorted(places))}")
    if closed:
        folders = count_of(closed, "sub-folder")
        notes.append(f"did not enter {folders}: {first_few(closed)} (--recursive does)")
    return notes


def _missing_masks(found: Pairing) -> list[str]:
    notes, entries = [], found.entries
    unlabelled = [path for path, entry in entries.items() if not entry.label]
    bare = [path for path, entry in entries.items() if not entry.masks]
    defects = [path for path in bare if entries[path].label not in ("", GOOD)]
    unknown = [path for path in bare if not entries[path].label]
    if 0 < len(unlabelled) < len(entries):
        images = count_of(unlabelled, "image")
        notes.append(f"no label is known of {images}: {first_few(unlabelled)}")
    elif unknown and len(bare) < len(entries):
        notes.append(
            f"{count_of(unknown, 'image')} without a mask: {first_few(unknown)}"
        )
    if defects:
        images = count_of(defects, "image")
        notes.append(f"{images} of defects without a mask: {first_few(defects)}")
    return notes


def _other_files(tree: FileTree) -> list[str]:
    notes = []
    others = [p for p in tree.others if not _ABOUT.fullmatch(p.rpartition("/")[2])]
    others = [path for path in others if not _OBJECTS.fullmatch(path.lower())]
    pictures = [path for path in others if _suffix(path) in _PICTURES]
    if pictures:
        notes.append(
            f"passed over {count_of(pictures, 'picture')} in formats that are not read "
            f"({_kinds(pictures)}): {first_few(pictures)}; convert them to TIFF or PNG"
        )
    others = [path for path in others if _suffix(path) not in _PICTURES]
    if others:
        notes.append(
            f"passed over {count_of(others, 'file')} of other types "
            f"({_kinds(others)}), such as {first_few(others[:1])}"
        )
    special = [*tree.special, *tree.closed]
    if special:
        notes.append(
            f"passed over {count_of(special, 'entry', 'entries')}, neither files nor "
            f"folders, or too deep: {first_few(special)}"
        )
    if tree.unreadable:
        folders = count_of(tree.unreadable, "folder")
        notes.append(f"could not read {folders}: {first_few(tree.unreadable)}")
    return notes


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _kinds(paths: list[str]) -> str:
    """Count files by their suffixes."""
    return ", ".join(
        f"{count:,} {printable(kind) or 'without a suffix'}"
        for kind, count in Counter(map(_suffix, paths)).most_common()
    )
