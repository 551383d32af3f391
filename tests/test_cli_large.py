"""``reftiler tile`` and ``untile`` on images larger than memory, and in zarr."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler.io import open_image, read_image, read_mask, write_image
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest
from reftiler_conformance.compare import same_bits
from tests.command import done, files, refused
from tests.folders import SPOT, write_part
from tests.stores import Store


def anonymous_peak(*words: str | Path) -> int:
    """Run ``reftiler``; return the most bytes it had beyond what files back."""
    script = [sys.executable, "-m", "reftiler.cli", *map(str, words)]
    peak = 0
    with subprocess.Popen(script, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            found = re.search(r"RssAnon:\s+(\d+) kB", status)
            peak = max(peak, int(found[1]) * 1024 if found else 0)
            time.sleep(0.01)
    assert process.returncode == 0
    return peak


@pytest.fixture
def zarr() -> Any:
    return pytest.importorskip("zarr", exc_type=ImportError)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory is told otherwise")
def test_memory_does_not_grow_with_the_image(tmp_path: Path, zarr: Any) -> None:
    shape = (10240, 10240, 3)  # 300 MiB, of which the disk holds next to nothing
    image = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, shape)
    image[9000:9003, 9000:9003] = 7
    mask = np.lib.format.open_memmap(tmp_path / "a_mask.npy", "w+", bool, shape[:2])
    mask[9000:9003, 9000:9003] = True
    tiles, result = tmp_path / "tiles", tmp_path / "whole.npy"
    words = ("--tile", "512", "--overlap", "64", "--format", "zarr")
    assert anonymous_peak("tile", tmp_path / "a.npy", tiles, *words) < 200 * 2**20
    assert anonymous_peak("untile", tiles, result) < 250 * 2**20
    whole = open_image(result)
    for row in range(0, 10240, 500):
        assert (whole[row : row + 1] == image[row : row + 1]).all()
    same_bits(np.array(whole[8990:9010]), np.array(image[8990:9010]))


@pytest.mark.parametrize(
    "words",
    [
        "--tile 33 --overlap 9",
        "--tile 40 --stride 30 --mode interpolation --border 5",
        "--tile 16 --skip-empty --mode even",
        "--tile 30x20 --random 5 --window hann",
    ],
)
def test_tiles_in_zarr_are_those_in_files(
    tmp_path: Path, zarr: Any, words: str
) -> None:
    part, arrays, single = write_part(tmp_path), tmp_path / "arrays", tmp_path / "npy"
    done("tile", part, arrays, *words.split(), "--format", "zarr")
    done("tile", part, single, *words.split(), "--format", "npy")
    assert sorted(path.name for path in arrays.iterdir()) == [
        NAME, METADATA_NAME, "part.zarr", "part_mask.zarr"
    ]  # fmt: skip
    (record,), (other,) = Manifest.read(arrays).images, Manifest.read(single).images
    stored = zarr.open_array(str(arrays / "part.zarr"), mode="r")
    assert stored.chunks == (1, *stored.shape[1:])
    marks = zarr.open_array(str(arrays / "part_mask.zarr"), mode="r")
    assert stored.shape[0] == marks.shape[0] == len(record.tiles) == len(other.tiles)
    for k, tile in enumerate(other.tiles):
        assert record.tiles[k].index == tile.index
        same_bits(np.asarray(stored[k]), read_image(single / tile.file))
        assert tile.mask is not None
        same_bits(np.asarray(marks[k]) != 0, read_mask(single / tile.mask))
    fill = () if words.endswith(("9", "5")) else ("--fill", 3)
    for suffix in ("npy", "tif", "zarr", "png"):
        for _ in range(2):  # over one that is there, too
            result = tmp_path / f"whole.{suffix}"
            done("untile", arrays, result, *fill, "--overwrite")
        done("untile", single, tmp_path / f"other.{suffix}", *fill)
        same_bits(read_image(result), read_image(tmp_path / f"other.{suffix}"))
    done("untile", arrays, tmp_path / "masks", "--masks", "--fill", 0)
    mask = read_mask(tmp_path / "masks" / "part_mask.zarr")
    if "--random" not in words:
        assert mask[SPOT].sum() == mask.sum() == 12


def test_zarr_images_are_found_and_cut(tmp_path: Path, zarr: Any) -> None:
    part = write_part(tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    write_image(images / "a.zarr", read_image(part))
    write_image(images / "a_mask.zarr", read_mask(tmp_path / "part_mask.png"))
    write_image(images / "b.png", read_image(part))
    assert "from 2 images (1 with a mask)" in done(
        "tile", images, tmp_path / "tiles", "--tile", 50
    )
    done("untile", tmp_path / "tiles", tmp_path / "back")
    for name in "ab":
        same_bits(read_image(tmp_path / "back" / f"{name}.png"), read_image(part))
    done("tile", images / "a.zarr", tmp_path / "one", "--tile", 50)
    assert "2 × 3" in done("grid", images / "a.zarr", "--tile", 50)


def test_a_disk_that_fills_up_while_merging_names_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zarr: Any
) -> None:
    class Full(Store):
        def __setitem__(self, index: Any, value: Any) -> None:
            if index[0].start:
                raise OSError(28, "No space left on device")

    def create(path: Path, shape: tuple[int, ...], dtype: Any, **_: Any) -> Store:
        path.mkdir()
        return Full(np.zeros(shape, dtype))

    part = write_part(tmp_path)
    done("tile", part, tmp_path / "tiles", "--tile", 50)
    monkeypatch.setattr("reftiler.io.zarr_write.create_zarr", create)
    message = refused(1, "untile", tmp_path / "tiles", tmp_path / "whole.zarr")
    assert "whole.zarr: cannot write rows 50 to 100 of out: [Errno 28] No" in message
    assert "make room and try again" in message
    assert sorted(files(tmp_path))[-1].startswith("tiles/")


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
sys.argv = ["reftiler", *sys.argv[1:]]
runpy.run_module("reftiler.cli", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limits")
def test_chunks_that_fail_together_are_one_error(tmp_path: Path, zarr: Any) -> None:
    image = np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), dtype=np.uint8)
    write_image(tmp_path / "a.npy", image)
    done("tile", tmp_path / "a.npy", tmp_path / "whole", "--tile", 512)
    for words in ("tile a.npy tiles --tile 256 --format zarr", "untile whole b.zarr"):
        script = [sys.executable, "-c", LIMITED, *words.split()]
        ended = subprocess.run(
            script, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 1
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert "File too large" in ended.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npy", "tiles", "whole"]


def test_old_arrays_are_replaced_and_altered_ones_refused(
    tmp_path: Path, zarr: Any
) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50, "--format", "zarr")
    (tiles / "notes.txt").write_text("mine")
    done("tile", part, tiles, "--tile", 40, "--format", "zarr", "--overwrite")
    assert zarr.open_array(str(tiles / "part.zarr"), mode="r").shape[0] == 9
    assert "notes.txt" in files(tiles)
    zarr.open_array(str(tiles / "part.zarr"), mode="w", shape=(9, 7, 5), dtype="u1")
    message = refused(1, "untile", tiles, tmp_path / "whole.zarr")
    assert "part.zarr: tiles of (7, 5) are" in message
    assert not (tmp_path / "whole.zarr").exists()


def test_manifests_of_arrays_that_are_none(tmp_path: Path, zarr: Any) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50, "--format", "zarr")
    text = (tiles / NAME).read_text()
    (tiles / NAME).write_text(text.replace('"part.zarr"', '"other.zarr"', 1))
    assert "must lie in one array" in refused(1, "untile", tiles, tmp_path / "w.npy")
    (tiles / "mine").mkdir()
    (tiles / "mine" / "photo").touch()
    (tiles / NAME).write_text(text.replace('"part.zarr"', '"mine"'))
    message = refused(2, "tile", part, tiles, "--tile", 50, "--overwrite")
    assert "'mine', which is no tile" in message
    assert (tiles / "mine" / "photo").exists()
