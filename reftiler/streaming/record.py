"""What a merger writes down, so that another process can go on where it stopped."""

import io
import json
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.files import sweep, write_whole

__all__ = ["Record", "WorkFolder"]

NAME = "merge.npz"
TILES = "tiles.bin"


@dataclass(frozen=True)
class Record:
    """
    How far a merge is.

    Attributes
    ----------
    identity : dict
        What is merged, as JSON holds it: another merge cannot go on with this one.
    given : ndarray of bool
        Which tiles were given.
    digests : ndarray of int64
        The check sum of each finished band, and -1 for those that are not.
    slots : dict of int to int
        Which tiles lie in which slots of the work file.
    """

    identity: dict[str, Any]
    given: NDArray[np.bool_]
    digests: NDArray[np.int64]
    slots: dict[int, int]

    def write(self, folder: Path) -> None:
        """
        Write to a folder, whole or not at all.

        Raises
        ------
        TilingError
            If the disk refuses; the record before is still there.
        """
        stream = io.BytesIO()
        np.savez_compressed(
            stream,
            identity=np.array(json.dumps(self.identity, sort_keys=True)),
            given=self.given,
            digests=self.digests,
            slots=np.array(list(self.slots.items()), np.int64).reshape(-1, 2),
        )
        try:
            write_whole(folder / NAME, stream.getvalue(), durable=True)
        except OSError as error:
            raise TilingError(
                f"cannot write {folder / NAME}: {error.strerror}; what was saved "
                "before still holds"
            ) from error

    @classmethod
    def read(cls, folder: Path, identity: dict[str, Any]) -> "Record | None":
        """
        Read what was written to a folder; None if nothing was.

        Raises
        ------
        TilingError
            If it is damaged, or of another merge.
        """
        path = folder / NAME
        if not path.exists():
            return None
        try:
            stream = io.BytesIO(path.read_bytes())  # numpy leaves a bad file open
            with np.load(stream, allow_pickle=False) as content:
                found = json.loads(str(content["identity"]))
                slots = {int(number): int(slot) for number, slot in content["slots"]}
                record = cls(found, content["given"], content["digests"], slots)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise TilingError(
                f"{path} cannot be read: {error}; delete {folder} to begin anew"
            ) from error
        known = json.loads(json.dumps(identity))
        if found != known:
            other = [key for key in known if found.get(key) != known[key]]
            raise TilingError(
                f"{folder} holds another merge, which differs in {', '.join(other)}: "
                "give another work folder, or delete it"
            )
        return record


class WorkFolder:
    """
    The folder in which a merge keeps what must outlive its process.

    Parameters
    ----------
    path : path-like
        Made if there is none.

    Raises
    ------
    TilingError
        If it cannot be a folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TilingError(
                f"work={self.path} cannot be a folder: {error.strerror}"
            ) from error

    @property
    def tiles(self) -> Path:
        """The file for tiles that wait."""
        return self.path / TILES

    def clear(self) -> None:
        """Remove what a merge left, and the folder if nothing else is in it."""
        for name in (NAME, TILES):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # somebody else's files are in it
            sweep(self.path)
            self.path.rmdir()
