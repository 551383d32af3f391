"""Merging tiles as they come, in any order, into a store, in bounded memory.

Tiles wait until all that take part in a band of rows are there; then the band is merged
by the code that merges whole images, in ascending order of tiles. So the bits are those
of `reftiler.Tiler.untile` whatever came when.
"""

import threading
import time
from collections.abc import Sequence
from os import PathLike
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from reftiler.axis import IntArray
from reftiler.cut import Array, as_nchw
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout
from reftiler.settings import TilerSettings
from reftiler.streaming.easel import Easel, Out, digest
from reftiler.streaming.ledger import Ledger
from reftiler.streaming.plan import MergePlan
from reftiler.streaming.record import Record, WorkFolder
from reftiler.streaming.shelf import Shelf
from reftiler.streaming.stores import check_source
from reftiler.validation import as_int

__all__ = ["MEMORY", "Merger"]

MEMORY = 2**28
"""Bytes of tiles that wait in memory, by default."""
SAVED = 30.0
"""Seconds between two saves."""


class Merger:
    """
    Merges tiles into an image as they come.

    Used in a ``with`` statement, whose end is `finish`; after an error the tiles that
    were given are saved if there is a work folder.

    Parameters
    ----------
    tiler : BaseTiler
        How to merge.
    shape : sequence of int
        The shape of the image that was tiled.
    out : store, or callable
        Where the result goes: anything with ``shape``, ``dtype`` and assignment to
        slices; or what makes it of the result's shape and dtype, as `numpy.empty`.
    tile_shape : sequence of int, optional
        That of one tile, (C', *T'); by default as `reftiler.Tiler.tile` makes them.
    tile_dtype : dtype, optional
        The tiles'; by default that of ``out``.
    dtype : dtype, optional
        The result's; by default the tiles'.
    grid, scale
        As for `reftiler.Tiler.untile`.
    memory : int or None
        Bytes of tiles that wait in memory; the others wait in a work file. None means
        all. Tiles that come in order and overlap by half need two rows of the grid.
    work : path-like, optional
        A folder for the work file and for what a later process needs to go on: a
        merger of the same settings begins where one that was killed was last saved.
        Then ``out`` must be what that one had.
    name : str
        What the result is called, if a folder knows several; no other goes on with it.

    Raises
    ------
    TypeError, TilingError
        As `untile` does; if ``out`` does not suit the result or is read-only; or if
        the work folder is of another merge.
    """

    def __init__(  # noqa: PLR0913 - each by its name
        self,
        tiler: TilerSettings,
        shape: Sequence[int],
        out: Out,
        *,
        tile_shape: Sequence[int] | None = None,
        tile_dtype: DTypeLike | None = None,
        dtype: DTypeLike | None = None,
        grid: Grid | None = None,
        scale: Any = None,
        memory: int | None = MEMORY,
        work: str | PathLike[str] | None = None,
        name: str = "",
    ) -> None:
        if memory is not None:
            memory = as_int(memory, "memory", minimum=0)
        if tile_dtype is None:
            if callable(out):
                raise TypeError("give tile_dtype: out does not say what the tiles are")
            tile_dtype = check_source(out, "out").dtype
        plan = MergePlan.of(
            tiler, shape, tile_shape, tile_dtype, dtype, grid, scale, name
        )
        self.plan = plan
        self._folder = None if work is None else WorkFolder(work)
        # Whether there is an earlier merge, and of what, before `out` is touched.
        record = None
        if self._folder is not None:
            record = Record.read(self._folder.path, plan.identity)
        self._easel = Easel(plan, out)
        self._ledger = Ledger(plan.bands, plan.call.result.batch_size, plan.tiles)
        self._lock, self._ended = threading.Lock(), False
        self._shelf = self._opened(memory, record)
        self._saved = time.monotonic()

    def __enter__(self) -> "Merger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.stop()
            return
        try:
            self.finish()
        except BaseException:
            self.stop()
            raise

    @property
    def out(self) -> Any:
        """The store that the result is written to."""
        return self._easel.out

    def missing(self) -> IntArray:
        """Return the numbers of the tiles that were not given yet, ascending."""
        return np.flatnonzero(~self._ledger.given)

    def given(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Return which of some tiles were given."""
        if isinstance(numbers, range):
            return self._ledger.given[numbers.start : numbers.stop : numbers.step]
        return self._ledger.given[list(numbers)]

    def add(self, numbers: int | Sequence[int] | IntArray, tiles: ArrayLike) -> None:
        """
        Give some tiles; may be called by several threads.

        Parameters
        ----------
        numbers : int or sequence of B ints
            Which tiles they are: image-major, then row-major over the grid.
        tiles : array_like, shape (B, C', *T'), or (C', *T') for one number
            They are copied.

        Raises
        ------
        TypeError
            If a number is not an int.
        TilingError
            If there is no such tile, it was given before, or it has another shape or
            dtype than was said; then none of these is taken. If the disk is full or a
            NaN would become an integer; then those before it are.
        """
        batch = np.asarray(tiles)
        if np.ndim(numbers) == 0:
            numbers, batch = [numbers], batch[np.newaxis]  # type: ignore[list-item]
        with self._lock:
            self._check_open()
            checked = self._ledger.check(numbers)  # type: ignore[arg-type]
            self._check_tiles(batch, len(checked))
            for band in self._ledger.ready():  # what failed is tried again
                self._paint(band)
            for number, tile in zip(checked, batch, strict=True):
                if self._ledger.due(number):  # else it is all padding, or border
                    self._shelf.put(number, tile)
                for band in self._ledger.give(number):
                    self._paint(band)
            if self._folder is not None and time.monotonic() > self._saved + SAVED:
                self._save()

    def complete(self) -> None:
        """
        Merge what is left and hand it to the disk; `finish` can still be tried again.

        Raises
        ------
        TilingError
            If tiles are missing; they are named, and may still be given.
        """
        with self._lock:
            self._check_open()
            self._ledger.check_whole()
            for band in self._ledger.ready():
                self._paint(band)
            self._easel.flush()

    def finish(self) -> Any:
        """
        Merge what is left, delete the work files and return ``out``.

        Raises
        ------
        TilingError
            If tiles are missing; they are named, and may still be given.
        """
        if self._ended:
            return self.out
        self.complete()
        with self._lock:
            self._end()
            if self._folder is not None:
                self._folder.clear()
        return self.out

    def stop(self) -> None:
        """End without a result; what was given is saved if there is a work folder."""
        with self._lock:
            if self._ended:
                return
            try:
                if self._folder is not None:
                    self._save()
            except (TilingError, OSError):  # the first error is the one to tell
                pass
            finally:
                self._end()

    def _end(self) -> None:
        self._ended = True
        self._shelf.close()

    def save(self) -> None:
        """
        Write down how far the merge is, so that it survives the end of this process.

        With a work folder this also happens every half minute.

        Raises
        ------
        TilingError
            If there is no work folder, or its disk refuses: what was saved before
            still holds.
        """
        if self._folder is None:
            raise TilingError("nothing can be saved without a folder: give work=")
        with self._lock:
            self._check_open()
            self._save()

    def _check_open(self) -> None:
        if self._ended:
            raise TilingError("this merger has ended: make another one")

    def _check_tiles(self, tiles: Array, count: int) -> None:
        shape, dtype = self.plan.tile_shape, self.plan.tile_dtype
        if tiles.dtype != dtype or tiles.shape[1:] != shape:
            raise TilingError(
                f"the tiles are {tiles.dtype} {tiles.shape[1:]}, this merger takes "
                f"{dtype} {shape}: say so with tile_dtype and tile_shape"
            )
        if len(tiles) != count:
            raise TilingError(
                f"{count} numbers came with {len(tiles)} tiles: give each tile one"
            )

    def _paint(self, band: int) -> None:
        """Merge a band and let go of the tiles that nothing else awaits."""
        image = band // len(self._ledger.bands)
        tiles = _Tiles(self._shelf, self.plan.call.tiles, image * self.plan.tiles)
        piece = self._easel.paint(band, tiles)
        known = 0 if self._folder is None else digest(piece)
        for tile in self._ledger.close(band, known):
            self._shelf.drop(tile)

    def _opened(self, memory: int | None, record: Record | None) -> Shelf:
        """Return the shelf, with what an earlier process put there."""
        path = None if self._folder is None else self._folder.tiles
        slots: dict[int, int] = {}
        if record is not None:
            for band in np.flatnonzero(record.digests >= 0).tolist():
                self._easel.check(band, int(record.digests[band]))
            self._ledger.restore(record.given, record.digests)
            slots = record.slots
        plan = self.plan
        return Shelf(plan.tile_shape, plan.tile_dtype, memory, path, slots)

    def _save(self) -> None:
        assert self._folder is not None
        slots = self._shelf.save()
        self._easel.flush()
        given, digests = self._ledger.given, self._ledger.digests
        record = Record(self.plan.identity, given, digests, slots)
        record.write(self._folder.path)
        self._shelf.settle()
        self._saved = time.monotonic()


class _Tiles:
    """The tiles of one image on a shelf, as (C, *T)."""

    def __init__(self, shelf: Shelf, layout: ArrayLayout, first: int) -> None:
        self._shelf, self._layout, self._first = shelf, layout, first

    def __getitem__(self, number: int) -> Array:
        tile = self._shelf[self._first + number]
        found: Array = as_nchw(tile[np.newaxis], self._layout)[0]
        return found
