"""reftiler.anomalib, the drop-in for anomalib's tiler."""

from typing import Any, ClassVar

from reftiler.anomalib import Tiler
from reftiler.bench.contenders.stateful import Stateful


class DropIn(Stateful):
    """The drop-in."""

    name, package = "reftiler.anomalib", "reftiler"
    exact = True
    kind: ClassVar[Any] = Tiler
