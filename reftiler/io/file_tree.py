"""The files of a folder and of its sub-folders, listed once."""

import errno
import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath

from reftiler.io import IMAGE_SUFFIXES
from reftiler.io.zarr_metadata import MARKS
from reftiler.io.zarr_metadata import SUFFIX as ZARR

MAX_DEPTH = 8
"""Folders within folders that are entered."""
_TILE_FILES = {"manifest.json", "unfinished.json"}
_TILES_BEGIN = b'{\n"spec_version"'
_Id = tuple[int, int]  # device and inode


@dataclass
class FileTree:
    """What lies in a folder: paths relative to it, with slashes, in order."""

    root: Path
    images: list[str] = field(default_factory=list)
    # zarr folders without the suffix, too
    others: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    # dead links, circles, pipes, devices
    special: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)  # too deep to be entered
    unreadable: list[str] = field(default_factory=list)  # cannot be listed
    tiled: list[str] = field(default_factory=list)  # cut by reftiler, and not entered

    def within(self, part: str) -> "FileTree":
        """Return what lies in a sub-folder, by the same paths."""
        return self._having(lambda path: path.startswith(f"{part}/"))

    def without(self, parts: Sequence[str]) -> "FileTree":
        """Return what lies outside of some sub-folders."""
        roots = tuple(f"{part}/" for part in parts)
        return self._having(lambda path: not path.startswith(roots))

    def _having(self, is_kept: Callable[[str], bool]) -> "FileTree":
        lists = (getattr(self, one.name) for one in fields(self)[1:])
        return FileTree(self.root, *(list(filter(is_kept, paths)) for paths in lists))


def image_suffix(path: str) -> str:
    """Return the suffix in lower case if it is an image's, else an empty text."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in IMAGE_SUFFIXES else ""


def bare_path(path: str) -> str:
    """Return a path without its suffix."""
    return path.removesuffix(PurePosixPath(path).suffix)


def fold(name: str) -> str:
    """Return a name as file systems compare it that ignore case, or normalise."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def list_files(root: Path, depth: int = MAX_DEPTH) -> FileTree:
    """List a folder, so many levels deep; what is hidden is left out."""
    tree = FileTree(root)
    above = [root.resolve(), *root.resolve().parents]
    _list(tree, "", depth, {_identity(folder) for folder in above})
    return tree


def _list(tree: FileTree, folder: str, depth: int, above: set[_Id]) -> None:
    """List one folder; `above` holds the folders that it lies in."""
    with os.scandir(tree.root / folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    if folder and not {entry.name for entry in entries}.isdisjoint(MARKS):
        tree.folders.remove(folder)
        tree.others.append(folder)
        return
    if folder and any(map(_is_of_tiles, entries)):
        tree.folders.remove(folder)
        tree.tiled.append(folder)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = f"{folder}/{entry.name}" if folder else entry.name
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:  # a link that leads to itself
            is_folder = is_file = False
        if is_file or (is_folder and path.lower().endswith(ZARR)):
            (tree.images if image_suffix(path) else tree.others).append(path)
        elif is_folder:
            _enter(tree, path, depth, above)
        else:
            tree.special.append(path)


def _is_of_tiles(entry: os.DirEntry[str]) -> bool:
    """Tell whether a file says that its folder holds tiles."""
    if entry.name not in _TILE_FILES or not entry.is_file():
        return False
    with open(entry.path, "rb") as file:  # noqa: PTH123 - it is a text
        return file.read(len(_TILES_BEGIN)) == _TILES_BEGIN


def _enter(tree: FileTree, path: str, depth: int, above: set[_Id]) -> None:
    """List a sub-folder, unless a link leads to it from its own inside."""
    try:
        identity = _identity(tree.root / path)
        if identity in above:
            tree.special.append(path)
            return
        tree.folders.append(path)
        if depth > 1:
            _list(tree, path, depth - 1, above | {identity})
        else:
            tree.closed.append(path)
    except OSError as error:
        if error.errno != errno.ENOENT:  # it did not just vanish
            tree.unreadable.append(path)


def _identity(folder: Path) -> _Id:
    found = folder.stat()
    return found.st_dev, found.st_ino
