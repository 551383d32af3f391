"""Weights of pixels as tensors: what they may be."""

from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.autograd import forward_ad

from reftiler.errors import TilingError
from reftiler.pixel_weights import LARGEST, SMALLEST, bad_weight
from reftiler.torch.dtypes import SIGNED, accumulator_dtype, is_in_graph
from reftiler.torch.validation import check_tensor

CHUNK = 2**22
"""Weights that are checked at a time."""

FLOAT32_RANGE = (2.0**-48, 2.0**48)
"""The range where sums are float32, for the same reason."""


def check_given(weights: Any, tiles: Tensor) -> None:
    """Refuse what is no tensor of weights for some tiles."""
    check_tensor(weights, "weights")
    if weights.device != tiles.device:
        raise TilingError(
            f"weights are on {weights.device}, the tiles on {tiles.device}: move them "
            "there"
        )
    check_no_gradient(weights)


def check_no_gradient(weights: Tensor) -> None:
    """Refuse weights whose derivatives are asked for."""
    if torch.is_grad_enabled() and weights.requires_grad:
        refuse_gradient()
    if not is_in_graph() and forward_ad.unpack_dual(weights).tangent is not None:
        refuse_gradient()


def refuse_gradient() -> NoReturn:
    """Refuse weights that have derivatives."""
    raise TilingError(
        "weights= has no gradient: give weights.detach(), or weigh the tiles yourself "
        "and divide untile(weights * tiles) by untile(weights)"
    )


def check_weights(weights: Tensor, indices: Sequence[int] | None = None) -> None:
    """Refuse values (B, *T) that cannot be weights; ``indices`` tell whose they are."""
    if weights.is_meta or weights.dtype in (torch.bool, torch.uint8, *SIGNED):
        return
    sums = accumulator_dtype(weights.device)
    low, high = FLOAT32_RANGE if sums == torch.float32 else (SMALLEST, LARGEST)
    step = max(1, CHUNK // max(1, weights.shape[1:].numel()))
    for first in range(0, len(weights), step):
        found = weights[first : first + step].detach().to(sums)
        valid = (found == 0) | ((found >= low) & (found <= high))  # NaN is neither
        if not valid.all():  # MERGE-039
            place = torch.nonzero(~valid)[0].tolist()
            index = first + place[0]
            number = index if indices is None else int(indices[index])
            value = float(found[tuple(place)])
            raise bad_weight(value, number, tuple(place[1:]), (low, high))
