"""What a merger does with arrays, for those of numpy; `reftiler.torch` has tensors'."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from reftiler.cut import as_nchw
from reftiler.dtypes import MERGEABLE
from reftiler.geometry import Box, TileLookup
from reftiler.layout import ArrayLayout
from reftiler.merge import merge_block
from reftiler.pixel_weights import check_weights
from reftiler.plan import UntilePlan
from reftiler.streaming import stores
from reftiler.validation import refuse_masked

OutputTarget: TypeAlias = (
    stores.WritableArray | Callable[[tuple[int, ...], Any], Any] | None
)
"""Where a result goes: an array or a store; what makes one of a shape and a dtype, as
`numpy.empty` does; or None for a new array."""


class ArrayLibrary:
    """The arrays of numpy: what `Merger` and ``apply`` do with tiles and results."""

    array_type: ClassVar[type[Any]] = np.ndarray
    mergeable: ClassVar[tuple[str, ...]] = MERGEABLE
    """Names of the dtypes that can be merged."""

    def dtype(self, value: Any) -> Any:
        """Return the dtype that a value stands for."""
        return np.dtype(value)

    def as_array(self, tiles: Any, name: str = "tiles") -> Any:
        """Return tiles as an array of this library, where they are merged."""
        refuse_masked(tiles, name)
        return np.asarray(tiles)

    def as_weights(self, weights: Any) -> Any:
        """Return weights of tiles as an array of this library, or refuse them."""
        return self.as_array(weights, "weights")

    def check_plain(self, array: Any, name: str) -> None:
        """Refuse an array of which more than its values counts."""
        refuse_masked(array, name)

    def check_weights(self, weights: Any, indices: Sequence[int]) -> None:
        """Refuse values of some tiles' weights that cannot be weights."""
        check_weights(weights, indices)

    def new(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return memory for a tile, or for a block that is then written to a store."""
        return np.empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an array of zeros."""
        return np.zeros(shape, dtype)

    def to_tiles(self, array: Any, tiles: Any) -> Any:
        """Return an array of numpy as this library's, where some tiles are."""
        return array

    def copy(self, target: Any, source: Any) -> None:
        """Copy an array into another."""
        np.copyto(target, source)

    def as_nchw(self, array: Any, layout: ArrayLayout) -> Any:
        """View an array of a layout as (batch, channels, *space)."""
        return as_nchw(array, layout)

    def merge_block(
        self,
        tiles: TileLookup,
        call: UntilePlan,
        box: Box,
        out: Any,
        weights: TileLookup | None,
    ) -> None:
        """Merge a box of an image into ``out``, of shape (C, *box)."""
        merge_block(tiles, call, box, out, weights)

    def check_writable(self, out: Any) -> Any:
        """Return ``out`` if it can be written, or refuse it before any work."""
        return stores.check_writable(out)

    def make_output(self, out: OutputTarget, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return the array of an `OutputTarget`, or refuse what does not suit."""
        if out is None:
            return self.new(shape, dtype)
        made = out(shape, dtype) if callable(out) else out
        return stores.check_target(made, shape, dtype)

    def in_memory(self, out: Any) -> bool:
        """Tell whether blocks are merged into ``out`` itself, through a view."""
        return isinstance(out, np.ndarray)

    def write(self, out: Any, index: tuple[slice, ...], block: Any) -> None:
        """Write a block to a store."""
        out[index] = block

    def may_alias(self, one: Any, other: Any) -> bool:
        """Tell whether two arrays or stores share memory."""
        return stores.may_alias(one, other)

    def to_bytes(self, array: Any) -> Any:
        """Return the bytes of an array, in C order."""
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8)

    def from_bytes(self, data: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return the array of these bytes, a view where it can be."""
        return data.view(dtype).reshape(shape)
