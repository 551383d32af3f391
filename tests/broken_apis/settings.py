"""Tilers that are kept, compared or refused wrongly."""

from __future__ import annotations

import json
import math
import time
from typing import Any, ClassVar

from reftiler import Tiler, TilingError
from tests.broken_apis.table import BROKEN, Broken, breaks, raises, says, takes, wishes


@breaks("TILER-001", "tile_size can be changed")
class Changes(Tiler):
    __setattr__ = object.__setattr__


@breaks("TILER-001", "tile_size can be changed")
class LosesSettings(Tiler):
    __delattr__ = object.__delattr__


@breaks("TILER-001", "stride is a list")
class KeepsAList(Tiler):
    def __init__(self, tile_size: Any, stride: Any = None, **others: Any) -> None:
        super().__init__(tile_size, stride, **others)
        object.__setattr__(self, "stride", list(self.stride))


class Followed(tuple[int, ...]):
    """A tuple that shows what became of a list."""

    source: list[int]

    def __iter__(self) -> Any:
        return iter(self.source)


@breaks("TILER-001", "tile_size follows")
class Follows(Tiler):
    def __init__(self, tile_size: Any, stride: Any = None, **others: Any) -> None:
        super().__init__(tile_size, stride, **others)
        followed = Followed(self.tile_size)
        followed.source = tile_size if isinstance(tile_size, list) else [*tile_size]
        object.__setattr__(self, "tile_size", followed)


@breaks("TILER-002", "others alike are not equal")
class HashesItself(Tiler):
    __eq__ = Tiler.__eq__

    def __hash__(self) -> int:
        return id(self)


class ByNumbers(Tiler):
    """Compares settings as Python compares numbers."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tiler):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.tile_size)


breaks("TILER-002", "pad_value=-0.0) equals")(ByNumbers)


@breaks("TILER-002", "others alike are not equal")
class NoNanIsEqual(ByNumbers):
    def __eq__(self, other: object) -> bool:
        value = self.pad_value
        odd = isinstance(value, float) and math.isnan(value)
        return not odd and Tiler.__eq__(self, other)

    __hash__ = ByNumbers.__hash__


@breaks("TILER-002", "window='triangle') equals")
class ForgetsItsWindow(Tiler):
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tiler):
            return NotImplemented
        mine, its = (json.dumps(t.to_dict() | {"window": ""}) for t in (self, other))
        return mine == its

    __hash__ = ByNumbers.__hash__


@breaks("TILER-006", "several threads get other results")
class Shares(Tiler):
    image: ClassVar[Any] = None

    def tile(self, image: Any, **named: Any) -> Any:
        Shares.image = image
        time.sleep(0.001)
        return super().tile(Shares.image, **named)


BROKEN += [
    Broken("ERROR-001", "a small image raised ValueError", raises("grid", ValueError)),
    Broken("ERROR-001", "a seed of 2**128 was taken", takes("random", "below 2")),
    Broken("ERROR-001", "an uncovered pixel was taken", takes("untile", "no tile")),
    Broken("ERROR-002", "a seed of 1.0 raised Tili", raises("random", TilingError)),
    Broken("ERROR-002", "an image that is a list was taken", takes("tile", "list")),
    Broken("ERROR-002", "a view of a list was taken", takes("view", "list")),
    Broken("ERROR-002", "a merge into a list was", takes("untile", "out must be")),
    Broken("ERROR-002", "a scale that is text was", takes("untile", "scale must")),
    Broken("ERROR-003", "tiles of rank 2 raised TypeE", raises("untile", TypeError)),
    Broken("ERROR-003", "an image of rank 1 raised Ind", raises("tile", IndexError)),
    Broken("ERROR-003", "dtype=complex64 was taken", takes("untile", "dtype cannot")),
    Broken("ERROR-003", "a start of one number was", takes("scatter", "numbers")),
    Broken("ERROR-004", "['border'] not in", says("__init__", "border", "rim")),
    Broken("ERROR-004", "['clamp'] not in", says("__init__", "'clamp', |; did.*", "")),
    Broken("ERROR-004", "['4'] not in", says("untile", "4", "some")),
    Broken("ERROR-004", "no sentence", says("tile", ".*axes;.*", "7 for 2")),
    Broken(
        "ERROR-005",
        "pad_mode='nothing' was taken",
        wishes(lambda g: {"pad_mode": "edge"} if g.get("mode") == "drop" else {}),
    ),
    Broken(
        "ERROR-005",
        "window='' was taken",
        wishes(lambda g: {} if g.get("window", "box") else {"window": "box"}),
    ),
    Broken(
        "ERROR-005",
        "merge='None' was taken",
        wishes(lambda g: {"merge": None} if g.get("merge") == "None" else {}),
    ),
    Broken(
        "ERROR-006",
        "{'fill': 'x'} was taken",
        wishes(lambda g: {"fill": 0} if g.get("fill") == "x" else {}),
    ),
    Broken("ERROR-006", "remove_border_count': 1} was", takes("__init__", "leaves")),
    Broken(
        "ERROR-006",
        "'window': [[1, 1, 1, 1], [1, 2, 3",
        takes("__init__", "window.*-1"),
    ),
    Broken(
        "MERGE-014",
        "window='triangle' with merge='max' was taken",
        takes("__init__", "takes no window"),
    ),
    Broken(
        "MERGE-014",
        "with merge='min' was taken",
        takes("__init__", "merge='min' takes no window"),
    ),
    Broken(
        "MERGE-014",
        "window=((1.0, 2.0), (1.0, 2.0)) with",
        takes("__init__", r"takes no window, got window=\(\("),
    ),
]
