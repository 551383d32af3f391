"""anomalib: ``anomalib.data.utils.tiler.Tiler``."""

from collections.abc import Mapping
from typing import Any, ClassVar

from anomalib.data.utils.tiler import Tiler

from reftiler.bench.contenders.stateful import Stateful


class Anomalib(Stateful):
    """anomalib's tiler."""

    name = package = "anomalib"
    appetite: ClassVar[Mapping[str, float]] = {"float32": 2.1, "uint8": 4.5}
    kind: ClassVar[Any] = Tiler
