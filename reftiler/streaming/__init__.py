"""Images larger than memory: tiles read as they are needed, merged as they come."""

from reftiler.streaming.merger import Merger
from reftiler.streaming.reading import Batch, Batches
from reftiler.streaming.stores import Source, Target

__all__ = ["Batch", "Batches", "Merger", "Source", "Target"]
