"""reftiler itself, in numpy."""

from typing import Any, ClassVar

from reftiler import Tiler
from reftiler.bench.contenders.base import Contender, OnArrays
from reftiler.bench.workloads import Workload


class Own(Contender):
    """A tiler of reftiler's, on arrays or on tensors."""

    package = "reftiler"
    ranks: ClassVar[tuple[int, ...]] = (1, 2, 3)
    windows = borders = takes_out = exact = True
    kind: ClassVar[Any]

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        self.tiler = self.kind.from_other(work.tiler({}))

    def tile(self, image: Any, out: Any) -> Any:
        """Cut an image."""
        return self.tiler.tile(image, out=out)

    def untile(self, tiles: Any, out: Any) -> Any:
        """Merge tiles."""
        return self.tiler.untile(tiles, self.work.shape, out=out)

    def view(self, image: Any) -> Any:
        """Show the windows."""
        return self.tiler.view(image)


class Reference(OnArrays, Own):
    """The reference."""

    name = "reftiler"
    kind: ClassVar[Any] = Tiler
