"""Images larger than memory: tiles read when needed, merged as they arrive."""

from typing import TypeAlias

from reftiler.streaming.merged_array import MergedArray
from reftiler.streaming.merger import Merger
from reftiler.streaming.reading import TileBatch, TileReader
from reftiler.streaming.stores import ReadableArray, WritableArray

# The names of version 0.1.
Batch: TypeAlias = TileBatch
Batches: TypeAlias = TileReader
Source: TypeAlias = ReadableArray
Target: TypeAlias = WritableArray

__all__ = [
    "Batch",
    "Batches",
    "MergedArray",
    "Merger",
    "ReadableArray",
    "Source",
    "Target",
    "TileBatch",
    "TileReader",
    "WritableArray",
]
