"""Tiles merged as they come: the bits of `untile`, in any order, in little memory."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler.streaming import Merger, result_blocks
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.stores import Array, Store, library_store, noise
from tests.strategies import merges

NAME = "tiles.bin"


@given(
    merges(weighed=True),
    st.randoms(use_true_random=False),
    st.integers(1, 7),
    st.sampled_from([None, 0, 300]),
    st.booleans(),
    st.sampled_from([1, 20, 10**6]),
)
def test_any_order_gives_the_bits_of_untile(
    merge: MergeCase,
    random: Any,
    step: int,
    memory: int | None,
    plain: bool,
    least: int,
) -> None:
    case, tiler = merge.case, merge.case.tiler(Tiler)
    tiles, order = merge.tiles(), list(range(len(merge.tiles())))
    options: dict[str, Any] = {"grid": case.grid(tiler), "dtype": merge.result}
    options |= merge.scale_argument()
    weights = merge.pixel_weights()
    form = {"tile_shape": tiles.shape[1:], "tile_dtype": tiles.dtype, **options}
    if weights is not None:
        form["weights_dtype"] = weights.dtype
    random.shuffle(order)

    def streamed(out: Array) -> None:
        target = out if plain else Store(out)
        with (
            patch.multiple(result_blocks, MIN_ROWS=min(least, 32), MIN_ELEMENTS=least),
            Merger(tiler, case.shape, target, max_memory=memory, **form) as merger,
        ):
            for first in range(0, len(order), step):
                some = order[first : first + step]
                more = [] if weights is None else [weights[some]]
                merger.add(some, tiles[some], *more)

    try:
        want = tiler.untile(tiles, case.shape, weights=weights, **options)
    except TilingError as error:  # a NaN cannot become an integer
        shape = tiler.untile(np.zeros_like(tiles), case.shape, **options).shape
        with pytest.raises(TilingError, match=str(error)):
            streamed(np.zeros(shape, merge.result))
        return
    out = np.full(want.shape, 1, want.dtype)
    streamed(out)
    same_bits(out, want, nan="any")


def test_rows_are_written_once_and_as_soon_as_they_are_whole() -> None:
    tiler, store = Tiler(64, 32), Store(np.ones((640, 96), np.uint8))
    merger = Merger(tiler, (640, 96), store)
    store.written.clear()  # a pixel, to see whether the store takes any
    rows = []
    for number in range(2 * 19):
        merger.add(number, np.zeros((64, 64), np.uint8))
        rows.append(sum(index[0].stop - index[0].start for index in store.written))
    whole = [32 * row for row in range(1, 19)] + [640]
    assert rows == [0, *(n for row in whole for n in (row, row))][:-1]
    merger.finish()
    assert len(store.written) == 19
    assert not store.array.any()


@pytest.fixture
def spilled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the temporary files that mergers make for tiles that wait."""
    files: list[Any] = []
    make = tempfile.TemporaryFile

    def noted(**options: Any) -> Any:
        files.append(make(**options))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    return files


@pytest.mark.parametrize(("least", "rows"), [(2**18, 2.0), (2**13, 1.2)])
def test_little_more_than_a_row_waits_in_memory(
    least: int, rows: float, spilled: list[Any]
) -> None:
    tiler, image = Tiler(64, 32, channels_last=True), noise(256, 2048, 3)
    tiles, row = tiler.tile(image), 63 * 64 * 64 * 3
    for memory, needed in ((rows * row, 0), ((rows - 0.4) * row, 1)):
        out = np.zeros_like(image)
        with (
            patch.object(result_blocks, "MIN_ELEMENTS", least),
            Merger(tiler, image.shape, out, max_memory=int(memory)) as merger,
        ):
            for number, tile in enumerate(tiles):
                merger.add(number, tile)
        same_bits(out, image)
        assert len(spilled) == needed


def test_the_file_grows_with_what_waits(spilled: list[Any], tmp_path: Path) -> None:
    tiler, image = Tiler(16, 8), noise(800, 64)
    tiles, row = tiler.tile(image), 7 * 16 * 16
    for checkpoint in (None, tmp_path / "work"):
        options: dict[str, Any] = {"max_memory": 0, "checkpoint": checkpoint}
        merger = Merger(tiler, image.shape, np.zeros_like(image), **options)
        for number, tile in enumerate(tiles):
            merger.add(number, tile)
            if checkpoint is not None and number % 7 == 0:
                merger.save()
        file = spilled[0] if checkpoint is None else (checkpoint / NAME).open()
        assert row < os.fstat(file.fileno()).st_size < 8 * row  # of 99 rows
        same_bits(merger.finish(), image)
        file.close()


@pytest.mark.parametrize("kind", ["memmap", "zarr", "h5py"])
def test_stores_of_libraries(kind: str, tmp_path: Path) -> None:
    tiler, image = Tiler(32, 20, window="hann"), noise(3, 70, 90)
    tiles = tiler.tile(image)
    out = library_store(kind, tmp_path, np.zeros_like(image))
    with Merger(tiler, image.shape, out) as merger:
        merger.add(range(len(tiles)), tiles)
    same_bits(np.asarray(out[:]), image)


def test_out_may_be_made_when_its_shape_is_known() -> None:
    asked: list[Any] = []

    def make(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        asked.append((shape, dtype))
        return np.empty(shape, dtype)

    tiler = Tiler(4)
    with Merger(
        tiler, (3, 8, 6), make, tile_shape=(1, 2, 2), tile_dtype="f4", dtype="f8"
    ) as merger:
        merger.add(range(4), np.ones((4, 1, 2, 2), np.float32))
    assert asked == [((1, 4, 3), np.float64)]
    same_bits(merger.finish(), np.ones((1, 4, 3)))


def test_several_threads_may_give_tiles() -> None:
    tiler, image = Tiler(16, 8), noise(200, 200)
    tiles, out = tiler.tile(image), np.empty_like(image)
    with Merger(tiler, image.shape, out, max_memory=5000) as merger:

        def give(first: int) -> None:
            for number in range(first, len(tiles), 4):
                merger.add(number, tiles[number])

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(give, range(4)))
    same_bits(out, image)


def merger_of(out: Any, **options: Any) -> Merger:
    return Merger(Tiler(4), (8, 8), out, **options)


TILE = np.ones((4, 4), np.uint8)


def test_tiles_that_came_twice_or_are_missing_are_named() -> None:
    merger = merger_of(np.empty((8, 8), np.uint8))
    merger.add(2, TILE)
    with pytest.raises(TilingError, match=r"tile 2 came twice.*missing\(\)"):
        merger.add([1, 2], [TILE, TILE])
    with pytest.raises(TilingError, match="tile 0 came twice"):
        merger.add([0, 0], [TILE, TILE])
    merger.add(1, TILE)
    with pytest.raises(TilingError, match="tiles 0, 3 of 4 missing"):
        merger.finish()
    assert merger.missing().tolist() == [0, 3]
    merger.add([0, 3], [TILE, TILE])
    assert (merger.finish() == 1).all()


@pytest.mark.parametrize(
    ("numbers", "tiles", "error", "words"),
    [
        (4, TILE, TilingError, "no tile 4: the image has 4"),
        (-1, TILE, TilingError, "at least 0"),
        (1.0, TILE, TypeError, "must be an int, got 1.0"),
        ([True], [TILE], TypeError, "must be an int"),
        ([0, 1], [TILE], TilingError, "2 numbers came with 1 tiles"),
        (0, TILE[:3], TilingError, r"\(3, 4\).*takes uint8 \(4, 4\)"),
        (0, TILE.astype("f4"), TilingError, "float32.*takes uint8"),
    ],
)
def test_wrong_tiles_are_refused(
    numbers: Any, tiles: Any, error: type[Exception], words: str
) -> None:
    merger = merger_of(np.empty((8, 8), np.uint8))
    with pytest.raises(error, match=words):
        merger.add(numbers, tiles)
    assert len(merger.missing()) == 4


READ_ONLY = np.zeros((8, 8), np.uint8)
READ_ONLY.flags.writeable = False


class Closed(Store):
    def __setitem__(self, index: Any, value: Array) -> None:
        raise PermissionError("opened for reading")


@pytest.mark.parametrize(
    ("out", "options", "error", "words"),
    [
        (np.zeros((8, 7), np.uint8), {}, TilingError, r"\(8, 7\), the result"),
        (np.zeros((8, 8), "i4"), {"tile_dtype": "u1"}, TilingError, "is int32"),
        (READ_ONLY, {}, TilingError, "cannot be written.*read-only"),
        (Closed(np.zeros((8, 8))), {}, TilingError, "opened for reading"),
        ([[0]], {"tile_dtype": "u1"}, TypeError, "got list"),
        (np.empty, {}, TypeError, "give tile_dtype"),
        (np.zeros((8, 8), "c8"), {}, TilingError, "complex64"),
        (np.zeros((8, 8)), {"max_memory": "1 GB"}, TypeError, "max_memory must be an"),
        (np.zeros((8, 8)), {"max_memory": -1}, TilingError, "max_memory must be at"),
        (np.zeros((8, 8)), {"tile_shape": (3, 4)}, TilingError, "not alike"),
    ],
)
def test_stores_that_do_not_suit_are_refused_before_work(
    out: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        merger_of(out, **options)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError("code 9")])
def test_whatever_a_store_raises_is_told_and_tried_again(error: Exception) -> None:
    class Odd(Store):
        def __init__(self) -> None:
            super().__init__(np.zeros((8, 8), np.uint8))
            self.faults = {"write", "flush"}

        def __setitem__(self, index: Any, value: Array) -> None:
            if index[0].stop > 1:  # else it is merely tried out
                self.fail("write")
            super().__setitem__(index, value)

        def flush(self) -> None:
            self.fail("flush")

        def fail(self, at: str) -> None:
            if at in self.faults:
                self.faults.remove(at)
                raise error

    store = Odd()
    merger = merger_of(store)
    with pytest.raises(TilingError, match=r"cannot write rows 0 to 4 .*(left|9); make"):
        merger.add(range(4), [TILE] * 4)
    merger.add(merger.missing(), [TILE] * 2)
    with pytest.raises(TilingError, match=r"cannot write out: .*(left|9); make room"):
        merger.finish()
    merger.finish()
    assert (store.array == 1).all()


def test_no_room_for_a_work_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    merger = merger_of(np.zeros((8, 8), np.uint8), max_memory=0)
    with pytest.raises(TilingError, match=r"cannot keep tile 0 in .*gone.*memory"):
        merger.add(0, TILE)
