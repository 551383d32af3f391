"""What the verbs hold beyond input and output: little, whatever the image's size.

Counted are the bytes of all tensors alive, as torch hands them out; what a kernel
borrows inside itself is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from reftiler.torch import Tiler
from tests.tensors import some

MIB = 2**20
LIMIT = 20 * MIB


class Ledger(TorchDispatchMode):
    """Counts the bytes of tensors that are made, and the most alive at a time."""

    def __init__(self, *known: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: int = 0
        self.peak: int = 0
        self.known = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self.note, result)
        return result

    def note(self, tensor: Tensor) -> None:
        """Count a tensor's memory, if it is new."""
        storage = tensor.untyped_storage()
        if storage._cdata in self.known:
            return
        self.known.add(storage._cdata)
        self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self.forget, storage._cdata, storage.nbytes())

    def forget(self, key: int, size: int) -> None:
        """Count memory out that nobody holds any more."""
        self.known.discard(key)
        self.live -= size


def peak(work: Callable[[], Any], *known: Tensor) -> int:
    """Return the most bytes of tensors that ``work`` makes and holds at a time."""
    ledger = Ledger(*known)
    with torch.inference_mode(), ledger:
        work()
    return ledger.peak


SETTINGS: dict[str, dict[str, Any]] = {
    "box": {},
    "hann": {"window": "hann"},
    "even": {"mode": "even"},
    "interpolation": {"mode": "interpolation"},
    "max": {"merge": "max"},
    "min": {"merge": "min", "mode": "clamp"},
    "even with hann": {"mode": "even", "window": "hann"},
    "channels last": {"channels_last": True},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_tile_and_untile_need_little_memory(settings: dict[str, Any]) -> None:
    tiler = Tiler(200, 130, pad_mode="reflect", **settings)
    shape = (1500, 1500, 3) if tiler.channels_last else (3, 1500, 1500)
    image = torch.zeros(shape)
    tiles = tiler.tile(image)
    assert peak(lambda: tiler.tile(image, out=tiles), image, tiles) < MIB
    out = torch.empty_like(image)
    work = peak(lambda: tiler.untile(tiles, shape, out=out), tiles, out)
    assert work < LIMIT < image.nbytes


@pytest.mark.long
@pytest.mark.parametrize(
    ("source", "target", "stride", "window"),
    [
        ("float32", "float16", 200, "box"),
        ("float32", "uint8", 130, "hann"),
        ("uint8", "uint8", 130, "box"),
        ("uint8", "float64", 200, "hann"),
        ("float16", "float16", 130, "hann"),
        ("int64", "int64", 130, "hann"),
    ],
)
def test_other_dtypes_need_little_memory(
    source: str, target: str, stride: int, window: str
) -> None:
    tiler = Tiler(200, stride, window=window)
    shape = (3, 1500, 1500)
    tiles = torch.zeros(
        (len(tiler.grid(shape[1:])), 3, 200, 200), dtype=getattr(torch, source)
    )
    out = torch.empty(shape, dtype=getattr(torch, target))
    work = peak(
        lambda: tiler.untile(tiles, shape, dtype=out.dtype, out=out), tiles, out
    )
    assert work < 1.5 * LIMIT


def test_scattered_grids_need_little_memory() -> None:
    tiler = Tiler(256, 128, fill=0)
    grid = tiler.random((1300, 1300), count=20, seed=1)
    image = torch.zeros((4, 1300, 1300))
    tiles, out = tiler.tile(image, grid=grid), torch.empty_like(image)
    work = peak(lambda: tiler.untile(tiles, image.shape, grid, out=out), tiles, out)
    assert work < LIMIT < image.nbytes


def check_apply(size: tuple[int, int], tile: int, stride: int, window: str) -> None:
    """Fail if apply holds more than 1.5 times a batch and a row of tiles."""
    tiler = Tiler(tile, stride, window=window)
    conv = nn.Conv2d(3, 3, 3, padding=1)
    image, batch = torch.zeros((1, 3, *size)), torch.zeros((16, 3, tile, tile))
    known = (image, batch, *conv.parameters())
    through = batch.nbytes + peak(lambda: conv(batch), *known)
    row = tiler.grid(size).shape[1] * batch[0].nbytes
    held = peak(lambda: tiler.apply(conv, image, batch_size=16), *known)
    assert held - image.nbytes <= 1.5 * (through + row)


@pytest.mark.long
@pytest.mark.parametrize(
    ("stride", "window"), [(256, "hann"), (192, "hann"), (128, "box")]
)
def test_apply_holds_a_batch_and_a_row(stride: int, window: str) -> None:
    check_apply((640, 4096), 256, stride, window)


@pytest.mark.long
@pytest.mark.parametrize(("tile", "stride"), some([(512, 512), (256, 128)], 1))
def test_apply_over_a_large_image(tile: int, stride: int) -> None:
    check_apply((4096, 4096), tile, stride, "box")


def test_apply_does_not_hold_more_for_a_taller_image() -> None:
    tiler = Tiler(64, 32)
    held = []
    for height in (256, 1280):
        image = torch.zeros((1, height, 256))
        work = peak(lambda: tiler.apply(lambda t: t + 1, image), image)  # noqa: B023
        held.append(work - image.nbytes)
    assert held[0] == held[1]


def test_that_these_tests_can_fail() -> None:
    image = torch.zeros((3, 1024, 1024))
    assert peak(lambda: image + 1, image) == image.nbytes
    assert peak(lambda: (image + 1, image + 2), image) == 2 * image.nbytes
    assert peak(lambda: [image + n for n in range(3)], image) == 3 * image.nbytes
    assert peak(lambda: image + 1 + 2 + 3, image) == 2 * image.nbytes
    assert peak(lambda: image[0].view(-1), image) == 0
