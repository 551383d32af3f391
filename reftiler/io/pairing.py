"""Sorting the files of a folder into images, their masks and the rest."""

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from reftiler.errors import TilingError
from reftiler.io.entries import GOOD, ImageEntry
from reftiler.io.file_tree import FileTree, bare_path, fold, image_suffix
from reftiler.io.layouts import GOOD_NAMES, SPLIT_NAMES, Layout, Place, match_path
from reftiler.io.mask_patterns import Folders, MaskPattern
from reftiler.validation import first_few

_KEYS = frozenset(("folder", "split", "test", "label", "item", "number", "stem"))
_Fields = dict[str, str]
_Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Pairing:
    """The files of a folder, sorted by a layout; paths are relative to the folder."""

    entries: dict[str, ImageEntry] = field(default_factory=dict)
    orphans: list[str] = field(default_factory=list)  # masks without an image
    strays: list[str] = field(default_factory=list)  # in no place of the layout
    copies: list[str] = field(default_factory=list)  # other forms of masks
    # why masks are not certain
    problems: dict[str, list[str]] = field(default_factory=dict)


def pair_by_layout(
    tree: FileTree,
    layout: Layout,
    good: tuple[str, ...] = GOOD_NAMES,
    part: str = "",
    *,
    strict: bool = True,
) -> Pairing:
    """Find the images of a layout in a folder, and the masks of each.

    They are limited to ``part``, a file or sub-folder; a file named so is an image,
    whatever its name. An image with two masks is refused, or if not strict has none and
    a problem.
    """
    found, tree = _without_copies(tree, layout, part)
    masks, by_key = _index_masks(tree, layout, good)
    used = set[str]()
    for path in _within(tree.images, part):
        if path in masks and path != part:
            continue
        place, fields = _place_of(path, layout, good)
        if place is None:
            found.strays.append(path)
            continue
        own = _masks_of(path, place, fields, by_key)
        used.update(own)
        try:
            several = any("{mask}" in pattern for pattern in place.masks)
            _refuse_two(tree.root / path, [tree.root / m for m in own], several=several)
        except TilingError as error:
            if strict:
                raise
            found.problems[path], own = [str(error)], []
        files = tuple(tree.root / mask for mask in own)
        found.entries[path] = _entry(tree.root / path, files, place, fields, good)
    if not part:
        found.orphans = sorted(masks - used)
    return found


def pair_by_pattern(
    tree: FileTree,
    layout: Layout,
    pattern: MaskPattern | None,
    good: tuple[str, ...] = GOOD_NAMES,
    part: str = "",
) -> Pairing:
    """Find the images of a layout, their masks where a pattern says; None: no masks."""
    found, tree = _without_copies(tree, layout, part)
    masks, used, folders = set[str](), set[Path](), Folders()
    for path in _within(tree.images, part):
        place, fields = _place_of(path, layout, good)
        if place is None:
            found.strays.append(path)
            continue
        own, file = [], _normal(tree.root / path)
        if pattern is not None:
            own = pattern.masks_of(tree.root, path, _named(fields, place), folders)
            if path != part and (file in own or pattern.names_a_mask(path)):
                masks.add(path)
                continue
        own = [mask for mask in own if mask != file]
        _refuse_two(file, own, several=pattern is not None and "*" in pattern.text)
        used.update(own)
        image = tree.root / path
        found.entries[path] = _entry(image, tuple(own), place, fields, good)
    if pattern is not None:
        _take_masks_out(found, tree.root, masks, used, part)
        _refuse_no_mask(found, tree, pattern, used)
    return found


def _without_copies(
    tree: FileTree, layout: Layout, part: str
) -> tuple[Pairing, FileTree]:
    """Take other forms of a layout's masks out of a folder's images.

    What writes VOC folders has PNG files in SegmentationClass and arrays beside them,
    or arrays there and PNG files in SegmentationClassPNG.
    """
    if not layout.copies:
        return Pairing(), tree
    folded = set(map(fold, tree.images))
    folders = {path.rpartition("/")[0] for path in folded}

    def is_copy(path: str) -> bool:
        if any(match_path(copies, path) is not None for copies in layout.copies):
            return True
        folder, _, name = fold(path).rpartition("/")
        if not folder.endswith("segmentationclass"):
            return False
        twin = f"{folder}/{bare_path(name)}.png"
        return f"{folder}png" in folders or (name.endswith(".npy") and twin in folded)

    copies = [path for path in tree.images if path != part and is_copy(path)]
    left = [path for path in tree.images if path == part or not is_copy(path)]
    return Pairing(copies=_within(copies, part)), replace(tree, images=left)


def _take_masks_out(
    found: Pairing, root: Path, masks: set[str], used: set[Path], part: str
) -> None:
    """Keep what lies among the masks from being images."""
    paired = {_normal(e.image).parent for e in found.entries.values() if e.masks}
    folders = {mask.parent for mask in used} - paired
    for path in list(found.entries):
        file = _normal(root / path)
        if path != part and (file in used or file.parent in folders):
            masks.add(path)
            del found.entries[path]
    if not part:
        found.orphans = sorted(p for p in masks if _normal(root / p) not in used)


def _refuse_no_mask(
    found: Pairing, tree: FileTree, pattern: MaskPattern, used: set[Path]
) -> None:
    if used or not tree.images:
        return
    path = next(iter(found.entries), tree.images[0])
    looked = pattern.expected(tree.root, path, {})
    raise TilingError(
        f"no image has a mask by the pattern {pattern.text!r}: that of {path} was "
        f"looked for as {first_few([looked])}"
    )


def _index_masks(
    tree: FileTree, layout: Layout, good: tuple[str, ...]
) -> tuple[set[str], dict[_Key, list[str]]]:
    """Return all files in places of masks, and each by its pattern and fields."""
    masks, by_key = set(), defaultdict(list)
    patterns = {mask: place for place in layout.places for mask in place.masks}
    for path in tree.images:
        bare = bare_path(path)
        for pattern, place in patterns.items():
            fields = match_path(pattern, bare, good)
            if fields is not None and image_suffix(path) not in place.suffixes:
                masks.add(path)
                by_key[_key(pattern, fields)].append(path)
    return masks, by_key


def _masks_of(
    path: str, place: Place, fields: _Fields, by_key: dict[_Key, list[str]]
) -> list[str]:
    found: list[str] = []
    for pattern in place.masks:
        own = by_key.get(_key(pattern, fields), [])
        found += [mask for mask in own if mask not in found and mask != path]
    return found


def _refuse_two(image: Path, masks: list[Path], *, several: bool) -> None:
    if len(masks) > 1 and not several:
        raise TilingError(
            f"{first_few([image])} has {len(masks)} masks: {first_few(masks)}; remove "
            "all but one, or say which by a mask pattern (--mask-pattern)"
        )


def _key(pattern: str, fields: _Fields) -> _Key:
    """Return the fields in which a mask of this pattern agrees with its image."""
    names = re.findall(r"\{(\w+)\}", pattern)
    shared = ((name, fold(fields.get(name, ""))) for name in names if name in _KEYS)
    return pattern, tuple(shared)


def _place_of(
    path: str, layout: Layout, good: tuple[str, ...]
) -> tuple[Place | None, _Fields]:
    bare, suffix = bare_path(path), image_suffix(path)
    for place in layout.places:
        fields = match_path(place.images, bare, good)
        if fields is not None and (not place.suffixes or suffix in place.suffixes):
            return place, fields
    return None, {}


def _entry(
    image: Path,
    masks: tuple[Path, ...],
    place: Place,
    fields: _Fields,
    good: tuple[str, ...],
) -> ImageEntry:
    named = _named(fields, place)
    split = named["split"].lower()
    label = GOOD if fold(named["label"]) in good else named["label"]
    return ImageEntry(
        image,
        masks,
        SPLIT_NAMES.get(split, split),
        label,
        place.name.format_map(fields),
    )


def _named(fields: _Fields, place: Place) -> _Fields:
    """Return split and label as the place, or else the path, has them."""
    return {
        "split": place.split or fields.get("split", ""),
        "label": place.label or fields.get("label", ""),
    }


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _within(paths: list[str], part: str) -> list[str]:
    if not part:
        return paths
    return [path for path in paths if path == part or path.startswith(f"{part}/")]
