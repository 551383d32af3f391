"""What the verbs hold beyond input and output: little, whatever the image's size.

Counted are the bytes of all tensors alive, as torch hands them out; what a kernel
borrows inside itself is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reftiler.torch import Tiler
from tests.tensors import dtype_of, some

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
        for leaf in tree_leaves(result):
            storage = leaf.untyped_storage() if isinstance(leaf, Tensor) else None
            if storage is not None and storage._cdata not in self.known:
                self.known.add(storage._cdata)
                self.live += storage.nbytes()
                self.peak = max(self.peak, self.live)
                weakref.finalize(storage, self.forget, storage._cdata, storage.nbytes())
        return result

    def forget(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.live -= size


def peak(work: Callable[[], Any], *known: Tensor) -> int:
    """Return the most bytes of tensors that ``work`` makes and holds at a time."""
    ledger = Ledger(*known)
    with torch.inference_mode(), ledger:
        work()
    return ledger.peak


def work_of(
    tiler: Tiler,
    shape: tuple[int, ...],
    source: str = "float32",
    target: str = "float32",
    grid: Any = None,
) -> int:
    """Return the bytes that merging tiles into a buffer needs beside both."""
    tiles = tiler.tile(torch.zeros(shape, dtype=dtype_of(source)), grid=grid)
    out = torch.empty(shape, dtype=dtype_of(target))
    untile = partial(tiler.untile, tiles, shape, grid, dtype=out.dtype, out=out)
    return peak(untile, tiles, out)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"window": "hann"},
    {"mode": "even"},
    {"mode": "interpolation"},
    {"merge": "max"},
    {"merge": "min", "mode": "clamp"},
    {"mode": "even", "window": "hann"},
    {"channels_last": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_tile_and_untile_need_little_memory(settings: dict[str, Any]) -> None:
    tiler = Tiler(200, 130, pad_mode="reflect", **settings)
    shape = (1500, 1500, 3) if tiler.channels_last else (3, 1500, 1500)
    image = torch.zeros(shape)
    tiles = tiler.tile(image)
    assert peak(lambda: tiler.tile(image, out=tiles), image, tiles) < MIB
    assert work_of(tiler, shape) < LIMIT < image.nbytes


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
    assert work_of(tiler, (3, 1500, 1500), source, target) < 1.5 * LIMIT


def test_scattered_grids_need_little_memory() -> None:
    tiler = Tiler(256, 128, fill=0)
    grid = tiler.random((1300, 1300), count=20, seed=1)
    assert work_of(tiler, (4, 1300, 1300), grid=grid) < LIMIT


@pytest.mark.long
@pytest.mark.parametrize(
    ("size", "tile", "stride", "window"),
    [
        ((640, 4096), 256, 256, "hann"),
        ((640, 4096), 256, 192, "hann"),
        ((640, 4096), 256, 128, "box"),
        *(
            ((4096, 4096), *one)
            for one in some([(512, 512, "box"), (256, 128, "box")], 1)
        ),
    ],
)
def test_apply_holds_a_batch_and_a_row(
    size: tuple[int, int], tile: int, stride: int, window: str
) -> None:
    """At most 1.5 times as much."""
    tiler = Tiler(tile, stride, window=window)
    conv = nn.Conv2d(3, 3, 3, padding=1)
    image, batch = torch.zeros((1, 3, *size)), torch.zeros((16, 3, tile, tile))
    known = (image, batch, *conv.parameters())
    through = batch.nbytes + peak(lambda: conv(batch), *known)
    row = tiler.grid(size).shape[1] * batch[0].nbytes
    held = peak(lambda: tiler.apply(conv, image, batch_size=16), *known)
    assert held - image.nbytes <= 1.5 * (through + row)


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
    for work, held in (
        (lambda: (image + 1, image + 2), 2),
        (lambda: [image + n for n in range(3)], 3),
        (lambda: image + 1 + 2 + 3, 2),
        (lambda: image[0].view(-1), 0),
    ):
        assert peak(work, image) == held * image.nbytes
