"""``reftiler tile`` ended at any moment and started again: nothing lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler.atomic import LOCK_NAME, temp_path
from reftiler.io import write_image
from reftiler.tilesets import export, tile_storage
from reftiler.tilesets.job import NAME as JOB
from reftiler.tilesets.manifest import NAME, Manifest
from tests.command import done, files, refused, run
from tests.folders import write_part
from tests.kills import kill_and_go_on

FORMATS = ["png", "zarr"]


def write_images(folder: Path, seed: int = 0, names: str = "abc") -> None:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in names:
        write_image(folder / f"{name}.png", rng.integers(0, 256, (40, 30), np.uint8))
    write_image(folder / "b_mask.png", rng.random((40, 30)) < 0.5)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


@contextmanager
def ended(after: int) -> Iterator[None]:
    """End the run, as Ctrl-C would, after so many writes."""
    left = after

    def limited(write: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return write(*args, **kwargs)

    class Limited(tile_storage.ZarrPerImage):
        def write(self, *args: Any, **kwargs: Any) -> None:
            limited(super().write, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tile_storage.STORAGES, "zarr", Limited())
        patch.setattr(tile_storage, "write_image", partial(limited, write_image))
        patch.setattr("reftiler.tilesets.extract._TILES", 4)
        yield


@pytest.mark.parametrize("file_format", FORMATS)
def test_wherever_it_ends_it_goes_on(tmp_path: Path, file_format: str) -> None:
    if file_format == "zarr":
        pytest.importorskip("zarr", exc_type=ImportError)
    write_images(tmp_path / "images")
    words = ("--tile", 10, "--format", file_format)
    with ended(10**9):
        done("tile", tmp_path / "images", tmp_path / "clean", *words)
    clean = contents(tmp_path / "clean")
    ends = range(49) if file_format == "png" else range(13)
    for after in ends[:: 8 if file_format == "png" else 3]:
        tiles = tmp_path / f"tiles{after}"
        with ended(after):
            result = run("tile", tmp_path / "images", tiles, *words)
        assert result.exit_code == (130 if after < ends[-1] else 0)
        assert (NAME in files(tiles)) == (after == ends[-1])
        if after == ends[-1]:
            continue
        before = {p: p.stat().st_mtime_ns for p in tiles.rglob("*.png")}
        with ended(10**9):
            done("tile", tmp_path / "images", tiles, *words)
        assert contents(tiles) == clean
        assert {p: p.stat().st_mtime_ns for p in before} == before


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    write_images(tmp_path / "images")
    words = ("tile", tmp_path / "images", tmp_path / "tiles", "--tile", 10)
    with ended(30):
        run(*words)
    there = len(list((tmp_path / "tiles").glob("*.png")))
    assert there == 30
    with ended(47 - there):  # one fewer than there are
        assert run(*words).exit_code == 130
    with ended(1):
        done(*words)


def test_parts_of_arrays_are_not_done_again(tmp_path: Path) -> None:
    pytest.importorskip("zarr", exc_type=ImportError)
    write_images(tmp_path / "images")
    words = ("tile", tmp_path / "images", tmp_path / "tiles", "--tile", 10)
    for after, code in ((5, 130), (6, 130), (1, 0)):  # 12 in all
        with ended(after):
            assert run(*words, "--format", "zarr").exit_code == code


def test_changed_removed_and_added_images(tmp_path: Path) -> None:
    images, tiles = tmp_path / "images", tmp_path / "tiles"
    write_images(images, names="abcd")
    words = ("tile", images, tiles, "--tile", 10)
    with ended(45):
        run(*words)
    write_image(images / "a.png", np.full((20, 20, 3), 9, np.uint8))
    (images / "b.png").unlink()
    (images / "b_mask.png").unlink()
    write_image(images / "e.png", np.full((10, 10), 9, np.uint8))
    done(*words)
    done("tile", images, tmp_path / "clean", "--tile", 10)
    assert contents(tiles) == contents(tmp_path / "clean")


def test_another_call_is_refused(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(5):
        run("tile", part, tiles, "--tile", 50)
    before = contents(tiles)
    for words, named in {
        "--tile 40": "tiler",
        "--tile 50 --format npy": "format",
        "--tile 50 --random 3": "random",
        "--tile 50 --skip-empty": "skip_empty",
    }.items():
        message = refused(2, "tile", part, tiles, *words.split())
        assert f"{JOB} is of a run with another {named}: " in message
        assert "another folder, or --overwrite" in message
    assert contents(tiles) == before
    done("tile", part, tiles, "--tile", 40, "--overwrite")
    done("tile", part, tmp_path / "clean", "--tile", 40)
    assert contents(tiles) == contents(tmp_path / "clean")


def test_overwriting_ended_at_its_worst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    write_image(part, np.full((100, 120, 3), 7, np.uint8))  # its tiles' names are old

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    words = ("tile", part, tiles, "--tile", 50, "--overwrite")
    old = Manifest.read(tiles)
    with monkeypatch.context() as patch:
        patch.setattr(export, "remove_files", interrupt)
        for _ in range(2):
            assert run(*words).exit_code == 130
            assert Manifest.read(tiles) == old
    with ended(3):
        assert run(*words).exit_code == 130
    assert not (tiles / NAME).exists()
    done(*words)
    done("tile", part, tmp_path / "clean", "--tile", 50)
    assert contents(tiles) == contents(tmp_path / "clean")


def test_a_finished_run_whose_job_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_: (_ for _ in ()).throw(OSError(5, "")))
        refused(1, "tile", part, tiles, "--tile", 50)
    assert {NAME, JOB} <= set(files(tiles))
    done("tile", part, tiles, "--tile", 50)
    assert JOB not in files(tiles)


def test_tiles_that_vanished_are_cut_again(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(9):
        run("tile", part, tiles, "--tile", 50)
    (tiles / "part_0001.png").unlink()
    done("tile", part, tiles, "--tile", 50)
    assert len(files(tiles)) == 14


def test_killed_before_the_job_was_whole(tmp_path: Path) -> None:
    (tmp_path / "set" / "train").mkdir(parents=True)
    write_images(tmp_path / "set" / "train" / "good")  # tiles lie in inner folders
    (tmp_path / "set" / "test" / "good").mkdir(parents=True)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    temp_path(tiles / JOB).write_bytes(b'{"spec_ver')
    done("tile", tmp_path / "set", tiles, "--tile", 10)
    done("tile", tmp_path / "set", tmp_path / "clean", "--tile", 10)
    assert contents(tiles) == contents(tmp_path / "clean")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".notes.tmp").touch()
    message = refused(2, "tile", tmp_path / "set", tmp_path / "other", "--tile", 10)
    assert "is not empty" in message


def test_torn_and_damaged_jobs(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(9):
        run("tile", part, tiles, "--tile", 50)
    whole = (tiles / JOB).read_bytes()
    for damage in (
        b"",
        b"{}",
        b"[3]",
        whole[:-9],
        whole.replace(b"part_0001", b"../x_0001"),
    ):
        (tiles / JOB).write_bytes(damage)
        message = refused(1, "tile", part, tiles, "--tile", 50)
        assert f"{JOB} is damaged" in message
    (tiles / JOB).write_bytes(whole)
    done("tile", part, tiles, "--tile", 50)
    done("tile", part, tmp_path / "clean", "--tile", 50)
    assert contents(tiles) == contents(tmp_path / "clean")


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
@pytest.mark.parametrize("file_format", ["npy", "zarr"])
def test_killed_again_and_again(tmp_path: Path, file_format: str) -> None:
    if file_format == "zarr":
        pytest.importorskip("zarr", exc_type=ImportError)
    image = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    write_image(tmp_path / "big.npy", image)
    command = ["tile", "big.npy", "tiles", "--tile", "16", "--format", file_format]
    script = [sys.executable, "-m", "reftiler.cli", *command]
    for target in (100, 700):
        with subprocess.Popen(script, cwd=tmp_path) as process:
            end = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < end:
                if sum(len(f) for *_, f in os.walk(tmp_path / "tiles")) >= target:
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.002)
        assert process.returncode in (-signal.SIGKILL, 0)
    if not (tmp_path / "tiles" / NAME).exists():
        done("tile", tmp_path / "big.npy", tmp_path / "tiles", *command[3:])
    done("tile", tmp_path / "big.npy", tmp_path / "clean", *command[3:])
    assert contents(tmp_path / "tiles") == contents(tmp_path / "clean")


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
def test_killed_at_random_moments(tmp_path: Path, workers: list[str]) -> None:
    assert kill_and_go_on(tmp_path, 3, workers, 3) >= 1


@pytest.mark.parametrize("file_format", ["png", "npy", "tiff"])
def test_files_torn_by_a_loss_of_power_are_cut_again(
    tmp_path: Path, file_format: str
) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    words = ("tile", part, tiles, "--tile", 50, "--format", file_format)
    with ended(9):
        assert run(*words).exit_code == 130
    first, second, third, *_ = sorted(tiles.glob("part_*"))
    first.write_bytes(b"")
    second.write_bytes(second.read_bytes()[:-20])
    third.write_bytes(bytes(third.stat().st_size))
    done(*words)
    done("tile", part, tmp_path / "clean", *words[3:])
    assert contents(tiles) == contents(tmp_path / "clean")


def test_chunks_that_vanished_are_cut_again(tmp_path: Path) -> None:
    pytest.importorskip("zarr", exc_type=ImportError)
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    words = ("tile", part, tiles, "--tile", 50, "--format", "zarr")
    with ended(1):
        assert run(*words).exit_code == 130
    chunks = [path for path in (tiles / "part.zarr").rglob("c*") if path.is_file()]
    assert len(chunks) == 4
    chunks[3].unlink()
    done(*words)
    done("tile", part, tmp_path / "clean", *words[3:])
    assert contents(tiles) == contents(tmp_path / "clean")


def test_a_finished_call_says_so_unless_something_changed(tmp_path: Path) -> None:
    write_images(tmp_path / "images")
    words = ("tile", tmp_path / "images", tmp_path / "tiles", "--tile", 10)
    done(*words)
    before = contents(tmp_path / "tiles")
    assert "is done: it holds all tiles of this call" in done(*words)
    assert contents(tmp_path / "tiles") == before
    times = (tmp_path / "images" / "a.png").stat()
    write_images(tmp_path / "images", seed=1, names="a")  # as large as it was
    os.utime(tmp_path / "images" / "a.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "or labels that changed since" in refused(2, *words)
    done(*words, "--overwrite")
    write_images(tmp_path / "images", names="d")
    assert "another call, or of images" in refused(2, *words)


@pytest.mark.parametrize("file_format", ["png", "npy", "tiff", "zarr"])
def test_damaged_tiles_are_not_done(tmp_path: Path, file_format: str) -> None:
    if file_format == "zarr":
        pytest.importorskip("zarr", exc_type=ImportError)
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    words = ("tile", part, tiles, "--tile", 50, "--format", file_format)
    done(*words)
    whole = contents(tiles)
    first = next(
        name for name in whole if name.startswith("part") and "json" not in name
    )
    damages: list[Callable[[Path], object]] = [Path.unlink, pipe]
    if file_format != "zarr":
        damages.append(lambda path: path.write_bytes(path.read_bytes()[:-9]))
    for damage in damages:
        damage(tiles / first)
        message = refused(2, *words)
        assert first.split("/")[0] in message
        assert "missing or damaged: --overwrite" in message
        done(*words, "--overwrite")
        assert contents(tiles) == whole
    (tiles / "metadata.jsonl").unlink()
    assert "metadata.jsonl is missing" in refused(2, *words)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_pipes_and_flipped_bits_are_cut_again(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(9):
        run("tile", part, tiles, "--tile", 50)
    first, second, *_ = sorted(tiles.glob("part_*"))
    pipe(first)
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 1
    second.write_bytes(content)
    done("tile", part, tiles, "--tile", 50)
    done("tile", part, tmp_path / "clean", "--tile", 50)
    assert contents(tiles) == contents(tmp_path / "clean")


@pytest.mark.parametrize("after", [None, 5])
def test_other_labels_are_another_call(tmp_path: Path, after: int | None) -> None:
    source, tiles = tmp_path / "set", tmp_path / "tiles"
    source.mkdir()
    for label, names in {"normal": "ac", "scuff": "de", "crack": "fg"}.items():
        write_images(source / label, names=names)
        (source / label / "b_mask.png").unlink()
    words = ("tile", source, tiles, "--tile", 20, "--layout", "class-folders", "--good")
    with ended(10**9 if after is None else after):
        run(*words, "normal")
    if after is None:
        assert "or labels that changed" in refused(2, *words, "normal,scuff")
        done(*words, "normal,scuff", "--overwrite")
    else:
        done(*words, "normal,scuff")
    labels = {one.id: one.label for one in Manifest.read(tiles).images}
    assert set(labels.values()) == {"good", "crack"}
    done("tile", source, tmp_path / "clean", *words[3:], "normal,scuff")
    assert contents(tiles) == contents(tmp_path / "clean")


def test_only_tiles_are_ever_removed(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(5):
        run("tile", part, tiles, "--tile", 50)
    (tiles / "mine.txt").write_text("mine")
    (tiles / "mine.zarr").mkdir()
    (tiles / "mine.zarr" / "notes.txt").write_text("mine")
    job = json.loads((tiles / JOB).read_text())
    for name in ("mine.txt", "mine.zarr", "sub/manifest.json"):
        (tiles / JOB).write_text(
            json.dumps({**job, "stale": [name]}).replace("{", "{\n", 1)
        )
        assert "no tile" in refused(1, "tile", part, tiles, "--tile", 50)
    assert (tiles / "mine.txt").exists()
    assert (tiles / "mine.zarr" / "notes.txt").exists()


def test_a_folder_is_of_one_run_at_a_time(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    before = contents(tiles)
    script = (
        "import sys, time; from pathlib import Path\n"
        "from reftiler.atomic import FolderLock\n"
        "with FolderLock(Path(sys.argv[1])): print('ready', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(tiles)], stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"ready\n"
    for words in (("--tile", 20, "--overwrite"), ("--tile", 50)):
        message = refused(2, "tile", part, tiles, *words)
        assert "another run of reftiler is at work in" in message
    other.kill()
    other.communicate()
    assert {**before, LOCK_NAME: b""} == contents(tiles)
    done("tile", part, tiles, "--tile", 20, "--overwrite")  # the system ended the lock
    assert LOCK_NAME not in files(tiles)
