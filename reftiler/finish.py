"""A function of blocks of a merged result, each as soon as it is merged.

So the argmax of a hundred classes needs the memory of a block of a hundred channels,
not that of an image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reftiler.dtypes import check_mergeable, name_of
from reftiler.errors import TilingError
from reftiler.geometry import Box, TileGeometry
from reftiler.layout import ArrayLayout

if TYPE_CHECKING:
    from reftiler.plan import UntilePlan
    from reftiler.streaming.arrays import ArrayLibrary

__all__ = ["Finish", "check_finish"]

BLOCK = 2**22
"""Elements of the merged result that are in memory at a time."""

SAMPLE = 256
"""The most pixels of the block of zeros that shows what a function returns."""


@dataclass(frozen=True)
class Finish:
    """A function that makes the result of what was merged, block by block."""

    function: Callable[[Any], Any]  # of a block as one image lies
    geometry: TileGeometry
    merged: ArrayLayout  # of all images
    merged_dtype: Any
    result: ArrayLayout  # what becomes of that
    dtype: Any
    arrays: ArrayLibrary
    requires_grad: bool  # whether it returns tensors that record gradients

    @classmethod
    def learn(
        cls,
        function: Any,
        geometry: TileGeometry,
        merged: ArrayLayout,
        dtype: Any,
        arrays: ArrayLibrary,
    ) -> Finish:
        """Return a function with what it makes of zeros, the pixels of a row."""
        check_finish(function)
        size = (*(1 for _ in merged.size[1:]), min(merged.size[-1], SAMPLE))
        layout = replace(merged, batch=None, size=size)
        zeros = arrays.zeros(layout.shape, dtype)
        # FINISH-004: before anything is merged; zeros may be divided by
        note = f"in finish, of a block of zeros {layout.shape}"
        with np.errstate(all="ignore"), _noted(note):
            found = function(zeros)
        one = layout_of(found, layout, arrays)
        result = replace(merged, channels=one.channels)
        grad = getattr(found, "requires_grad", False)
        return cls(function, geometry, merged, dtype, result, found.dtype, arrays, grad)

    def merge(
        self, image: int, region: Box, merge: Callable[[Box, Any], None], out: Any
    ) -> None:
        """Merge a region of an image and write what becomes of it to ``out``."""
        limit = BLOCK // (self.merged.channels or 1)
        for box in self.geometry.blocks(limit, region):
            size = tuple(high - low for low, high in box)
            layout = replace(self.merged, batch=None, size=size)
            # FINISH-005: each block has memory of its own
            block = self.arrays.new(layout.shape, self.merged_dtype)
            merge(box, block)
            found = self.of_block(block, box, image)
            one = replace(layout, channels=self.result.channels)
            done = self.arrays.as_nchw(found, one)[0]
            here = (
                slice(low - first, high - first)
                for (low, high), (first, _) in zip(box, region, strict=True)
            )
            self.arrays.copy(out[(..., *here)], done)

    def merge_images(
        self,
        tiles: Any,
        plan: UntilePlan,
        merge: Callable[..., None],
        out: Any,
        weights: Any = None,
    ) -> None:
        """Merge all images and write what they become."""
        count = len(tiles) // self.merged.batch_size
        whole = tuple((0, length) for length in self.merged.size)
        for image, target in enumerate(self.arrays.as_nchw(out, self.result)):
            here = slice(image * count, (image + 1) * count)
            own = tiles[here], None if weights is None else weights[here]

            def merge_box(box: Box, block: Any, own: Any = own) -> None:
                merge(own[0], plan.cropped(box), block, own[1])

            self.merge(image, whole, merge_box, target)

    def of_block(self, block: Any, box: Box, image: int = 0) -> Any:
        """Return what the function makes of a block, or refuse what is no result."""
        place = ", ".join(f"{low}:{high}" for low, high in box)
        of = f" of image {image}" if self.merged.batch_size > 1 else ""
        size = tuple(block.shape)  # the function may reshape it
        if self.merged.channels is not None:
            size = size[:-1] if self.merged.channels_last else size[1:]
        layout = replace(self.merged, batch=None, size=size)
        with _noted(f"in finish, of the merged pixels [{place}]{of}"):
            found = self.function(block)
        have = found.dtype, layout_of(found, layout, self.arrays).channels
        had = self.dtype, self.result.channels
        if have != had:
            one, other = (
                f"{name_of(dtype)}, {'no' if channels is None else channels} channels"
                for dtype, channels in (have, had)
            )
            raise TilingError(  # FINISH-006
                f"finish returned {one} for a block and {other} for one of zeros: its "
                "dtype and channels must not hang on the values; convert with astype, "
                "or with to of torch"
            )
        return found


def check_finish(function: Any) -> None:
    """Refuse what cannot be called."""
    if not callable(function):  # FINISH-006
        raise TypeError(
            f"finish must be a function of a block of the merged result, got "
            f"{type(function).__name__}: give one such as lambda block: "
            "block.argmax(0)"
        )


def layout_of(found: Any, block: ArrayLayout, arrays: ArrayLibrary) -> ArrayLayout:
    """Return how the result of a block lies, or refuse what is none (FINISH-006)."""
    if not isinstance(found, arrays.array_type):
        raise TypeError(  # BACKEND-003: of all libraries in the same words
            f"finish must return an array of the tiles' library, got "
            f"{type(found).__name__}: return one value or a few for each pixel of the "
            "block"
        )
    arrays.check_plain(found, "finish(block)")
    check_mergeable(name_of(found.dtype), "what finish returns", arrays.mergeable)
    shape, rank = tuple(found.shape), len(block.size)
    channels = None
    if len(shape) == rank + 1:  # FINISH-003
        channels = shape[-1 if block.channels_last else 0]
    layout = replace(block, channels=channels)
    if layout.shape != shape or channels == 0:
        order = "(*S), or (*S, C)" if block.channels_last else "(*S), or (C, *S)"
        raise TilingError(
            f"finish was given a block {block.shape} and returned {shape}: it must "
            f"return {order}, with the same pixels S = {block.size} and at least one "
            "channel; to change the resolution, do so after the merge"
        )
    return layout


@contextmanager
def _noted(note: str) -> Iterator[None]:
    """Add a note to an error, which is raised as it is (FINISH-007)."""
    try:
        yield
    except Exception as error:
        error.add_note(note)
        raise
