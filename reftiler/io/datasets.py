"""Images and their masks on disk, one by one, in a folder or as a data set.

`find_images` lists a folder, recognises its layout (`reftiler.io.layouts.LAYOUTS`) and
applies it. What it passes over is counted and named in the notes; where two readings
are possible it asks, or with ``strict=False`` flags the images in question.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reftiler.errors import TilingError, printable
from reftiler.io.entries import (
    GOOD,
    SPLITS,
    ImageEntry,
    ImageSet,
    load_pair,
    open_pair,
    sort_key,
)
from reftiler.io.entry_checks import (
    apply_split_list,
    check_good_names,
    check_masks,
    check_names,
    check_readable,
    check_strays,
    flag_problems,
    label_by_masks,
    no_image_error,
    notes_of,
    twin_names,
)
from reftiler.io.file_tree import FileTree, fold, list_files
from reftiler.io.layouts import (
    GOOD_NAMES,
    JPEG,
    PLAIN,
    SAME_STEM,
    Layout,
    layout_named,
    match_path,
)
from reftiler.io.lazy import os_error_reason
from reftiler.io.map_files import map_base
from reftiler.io.mask_patterns import NO_MASKS, MaskPattern
from reftiler.io.pairing import Pairing, pair_by_layout, pair_by_pattern
from reftiler.io.recognition import (
    enclosing_roots,
    layouts_of,
    nested_sets,
    plain_layout,
)
from reftiler.io.zarr_metadata import is_zarr
from reftiler.validation import first_few

__all__ = [
    "GOOD",
    "SPLITS",
    "ImageEntry",
    "ImageSet",
    "find_images",
    "load_pair",
    "open_pair",
]


_SAMPLED = 16  # possible masks that are read to tell masks from images, if not strict


@dataclass(frozen=True)
class _Request:
    """What `find_images` was asked for."""

    layout: Layout | None
    pattern: MaskPattern | None
    masks: bool
    good: tuple[str, ...]
    good_given: tuple[str, ...]
    recursive: bool
    strict: bool

    @property
    def by_layout(self) -> bool:
        """Whether masks lie where the layout has them."""
        return self.masks and self.pattern is None

    @property
    def guesses_twins(self) -> bool:
        """Whether a file of a JPEG image's name may be its mask."""
        return self.by_layout and self.layout is None


def find_images(
    source: str | os.PathLike[str],
    *,
    layout: str | None = None,
    mask_pattern: str | None = None,
    good: str | Sequence[str] = (),
    recursive: bool = False,
    strict: bool = True,
) -> ImageSet:
    """
    Find an image, the images of a folder, or those of a data set, and their masks.

    Parameters
    ----------
    source : str or path-like
        An image file or a zarr folder; a folder of images; the root of a data set, or
        a part of one. Hidden files are left out.
    layout : str, optional
        The name of a layout; by default the one that is recognised.
    mask_pattern : str, optional
        Where the masks lie, as `reftiler.io.mask_patterns.MaskPattern` has it:
        ``{stem}_seg.png``, ``masks/{label}/{stem}.png``. ``none`` or an empty text: all
        files are images.
    good : str or sequence of str, optional
        The names of the folders whose images have no defects; by default `GOOD_NAMES`.
    recursive : bool, optional
        Whether the sub-folders of a folder that is no data set are entered.
    strict : bool, optional
        Whether what does not go together is refused. False is for looking at images,
        not for working on all of them: whatever has an image's suffix is listed,
        masks without an image among it, and `ImageEntry.problems` says what is wrong
        with each. Masks that are not certain are left out, and no pixels decide labels.

    Returns
    -------
    ImageSet
        Ordered by split (as in `SPLITS`), label and file name; `ImageSet.notes` says
        what was passed over and what was guessed.

    Raises
    ------
    TilingError
        There is no image; or, if strict, a layout or a mask is not certain, a name
        cannot be that of an output, or two are alike. The files are named.
    """
    good = (good,) if isinstance(good, str) else tuple(good)
    no_masks = mask_pattern in ("", NO_MASKS)
    request = _Request(
        layout=None if layout is None else layout_named(layout),
        pattern=None if mask_pattern is None or no_masks else MaskPattern(mask_pattern),
        masks=not no_masks,
        good=tuple(map(fold, (GOOD, *good))) if good else GOOD_NAMES,
        good_given=good,
        recursive=recursive,
        strict=strict,
    )
    try:
        return _find(Path(source), request)
    except TilingError:
        raise
    except (OSError, ValueError) as error:  # no path at all: a NUL in it
        where = printable(str(getattr(error, "filename", None) or source))
        raise TilingError(f"cannot search {where}: {os_error_reason(error)}") from error


def _find(source: Path, request: _Request) -> ImageSet:
    is_file = source.is_file() or is_zarr(source)
    if not is_file and not source.is_dir():
        source.stat()  # raises if it is not there
        raise TilingError(f"{printable(str(source))} is neither a file nor a folder")
    found = None
    if request.pattern is None:  # which starts at the source
        found = _in_enclosing(source, request, is_file=is_file)
    if found is None and is_file:
        found = _one_file(source, request)
    return found or _in_folder(source, request)


def _in_enclosing(source: Path, request: _Request, *, is_file: bool) -> ImageSet | None:
    """Find a part of a data set: a file, or the folder of a split or label."""
    for root, part in enclosing_roots(source, request.layout, is_file=is_file):
        tree = list_files(root)
        for layout in layouts_of(tree, request.good):
            if request.layout not in (None, layout):
                continue
            found = _pair(tree, layout, request, part)
            if found.entries:
                _start_at(source, part, found)
                return _completed(tree.within(part), layout, found, request)
    return None


def _start_at(source: Path, part: str, found: Pairing) -> None:
    """Give the images of a part the paths under which the caller knows them."""
    for path, entry in found.entries.items():
        image = source if path == part else source / path[len(part) + 1 :]
        found.entries[path] = replace(entry, image=image)


def _one_file(source: Path, request: _Request) -> ImageSet:
    """Find the masks of one image outside of a data set."""
    tree = list_files(source.parent, depth=2)
    layout, note = request.layout or PLAIN, ""
    if source.name not in tree.images:  # what its content is will be seen
        if request.strict:
            check_names([ImageEntry(source)])
        return ImageSet((ImageEntry(source),), layout.name)
    if request.guesses_twins and source.suffix.lower() in JPEG:
        same = [path for path in tree.images if Path(path).stem == source.stem]
        layout, note = plain_layout(replace(tree, images=same))
    found = _pair(tree, layout, request, source.name)
    _start_at(source, source.name, found)
    for entry in found.entries.values() if request.by_layout else ():
        note = note or _twin_note(source, tree, entry)
    beside = FileTree(tree.root, unreadable=tree.unreadable)
    return _completed(beside, layout, found, request, note, tree=beside)


def _twin_note(source: Path, tree: FileTree, entry: ImageEntry) -> str:
    """Name files beside an image that may be its masks and are not read."""
    beside = [path for path in tree.images if "/" not in path]
    masks = {mask.name for mask in entry.masks}
    for mask, image, pattern in twin_names(beside):
        is_map = bool(map_base(Path(mask).stem))
        if image == source.name and mask not in masks and not is_map:
            return (
                f"{printable(mask)} may be a mask of {printable(image)} and is not "
                f"read (--mask-pattern '{printable(pattern)}' does)"
            )
    return ""


def _in_folder(source: Path, request: _Request) -> ImageSet:
    """Find the images of a folder by the layout that it has or shall have."""
    tree = list_files(source)
    try:
        layout, note = request.layout or _recognised(tree, request), ""
    except TilingError as error:
        if request.strict:
            raise
        found = pair_by_pattern(tree, PLAIN, None, request.good)
        found.problems = {path: [f"no mask: {error}"] for path in found.entries}
        return _flagged(tree, PLAIN, found, request)
    if layout is None:
        inner = nested_sets(tree, request.good)
        has_own = any("/" not in path for path in tree.images)
        if inner and (request.recursive or not has_own):
            if not request.strict:
                return _in_nested(tree, inner, request)
            raise TilingError(
                f"{printable(str(tree.root))} is a folder of data sets: give one of "
                f"them, {first_few([tree.root / name for name in inner])}"
            )
        layout = PLAIN
        if request.guesses_twins:
            limit = None if request.strict else _SAMPLED
            layout, note = plain_layout(_entered(tree, request), limit)
    if layout not in (PLAIN, SAME_STEM):
        return _completed(tree, layout, _pair(tree, layout, request), request, note)
    entered = _entered(tree, request)
    found = _pair(entered, layout, request)
    return _completed(entered, layout, found, request, note, tree=tree)


def _recognised(tree: FileTree, request: _Request) -> Layout | None:
    fits = layouts_of(tree, request.good)
    beside = request.strict and any("/" not in path for path in tree.images)
    if fits and fits[0].generic and beside:
        fits.append(PLAIN)
    if len(fits) > 1:
        names = " and ".join(layout.name for layout in fits)
        raise TilingError(
            f"{printable(str(tree.root))} has the layouts {names}: say which (--layout)"
        )
    return fits[0] if fits else None


def _entered(tree: FileTree, request: _Request) -> FileTree:
    """Leave out sub-folders, other than those of masks, unless they are asked for."""
    if request.recursive:
        return tree
    masks = [
        name
        for name in tree.folders
        if request.by_layout and match_path("{masks}", name) is not None
    ]
    folders = {"", *masks}

    def entered(paths: list[str]) -> list[str]:
        return [path for path in paths if path.rpartition("/")[0] in folders]

    images, others, special = map(entered, (tree.images, tree.others, tree.special))
    return replace(
        tree, images=images, others=others, special=special, folders=masks, closed=[]
    )


def _in_nested(tree: FileTree, inner: list[str], request: _Request) -> ImageSet:
    """Find the images of each data set in a folder, and those beside them."""
    entries, notes = list[ImageEntry](), list[str]()
    for name in inner:
        found = _in_folder(tree.root / name, request)
        entries += [replace(one, name=f"{name}/{one.name}") for one in found]
        notes += [f"{printable(name)}: {note}" for note in found.notes]
    rest = tree.without(inner)
    if rest.images:
        beside = _flagged(rest, PLAIN, _pair(rest, PLAIN, request), request)
        entries, notes = [*entries, *beside], [*notes, *beside.notes]
    return ImageSet(tuple(entries), "", tuple(notes))


def _pair(tree: FileTree, layout: Layout, request: _Request, part: str = "") -> Pairing:
    if request.by_layout:
        return pair_by_layout(tree, layout, request.good, part, strict=request.strict)
    return pair_by_pattern(tree, layout, request.pattern, request.good, part)


def _completed(
    entered: FileTree,
    layout: Layout,
    found: Pairing,
    request: _Request,
    note: str = "",
    tree: FileTree | None = None,
) -> ImageSet:
    """Complete, check and order what was found in the folders that were entered."""
    if not request.strict:
        return _flagged(entered, layout, found, request, note)
    check_readable(entered, whole=tree is None)
    tree = tree or entered
    if not found.entries:
        raise no_image_error(tree, layout, found)
    notes = [note, apply_split_list(entered.root, layout, found)]
    if layout.label_by_mask:
        label_by_masks(found)
    if request.layout is None:
        check_strays(layout, found)
    check_masks(layout, found, ask=request.by_layout)
    check_good_names(found, request.good_given)
    used = {mask.parent for entry in found.entries.values() for mask in entry.masks}
    closed = [
        folder
        for folder in tree.folders
        if "/" not in folder
        and folder not in entered.folders
        and Path(os.path.normpath(tree.root / folder)) not in used
    ]
    notes += notes_of(entered, layout, found, closed)
    images = _in_order(found, layout, notes)
    check_names(images)
    return images


def _flagged(
    tree: FileTree, layout: Layout, found: Pairing, request: _Request, note: str = ""
) -> ImageSet:
    """Complete and order what was found; what is wrong with an entry stands there."""
    try:
        notes = [note, apply_split_list(tree.root, layout, found)]
    except TilingError as error:
        notes = [note, f"{error}: the images have no split"]
    flag_problems(tree, layout, found, request.good, ask=request.by_layout)
    if not found.entries:
        raise no_image_error(tree, layout, found)
    named = replace(found, entries={})  # what an entry lacks is said there
    notes += notes_of(tree, layout, named, [])
    return _in_order(found, layout, notes)


def _in_order(found: Pairing, layout: Layout, notes: list[str]) -> ImageSet:
    entries = tuple(sorted(found.entries.values(), key=sort_key))
    return ImageSet(entries, layout.name, tuple(filter(None, notes)))
