"""Merge tiles as they arrive, in any order, in bounded memory.

Tiles wait until all that a block of the result needs are there; then the block is
merged by the code that merges whole images. So the bits are those of
`reftiler.Tiler.untile`, in whatever order the tiles come.
"""

import math
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray
from reftiler.dtypes import name_of
from reftiler.errors import TilingError
from reftiler.finish import Finish, check_finish
from reftiler.geometry import Box
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout, image_layout, tiles_layout
from reftiler.plan import plan_untile
from reftiler.settings import TilerSettings
from reftiler.streaming.arrays import ArrayLibrary, OutputTarget
from reftiler.streaming.arrivals import Arrivals
from reftiler.streaming.checkpoint import PARTS, Checkpoint
from reftiler.streaming.keywords import accepts_old_names
from reftiler.streaming.result_blocks import ResultBlocks
from reftiler.streaming.stores import array_index, reraise
from reftiler.streaming.tile_buffer import TileBuffer
from reftiler.validation import as_int

MAX_MEMORY = 2**28
"""Bytes of tiles that wait in memory, by default."""
SAVE_INTERVAL = 30.0
"""Seconds from one checkpoint to the next."""
RETRY = "make room and try again, with checkpoint= from where it was"


class Merger:
    """
    Merges tiles into an image as they arrive.

    Used in a ``with`` statement, whose end is `finish`; after an error the tiles that
    arrived are saved if there is a checkpoint.

    Parameters
    ----------
    tiler : TilerSettings
        How to merge.
    shape : sequence of int
        The shape of the image that was tiled.
    out : array, store, callable or None
        Where the result goes: anything with ``shape``, ``dtype`` and assignment to
        slices; or what makes it of the result's shape and dtype, as `numpy.empty`
        does; or None for a new array.
    tile_shape : sequence of int, optional
        That of one tile, (C', *T'); by default as `reftiler.Tiler.tile` makes them.
    tile_dtype : dtype, optional
        The tiles'; by default that of ``out``.
    dtype : dtype, optional
        The result's; by default the tiles'.
    grid, scale
        As for `reftiler.Tiler.untile`.
    weights_dtype : dtype, optional
        That of the weights with which tiles come; by default they come without.
    max_memory : int or None
        Bytes of tiles that wait in memory; the others wait in a file. None means all.
        If tiles come in order, little more than one row of the grid waits, or two if
        ``out`` is a store of chunks.
    checkpoint : path-like, optional
        A folder for the tiles that wait and the state of the merge: a merger of the
        same settings continues where one whose process ended was last saved. Then
        ``out`` must be what that one had.
    name : str
        What the result is called, if there are several; no other continues it.
    finish : callable, optional
        Is given each block of the result when it is merged, as by
        `reftiler.Tiler.untile`, and what it returns goes to ``out``. One that a
        checkpoint has is not finished again; that another function continues it cannot
        be known, unless its channels or dtype differ, which is refused.
    arrays : ArrayLibrary
        What tiles are arrays of: numpy, or `reftiler.torch.streaming.TensorArrays`.

    Attributes
    ----------
    out : array or store
        The result.
    tile_shape, tile_dtype
        Those of a tile.

    Raises
    ------
    TypeError, TilingError
        As `untile` does; if ``out`` does not suit the result or is read-only; if the
        checkpoint is damaged or of another merge; if a disk refuses what is written.
    """

    @accepts_old_names
    def __init__(  # noqa: PLR0913 - each by its name
        self,
        tiler: TilerSettings,
        shape: Sequence[int],
        out: OutputTarget,
        *,
        tile_shape: Sequence[int] | None = None,
        tile_dtype: Any = None,
        dtype: Any = None,
        grid: Grid | None = None,
        scale: Any = None,
        weights_dtype: Any = None,
        max_memory: int | None = MAX_MEMORY,
        checkpoint: str | PathLike[str] | None = None,
        name: str = "",
        finish: Callable[[Any], Any] | None = None,
        arrays: ArrayLibrary | None = None,
    ) -> None:
        self._arrays = arrays = ArrayLibrary() if arrays is None else arrays
        if max_memory is not None:
            max_memory = as_int(max_memory, "max_memory", minimum=0)
        if finish is not None:
            check_finish(finish)
        if tile_dtype is None and finish is None:
            tile_dtype = getattr(out, "dtype", None)
        if tile_dtype is None:
            raise TypeError(
                f"give tile_dtype: out, a {type(out).__name__}, does not say what the "
                "tiles are"
                + ("" if finish is None else ", since finish makes something else")
            )
        self.tile_dtype = arrays.dtype(tile_dtype)
        self._dtype = self.tile_dtype if dtype is None else arrays.dtype(dtype)
        if grid is not None and not isinstance(grid, Grid):
            raise TypeError(f"grid must be a reftiler.Grid, got {type(grid).__name__}")
        image = image_layout(tiler, tuple(shape), "shape")
        grid = Grid(tiler, image.size) if grid is None else grid
        one = ArrayLayout(None, image.channels, tiler.input_size, tiler.channels_last)
        self.tile_shape = one.shape if tile_shape is None else tuple(tile_shape)
        self._per_image = len(grid)
        shape_of_all = (image.batch_size * len(grid), *self.tile_shape)
        self._weights_dtype, weights = None, None
        if weights_dtype is not None:
            self._weights_dtype = arrays.dtype(weights_dtype)
            self._weights_shape = tiles_layout(tiler, shape_of_all).size
            shape_of_weights = (shape_of_all[0], *self._weights_shape)
            weights = (shape_of_weights, name_of(self._weights_dtype))
        self._call = plan_untile(
            tiler,
            shape_of_all,
            name_of(self.tile_dtype),
            tuple(shape),
            grid,
            scale,
            name_of(self._dtype),
            arrays.mergeable,
            weights,
        )
        self._fingerprint = {
            "format": 2,
            "grid": grid.to_json(),
            "shape": tuple(shape),
            "tile_shape": self.tile_shape,
            "tile_dtype": str(self.tile_dtype),
            "dtype": str(self._dtype),
            "weights_dtype": self._weights_dtype and str(self._weights_dtype),
            "part": name,
        }
        self._result, self._finish = self._call.result, self._learn(finish)
        finished = None
        if self._finish is not None:  # FINISH-008
            self._result, self._dtype = self._finish.result, self._finish.dtype
            finished = self._result.channels, str(self._dtype)
        self._fingerprint["finished"] = finished
        # The state is read before ``out`` is made, which may empty a file.
        self._checkpoint = None if checkpoint is None else Checkpoint(checkpoint)
        state = self._checkpoint and self._checkpoint.load(self._fingerprint)
        self.out: Any = arrays.make_output(out, self._result.shape, self._dtype)
        self._blocks = ResultBlocks(
            self._call.geometry,
            self._call.result.channels or 1,
            whole_rows=not arrays.in_memory(self.out),
        )
        self._arrivals = Arrivals(image.batch_size * len(grid))
        self._pending = np.tile(self._blocks.pending, image.batch_size)
        # Of each block the checksum once it is merged, -1 before.
        self._merged: IntArray = np.full(len(self._pending), -1, dtype=np.int64)
        if state:
            self._restore(state)
        self._buffers = self._open_buffers(max_memory, state or {})
        self._lock, self._ended = threading.Lock(), False
        self._saved = time.monotonic()

    def _learn(self, function: Any) -> Finish | None:
        """Return what is done to blocks of the result that the call merges."""
        if function is None:
            return None
        call, dtype = self._call, self._dtype
        last = Finish.learn(function, call.geometry, call.result, dtype, self._arrays)
        if last.requires_grad:
            raise TilingError(
                "finish returns tensors that record gradients, and blocks that are "
                "merged as they come record none: use torch.no_grad(), or untile(…, "
                "finish=) of all tiles"
            )
        return last

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

    def missing(self) -> IntArray:
        """Return the indices of the tiles that have not arrived, ascending."""
        return self._arrivals.missing()

    def arrived(self, indices: Sequence[int]) -> NDArray[np.bool_]:
        """Return which of some tiles have arrived."""
        return self._arrivals.arrived[np.asarray(indices, dtype=np.int64)]

    def add(
        self,
        indices: int | Sequence[int] | IntArray,
        tiles: Any,
        weights: Any = None,
    ) -> None:
        """
        Add some tiles; may be called from several threads.

        Parameters
        ----------
        indices : int or sequence of B ints
            Which tiles they are: image-major, then row-major over the grid.
        tiles : array, shape (B, C', *T'), or (C', *T') for one index
            They are copied.
        weights : array, shape (B, *T'), or (*T') for one index, optional
            Those of their pixels, as for `reftiler.Tiler.untile`; needed where there is
            a ``weights_dtype``, and there alone. They are copied.

        Raises
        ------
        TypeError, TilingError
            If there is no such tile, it arrived before, or it has another shape or
            dtype than was said, or a weight is none; then none of these is taken. If
            the disk is full, a NaN would become an integer, or a pixel has no weight
            and there is no fill; then those before it are.
        """
        batch, given = self._arrays.as_array(tiles), None
        if weights is not None:
            given = self._arrays.as_weights(weights)
        if np.ndim(indices) == 0:
            indices, batch = [indices], batch[None]  # type: ignore[list-item]
            given = None if given is None else given[None]
        with self._lock:
            self._check_open()
            checked = self._arrivals.check(indices, len(batch))  # type: ignore[arg-type]
            shape = tuple(batch.shape[1:])
            if batch.dtype != self.tile_dtype or shape != self.tile_shape:
                raise TilingError(
                    f"the tiles are {batch.dtype} {shape}, this merger takes "
                    f"{self.tile_dtype} {self.tile_shape}: say so with tile_dtype and "
                    "tile_shape"
                )
            given = self._check_weights(given, checked)
            # A block whose merging failed is tried again.
            ready = (self._pending == 0) & (self._merged < 0)
            for block in np.flatnonzero(ready).tolist():
                self._merge(block)
            for number, (index, tile) in enumerate(zip(checked, batch, strict=True)):
                blocks = self._blocks_of(index)
                if blocks:  # else the tile is all padding, or border
                    parts = [self._call.without_context(tile)]
                    parts += [] if given is None else [given[number]]
                    for buffer, part in zip(self._buffers, parts, strict=True):
                        buffer.put(index, part)
                self._arrivals.arrived[index] = True
                self._pending[blocks] -= 1
                for block in blocks:
                    if not self._pending[block]:
                        self._merge(block)
            due = time.monotonic() > self._saved + SAVE_INTERVAL
            if self._checkpoint is not None and due:
                self._save(self._checkpoint)

    def complete(self) -> None:
        """Merge what is left and flush ``out``, or refuse if tiles are missing."""
        with self._lock:
            self._check_open()
            self._arrivals.check_complete()
            for block in np.flatnonzero(self._merged < 0).tolist():
                self._merge(block)
            self._flush()

    def finish(self) -> Any:
        """Do what `complete` does, delete the checkpoint and return ``out``."""
        if not self._ended:
            self.complete()
            with self._lock:
                self._end()
                if self._checkpoint is not None:
                    self._checkpoint.clear()
        return self.out

    def stop(self) -> None:
        """End without a result; what arrived is saved if there is a checkpoint."""
        with self._lock:
            if self._ended:
                return
            try:
                if self._checkpoint is not None:
                    self._save(self._checkpoint)
            except (TilingError, OSError):  # the first error is the one to tell
                pass
            finally:
                self._end()

    def save(self) -> None:
        """
        Save how far the merge is, as also happens every half minute.

        If the disk refuses, what was saved before still holds.
        """
        if self._checkpoint is None:
            raise TilingError("nothing can be saved without a folder: give checkpoint=")
        with self._lock:
            self._check_open()
            self._save(self._checkpoint)

    def _end(self) -> None:
        self._ended = True
        for buffer in self._buffers:
            buffer.close()

    def _check_open(self) -> None:
        if self._ended:
            raise TilingError("this merger has ended: make another one")

    def _check_weights(self, weights: Any, indices: Sequence[int]) -> Any:
        """Return weights without those of the context, or refuse them."""
        if self._weights_dtype is None:
            if weights is not None:
                raise TilingError(
                    "this merger takes tiles without weights: make it with "
                    "weights_dtype="
                )
            return None
        if weights is None:
            raise TilingError(
                "this merger takes tiles with weights: give add(…, weights=), or make "
                "it without weights_dtype="
            )
        shape = tuple(weights.shape)
        wanted = (len(indices), *self._weights_shape)
        if weights.dtype != self._weights_dtype or shape != wanted:
            raise TilingError(
                f"the weights are {weights.dtype} {shape}, these tiles need "
                f"{self._weights_dtype} {wanted}: one for each pixel of each tile; say "
                "their dtype with weights_dtype"
            )
        weights = self._call.weights_without_context(weights)
        self._arrays.check_weights(weights, indices)
        return weights

    def _open_buffers(
        self, memory: int | None, state: dict[str, Any]
    ) -> list[TileBuffer]:
        """Return the buffer of tiles, and that of their weights if they have some."""
        call, buffers = self._call, list[TileBuffer]()
        kinds = [(call.tiles.shape[1:], self.tile_dtype)]
        if self._weights_dtype is not None:
            kinds.append((call.weights.shape[1:], self._weights_dtype))
        size = sum(math.prod(shape) * dtype.itemsize for shape, dtype in kinds)
        room = None if memory is None else memory // size
        try:
            for part, kind in zip(PARTS, kinds, strict=False):
                slots = {index: (slot, crc) for index, slot, crc in state.get(part, ())}
                buffers.append(
                    TileBuffer(self._arrays, *kind, room, self._checkpoint, part, slots)
                )
        except BaseException:
            for buffer in buffers:
                buffer.close()
            raise
        return buffers

    def _blocks_of(self, index: int) -> list[int]:
        """Return the blocks, counted through all images, that need a tile."""
        image, tile = divmod(index, self._per_image)
        first = image * len(self._blocks)
        return [first + block for block in self._blocks.of_tile(tile)]

    def _merge(self, block: int) -> None:
        """Merge a block and drop the tiles that no other needs."""
        image, inner = divmod(block, len(self._blocks))
        box, index = self._blocks.box(inner), self._index(block)
        arrays, first = self._arrays, image * self._per_image
        in_memory = arrays.in_memory(self.out)
        if in_memory:
            piece = self.out[index]
        else:
            shape = tuple(s.stop - s.start for s in index)
            piece = arrays.new(shape, self._dtype)
        self._merge_box(image, box, arrays.as_nchw(piece, self._result)[0])
        if not in_memory:
            with reraise(
                f"cannot write rows {box[0][0]} to {box[0][1]} of out", RETRY, Exception
            ):
                arrays.write(self.out, index, piece)
        checksum = 0 if self._checkpoint is None else self._checksum(piece)
        self._merged[block] = checksum
        for tile in self._blocks.tiles_of(inner).tolist():
            if (self._merged[self._blocks_of(first + tile)] >= 0).all():
                for buffer in self._buffers:
                    buffer.drop(first + tile)

    def _merge_box(self, image: int, box: Box, out: Any) -> None:
        """Merge a box of an image into ``out``, (C, *box), and finish it."""
        arrays, call, first = self._arrays, self._call, image * self._per_image
        tiles = _OfImage(self._buffers[0], first, arrays, call.tiles)
        weights = None
        if self._weights_dtype is not None:
            weights = _OfImage(self._buffers[1], first, arrays)
        if self._finish is None:
            arrays.merge_block(tiles, call, box, out, weights)
            return

        def merge(part: Box, block: Any) -> None:
            layout = replace(call.result, batch=None)
            target = arrays.as_nchw(block, layout)[0]
            arrays.merge_block(tiles, call, part, target, weights)

        self._finish.merge(image, box, merge, out)

    def _index(self, block: int) -> tuple[slice, ...]:
        """Return the index of a block in ``out``."""
        image, inner = divmod(block, len(self._blocks))
        space = tuple(slice(*ends) for ends in self._blocks.box(inner))
        return array_index(self._result, image, space)

    def _checksum(self, piece: Any) -> int:
        return zlib.crc32(self._arrays.to_bytes(piece))

    def _restore(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        assert self._checkpoint is not None
        self._checkpoint.check_same(state, {"blocks": self._blocks.edges})
        self._merged[:] = state["merged"]
        for block in np.flatnonzero(self._merged >= 0).tolist():
            if self._checksum(self.out[self._index(block)]) != self._merged[block]:
                low, high = self._blocks.box(block % len(self._blocks))[0]
                raise TilingError(
                    f"rows {low} to {high} of out are not what was merged into it: "
                    "open the same store without emptying it, or delete "
                    f"{self._checkpoint.path} to begin anew"
                )
        bits = np.frombuffer(bytes.fromhex(state["arrived"]), np.uint8)
        arrived = np.unpackbits(bits, count=len(self._arrivals.arrived)).astype(bool)
        self._arrivals.arrived[:] = arrived
        for index in np.flatnonzero(arrived).tolist():
            self._pending[self._blocks_of(index)] -= 1

    def _save(self, checkpoint: Checkpoint) -> None:
        slots = [buffer.flush() for buffer in self._buffers]
        self._flush()
        state = {
            "blocks": self._blocks.edges,
            "merged": self._merged.tolist(),
            "arrived": np.packbits(self._arrivals.arrived).tobytes().hex(),
        }
        for part, found in zip(PARTS, slots, strict=False):
            state[part] = [(index, *place) for index, place in found.items()]
        checkpoint.save(self._fingerprint, state)
        for buffer in self._buffers:
            buffer.release()
        self._saved = time.monotonic()

    def _flush(self) -> None:
        """Flush the store and its file, where they can be."""
        for part in (self.out, getattr(self.out, "file", None)):
            flush = getattr(part, "flush", None)
            if callable(flush):
                with reraise("cannot write out", RETRY, Exception):
                    flush()


@dataclass
class _OfImage:
    """What a buffer has of one image, by the tile's index in it."""

    buffer: TileBuffer
    first: int
    arrays: ArrayLibrary
    layout: ArrayLayout | None = None  # of tiles, which are given channels first

    def __getitem__(self, k: int) -> Any:
        found = self.buffer[self.first + k]
        if self.layout is None:
            return found
        return self.arrays.as_nchw(found[None], self.layout)[0]
