"""What is refused of the images that were found, flagged at each, or said of all.

What `find_images` refuses if it is strict is else listed by `flag_problems`, for a user
who looks at images and decides himself.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from reftiler.errors import TilingError, printable
from reftiler.io import IMAGE_SUFFIXES, read_mask
from reftiler.io.entries import GOOD, ImageEntry
from reftiler.io.file_tree import FileTree, bare_path, fold, image_suffix
from reftiler.io.layouts import PLAIN, Layout, match_path
from reftiler.io.pairing import Pairing, pair_by_layout
from reftiler.validation import count_of, first_few

_NAMED = 10  # files that an error names which lists all bad ones
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]|^[A-Za-z]:")
_DEFECT = "bad"  # the label of images with defects that have no name
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


def check_names(entries: Sequence[ImageEntry]) -> None:
    """Refuse names that cannot be those of outputs on any system, or are not unique."""
    bad = {
        str(path)
        for entry in entries
        for path in (entry.image, *entry.masks)
        if _BAD_NAME.search(path.name) or _BAD_NAME.search(entry.id)
    }
    if bad:
        raise TilingError(
            f"{count_of(bad, 'name')} with control characters, backslashes, drive "
            "letters or bytes that are not UTF-8: "
            f"{first_few(sorted(bad), _NAMED)}: rename the files"
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
    # Results of a.png may be called as a folder a.png beside it.
    folders = {name.rpartition("/")[0] for name in by_id}
    alike = [f for f in folders if image_suffix(f) and bare_path(f) in by_id]
    if alike:
        raise TilingError(
            f"the folder {first_few(alike)} is called like a file of the image "
            f"{first_few([bare_path(alike[0])])}: rename one"
        )


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
    """Refuse images and masks that do not go together; ``ask`` what may be a mask."""
    entries = found.entries
    bare = [
        path
        for path, entry in entries.items()
        if entry.label not in ("", GOOD) and not entry.masks and entry.split != "train"
    ]
    if layout.complete and bare and any(e.masks for e in entries.values()):
        places = " or ".join(
            dict.fromkeys(m for p in layout.places for m in p.masks[:1])
        )
        raise TilingError(
            f"{count_of(bare, 'image')} of defects without a mask: {first_few(bare)}; "
            f"the layout {layout.name} has these in {places}; add them, "
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


def twin_names(paths: Collection[str]) -> list[tuple[str, str, str]]:
    """Find names with a word more than others: longer, shorter, mask pattern."""
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


def apply_split_list(root: Path, layout: Layout, found: Pairing) -> str:
    """Give images the splits and labels of a data set's list; say so, or nothing."""
    if layout.split_list is None:
        return ""
    listed = layout.split_list(root)
    if listed is None:
        return "the list of splits was not found: the images have no split"
    file, splits = printable(str(listed[0].resolve())), listed[1]
    unlisted = [path for path in found.entries if path not in splits]
    if len(unlisted) == len(found.entries):
        raise TilingError(
            f"{file} names none of the images of {printable(str(root))}: it is of "
            "another data set; move it away to go on without splits"
        )
    for path, entry in found.entries.items():
        split, label = splits.get(path, ("", ""))
        found.entries[path] = replace(entry, split=split, label=label or entry.label)
    missing = f"; it does not name {first_few(unlisted)}" if unlisted else ""
    return f"the splits are those of {file}{missing}"


def label_by_masks(found: Pairing) -> None:
    """Label images good whose mask marks nothing, all others with a mask bad."""
    for path, entry in found.entries.items():
        label = ""
        try:
            if entry.masks:
                label = _DEFECT if read_mask(entry.masks).any() else GOOD
        except (ImportError, TilingError):  # it will be said when the pair is opened
            pass
        found.entries[path] = replace(entry, label=label)


def flag_problems(
    tree: FileTree,
    layout: Layout,
    found: Pairing,
    good: tuple[str, ...],
    *,
    ask: bool,
) -> None:
    """Give entries their problems, and make entries of what the layout leaves over."""
    problems = defaultdict(list, found.problems)
    if found.strays:
        rest = pair_by_layout(
            replace(tree, images=found.strays), PLAIN, good, strict=False
        )
        for path, entry in rest.entries.items():
            found.entries[path] = entry
            problems[path].append(f"the layout {layout.name} has no place for it")
        found.orphans += rest.orphans
        found.strays = []
    if ask:
        for mask, image, _ in twin_names(found.entries):
            problems[mask].append(f"it may be the mask of {printable(image)}")
    for path in found.orphans:
        found.entries[path] = ImageEntry(tree.root / path, name=bare_path(path))
        problems[path].append("it has the name or place of a mask, and no image")
    orphans, found.orphans = set(found.orphans), []
    for path in _without_mask(found, orphans):
        problems[path].append("it has no mask, as others like it have")
    _distinguish(found, problems)
    for path, sentences in problems.items():
        entry = found.entries[path]
        found.entries[path] = replace(entry, problems=tuple(sentences))


def _without_mask(found: Pairing, orphans: set[str]) -> list[str]:
    """Return images that should have a mask: of defects, or where most have one."""
    entries = {p: entry for p, entry in found.entries.items() if p not in orphans}
    masked = [entry for entry in entries.values() if entry.masks]
    plain = [entry for entry in entries.values() if not entry.label]
    most = 2 * sum(not entry.label for entry in masked) > len(plain)
    return [
        path
        for path, entry in entries.items()
        if masked and not entry.masks and path not in found.problems
        if (entry.label != GOOD if entry.label else most) and entry.split != "train"
    ]


def _distinguish(found: Pairing, problems: dict[str, list[str]]) -> None:
    """Make ids unique; flag those that were not, and names that outputs cannot have."""
    by_id = defaultdict(list)
    for path, entry in found.entries.items():
        by_id[fold(entry.id)].append(path)
        names = [entry.id, *(file.name for file in (entry.image, *entry.masks))]
        if any(map(_BAD_NAME.search, names)):
            problems[path].append(
                "its name holds control characters, backslashes, a drive letter or "
                "bytes that are not UTF-8: an export refuses it"
            )
    for paths in by_id.values():
        for path in paths if len(paths) > 1 else ():
            entry = found.entries[path]
            others = [one for one in paths if one != path]
            problems[path].append(
                f"{first_few(others)} has the same name but for upper and lower case "
                "or suffix: rename one before an export"
            )
            name = entry.name + entry.image.suffix
            found.entries[path] = replace(entry, name=name)


def notes_of(
    tree: FileTree, layout: Layout, found: Pairing, closed: list[str]
) -> Iterator[str]:
    """Say what was passed over; ``closed`` are sub-folders that were not entered."""
    if tree.tiled:
        yield f"passed over folders of tiles: {first_few(tree.tiled)}"
    if found.strays:
        yield (
            f"passed over {count_of(found.strays, 'image')} for which the layout "
            f"{layout.name} has no place: {first_few(found.strays)}"
        )
    if found.orphans:
        masks = count_of(found.orphans, "mask")
        yield f"passed over {masks} without an image: {first_few(found.orphans)}"
    if found.copies:
        masks = count_of(found.copies, "other form", "other forms")
        places = {path.rpartition("/")[0] for path in found.copies}
        yield f"passed over {masks} of masks in {first_few(sorted(places))}"
    if closed:
        folders = count_of(closed, "sub-folder")
        yield f"did not enter {folders}: {first_few(closed)} (--recursive does)"
    yield from _missing_masks(found.entries)
    yield from _other_files(tree)


def _missing_masks(entries: Mapping[str, ImageEntry]) -> Iterator[str]:
    unlabelled = [path for path, entry in entries.items() if not entry.label]
    bare = [path for path, entry in entries.items() if not entry.masks]
    defects = [path for path in bare if entries[path].label not in ("", GOOD)]
    unknown = [path for path in bare if not entries[path].label]
    if 0 < len(unlabelled) < len(entries):
        images = count_of(unlabelled, "image")
        yield f"no label is known of {images}: {first_few(unlabelled)}"
    elif unknown and len(bare) < len(entries):
        yield f"{count_of(unknown, 'image')} without a mask: {first_few(unknown)}"
    if defects:
        images = count_of(defects, "image")
        yield f"{images} of defects without a mask: {first_few(defects)}"


def _other_files(tree: FileTree) -> Iterator[str]:
    kinds: dict[bool, list[str]] = {True: [], False: []}  # pictures, and the rest
    for path in tree.others:
        name = path.rpartition("/")[2]
        if not _ABOUT.fullmatch(name) and not _OBJECTS.fullmatch(path.lower()):
            kinds[_suffix(path) in _PICTURES].append(path)
    pictures, others = kinds[True], kinds[False]
    if pictures:
        yield (
            f"passed over {count_of(pictures, 'picture')} in formats that are not read "
            f"({_kinds(pictures)}): {first_few(pictures)}; convert them to TIFF or PNG"
        )
    if others:
        yield (
            f"passed over {count_of(others, 'file')} of other types "
            f"({_kinds(others)}), such as {first_few(others[:1])}"
        )
    special = [*tree.special, *tree.closed]
    if special:
        yield (
            f"passed over {count_of(special, 'entry', 'entries')}, neither files nor "
            f"folders, or too deep: {first_few(special)}"
        )
    if tree.unreadable:
        folders = count_of(tree.unreadable, "folder")
        yield f"could not read {folders}: {first_few(tree.unreadable)}"


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _kinds(paths: list[str]) -> str:
    """Count files by their suffixes."""
    return ", ".join(
        f"{count:,} {printable(kind) or 'without a suffix'}"
        for kind, count in Counter(map(_suffix, paths)).most_common()
    )
