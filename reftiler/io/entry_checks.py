"""What is refused of the images that were found, with all of them named."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from reftiler.errors import TilingError, printable
from reftiler.io import IMAGE_SUFFIXES
from reftiler.io.entries import GOOD, ImageEntry
from reftiler.io.file_tree import FileTree, bare_path, fold, image_suffix
from reftiler.io.layouts import PLAIN, Layout, match_path
from reftiler.io.pairing import Pairing
from reftiler.validation import count_of, first_few

__all__ = [
    "check_masks",
    "check_names",
    "check_readable",
    "check_strays",
    "has_bad_name",
    "no_image_error",
    "twin_names",
]

NAMED = 10
"""How many files an error names that lists all bad ones."""


def check_names(entries: Sequence[ImageEntry]) -> None:
    """Refuse names that cannot be those of outputs on any system, or are not unique."""
    bad = {
        str(path)
        for entry in filter(has_bad_name, entries)
        for path in (entry.image, *entry.masks)
        if _is_bad(path.name) or _is_bad(entry.id)
    }
    if bad:
        raise TilingError(
            f"{count_of(bad, 'name')} with control characters, backslashes, drive "
            "letters or bytes that are not UTF-8: "
            f"{first_few(sorted(bad), NAMED)}: rename the files"
        )
    by_id = defaultdict(list)
    for entry in entries:
        by_id[fold(entry.id)].append(entry.image)
    same = [images for images in by_id.values() if len(images) > 1]
    if same:
        more = f"; so have {len(same) - 1} other names" if len(same) > 1 else ""
        raise TilingError(
            f"{first_few(same[0][:1])} and {first_few(same[0][1:])} have the same id "
            f"but for upper and lower case or suffix{more}: rename one, or if one is "
            "the other's mask, say so by a mask pattern (--mask-pattern '{stem}.png')"
        )
    _refuse_files_like_folders(by_id)


def has_bad_name(entry: ImageEntry) -> bool:
    """Whether a name cannot be that of an output on any system."""
    names = [entry.id, *(path.name for path in (entry.image, *entry.masks))]
    return any(map(_is_bad, names))


def _is_bad(name: str) -> bool:
    return bool(re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]|^[A-Za-z]:", name))


def _refuse_files_like_folders(ids: Mapping[str, object]) -> None:
    """Refuse ``a.png`` beside a folder ``a.png``: results may have that name."""
    folders = {name.rpartition("/")[0] for name in ids}
    bad = [f for f in folders if image_suffix(f) and bare_path(f) in ids]
    if bad:
        raise TilingError(
            f"the folder {first_few(bad)} is called like a file of the image "
            f"{first_few([bare_path(bad[0])])}: rename one"
        )


def check_readable(tree: FileTree, *, whole: bool) -> None:
    """Refuse a folder of which a part, or else a folder of masks, cannot be read."""
    needed = [
        tree.root / path
        for path in tree.unreadable
        if whole or match_path("{masks}", path) is not None
    ]
    if needed:
        raise TilingError(
            f"cannot read {first_few(needed)}: allow it, or move what shall be left out"
        )


def no_image_error(tree: FileTree, layout: Layout, found: Pairing) -> TilingError:
    """Return the error that there is no image: where they were looked for."""
    hint = f": looked for {', '.join(IMAGE_SUFFIXES)}"
    if layout is not PLAIN:
        places = ", ".join(place.images for place in layout.places)
        hint = f" in a place of the layout {layout.name}: {places}"
    elif found.orphans:
        return TilingError(
            f"all images in {printable(str(tree.root))} have names of masks, such as "
            f"{first_few(found.orphans[:1])}: if they are images, say --mask-pattern "
            "none"
        )
    inner = [folder for folder in tree.folders if "/" not in folder]
    if inner and layout is PLAIN:
        hint += (
            f"; its sub-folders are not entered: {first_few(inner)} (give one of them, "
            "a --layout, or --recursive)"
        )
    return TilingError(f"no image in {printable(str(tree.root))}{hint}")


def check_strays(layout: Layout, found: Pairing) -> None:
    """Refuse a layout that leaves out more images than it takes."""
    if len(found.strays) > len(found.entries):
        raise TilingError(
            f"the layout {layout.name} fits {count_of(found.entries, 'image')} and has "
            f"no place for {len(found.strays)}: {first_few(found.strays)}; if these "
            f"shall be left out say --layout {layout.name}, else give their folder"
        )


def check_masks(layout: Layout, found: Pairing, *, ask: bool) -> None:
    """Refuse images and masks that do not go together.

    ``ask``: masks are known by the layout, and what may be one is asked about.
    """
    entries = found.entries
    bare = [
        path
        for path, entry in entries.items()
        if entry.label not in ("", GOOD) and not entry.masks and entry.split != "train"
    ]
    if layout.complete and bare and any(e.masks for e in entries.values()):
        raise TilingError(
            f"{count_of(bare, 'image')} of defects without a mask: {first_few(bare)}; "
            f"the layout {layout.name} has these in {_mask_places(layout)}; add them, "
            "or say where they are by a mask pattern (--mask-pattern)"
        )
    no_pair = found.orphans and not any(e.masks for e in entries.values())
    if ask and found.orphans and (layout.asks or no_pair):
        raise TilingError(
            f"{count_of(found.orphans, 'mask')} without an image: "
            f"{first_few(found.orphans)}; "
            "add or remove them, say how they are named (--mask-pattern), or that "
            "they are images (--mask-pattern none)"
        )
    twins = twin_names(entries) if ask else []
    if twins:
        mask, image, pattern = twins[0]
        more = f" (and {len(twins) - 1} more alike)" if len(twins) > 1 else ""
        raise TilingError(
            f"{printable(mask)} may be the mask of {printable(image)}{more}: say so by "
            f"--mask-pattern '{printable(pattern)}', give the pattern of the true "
            "masks, or --mask-pattern none if all are images"
        )


def _mask_places(layout: Layout) -> str:
    return " or ".join(dict.fromkeys(m for p in layout.places for m in p.masks[:1]))


def twin_names(paths: Collection[str]) -> list[tuple[str, str, str]]:
    """Find images whose name is another's with a word before or after it.

    Returns the longer name, the shorter, and the mask pattern that would pair them.
    """
    by_name = {bare_path(path): path for path in paths}
    return [
        (path, by_name[other], pattern)
        for name, path in by_name.items()
        for other, pattern in _shorter_names(name)
        if other in by_name
    ]


def _shorter_names(name: str) -> Iterator[tuple[str, str]]:
    """Take words from a name's end and beginning: part_seg, mask-part."""
    folder, slash, stem = name.rpartition("/")
    for mark in re.finditer(r"[_\-. ]", stem):
        end, start = stem[mark.start() :], stem[: mark.end()]
        if re.search(r"[^\W\d_]", end):
            yield f"{folder}{slash}{stem[: mark.start()]}", f"{{stem}}{end}"
        if re.search(r"[^\W\d_]", start):
            yield f"{folder}{slash}{stem[mark.end() :]}", f"{start}{{stem}}"
