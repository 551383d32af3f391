"""reftiler.torch."""

from typing import Any, ClassVar

from reftiler.bench.contenders.reference import Own
from reftiler.bench.contenders.tensors import OnTensors
from reftiler.torch import Tiler


class Twin(OnTensors, Own):
    """The twin on tensors."""

    name = "reftiler.torch"
    kind: ClassVar[Any] = Tiler
