"""finish=: a function of the merged result, block by block."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reftiler import Tiler, TilingError
from reftiler import finish as module
from reftiler.streaming import MergedArray, Merger

Array = npt.NDArray[Any]

MIB = 2**20


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small images have many blocks."""
    monkeypatch.setattr(module, "BLOCK", 200)


def largest(block: Array) -> Array:
    return np.asarray(block.argmax(0).astype(np.uint8))


def scores(
    tiler: Tiler, shape: tuple[int, ...], classes: int = 5, scale: int = 1
) -> Array:
    """Return tiles of scores that do not agree where they overlap."""
    count = len(tiler.grid(shape[-2:])) * (shape[0] if len(shape) > 3 else 1)
    sides = [side * scale for side in tiler.tile_size]
    rng = np.random.default_rng(7)
    return rng.standard_normal((count, classes, *sides)).astype(np.float32)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"window": "hann"},
    {"mode": "clamp", "merge": "max"},
    {"mode": "interpolation"},
    {"mode": "interpolation", "merge": "center"},
    {"mode": "even", "merge": "last", "remove_border_count": 1},
    {"mode": "drop", "fill": 9},
    {"pad_side": "both", "nan": "omit"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("shape", [(23, 17), (1, 23, 17), (2, 1, 23, 17)])
@pytest.mark.parametrize("scale", [1, 2])
def test_it_is_the_function_of_the_merge(
    settings: dict[str, Any], shape: tuple[int, ...], scale: int
) -> None:
    tiler = Tiler((8, 6), (5, 4), **settings)
    tiles = scores(tiler, shape, scale=scale)
    seen: list[int] = []

    def finish(block: Array) -> Array:
        assert block.ndim == 3
        seen.append(block[0].size)
        return largest(block)

    found = tiler.untile(tiles, shape, finish=finish)
    want = tiler.untile(tiles, shape).argmax(-3)
    assert found.dtype == np.uint8
    assert np.array_equal(found, want)
    assert len(seen) > 5  # many blocks, behind the one of zeros
    assert sum(seen[1:]) == want.size
    order = np.random.default_rng(1).permutation(len(tiles))
    form: dict[str, Any] = {"tile_shape": tiles.shape[1:], "tile_dtype": tiles.dtype}
    with Merger(tiler, shape, None, finish=largest, **form) as merger:
        for k in order.tolist():
            merger.add(k, tiles[k])
    assert np.array_equal(merger.out, want)


def test_of_scattered_tiles() -> None:
    tiler = Tiler(8, window="triangle", fill=-1)
    grid = tiler.scatter((30, 30), [(3, 1), (0, 4), (19, 9), (3, 2), (22, 22)])
    tiles = np.random.default_rng(0).standard_normal((5, 4, 8, 8))
    found = tiler.untile(tiles, (30, 30), grid, finish=largest)
    assert np.array_equal(found, tiler.untile(tiles, (30, 30), grid).argmax(0))


def test_what_is_returned_may_have_channels_behind() -> None:
    tiler = Tiler(4, 3, channels_last=True)
    tiles = np.random.default_rng(0).random((9, 4, 4, 3))
    found = tiler.untile(tiles, (10, 10), finish=lambda b: b[..., ::-1][..., :2] > 0.5)
    assert np.array_equal(found, tiler.untile(tiles, (10, 10))[..., 2:0:-1] > 0.5)
    bare = tiler.untile(
        tiles[..., 0], (10, 10), finish=lambda b: np.stack([b, -b], axis=-1)
    )
    merged = tiler.untile(tiles[..., 0], (10, 10))
    assert np.array_equal(bare, np.stack([merged, -merged], axis=-1))


def test_a_block_has_the_dtype_of_the_result_and_the_fill() -> None:
    tiler = Tiler(4, mode="drop", fill=7)
    kinds = set()

    def finish(block: Array) -> Array:
        kinds.add(block.dtype)
        return np.asarray(block * 2)

    tiles = np.ones((1, 4, 4), np.float32)
    found = tiler.untile(tiles, (6, 6), dtype=np.int16, finish=finish)
    assert kinds == {np.dtype(np.int16)}
    assert found[0, 0] == 2
    assert found[5, 5] == 14


def test_out_has_what_finish_returns() -> None:
    tiler = Tiler(4)
    tiles, out = np.ones((4, 3, 4, 4)), np.full((8, 16), 9, np.uint8)[:, ::2]
    assert tiler.untile(tiles, (8, 8), out=out, finish=largest) is out
    assert (out == 0).all()
    with pytest.raises(TilingError, match=r"uint8 \(8, 8\)"):
        tiler.untile(tiles, (8, 8), out=np.ones((3, 8, 8)), finish=largest)


def test_writing_into_a_block_changes_nothing() -> None:
    tiler = Tiler((8, 6), (5, 4))
    tiles = scores(tiler, (23, 17))
    before, kept = tiles.copy(), list[Array]()

    def finish(block: Array) -> Array:
        found = largest(block)
        block[...] = np.nan
        kept.append(block)
        return found

    found = tiler.untile(tiles, (23, 17), finish=finish)
    assert np.array_equal(tiles, before)
    assert np.array_equal(found, tiler.untile(tiles, (23, 17)).argmax(0))
    memory = {block.__array_interface__["data"] for block in kept}
    assert len(memory) == len(kept)


def test_an_error_names_the_pixels() -> None:
    tiler = Tiler(8, 6)

    def finish(block: Array) -> Array:
        if (block == 3).any():
            raise KeyError("of its own")
        return largest(block)

    tiles = np.zeros((2 * 16, 2, 8, 8))
    tiles[-1, :, -3, -3] = 3
    with pytest.raises(KeyError) as caught:
        tiler.untile(tiles, (2, 1, 26, 26), finish=finish)
    (note,) = caught.value.__notes__
    assert "image 1" in note
    low, high = note.partition("[")[2].partition(",")[0].split(":")
    assert int(low) <= 23 < int(high)
    with pytest.raises(ZeroDivisionError) as caught_first:
        tiler.untile(tiles, (2, 1, 26, 26), finish=lambda b: b // divmod(1, 0))
    assert "zeros (2, 1, 26)" in caught_first.value.__notes__[0]


def test_apply_finishes_some_of_the_results() -> None:
    tiler, image = Tiler(8, 6, window="hann"), np.random.default_rng(0).random((26, 26))

    def model(tiles: Array) -> dict[str, Array]:
        return {"classes": np.stack([tiles, 1 - tiles, tiles**2], 1), "map": tiles}

    finish = {"map": None, "classes": largest}
    out = {"classes": np.empty((26, 26), np.uint8), "map": np.empty((26, 26))}
    plain = tiler.apply(model, image)
    for given in (None, out):
        found = tiler.apply(model, image, finish=finish, out=given, batch_size=3)
        assert np.array_equal(found["classes"], plain["classes"].argmax(0))
        assert np.array_equal(found["map"], plain["map"])
    with pytest.raises(TilingError, match="finish is one array"):
        tiler.apply(model, image, finish=largest)


def test_a_run_goes_on_with_what_was_finished(tmp_path: Path) -> None:
    tiler, image = Tiler(8, 6), np.random.default_rng(0).random((50, 26))
    seen: list[int] = []

    def finish(block: Array) -> Array:
        seen.append(block[0].size if block.any() else 0)
        return largest(block)

    def model(tiles: Array) -> Array:
        if len(seen) > 4:
            raise InterruptedError
        return np.stack([tiles, 1 - tiles], 1)

    out = np.zeros((50, 26), np.uint8)
    given: dict[str, Any] = {"out": out, "checkpoint": tmp_path / "run"}
    with pytest.raises(InterruptedError):
        tiler.apply(model, image, finish=finish, batch_size=1, **given)
    assert 0 < sum(seen) < out.size
    with pytest.raises(TilingError, match="finished"):
        tiler.apply(
            lambda tiles: np.stack([tiles, 1 - tiles], 1),
            image,
            finish=lambda block: block[0],
            **given,
        )

    def rest(tiles: Array) -> Array:
        return np.stack([tiles, 1 - tiles], 1)

    tiler.apply(rest, image, finish=finish, **given)
    assert sum(seen) == out.size
    assert np.array_equal(out, tiler.apply(rest, image).argmax(0))


def test_a_mask_is_not_dropped() -> None:
    tiler = Tiler((8, 6), (5, 4))
    with pytest.raises(TypeError, match=r"finish\(block\) is a masked array"):
        tiler.untile(
            scores(tiler, (23, 17)),
            (23, 17),
            finish=lambda block: np.ma.masked_less(block, 0),
        )


def test_merged_arrays_finish_what_is_read() -> None:
    tiler = Tiler((8, 6), (5, 4), window="hann")
    tiles = scores(tiler, (23, 17))
    merged = MergedArray(
        tiler, tiles, tiles.shape[1:], tiles.dtype, (23, 17), finish=largest
    )
    whole = tiler.untile(tiles, (23, 17)).argmax(0)
    assert merged.shape == whole.shape
    assert merged.dtype == np.uint8
    for index in (..., 3, (slice(2, 9), 4), slice(None, None, 3), (5, 5)):
        assert np.array_equal(merged[index], whole[index])
    last = MergedArray(
        tiler, tiles[:, 0], (8, 6), tiles.dtype, (23, 17), finish=lambda b: b[None]
    )
    plain = tiler.untile(tiles[:, 0], (23, 17))
    assert np.array_equal(last[0, 3:5, ::2], plain[3:5, ::2])


@contextmanager
def limited(megabytes: float) -> Iterator[None]:
    """Fail if more memory is held at a time."""
    tracemalloc.start()
    try:
        yield
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < megabytes * MIB, f"{held / MIB:.1f} MiB are held"


def test_a_tile_larger_than_a_block_is_finished_in_several() -> None:
    sizes: list[int] = []

    def finish(block: Array) -> Array:
        sizes.append(block.size)
        return block

    Tiler(64).untile(np.ones((1, 64, 64), np.float32), (64, 64), finish=finish)
    assert max(sizes) <= module.BLOCK


@pytest.mark.long
def test_all_channels_are_in_memory_for_a_block_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # blocks as they are
    tiler, shape = Tiler(128, 96), (2000, 2000)
    one = np.random.default_rng(0).random((100, 128, 128), np.float32)
    tiles = np.broadcast_to(one, (len(tiler.grid(shape)), *one.shape))
    sizes: list[int] = []

    def finish(block: Array) -> Array:
        sizes.append(block.nbytes)
        return largest(block)

    whole = 100 * 2000 * 2000 * 4
    with limited(64):
        tiler.untile(tiles, shape, finish=finish)
    assert max(sizes) <= 4 * module.BLOCK < whole / 20
    assert sum(sizes) >= whole
    with pytest.raises(AssertionError, match="are held"), limited(64):
        tiler.untile(tiles[:, :30], shape)
