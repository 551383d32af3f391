"""Padding as index maps: which image pixel each padded pixel reads."""

from collections.abc import Callable

import numpy as np

from reftiler.axis import Axis, IntArray, scale_index


def _mirror(index: IntArray, length: int, *, edge: bool) -> IntArray:
    """Fold an index back and forth; ``edge`` shows the last pixel twice."""
    # PAD-008 with the edge, PAD-009 without
    period = 2 * length if edge else max(1, 2 * (length - 1))
    index = index % period
    return np.minimum(index, period - edge - index)


PAD_INDEX_FUNCTIONS: dict[str, Callable[[IntArray, int], IntArray]] = {
    "edge": lambda index, length: np.clip(index, 0, length - 1),  # PAD-006
    "reflect": lambda index, length: _mirror(index, length, edge=False),
    "symmetric": lambda index, length: _mirror(index, length, edge=True),
    "wrap": lambda index, length: index % length,  # PAD-007
}
"""Pad modes in which every padded pixel is some image pixel, as in `numpy.pad`."""

PAD_MODES = ("constant", *PAD_INDEX_FUNCTIONS)


def source_indices(axis: Axis, start: int, pad_mode: str) -> slice | IntArray:
    """Return the image pixels of a tile that begins at padded pixel ``start``.

    A slice of neighbours, beyond the image in constant padding; else one index a pixel.
    """
    first, last = start - axis.pad_before, start - axis.pad_before + axis.tile
    if axis.resampled and not axis.is_unpadded:  # INTERP-001
        padded = np.arange(start, start + axis.tile, dtype=np.int64)
        return scale_index(padded, axis.length, axis.padded_length)
    inside = first >= 0 and last <= axis.length
    if inside or pad_mode == "constant":
        return slice(first, last)
    # PAD-005: each axis by itself
    return PAD_INDEX_FUNCTIONS[pad_mode](
        np.arange(first, last, dtype=np.int64), axis.length
    )
