"""Call a transform with an image and its mask, whichever library it is of."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


def transformed(
    transform: Callable[..., Any], image: Tensor, mask: Tensor | None
) -> tuple[Any, Any]:
    """Return what a transform makes of an image (C, h, w) and its mask (h, w).

    Those of albumentations are called by names with arrays, channels last. Others are
    called with tensors, in order; if torchvision is loaded these are its tv_tensors, by
    which transforms of its v2 tell images from masks.
    """
    if hasattr(transform, "available_keys"):
        return _by_albumentations(transform, image, mask)
    if "torchvision" in sys.modules:
        from torchvision import tv_tensors  # noqa: PLC0415 - it is loaded already

        image = tv_tensors.Image(image)
        mask = None if mask is None else tv_tensors.Mask(mask)
    if mask is None:
        return _plain(transform(image)), None
    made = transform(image, mask)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise TypeError(
            "the transform is called with an image and its mask and must return both, "
            f"got {type(made).__name__}: give one that sees both, or masks=False"
        )
    return _plain(made[0]), _plain(made[1])


@contextmanager
def seeded(seed: int, transform: Any) -> Iterator[None]:
    """Seed the random generators of a transform, and restore the global ones."""
    torch_state = torch.default_generator.get_state()
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 - what transforms use
    try:
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        if hasattr(transform, "set_random_seed"):  # albumentations has its own
            transform.set_random_seed(seed % 2**32)
        yield
    finally:
        torch.default_generator.set_state(torch_state)
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _by_albumentations(
    transform: Callable[..., Any], image: Tensor, mask: Tensor | None
) -> tuple[Any, Any]:
    given = {"image": image.permute(1, 2, 0).contiguous().numpy()}
    if mask is not None:
        given["mask"] = mask.numpy().view(np.uint8)
    made = transform(**given)
    found = made["image"]
    if isinstance(found, np.ndarray):
        found = found[..., np.newaxis] if found.ndim == 2 else found
        found = torch.from_numpy(np.ascontiguousarray(np.moveaxis(found, -1, 0)))
    if mask is None:
        return found, None
    marked = made["mask"]
    if isinstance(marked, np.ndarray):
        marked = torch.from_numpy(np.ascontiguousarray(marked))
    return found, marked.bool()


def _plain(made: Any) -> Any:
    """Return a tensor of torchvision's as torch's own."""
    return made.as_subclass(Tensor) if isinstance(made, Tensor) else made
