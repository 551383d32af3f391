"""The easel: a result in its store, painted band by band."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reftiler.cut import Array, as_nchw
from reftiler.errors import TilingError
from reftiler.files import reserve
from reftiler.geometry import Box
from reftiler.merge import TileLookup, merge_region
from reftiler.streaming.plan import MergePlan
from reftiler.streaming.stores import Slices, Target, check_target, place

__all__ = ["Easel", "Out"]

Out: TypeAlias = Target | Callable[[tuple[int, ...], np.dtype[Any]], Target]
"""A store, or what makes one of a shape and a dtype, as `numpy.empty` does."""


class Easel:
    """
    Merges one band after the other into a store.

    Parameters
    ----------
    plan : MergePlan
        What is merged.
    out : Out
        The store.

    Raises
    ------
    TypeError, TilingError
        If the store does not suit the result, is read-only or has no room.
    """

    def __init__(self, plan: MergePlan, out: Out) -> None:
        self.plan, self.result = plan, plan.call.result
        made = out(self.result.shape, plan.dtype) if callable(out) else out
        self.out: Any = check_target(made, self.result.shape, plan.dtype)
        _reserve(self.out)

    def paint(self, band: int, tiles: TileLookup) -> Array:
        """
        Merge a band, counted through all images, and return its pixels.

        Raises
        ------
        TilingError
            If a NaN would become an integer, or the store refuses: then the band can
            be painted again.
        """
        box, where = self._place(band)
        if isinstance(self.out, np.ndarray):
            piece: Array = self.out[where]
        else:
            piece = np.empty([s.stop - s.start for s in where], self.plan.dtype)
        target = as_nchw(piece, self.result)[0]
        merge_region(tiles, self.plan.call, box, target)
        if not isinstance(self.out, np.ndarray):
            with _told(f"rows {box[0][0]} to {box[0][1]} of out"):
                self.out[where] = piece
        return piece

    def check(self, band: int, known: int) -> None:
        """
        Refuse a store that no longer holds a band.

        Raises
        ------
        TilingError
            If its check sum is another.
        """
        box, where = self._place(band)
        if digest(np.asarray(self.out[where])) != known:
            raise TilingError(
                f"rows {box[0][0]} to {box[0][1]} of out are not what was merged into "
                "it: open the same store without emptying it, or delete the work "
                "folder to begin anew"
            )

    def flush(self) -> None:
        """
        Hand everything to the disk, where the store or its file can.

        Raises
        ------
        TilingError
            If it refuses.
        """
        for part in (self.out, getattr(self.out, "file", None)):
            flush = getattr(part, "flush", None)
            if callable(flush):
                with _told("out"):
                    flush()

    def _place(self, band: int) -> tuple[Box, Slices]:
        """Return which pixels of its image a band has, and its slices of the store."""
        image, inner = divmod(band, len(self.plan.bands))
        rest = ((0, length) for length in self.result.size[1:])
        box = (self.plan.bands.rows(inner), *rest)
        space = tuple(slice(low, high) for low, high in box)
        return box, place(self.result, image, space)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what a store refuses; each kind has its own errors."""
    try:
        yield
    except Exception as error:
        raise TilingError(
            f"cannot write {what}: {error}; make room and try again, with work= from "
            "where it was"
        ) from error


def _reserve(out: Any) -> None:
    """Take the room of a mapped file on the disk, before any work is done."""
    if not isinstance(out, np.memmap) or out.filename is None:
        return
    try:
        reserve(Path(out.filename))
    except OSError as error:
        raise TilingError(
            f"out has no room on its disk, {out.filename}: {error.strerror}"
        ) from error


def digest(piece: Array) -> int:
    """Return the check sum of some pixels."""
    flat: Any = np.ascontiguousarray(piece).view(np.uint8)
    return zlib.crc32(flat)
