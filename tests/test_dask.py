"""Dask arrays: each tile once, the bits of `apply`, on processes that may die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler_conformance.compare import same_bits
from tests.cases import Case
from tests.stores import Array
from tests.strategies import NUMBERS, cases

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
map_tiles = pytest.importorskip("reftiler.dask").map_tiles

IMAGE = np.random.default_rng(0).integers(0, 255, (3, 300, 220), dtype=np.uint8)
TILER = Tiler(32, 20, window="hann")
TILE = IMAGE[None, :, :32, :32]


def invert(tiles: Array) -> Array:
    return np.bitwise_not(tiles)


@given(cases(dtypes=NUMBERS), st.integers(1, 9), st.integers(1, 4), st.integers(1, 9))
def test_any_chunks_give_the_bits_of_apply(
    case: Case, group: int, batch_size: int, chunk: int
) -> None:
    settings = case.tiler(Tiler).to_dict()
    tiler = Tiler.from_dict({**settings, "fill": 0, "window": "box", "merge": None})
    grid = case.grid(tiler) if case.is_irregular else None
    image, seen = case.image(), 0

    def model(tiles: Array) -> dict[str, Any]:
        nonlocal seen
        seen += len(tiles)
        return {"one": tiles, "two": [tiles != 0]}

    want = tiler.apply(model, image, batch_size=batch_size, grid=grid)
    options = {"grid": grid, "tiles_per_task": group, "batch_size": batch_size}
    lazy = map_tiles(model, da.from_array(image, chunk), tiler, **options)
    assert seen == len(tiler.tile(image, grid=grid)) + 1  # one of zeros, to be shown
    assert lazy["one"].dtype == want["one"].dtype
    assert lazy["one"].shape == want["one"].shape
    seen = 0
    (got,) = dask.compute(lazy, scheduler="synchronous")
    assert seen == len(tiler.tile(image, grid=grid))
    same_bits(got["one"], want["one"], nan="any")
    same_bits(got["two"][0], want["two"][0])


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_model_is_given_the_indices_and_boxes_of_apply(batch_size: int) -> None:
    images = np.stack([IMAGE[:, :70, :90], IMAGE[:, 70:140, :90]])
    tiler = Tiler(32, 20, merge="last")

    def model(tiles: Array, indices: Array, boxes: Array) -> Array:
        assert indices.dtype == boxes.dtype == np.int64
        place = boxes.reshape(len(tiles), -1) @ np.array([1, 1000, 10**6, 10**9])
        numbers = np.stack([indices, place], axis=1)[:, :, None, None]
        return np.broadcast_to(numbers, (len(tiles), 2, 32, 32))

    want = tiler.apply(model, images, indices=True)  # APPLY-004
    options = {"tiles_per_task": 4, "batch_size": batch_size, "indices": True}
    lazy = map_tiles(model, da.from_array(images, 40), tiler, **options)
    same_bits(lazy.compute(scheduler="synchronous"), want)


def test_maps_of_another_size_and_dtype() -> None:
    def model(tiles: Array) -> Array:
        return tiles[:, :1, ::2, ::2] / 3

    lazy = map_tiles(model, da.from_array(IMAGE, 100), TILER, dtype="float32")
    want = TILER.apply(model, IMAGE, dtype="float32")
    assert lazy.dtype == np.float32
    assert type(lazy._meta) is np.ndarray
    same_bits(lazy.compute(scheduler="threads", num_workers=3), want)
    same_bits(lazy[:, 40:71, 13].compute(scheduler="sync"), want[:, 40:71, 13])


def test_a_part_of_the_result_computes_the_tiles_it_needs() -> None:
    seen: list[int] = []

    def model(tiles: Array) -> Array:
        seen.append(len(tiles))
        return tiles

    image = da.from_array(IMAGE, 64)
    lazy = map_tiles(model, image, TILER, tiles_per_task=4, like=TILE)
    seen.clear()
    same_bits(lazy[:, :20, :20].compute(scheduler="sync"), IMAGE[:, :20, :20])
    assert seen == [4]


def test_several_merges_of_one_image_stay_apart() -> None:
    image = da.from_array(IMAGE, 100)
    other = Tiler(32, 16)
    filled = Tiler.from_dict({**TILER.to_dict(), "fill": 0})
    starts = TILER.random(IMAGE.shape[1:], 20, 0).starts.tolist()
    kept = filled.scatter(IMAGE.shape[1:], starts)
    lazy = [
        map_tiles(invert, image, TILER),
        map_tiles(np.copy, image, TILER),
        map_tiles(invert, image, other),
        map_tiles(invert, image, filled),
        map_tiles(invert, image, filled, grid=kept),
        map_tiles(lambda t: t[..., ::2, :], image, other, scale=(Fraction(1, 2), 1)),
        *map_tiles(lambda t: (t, 255 - t), image, TILER),
    ]
    assert len({one.name for one in lazy}) == len(lazy)
    got = dask.compute(*lazy, scheduler="sync")
    few = filled.untile(invert(filled.tile(IMAGE, grid=kept)), IMAGE.shape, kept)
    want = [~IMAGE, IMAGE, ~IMAGE, ~IMAGE, few, IMAGE[:, ::2], IMAGE, 255 - IMAGE]
    for found, right in zip(got, want, strict=True):
        same_bits(found, np.ascontiguousarray(right))


def test_results_of_another_form_have_another_name() -> None:
    image, likes = da.from_array(IMAGE), [TILE, TILE[:, :1], TILE.astype("f4")]
    lazy = [map_tiles(invert, image, TILER, like=like) for like in likes]
    assert len({each.name for each in lazy}) == len(likes)


def test_a_lazy_array_is_no_store_to_write_to() -> None:
    with pytest.raises(TypeError, match="out is lazy: give a store"):
        TILER.apply(invert, IMAGE, out=da.zeros(IMAGE.shape, dtype="u1"))


def test_a_model_may_use_its_memory_again() -> None:
    room = np.empty((2, 3, 32, 32), np.uint8)

    def model(tiles: Array) -> Array:
        return np.bitwise_not(tiles, out=room[: len(tiles)])

    lazy = map_tiles(model, da.from_array(IMAGE), TILER, batch_size=2)
    same_bits(lazy.compute(scheduler="sync"), ~IMAGE)


@pytest.mark.parametrize(
    "like",
    [TILE[:, :1], TILE[..., :16, :16], TILE.astype("i1"), (TILE, TILE)],
)
def test_what_the_model_returns_is_held_against_like(like: Any) -> None:
    lazy = map_tiles(invert, da.from_array(IMAGE), TILER, like=like)
    with pytest.raises(TilingError, match="alike"):
        dask.compute(lazy, scheduler="sync")


def test_an_error_of_the_model_names_the_tile() -> None:
    def model(tiles: Array) -> Array:
        raise RuntimeError("no")

    lazy = map_tiles(model, da.from_array(IMAGE), TILER, batch_size=1, like=TILE)
    with pytest.raises(RuntimeError, match="no") as caught:
        lazy[:, :1, :1].compute(scheduler="sync")
    assert caught.value.__notes__ == ["in tile 0, at [0:32, 0:32]"]


def unknown() -> Any:
    """Return an image whose size nobody knows before it is computed."""
    lines = da.from_array(IMAGE[0], 100)
    return lines[lines[:, 0] > 3]


@pytest.mark.parametrize(
    ("image", "options", "error", "words"),
    [
        (IMAGE, {}, TypeError, "dask array, got ndarray"),
        (unknown(), {}, TilingError, r"compute_chunk_sizes\(\)"),
        (da.from_array(IMAGE), {"indices": [0, 1]}, TypeError, "indices"),
        (da.from_array(IMAGE), {"batch_size": 0}, TilingError, "at least 1"),
        (da.from_array(IMAGE), {"tiles_per_task": 0}, TilingError, "tiles_per_task"),
        (da.from_array(IMAGE[0, 0]), {}, TilingError, "has 1 axes"),
        (da.from_array(IMAGE), {"like": "text"}, TypeError, "must return ndarrays"),
        (da.from_array(IMAGE), {"like": TILE[0, :1, :, :5]}, TilingError, "not alike"),
    ],
)
def test_what_does_not_suit_is_refused_before_work(
    image: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        map_tiles(invert, image, TILER, **options)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_processes_give_the_same_bits(client: Any) -> None:
    lazy = map_tiles(invert, da.from_array(IMAGE, 64), TILER)
    same_bits(client.compute(lazy).result(), TILER.apply(invert, IMAGE))


@pytest.mark.long
def test_a_worker_that_dies_costs_nothing_but_time(client: Any, tmp_path: Path) -> None:
    def slow(tiles: Array) -> Array:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(0.02)
        return np.bitwise_not(tiles)

    image = da.from_array(IMAGE, 64)
    lazy = map_tiles(slow, image, TILER, tiles_per_task=4, like=TILE)
    future = client.compute(lazy)
    until = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.01)
    doomed = int(next(tmp_path.iterdir()).name)
    os.kill(doomed, signal.SIGKILL)
    same_bits(future.result(timeout=60), TILER.apply(invert, IMAGE))
    assert doomed not in client.run(os.getpid).values()
