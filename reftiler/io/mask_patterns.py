"""Mask patterns: where the masks of a folder of images lie, as its user says."""

import fnmatch
import glob
import os
import re
import sys
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from os.path import normcase
from pathlib import Path, PurePosixPath

from reftiler.errors import TilingError
from reftiler.io.file_tree import bare_path, fold, image_suffix

NO_MASKS = "none"
"""The pattern that says: there are no masks, all files are images."""
FIELDS = ("stem", "name", "label", "split", "folder")


class Folders:
    """The names in folders, each of which is listed once."""

    def __init__(self) -> None:
        self._names = cache(_names_in)
        self._by_stem = cache(_images_by_stem)

    def glob(self, pattern: str) -> list[Path]:
        """Return what a glob stands for, in order; of ``**`` one folder."""
        first, *parts = Path(pattern).parts
        found = [Path(first)] if os.path.isabs(first) else self._inside(Path(), first)  # noqa: PTH117
        for part in parts:
            found = [path for folder in found for path in self._inside(folder, part)]
        return sorted(path for path in found if path.exists())

    def images(self, path: Path) -> list[Path]:
        """Return the images whose path without suffix is this one."""
        alike = self._by_stem(path.parent).get(fold(path.name), [])
        found = [name for name in alike if bare_path(name) == path.name]
        found = found or [  # where upper and lower case are one
            name
            for name in alike
            if Path(f"{path}{PurePosixPath(name).suffix}").exists()
        ]
        return [path.parent / name for name in found]

    def _inside(self, folder: Path, part: str) -> list[Path]:
        """Return what a part of a glob stands for in a folder."""
        name = _unescaped(part)
        if name is not None:
            return [folder / name]
        names, start = self._names(folder), normcase(re.split(r"[*?[]", part)[0])
        first = bisect_left(names, start, key=normcase)
        last = bisect_left(names, start + chr(sys.maxunicode), key=normcase)
        found = fnmatch.filter(names[first:last], part)
        return [folder / n for n in found if n[0] != "." or part[0] == "."]


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder), key=normcase)  # noqa: PTH208 - names alone
    except OSError:  # no folder, or a closed one
        return []


def _images_by_stem(folder: Path) -> dict[str, list[str]]:
    found = defaultdict(list)
    for name in filter(image_suffix, _names_in(folder)):
        found[fold(bare_path(name))].append(name)
    return found


def _unescaped(part: str) -> str | None:
    """Return the name that a part of a glob is, None if it stands for several."""
    plain = re.sub(r"\[[*?[]\]", "", part)
    return None if glob.has_magic(plain) else re.sub(r"\[([*?[])\]", r"\1", part)


@dataclass(frozen=True)
class MaskPattern:
    """Where the masks of an image lie: a path with fields.

    ``{stem}`` and ``{name}`` are the image's file name without and with its suffix,
    ``{label}`` and ``{split}`` the folders of a data set, ``{folder}`` the image's
    folder relative to the source. A pattern without a slash, or one that begins with
    ``./``, starts at the image's folder; any other at the source, or at the root of the
    disk if it begins with a slash. Without a suffix, that of any image will do; ``*``
    stands for any text, and an image may then have several masks.
    """

    text: str

    def __post_init__(self) -> None:
        used = re.findall(r"\{([^{}]*)\}", self.text)
        braces = self.text.count("{") + self.text.count("}")
        if not set(used) <= set(FIELDS) or braces != 2 * len(used):
            known = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise TilingError(f"the mask pattern {self.text!r} may hold {known} alone")
        if not {"stem", "name"} & set(used):
            raise TilingError(
                f"the mask pattern {self.text!r} names the same file for all images: "
                "it needs {stem} or {name}"
            )

    def expected(self, root: Path, image: str, fields: dict[str, str]) -> str:
        """Return the glob by which the masks of an image below a root are found."""
        folder, _, name = image.rpartition("/")
        values = {"label": fields.get("label", ""), "split": fields.get("split", "")}
        values |= {"stem": Path(name).stem, "name": name, "folder": folder or "."}
        beside = "/" not in self.text or self.text.startswith("./")
        start = glob.escape(str(root / folder if beside else root))
        filled = re.sub(
            r"\{(\w+)\}", lambda found: glob.escape(values[found[1]]), self.text
        )
        return os.path.normpath(os.path.join(start, filled))  # noqa: PTH118

    def masks_of(
        self, root: Path, image: str, fields: dict[str, str], folders: Folders
    ) -> list[Path]:
        """Return the files where an image's masks lie, in order; it may be one."""
        pattern = self.expected(root, image, fields)
        if "*" in self.text:
            ends = "" if image_suffix(self.text) else ".*"
            found = folders.glob(pattern + ends)
            return [path for path in found if image_suffix(path.name)]
        path = Path(re.sub(r"\[([*?[])\]", r"\1", pattern))
        if image_suffix(self.text) or PurePosixPath(self.text).name == "{name}":
            return [path] if path.exists() else []
        return folders.images(path)

    def names_a_mask(self, path: str) -> bool:
        """Say whether a file has the name of a mask: ``x_seg.png`` if all end so."""
        name = self.text.rpartition("/")[2]
        parts = re.split(r"(\{\w+\}|\*)", name.removesuffix(image_suffix(name)))
        if not any(map(str.isalnum, "".join(parts[::2]))):
            return False
        parts[::2] = map(re.escape, parts[::2])
        parts[1::2] = [".+"] * len(parts[1::2])
        return bool(re.fullmatch("".join(parts), PurePosixPath(path).stem))
