"""Tiles read from stores: those of `tile`, and no pixel more than they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler.streaming import TileReader
from reftiler_conformance.compare import same_bits
from tests.cases import Case
from tests.stores import Store, library_store, noise
from tests.strategies import cases


@given(cases(), st.integers(1, 9))
def test_batches_are_the_tiles(case: Case, batch_size: int) -> None:
    tiler, image = case.tiler(Tiler), case.image()
    grid = case.grid(tiler)
    want = tiler.tile(image, grid=grid)
    for source in (image, Store(image)):
        batches = TileReader(tiler, source, batch_size, grid)
        read = list(batches)
        assert [n for batch in read for n in batch.indices] == list(range(len(want)))
        assert {len(batch.tiles) for batch in read[:-1]} <= {batch_size}
        same_bits(np.concatenate([batch.tiles for batch in read]), want)
    assert len(batches) == len(read)
    same_bits(batches[-1].tiles, read[-1].tiles)


@given(cases())
def test_a_tile_reads_what_it_shows_and_once(case: Case) -> None:
    tiler, store = case.tiler(Tiler), Store(case.image())
    batches = TileReader(tiler, store, 1, case.grid(tiler))
    for number in range(len(batches)):
        store.read.clear()
        batches.read(range(number, number + 1))
        shown = int(np.prod(case.settings.tile)) * (case.channels or 1)
        assert store.pixels_read <= shown


def test_neighbours_are_read_together() -> None:
    store = Store(np.zeros((3, 64, 640), np.uint8))
    list(TileReader(Tiler(64, 32), store, batch_size=19))
    assert len(store.read) == 1
    assert store.pixels_read == store.array.size


def test_a_wrapped_corner_does_not_read_the_image_between() -> None:
    store = Store(np.zeros((1000, 1000), np.uint8))
    tiler = Tiler(300, pad_mode="wrap")
    last = TileReader(tiler, store, 1)
    last.read(range(15, 16))
    assert store.pixels_read == 300 * 300


@pytest.mark.parametrize("kind", ["memmap", "zarr", "h5py", "dask"])
def test_stores_of_libraries(kind: str, tmp_path: Path) -> None:
    image = noise(3, 70, 90)
    tiler = Tiler(32, 20, pad_mode="reflect")
    found = list(TileReader(tiler, library_store(kind, tmp_path, image)))
    same_bits(np.concatenate([batch.tiles for batch in found]), tiler.tile(image))


def test_a_store_of_tifffile(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    tifffile = pytest.importorskip("tifffile")
    image = noise(70, 90, 3)
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, image, photometric="rgb", tile=(32, 32), compression="zlib")
    tiler = Tiler(32, 20, channels_last=True)
    with tifffile.TiffFile(path) as file, file.pages.first.aszarr() as store:
        found = tiler.apply(np.bitwise_not, zarr.open(store, mode="r"))
    same_bits(found, ~image)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ([[1, 2], [3, 4]], TypeError, "slices.*got list"),
        (np.array([[None]]), TilingError, "object: give a fixed-size dtype"),
        (Store(np.zeros((0, 4))), TilingError, "is empty"),
        (Store(np.zeros(4)), TilingError, "has 1 axes"),
    ],
)
def test_what_is_no_image_is_refused(
    source: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        TileReader(Tiler(2), source)


@pytest.mark.parametrize("numbers", [range(3, 5), range(4, 6), range(-1, 1)])
def test_tiles_that_are_not_there_are_refused(numbers: range) -> None:
    batches = TileReader(Tiler(4), np.zeros((8, 8)))
    with pytest.raises(TilingError, match=r"there are tiles 0 to 3, asked for range"):
        batches.read(numbers)
