"""A model over the tiles: tile, model, untile in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, TilingError
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.stores import Store
from tests.strategies import merges


@given(merges(scaled=False, convert=False), st.integers(1, 7))
def test_apply_is_tile_model_untile(merge: MergeCase, batch_size: int) -> None:
    case, tiler = merge.case, merge.case.tiler(Tiler)
    grid = case.grid(tiler)
    seen: list[int] = []

    def model(tiles: Any) -> Any:
        seen.append(len(tiles))
        return tiles[::1, ...][:, ::-1].copy()

    image = case.image()
    want = tiler.untile(model(tiler.tile(image, grid=grid)), case.shape, grid)
    seen.clear()
    got = tiler.apply(model, image, batch_size=batch_size, grid=grid)
    same_bits(got, want, nan="any")
    assert sum(seen) == len(grid) * (case.batch or 1)
    assert max(seen) <= batch_size


def test_progress_wraps_the_batches() -> None:
    wrapped: list[Any] = []

    def progress(batches: Any) -> Any:
        for batch in batches:
            wrapped.append(batch)
            yield batch

    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    got = Tiler(4, 2).apply(lambda t: t, image, batch_size=5, progress=progress)
    same_bits(got, image)
    assert len(wrapped) == 4  # 16 tiles


def test_apply_takes_any_model_that_returns_several_maps() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)

    def model(tiles: Any) -> Any:
        return {"same": tiles, "more": (tiles + 1, [tiles[:, ::2, ::2]])}

    got = Tiler(4).apply(model, image, batch_size=3)
    assert list(got) == ["same", "more"]
    same_bits(got["same"], image)
    same_bits(got["more"][0], image + 1)
    same_bits(got["more"][1][0], image[::2, ::2].copy())


def test_a_dict_may_change_its_order() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    turn = iter(range(100))

    def model(tiles: Any) -> Any:
        pairs = [("same", tiles), ("not", 255 - tiles)]
        return dict(pairs if next(turn) % 2 else pairs[::-1])

    got = Tiler(4).apply(model, image, batch_size=1)
    same_bits(got["same"], image)
    same_bits(got["not"], 255 - image)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (lambda t: {"one": t, "two": t}, "a later one is a dict of 'one', 'two'"),
        (lambda t: t, "is a dict of 'one' and a later one is one array"),
        (lambda t: {"one": t.astype("f4")}, "results must be alike"),
        (lambda t: {"one": t[:, :2]}, "results must be alike"),
    ],
)
def test_later_results_must_be_like_the_first(later: Any, words: str) -> None:
    calls: list[int] = []

    def model(tiles: Any) -> Any:
        calls.append(1)
        return {"one": tiles} if len(calls) == 1 else later(tiles)

    with pytest.raises(TilingError, match=words):
        Tiler(4).apply(model, np.zeros((8, 8), np.uint8), batch_size=2)


def test_out_is_a_buffer_of_its_own(tmp_path: Path) -> None:
    image = np.zeros((8, 8), np.uint8)
    for out in (image, image[::-1]):
        with pytest.raises(TilingError, match="out shares memory with the image"):
            Tiler(4).apply(lambda t: t, image, out=out)
    both = np.zeros((8, 8), np.uint8)
    with pytest.raises(TilingError, match="two parts of out share memory"):
        Tiler(4).apply(lambda t: (t, t), image, out=(both, both))
    np.save(tmp_path / "image.npy", image)
    maps = [np.load(tmp_path / "image.npy", mmap_mode=mode) for mode in ("r", "r+")]
    with pytest.raises(TilingError, match="out shares memory with the image"):
        Tiler(4).apply(lambda t: t, maps[0], out=maps[1])
    parts = np.load(tmp_path / "image.npy", mmap_mode="r+").reshape(2, 4, 8)
    Tiler(4).apply(lambda t: (t, t), image[:4], out=(parts[0], parts[1]))


@pytest.mark.parametrize("kind", ["zarr", "h5py", "links"])
def test_out_is_another_store_than_the_image(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        zarr.open_array(path, mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1")
        image, out = (zarr.open_array(path, mode=mode) for mode in ("r", "r+"))
    elif kind == "h5py":
        file = pytest.importorskip("h5py").File(path, "w")
        file.create_dataset("one", (8, 8), "u1")
        image, out = file["one"], file["/one"]
    else:
        np.zeros((8, 8), np.uint8).tofile(path)
        (tmp_path / "link").symlink_to(path)
        image = np.memmap(tmp_path / "link", np.uint8, "r", shape=(8, 8))
        out = np.memmap(str(path), np.uint8, "r+", shape=(8, 8))
    with pytest.raises(TilingError, match="out shares memory with the image"):
        Tiler(4).apply(lambda t: t, image, out=out)


@pytest.mark.parametrize("kind", ["zarr", "h5py"])
def test_stores_of_other_kinds_and_shapes_are_not_compared(
    kind: str, tmp_path: Path
) -> None:
    image = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    out: Any
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        path = tmp_path / "out"
        out = zarr.open_array(path, mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1")
    else:
        file = pytest.importorskip("h5py").File(tmp_path / "out", "w")
        out = file.create_dataset("out", (8, 8), "u1")
    Tiler(4, channels_last=True).apply(lambda t: t[..., 0], image, out=out)
    same_bits(np.asarray(out[...]), image[..., 0].copy())


def test_what_cannot_be_written_is_refused_before_the_model_is_asked() -> None:
    def model(tiles: Any) -> Any:
        raise AssertionError("the model was asked")

    image = np.zeros((8, 8), np.uint8)
    closed = np.zeros((8, 8), np.uint8)
    closed.flags.writeable = False
    with pytest.raises(TilingError, match="read-only; open it for writing"):
        Tiler(4).apply(model, image, out={"one": np.empty, "two": [closed]})
    with pytest.raises(TilingError, match="shares memory with the image"):
        Tiler(4).apply(model, image, out=image)
    with pytest.raises(TypeError, match="out must have a shape"):
        Tiler(4).apply(model, image, out="out.npy")


def test_an_error_of_the_model_keeps_its_kind_and_names_the_tile() -> None:
    def model(tiles: Any) -> Any:
        if tiles.max() == 63:
            raise MemoryError
        return tiles

    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    with pytest.raises(MemoryError) as caught:
        Tiler(4).apply(model, image, batch_size=1)
    assert caught.value.__notes__ == ["in tile 3, at [4:8, 4:8]"]


def test_an_image_that_cannot_be_read_names_the_tile() -> None:
    class Torn(Store):
        def __getitem__(self, index: Any) -> Any:
            if index[0].start:
                raise OSError(5, "Input/output error")
            return super().__getitem__(index)

    image = Torn(np.zeros((8, 8), np.uint8))
    with pytest.raises(OSError, match="Input/output error") as caught:
        Tiler(4).apply(lambda t: t, image, batch_size=2)
    assert caught.value.__notes__ == ["in tiles 2 to 3, the first at [4:8, 0:4]"]


def test_work_needs_a_store_that_outlives_the_process(tmp_path: Path) -> None:
    with pytest.raises(TilingError, match="checkpoint= needs out="):
        Tiler(4).apply(abs, np.zeros((8, 8)), checkpoint=tmp_path)
