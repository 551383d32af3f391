"""reftiler for tensors, on any device, held to the numpy reference bit for bit.

`Tiler` has the constructor and the methods of `reftiler.Tiler`. It shares the plan
with it, integers and window profiles, and no other code. Gradients flow through
`tile` and `untile`; `torch.compile`, `torch.export` and `torch.vmap` take them.
"""

from reftiler.torch.dispatch import backend_of
from reftiler.torch.dtypes import float32_sums
from reftiler.torch.tiler import Tiler

__all__ = ["Tiler", "backend_of", "float32_sums"]
