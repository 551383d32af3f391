"""``reftiler tile`` ended at any moment and started again: nothing lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler.atomic import temp_path
from reftiler.io import write_image
from reftiler.tilesets import export, tile_storage
from reftiler.tilesets.journal import NAME as JOURNAL
from reftiler.tilesets.manifest import NAME, Manifest
from tests.command import done, files, refused, run
from tests.folders import write_part

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
        def write(self, *args: Any) -> None:
            limited(super().write, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tile_storage.STORAGES, "zarr", Limited())
        patch.setattr(
            tile_storage, "write_image", lambda *args: limited(write_image, *args)
        )
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
        assert f"{JOURNAL} is of a run with another {named}: " in message
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


def test_a_finished_run_whose_journal_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_: (_ for _ in ()).throw(OSError(5, "")))
        refused(1, "tile", part, tiles, "--tile", 50)
    assert {NAME, JOURNAL} <= set(files(tiles))
    done("tile", part, tiles, "--tile", 50)
    assert JOURNAL not in files(tiles)


def test_tiles_that_vanished_are_cut_again(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(9):
        run("tile", part, tiles, "--tile", 50)
    (tiles / "part_0001.png").unlink()
    done("tile", part, tiles, "--tile", 50)
    assert len(files(tiles)) == 13


def test_killed_before_the_journal_was_whole(tmp_path: Path) -> None:
    (tmp_path / "set" / "train").mkdir(parents=True)
    write_images(tmp_path / "set" / "train" / "good")  # tiles lie in inner folders
    (tmp_path / "set" / "test" / "good").mkdir(parents=True)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    temp_path(tiles / JOURNAL).write_bytes(b'{"spec_ver')
    done("tile", tmp_path / "set", tiles, "--tile", 10)
    done("tile", tmp_path / "set", tmp_path / "clean", "--tile", 10)
    assert contents(tiles) == contents(tmp_path / "clean")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".notes.tmp").touch()
    message = refused(2, "tile", tmp_path / "set", tmp_path / "other", "--tile", 10)
    assert "is not empty" in message


def test_torn_and_damaged_journals(tmp_path: Path) -> None:
    part, tiles = write_part(tmp_path), tmp_path / "tiles"
    with ended(9):
        run("tile", part, tiles, "--tile", 50)
    whole = (tiles / JOURNAL).read_bytes()
    for damage in (b"", b"{}\n", b"[3]\n", whole.replace(b"part_0001", b"../x_0001")):
        (tiles / JOURNAL).write_bytes(damage)
        message = refused(1, "tile", part, tiles, "--tile", 50)
        assert f"{JOURNAL} is damaged" in message
    (tiles / JOURNAL).write_bytes(whole + b'{"done": ["pa')
    done("tile", part, tiles, "--tile", 50)
    done("tile", part, tmp_path / "clean", "--tile", 50)
    assert contents(tiles) == contents(tmp_path / "clean")


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
