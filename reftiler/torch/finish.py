"""A function of a merged result: block by block, or of whole images under autograd."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import forward_ad

from reftiler.finish import Finish
from reftiler.plan import UntilePlan
from reftiler.torch import dispatch
from reftiler.torch.pixel_weights import check_weights
from reftiler.torch.streaming import TensorArrays
from reftiler.torch.validation import check_no_out, check_out, empty_aligned


def untile_finished(
    tiles: Tensor,
    weights: Tensor | None,
    call: UntilePlan,
    dtype: torch.dtype,
    out: Tensor | None,
    function: Callable[[Tensor], Tensor],
    untile: Callable[[], Tensor],
) -> Tensor:
    """Merge tiles and finish the result; ``untile`` merges as autograd needs it."""
    arrays = TensorArrays(tiles.device)
    last = Finish.learn(function, call.geometry, call.result, dtype, arrays)
    given = [tiles] if weights is None else [tiles, weights]
    if last.requires_grad or any(map(_is_recorded, given)):
        check_no_out(out)
        merged = untile()
        images = [merged] if call.result.batch is None else list(merged)
        box = tuple((0, length) for length in call.result.size)
        done = [  # FINISH-005: what autograd keeps, and its views, are not written to
            last.of_block(one.clone(), box, image) for image, one in enumerate(images)
        ]
        return done[0] if call.result.batch is None else torch.stack(done)
    size = last.result.shape  # FINISH-001, FINISH-002, FINISH-003
    if out is None:
        out = empty_aligned(size, last.dtype, tiles.device)
    else:
        check_out(out, size, last.dtype, tiles)
    if weights is not None:
        check_out(out, size, last.dtype, weights)
        weights = call.weights_without_context(weights)
        check_weights(weights)
    inner = call.without_context(tiles)
    with torch.no_grad():
        last.merge_images(inner, call, dispatch.merge, out, weights)
    return out


def _is_recorded(tensor: Tensor) -> bool:
    """Tell whether derivatives of a tensor are recorded, or torch.func has it."""
    if torch.is_grad_enabled() and tensor.requires_grad:
        return True
    if forward_ad.unpack_dual(tensor).tangent is not None:
        return True
    try:
        tensor.data_ptr()
    except RuntimeError:  # a tensor of torch.func or a fake one has no memory
        return True
    return False
