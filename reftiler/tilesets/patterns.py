"""Names of tiles that say where these lie."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import TypeAlias

from reftiler.errors import TilingError
from reftiler.io import IMAGE_SUFFIXES
from reftiler.tilesets.maps import counted, walk

_FIELDS = ("id", "row", "col", "x", "y", "index")
_PLACES = (("y", "x"), ("row", "col"), ("index",))
"""What a name says of its tile's place, the most certain first; rows first."""

NamedTiles: TypeAlias = dict[str, dict[tuple[int, ...], Path]]
"""For each image its tiles by their places."""


@dataclass(frozen=True)
class NamePattern:
    """A pattern of names below a folder, such as ``{id}_{row}_{col}.png``.

    Without a suffix, names of all formats match.
    """

    text: str

    def __post_init__(self) -> None:
        names, known = self._names, ", ".join(f"{{{name}}}" for name in _FIELDS)
        if len(set(names)) < len(names) or not set(names) <= set(_FIELDS):
            raise TilingError(f"the pattern {self.text!r} may have {known}, each once")
        if not any(set(place) <= set(names) for place in _PLACES):
            raise TilingError(
                f"the pattern {self.text!r} does not say where tiles lie: it needs "
                "{row} and {col}, {x} and {y}, or {index}"
            )

    @property
    def place(self) -> tuple[str, ...]:
        """What says where a tile lies: y and x, row and col, or index."""
        return next(place for place in _PLACES if set(place) <= set(self._names))

    def find(
        self, folder: Path, first: int | None = None
    ) -> tuple[NamedTiles, list[str]]:
        """Return the tiles in a folder, in the order of their places, and some notes.

        Places count from 0, whatever ``first``, the first number in names, is; None
        takes 0 where one is there, and 1 where the least of each is 1.
        """
        found: NamedTiles = {}
        passed: list[str] = []
        for path in walk(folder):
            name = path.relative_to(folder)
            given = self._match(name)
            if given is None:
                passed.append(name.as_posix())
                continue
            where = tuple(int(given[field]) for field in self.place)
            tiles = found.setdefault(given.get("id", ""), {})
            if where in tiles:
                raise TilingError(
                    f"{tiles[where]} and {path} lie in one place: keep one of them"
                )
            tiles[where] = path
        if not found:
            there = counted(passed, "other file") if passed else "none"
            raise TilingError(f"no file in {folder} is called {self.text}, but {there}")
        notes = []
        if passed:
            notes.append(f"passed over {counted(passed, 'file')} not like {self.text}")
        if self.place != ("y", "x") and self._count_from(_least(found), first) == 1:
            if first is None:
                names = " and ".join(self.place)
                notes.append(
                    f"{names} count from 1 in these names: where tiles numbered 0 are "
                    "missing, give --first 0"
                )
            found = {name: _from_zero(tiles) for name, tiles in found.items()}
        return {
            name: dict(sorted(tiles.items())) for name, tiles in found.items()
        }, notes

    def _count_from(self, least: Sequence[int], first: int | None) -> int:
        """Return the number from which names count, given the least of each."""
        said = " and ".join(
            f"{name} {n}" for name, n in zip(self.place, least, strict=True)
        )
        if first is None and 0 not in least and set(least) != {1}:
            raise TilingError(
                f"the names begin with {said}: tiles are missing; say whether the "
                "first is 0 or 1, --first 0 or --first 1"
            )
        if first is None:
            return min(least)
        if min(least) < first:
            raise TilingError(f"the names begin with {said}, not with {first}")
        return first

    def _match(self, name: Path) -> dict[str, str] | None:
        if name.suffix.lower() not in IMAGE_SUFFIXES:
            return None
        has_suffix = Path(self.text).suffix.lower() in IMAGE_SUFFIXES
        text = (name if has_suffix else name.with_suffix("")).as_posix()
        found = self._regex.fullmatch(text)
        return found and found.groupdict()

    @cached_property
    def _parts(self) -> list[tuple[str, str | None]]:
        """The pattern as texts, each with the field behind it."""
        try:
            parsed = Formatter().parse(self.text)
            return [(text, name) for text, name, _, _ in parsed]
        except ValueError as error:
            raise TilingError(f"the pattern {self.text!r} is wrong: {error}") from error

    @property
    def _names(self) -> list[str]:
        return [name for _, name in self._parts if name is not None]

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        expression = ""
        for text, name in self._parts:
            expression += re.escape(text)
            if name is not None:
                kind = ".+" if name == "id" else "[0-9]{1,12}"
                expression += f"(?P<{name}>{kind})"
        return re.compile(expression)


def _least(found: NamedTiles) -> list[int]:
    """Return the least row and column, or the least index."""
    places = [where for tiles in found.values() for where in tiles]
    return [min(numbers) for numbers in zip(*places, strict=True)]


def _from_zero(tiles: dict[tuple[int, ...], Path]) -> dict[tuple[int, ...], Path]:
    return {tuple(n - 1 for n in where): path for where, path in tiles.items()}
