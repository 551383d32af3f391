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
from tests.folders import SPOT
from tests.stores import Store

TILES = Path("tiles")


def anonymous_peak(line: str) -> int:
    """Run ``reftiler``; return the most bytes it had beyond what files back."""
    script = [sys.executable, "-m", "reftiler.cli", *line.split()]
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
def zarr(part: Path) -> Any:
    return pytest.importorskip("zarr", exc_type=ImportError)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory is told otherwise")
def test_memory_does_not_grow_with_the_image(zarr: Any) -> None:
    shape = (10240, 10240, 3)  # 300 MiB, of which the disk holds next to nothing
    image = np.lib.format.open_memmap("a.npy", "w+", np.uint8, shape)
    image[9000:9003, 9000:9003] = 7
    mask = np.lib.format.open_memmap("a_mask.npy", "w+", bool, shape[:2])
    mask[9000:9003, 9000:9003] = True
    line = "tile a.npy tiles --tile 512 --overlap 64 --format zarr"
    assert anonymous_peak(line) < 200 * 2**20
    assert anonymous_peak("untile tiles whole.npy") < 250 * 2**20
    whole = open_image("whole.npy")
    for row in range(0, 10240, 500):
        assert (whole[row : row + 1] == image[row : row + 1]).all()
    same_bits(np.array(whole[8990:9010]), np.array(image[8990:9010]))


@pytest.mark.parametrize(
    ("words", "fill"),
    [
        ("--tile 33 --overlap 9", ""),
        ("--tile 40 --stride 30 --mode interpolation --border 5", ""),
        ("--tile 16 --skip-empty --mode even", "--fill 3"),
        ("--tile 30x20 --random 5 --window hann", "--fill 3"),
    ],
)
def test_tiles_in_zarr_are_those_in_files(zarr: Any, words: str, fill: str) -> None:
    done(f"tile part.png arrays {words} --format zarr")
    done(f"tile part.png single {words} --format npy")
    assert sorted(path.name for path in Path("arrays").iterdir()) == [
        NAME, METADATA_NAME, "part.zarr", "part_mask.zarr"
    ]  # fmt: skip
    record, other = (
        Manifest.read(Path(name)).images[0] for name in ("arrays", "single")
    )
    stored = zarr.open_array("arrays/part.zarr", mode="r")
    assert stored.chunks == (1, *stored.shape[1:])
    marks = zarr.open_array("arrays/part_mask.zarr", mode="r")
    assert stored.shape[0] == marks.shape[0] == len(record.tiles) == len(other.tiles)
    for k, tile in enumerate(other.tiles):
        assert record.tiles[k].index == tile.index
        same_bits(np.asarray(stored[k]), read_image(f"single/{tile.file}"))
        assert tile.mask is not None
        same_bits(np.asarray(marks[k]) != 0, read_mask(f"single/{tile.mask}"))
    for suffix in ("npy", "tif", "zarr", "png"):
        for _ in range(2):  # over one that is there, too
            done(f"untile arrays whole.{suffix} {fill} --overwrite")
        done(f"untile single other.{suffix} {fill}")
        same_bits(read_image(f"whole.{suffix}"), read_image(f"other.{suffix}"))
    done("untile arrays masks --masks --fill 0")
    mask = read_mask("masks/part_mask.zarr")
    if "--random" not in words:
        assert mask[SPOT].sum() == mask.sum() == 12


def test_zarr_images_are_found_and_cut(zarr: Any) -> None:
    image = read_image("part.png")
    Path("images").mkdir()
    write_image("images/a.zarr", image)
    write_image("images/a_mask.zarr", read_mask("part_mask.png"))
    write_image("images/b.png", image)
    assert "from 2 images (1 with a mask)" in done("tile images tiles --tile 50")
    done("untile tiles back")
    for name in "ab":
        same_bits(read_image(f"back/{name}.png"), image)
    assert "2 × 3" in done("grid images/a.zarr --tile 50")


def test_a_disk_that_fills_up_while_merging_names_the_result(
    monkeypatch: pytest.MonkeyPatch, zarr: Any
) -> None:
    class Full(Store):
        def __setitem__(self, index: Any, value: Any) -> None:
            if index[0].start:
                raise OSError(28, "No space left on device")

    def create(path: Path, shape: tuple[int, ...], dtype: Any, **_: Any) -> Store:
        path.mkdir()
        return Full(np.zeros(shape, dtype))

    done("tile part.png tiles --tile 50")
    monkeypatch.setattr("reftiler.io.zarr_io.create_zarr", create)
    message = refused(1, "untile tiles whole.zarr")
    assert "whole.zarr: cannot write rows 50 to 100 of out: [Errno 28] No" in message
    assert "make room and try again" in message
    assert files(".")[-1].startswith("tiles/")


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
sys.argv = ["reftiler", *sys.argv[1:]]
runpy.run_module("reftiler.cli", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limits")
def test_chunks_that_fail_together_are_one_error(zarr: Any) -> None:
    image = np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), dtype=np.uint8)
    write_image("a.npy", image)
    done("tile a.npy whole --tile 512")
    before = {path.name for path in Path().iterdir()}
    for words in ("tile a.npy tiles --tile 256 --format zarr", "untile whole b.zarr"):
        script = [sys.executable, "-c", LIMITED, *words.split()]
        ended = subprocess.run(script, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert "File too large" in ended.stderr
    assert {path.name for path in Path().iterdir()} == before | {"tiles"}


def test_arrays_that_are_not_those_of_the_manifest(zarr: Any) -> None:
    done("tile part.png tiles --tile 50 --format zarr")
    (TILES / "notes.txt").write_text("mine")
    line = "tile part.png tiles --tile 40 --format zarr --overwrite"
    done(line)
    array = zarr.open_array("tiles/part.zarr", mode="r")
    assert array.shape[0] == 9
    assert "notes.txt" in files(TILES)
    (chunk,) = (p for p in (TILES / "part.zarr").rglob("*4*0*0*0*") if p.is_file())
    chunk.unlink()
    message = refused(1, "untile tiles whole.npy")
    assert "lacks the chunks of 1 of its 9 tiles (4)" in message
    zarr.open_array("tiles/part.zarr", mode="w", shape=(9, 7, 5), dtype="u1")
    message = refused(1, "untile tiles whole.zarr")
    assert "part.zarr: tiles of (7, 5) are" in message
    text = (TILES / NAME).read_text()
    (TILES / NAME).write_text(text.replace('"part.zarr"', '"other.zarr"', 1))
    assert "must lie in one array" in refused(1, "untile tiles whole.npy")
    (TILES / "mine").mkdir()
    (TILES / "mine" / "photo").touch()
    (TILES / NAME).write_text(text.replace('"part.zarr"', '"mine"'))
    assert "'mine', which is no tile" in refused(2, line)
    assert (TILES / "mine" / "photo").exists()
    assert not list(Path().glob("whole.*"))
