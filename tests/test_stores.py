"""Pictures as stores: opened and created piece by piece, as if they were whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

import tifffile

from reftiler import Tiler, TilingError
from reftiler.io import (
    create_image,
    open_image,
    open_mask,
    read_image,
    read_mask,
    write_image,
)
from reftiler_conformance.compare import same_bits

SHAPE = (300, 70, 3)
PIECE = (slice(11, 213), slice(3, 70))


def picture(dtype: str = "uint16", shape: tuple[int, ...] = SHAPE) -> NDArray[Any]:
    raw = np.random.default_rng(0).integers(0, 255, shape)
    return (raw > 200) if dtype == "bool" else raw.astype(dtype)


def test_tiffs_need_no_zarr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"tile": (32, 32), "compression": "zlib"}
    tifffile.imwrite(tmp_path / "a.tif", picture(), photometric="rgb", **options)
    monkeypatch.setitem(sys.modules, "zarr", None)
    opened = open_image(tmp_path / "a.tif", whole=0)
    same_bits(opened[PIECE], picture()[PIECE])
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").touch()
    with pytest.raises(ImportError, match=r"pip install .reftiler\[zarr\]"):
        open_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".zarr", ".ome.zarr"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "float32", "int64"])
@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,)])
def test_created_is_what_is_written(
    tmp_path: Path, suffix: str, dtype: str, channels: tuple[int, ...]
) -> None:
    if suffix.endswith(".zarr"):
        pytest.importorskip("zarr", exc_type=ImportError)
    image = picture(dtype, (60, 50, *channels))
    for name in ("new", "old"):  # over one that is there, too
        with create_image(tmp_path / f"a{suffix}", image.shape, dtype) as store:
            assert (tuple(store.shape), store.dtype) == (image.shape, image.dtype)
            store[0:40, 0:50] = image[:40]
            store[40:60, 0:50] = image[40:]
            same_bits(np.asarray(store[3:50, 7:9]), image[3:50, 7:9])
            assert (tmp_path / f"a{suffix}").exists() == (name == "old")
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]
    if suffix == ".tif":
        write_image(tmp_path / "whole.tif", image)
        image = read_image(tmp_path / "whole.tif")
    if suffix == ".ome.zarr" and channels == (1,):
        image = image[..., 0].copy()
    same_bits(read_image(tmp_path / f"a{suffix}"), image)


def test_an_error_leaves_the_old(tmp_path: Path) -> None:
    write_image(tmp_path / "a.npy", picture())

    def interrupted() -> None:
        with create_image(tmp_path / "a.npy", (5, 5), "uint8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
    same_bits(read_image(tmp_path / "a.npy"), picture())
    with pytest.raises(TilingError, match=r"a\.png cannot be written piece by piece"):
        create_image(tmp_path / "a.png", (5, 5), "uint8").__enter__()


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".zarr", ".ome.zarr"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", ">f4"])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_what_was_written_before_an_error_stays_if_asked(
    tmp_path: Path, suffix: str, dtype: str, channels: tuple[int, ...]
) -> None:
    if suffix.endswith(".zarr"):
        pytest.importorskip("zarr", exc_type=ImportError)
    image = picture("bool" if dtype == "bool" else "uint8", (60, 50, *channels))
    image = image.astype(dtype, copy=False)
    path = tmp_path / f"a{suffix}"

    def write(rows: slice, error: type[BaseException] | None = None) -> NDArray[Any]:
        with create_image(path, image.shape, dtype, resume=True) as store:
            store[rows, 0:50] = image[rows]
            if error is not None:
                raise error
            return np.asarray(store[0:60, 0:50])

    with pytest.raises(KeyboardInterrupt):
        write(slice(0, 20), KeyboardInterrupt)
    assert not path.exists()
    assert (write(slice(20, 60)) == image).all()
    assert (np.squeeze(read_image(path)).astype(dtype) == np.squeeze(image)).all()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    with pytest.raises(KeyboardInterrupt):
        write(slice(0, 20), KeyboardInterrupt)
    with create_image(path, (9, *image.shape[1:]), dtype, resume=True) as store:
        assert not np.asarray(store[0:9, 0:50]).any()  # of another size: begun anew
    (tmp_path / f".{path.name}.unfinished").write_bytes(b"damaged")
    with create_image(path, image.shape, dtype, resume=True) as store:
        assert not np.asarray(store[0:60, 0:50]).any()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".zarr"])
def test_a_merge_into_a_file_goes_on(tmp_path: Path, suffix: str) -> None:
    if suffix == ".zarr":
        pytest.importorskip("zarr", exc_type=ImportError)
    image, tiler = picture("uint8", (90, 70)), Tiler(16, 8)
    seen: list[int] = []

    def model(tiles: NDArray[Any]) -> NDArray[Any]:
        seen.append(len(tiles))
        if len(seen) == 5:
            raise MemoryError
        return 255 - tiles

    def work() -> None:
        path = tmp_path / f"a{suffix}"
        with create_image(path, image.shape, "uint8", resume=True) as out:
            tiler.apply(
                model, image, out=out, batch_size=9, checkpoint=tmp_path / "work"
            )

    with pytest.raises(MemoryError):
        work()
    work()
    assert sum(seen[5:]) == len(tiler.grid(image.shape)) - 4 * 9 + 9
    same_bits(read_image(tmp_path / f"a{suffix}"), 255 - image)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_masks_reach_the_disk_when_they_are_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Any] = []

    def noted(array: Any) -> None:
        flushed.append(array)

    with create_image(tmp_path / "a.tif", (4, 4), "bool") as store:
        monkeypatch.setattr(np.memmap, "flush", noted)
        store.flush()  # type: ignore[attr-defined]
        assert len(flushed) == 1


@pytest.mark.parametrize("name", ["a.npy", "a.tif", "grey.png"])
def test_masks_are_opened_as_they_are_read(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / name, picture("bool", (300, 70)))
    mask = open_mask(tmp_path / name, whole=0)
    assert (mask.shape, mask.dtype) == ((300, 70), bool)
    same_bits(np.asarray(mask[PIECE]), read_mask(tmp_path / name)[PIECE])


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="nothing to call")
@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
def test_room_is_taken_at_once(tmp_path: Path, name: str) -> None:
    with create_image(tmp_path / name, (1000, 1000), "uint8"):
        (path,) = tmp_path.iterdir()
        assert path.stat().st_blocks * 512 >= 10**6


FULL = """
import resource, sys
from reftiler.io import create_image
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
with create_image(sys.argv[1], (2000, 2000), "uint8") as store:
    raise AssertionError("there is no room")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are set otherwise")
@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
def test_a_full_disk_is_refused_before_work(tmp_path: Path, name: str) -> None:
    script = [sys.executable, "-c", FULL, str(tmp_path / name)]
    result = subprocess.run(script, check=False, capture_output=True, text=True)
    assert f"{name}: File too large; it takes 4,000,000 bytes" in result.stderr
    assert not list(tmp_path.iterdir())
