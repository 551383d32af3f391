"""reftiler for tensors, on any device, held to the numpy reference bit for bit.

`Tiler` has the constructor and the methods of `reftiler.Tiler`. The two share what is
done before a pixel is touched, plans and window profiles; what is done to pixels is
written for each. Gradients flow through `tile` and `untile`; `torch.compile`,
`torch.export`, `torch.func`, `torch.jit.trace` and both exporters to ONNX take them.
"""

from reftiler.errors import missing_extra

try:
    import torch  # noqa: F401
except ImportError as error:
    raise missing_extra("reftiler.torch needs torch", "torch", error) from error

from reftiler.torch.dispatch import backend_of
from reftiler.torch.dtypes import float32_sums
from reftiler.torch.export import TiledModel, export_onnx
from reftiler.torch.tiler import Tiler

__all__ = ["TiledModel", "Tiler", "backend_of", "export_onnx", "float32_sums"]
