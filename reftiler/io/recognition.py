"""Recognising the layout of a folder, and the data set in which a part of it lies."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import numpy as np

from reftiler.errors import TilingError
from reftiler.io import read_image
from reftiler.io.file_tree import FileTree, bare_path, image_suffix
from reftiler.io.layouts import (
    JPEG,
    LAYOUTS,
    PLAIN,
    SAME_STEM,
    Layout,
    match_path,
)
from reftiler.validation import count_of, first_few

_MASK_VALUES = 32  # that a mask beside a JPEG of the same name has at most
_MAX_PIXELS = 2**18  # that are looked at for that, spread over the image
_Probes: TypeAlias = tuple[list[str], list[str], list[str]]


def layouts_of(tree: FileTree, good: tuple[str, ...]) -> list[Layout]:
    """Return the layouts that a folder has; more than one is one too many."""
    probes = _probes(tree)
    found = [layout for layout in LAYOUTS if "" in _roots(layout, probes, good)]
    return [layout for layout in found if not layout.generic] or found


def nested_sets(tree: FileTree, good: tuple[str, ...]) -> list[str]:
    """Return the outermost sub-folders that have the layout of a data set."""
    probes, found = _probes(tree), set[str]()
    for layout in LAYOUTS:
        if not layout.generic:
            found |= _roots(layout, probes, good)
    found -= {""}
    above = {root: map(str, PurePosixPath(root).parents) for root in found}
    return sorted(root for root in found if found.isdisjoint(above[root]))


def _probes(tree: FileTree) -> _Probes:
    """Return the images' paths without suffix, one of each folder, and other files."""
    bare = [bare_path(path) for path in tree.images]
    folders = {path.rpartition("/")[0]: path for path in bare}
    others = {
        (path.rpartition("/")[0], PurePosixPath(path).suffix): path
        for path in tree.others
    }
    return bare, list(folders.values()), list(others.values())


def _roots(layout: Layout, probes: _Probes, good: tuple[str, ...]) -> set[str]:
    """Return the folders, relative to the tree's, in which a layout begins."""
    found = set[str]()
    for group in layout.needs:
        found |= set.intersection(*(_matching(p, probes, good) for p in group))
    for pattern in layout.forbids if found else ():
        found -= _matching(pattern, probes, good)
    return found


def _matching(pattern: str, probes: _Probes, good: tuple[str, ...]) -> set[str]:
    """Return the folders relative to which a pattern matches some file."""
    count = pattern.count("/") + 1
    images, of_folders, others = probes
    name = pattern.rpartition("/")[2]
    if name.endswith((".txt", ".json")):
        images = others
    found = set[str]()
    for path in of_folders if name in ("{stem}", "{mask}") else images:
        parts = path.split("/")
        root = "/".join(parts[:-count])
        if len(parts) < count or root in found:
            continue
        if match_path(pattern, "/".join(parts[-count:]), good) is not None:
            found.add(root)
    return found


def enclosing_roots(
    source: Path, layout: Layout | None, *, is_file: bool
) -> Iterator[tuple[Path, str]]:
    """Yield folders above a source that have a landmark, and its path below each."""
    whole = os.path.abspath(source)  # noqa: PTH100 - links stay links
    names = Path(whole).parts[1:]
    seen = set[int]()
    for one in LAYOUTS if layout is None else (layout,):
        for depth in _depths(one, names, is_file=is_file):
            root = Path(os.path.normpath(source.joinpath(*[".."] * depth)))
            if depth not in seen and any(any(root.glob(g)) for g in one.landmarks):
                seen.add(depth)
                yield root, "/".join(names[-depth:])


def _depths(layout: Layout, names: tuple[str, ...], *, is_file: bool) -> Iterator[int]:
    """Yield how many folders above a source the root of a layout would lie."""
    for place in layout.places:
        parts = place.images.split("/")
        least = len(parts) if is_file else 1
        for depth in range(least, len(parts) + is_file):
            tail = "/".join(names[-depth:])
            tail = bare_path(tail) if is_file else tail
            if match_path("/".join(parts[:depth]), tail) is not None:
                yield depth


def plain_layout(tree: FileTree, limit: int | None = None) -> tuple[Layout, str]:
    """Tell plain images from JPEG images with masks of one stem, by some of these."""
    jpeg = {bare_path(path) for path in tree.images if image_suffix(path) in JPEG}
    others = [path for path in tree.images if image_suffix(path) not in JPEG]
    twins = [path for path in others if bare_path(path) in jpeg]
    step = max(1, len(twins) // limit) if limit else 1
    if not twins or not all(_looks_like_mask(tree.root / p) for p in twins[::step]):
        return PLAIN, ""
    return SAME_STEM, (
        f"{count_of(twins, 'file')} with the name of a JPEG image and few values taken "
        f"for its mask: {first_few(twins)}; if they are images, give them other names"
    )


def _looks_like_mask(path: Path) -> bool:
    try:
        image = read_image(path)
    except TilingError:
        return False
    pixels = image.reshape(image.shape[0] * image.shape[1], -1)
    step = max(1, len(pixels) // _MAX_PIXELS)
    return len(np.unique(pixels[::step], axis=0)) <= _MASK_VALUES
