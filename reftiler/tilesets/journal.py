"""The journal of an unfinished run: what `reftiler tile` has done, to go on from there.

A run writes it before its first tile, a line whenever some tiles are done, and removes
it when the manifest is there. A process that is killed leaves at worst a last line
that is torn: the tiles of that line are written again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from reftiler.atomic import atomic_write, safe_join
from reftiler.errors import TilingError
from reftiler.json_io import SPEC_VERSION, check_content, require
from reftiler.tilesets.records import ImageTiles

__all__ = ["NAME", "Entry", "Journal", "Prints"]

NAME = "unfinished.jsonl"

Prints: TypeAlias = tuple[tuple[int, int], ...]
"""Fingerprints of an image and of its mask, if it has one."""


@dataclass(frozen=True)
class Entry:
    """An image of the run: its record in the manifest to be, and what it was then."""

    record: ImageTiles
    prints: Prints


@dataclass
class Journal:
    """
    What an unfinished run is and has done.

    Attributes
    ----------
    call : dict
        What was asked for, as JSON has it.
    images : dict of str to Entry
        By the images' ids.
    doomed : tuple of str
        The files of earlier runs that this one replaces, and which are removed before
        the first tile is written.
    cleared : bool
        Whether they are.
    done : dict of str to set of int
        For each image which parts are done, by the place of their first tile.
    """

    call: dict[str, Any]
    images: Mapping[str, Entry]
    doomed: tuple[str, ...] = ()
    cleared: bool = False
    done: dict[str, set[int]] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """All files in the folder that are this run's, or were left to it."""
        own = (file for one in self.images.values() for file in one.record.files)
        left = () if self.cleared else self.doomed
        return tuple(dict.fromkeys((*left, *own)))

    def write(self, path: Path) -> None:
        """
        Write everything anew.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        atomic_write(path, "".join(map(_line, self._lines())).encode())

    def clear(self, folder: Path) -> None:
        """
        Note that what was doomed is removed.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        self.cleared = True
        _append(folder, {"cleared": True})

    def note(self, folder: Path, image: str, first: int) -> None:
        """
        Note that a part of an image is done.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        self.done.setdefault(image, set()).add(first)
        _append(folder, {"done": [image, first]})

    @classmethod
    def read(cls, folder: Path) -> "Journal | None":
        """
        Read the journal of a folder; None if there is none.

        Raises
        ------
        TilingError
            If it cannot be read, is damaged, or names a file outside of the folder.
        """
        path = folder / NAME
        try:
            lines = path.read_bytes().split(b"\n")[:-1]  # the last may be torn
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TilingError(f"cannot read {path}: {error.strerror}") from error
        try:
            journal = cls._from_lines([json.loads(line) for line in lines], str(path))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise TilingError(
                f"{path} is damaged ({error}): remove it and the tiles beside it, or "
                "choose another folder"
            ) from error
        for name in journal.files:
            safe_join(folder, name)
        return journal

    def _lines(self) -> Iterator[dict[str, Any]]:
        yield {
            "spec_version": SPEC_VERSION,
            "call": self.call,
            "images": len(self.images),
            "doomed": self.doomed,
        }
        for entry in self.images.values():
            yield {"record": entry.record.content(), "prints": entry.prints}
        if self.cleared:
            yield {"cleared": True}
        for image, parts in self.done.items():
            yield from ({"done": [image, first]} for first in sorted(parts))

    @classmethod
    def _from_lines(cls, lines: list[Any], where: str) -> "Journal":
        keys = ("call", "images", "doomed")
        head = check_content(lines[0] if lines else {}, keys, where)
        require(head, keys, where)
        images = {}
        for line in lines[1 : 1 + head["images"]]:
            record = ImageTiles.from_content(line["record"])
            prints = tuple((int(size), int(time)) for size, time in line["prints"])
            images[record.id] = Entry(record, prints)
        if len(images) != head["images"]:
            raise TilingError(f"it names {len(images)} images of {head['images']}")
        journal = cls(head["call"], images, tuple(head["doomed"]))
        for line in lines[1 + head["images"] :]:
            if "cleared" in line:
                journal.cleared = True
            else:
                image, first = line["done"]
                journal.done.setdefault(image, set()).add(first)
        return journal


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, ensure_ascii=False) + "\n"


def _append(folder: Path, content: Mapping[str, Any]) -> None:
    with (folder / NAME).open("ab") as file:
        file.write(_line(content).encode())
