"""The callback that gives a model its tiler; this module alone needs anomalib."""

from importlib import import_module
from typing import Any

from reftiler.anomalib.tiler import Tiler

try:
    _callbacks = import_module("anomalib.callbacks")
except ImportError as error:
    raise ImportError(
        "the callback is anomalib's own with another tiler and needs anomalib: "
        'pip install "anomalib>=2.7,<3"'
    ) from error


class TilerConfigurationCallback(_callbacks.TilerConfigurationCallback):  # type: ignore[misc,name-defined]
    """anomalib's callback, which gives models `reftiler.anomalib.Tiler` instead."""

    def setup(self, trainer: Any, pl_module: Any, stage: str | None = None) -> None:
        """Give the model of ``pl_module`` its tiler, or refuse a model without one."""
        del trainer, stage
        if not self.enable:
            return
        model: Any = getattr(pl_module, "model", None)
        if not hasattr(model, "tiler"):
            raise ValueError(
                f"{type(pl_module).__name__} does not support tiling: its model has no "
                "attribute 'tiler'"
            )
        model.tiler = Tiler(
            tile_size=self.tile_size,
            stride=self.stride,
            remove_border_count=self.remove_border_count,
            mode=self.mode,
        )
