"""Stores that know the least, and tell what was asked of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]


def noise(*shape: int) -> Array:
    return np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)


class Store:
    """A store of whole slices within its sizes, which counts what is read."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.read: list[tuple[slice, ...]] = []
        self.written: list[tuple[slice, ...]] = []

    def __getitem__(self, index: Any) -> Array:
        self.read.append(self._checked(index))
        found: Array = self.array[index]
        return found.copy()

    def __setitem__(self, index: Any, value: Array) -> None:
        self.written.append(self._checked(index))
        assert self.array[index].shape == value.shape
        self.array[index] = value

    def _checked(self, index: Any) -> tuple[slice, ...]:
        assert len(index) == len(self.shape)
        for one, size in zip(index, self.shape, strict=True):
            assert isinstance(one, slice)
            assert one.step is None
            assert 0 <= one.start < one.stop <= size
        checked: tuple[slice, ...] = index
        return checked

    @property
    def pixels_read(self) -> int:
        return sum(math.prod(s.stop - s.start for s in index) for index in self.read)


def library_store(kind: str, folder: Path, image: Array) -> Any:
    """Put an image into a store of a library, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    if kind == "memmap":
        np.save(folder / "image.npy", image)
        return np.load(folder / "image.npy", mmap_mode="r+")
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        sizes: dict[str, Any] = {"shape": image.shape, "chunks": (1, 32, 32)}
        path = folder / "image.zarr"
        array = zarr.open_array(path, mode="w", dtype=image.dtype, **sizes)
        array[...] = image
        return array
    if kind == "h5py":
        file = pytest.importorskip("h5py").File(folder / "image.h5", "w")
        return file.create_dataset("image", data=image, chunks=(3, 16, 16))
    return pytest.importorskip("dask.array").from_array(image, chunks=(1, 40, 40))
