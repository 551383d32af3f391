"""The shelf: tiles that wait for their bands, in memory first, then in a work file."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.cut import Array
from reftiler.streaming.workfile import WorkFile, told

__all__ = ["Shelf"]


class Shelf:
    """
    Tiles by their number.

    Parameters
    ----------
    shape, dtype
        Those of every tile.
    memory : int or None
        Bytes of tiles that are kept in memory; None means all.
    path : Path or None
        The work file; by default one that nobody else sees, made when it is needed.
    slots : dict of int to int, optional
        Which tiles the work file has already.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        memory: int | None,
        path: Path | None = None,
        slots: dict[int, int] | None = None,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        size = max(1, dtype.itemsize * int(np.prod(shape)))
        self._room = None if memory is None else memory // size
        self._held: dict[int, Array] = {}
        self._spare: list[Array] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._keeps = path is not None
        self._file = None if path is None else WorkFile(path, shape, dtype, slots)

    def __getitem__(self, number: int) -> Array:
        """Return a tile."""
        held = self._held.get(number)
        return self._work[number] if held is None else held

    def put(self, number: int, tile: Array) -> None:
        """Keep a copy of a tile."""
        if self._room is not None and len(self._held) >= self._room:
            self._work[number] = tile
            return
        # Memory is used again: fresh pages are slow.
        copy = self._spare.pop() if self._spare else np.empty(self.shape, self.dtype)
        np.copyto(copy, tile)
        self._held[number] = copy

    def drop(self, number: int) -> None:
        """Forget a tile."""
        held = self._held.pop(number, None)
        if held is not None:
            self._spare.append(held)
        if self._file is not None and number in self._file:
            self._file.drop(number)
            if not self._keeps:
                self._file.settle()

    def save(self) -> dict[int, int]:
        """
        Write all tiles to the work file; return in which slots they lie.

        What is dropped from now on stays in the file until `settle`.
        """
        for number, tile in self._held.items():
            if number not in self._work:
                self._work[number] = tile
        self._work.sync()
        return dict(self._work.slots)

    def settle(self) -> None:
        """Let the slots of what was dropped before `save` be used again."""
        self._work.settle()

    def close(self) -> None:
        """Let go of the tiles; a work file of its own is deleted."""
        self._held.clear()
        self._spare.clear()
        if self._file is not None:
            self._file.close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def _work(self) -> WorkFile:
        if self._file is None:
            with told(tempfile.gettempdir()):
                self._folder = tempfile.TemporaryDirectory(prefix="reftiler-")
            path = Path(self._folder.name) / "tiles.bin"
            self._file = WorkFile(path, self.shape, self.dtype)
        return self._file
