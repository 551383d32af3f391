"""``reftiler tile`` on bad images and bad disks: one clear message, no manifest."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")


from reftiler.io import write_image
from reftiler.tilesets.manifest import NAME, Manifest
from tests.command import done, files, refused, run
from tests.folders import write_part


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path)


def spoil_image(folder: Path) -> str:
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:-20])
    return "b.png: the PNG is truncated"


def no_image(folder: Path) -> str:
    (folder / "b.png").write_text("<html>")
    return "b.png: not a "


def spoil_mask(folder: Path) -> str:
    (folder / "b_mask.png").write_bytes(b"")
    return "b_mask.png: the file is empty"


def other_size(folder: Path) -> str:
    write_image(folder / "b_mask.png", np.ones((40, 41), dtype=bool))
    return "a mask must have its image's size"


def mask_without_image(folder: Path) -> str:
    write_image(folder / "d_mask.png", np.ones((40, 40), dtype=bool))
    return "mask without an image: d_mask.png"


def two_of_a_name(folder: Path) -> str:
    write_image(folder / "b.tif", np.ones((40, 40), np.uint8))
    return "have the same id"


def too_small(folder: Path) -> str:
    write_image(folder / "b.png", np.ones((15, 40), np.uint8))
    (folder / "b_mask.png").unlink()
    return "b.png: clamp: the tile (16, 16) is larger than the image (15, 40)"


def no_png(folder: Path) -> str:
    write_image(folder / "c.npy", np.ones((40, 40), np.float32))
    return "c.npy: PNG holds bool, uint8 and uint16, not float32"


def nothing_there(folder: Path) -> str:
    for path in folder.iterdir():
        path.unlink()
    return "no image in"


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_image,
        no_image,
        spoil_mask,
        other_size,
        mask_without_image,
        two_of_a_name,
        too_small,
        no_png,
        nothing_there,
    ],
)
def test_bad_folders_are_refused_before_a_tile_is_written(
    tmp_path: Path, spoil: Callable[[Path], str]
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in "ab":
        write_image(folder / f"{name}.png", np.ones((40, 40, 3), np.uint8))
    write_image(folder / "b_mask.png", np.ones((40, 40), dtype=bool))
    message = spoil(folder)
    words = ("--tile", 16, "--mode", "clamp")
    assert message in refused(1, "tile", folder, tmp_path / "tiles", *words)
    assert not (tmp_path / "tiles").exists()


def test_missing_masks(tmp_path: Path, part: Path) -> None:
    (tmp_path / "part_mask.png").unlink()
    words = ("tile", part, tmp_path / "tiles", "--tile", 16)
    assert "has no mask" in refused(1, *words, "--skip-empty")
    done(*words)
    message = refused(2, "untile", tmp_path / "tiles", tmp_path / "m", "--masks")
    assert "no image in" in message


def test_a_defect_image_of_a_dataset_without_mask(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("test/good/0", "test/spot/0", "test/dent/0", "ground_truth/dent/0"):
        (root / name).parent.mkdir(parents=True)
        write_image(root / f"{name}.png", np.ones((9, 9), np.uint8))
    message = refused(1, "tile", root, tmp_path / "tiles", "--tile", 4)
    assert "1 image of defects without a mask" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--tile 16 --format jpg",
            "format must be one of 'png', 'tiff', 'npy', 'zarr'",
        ),
        ("--tile 16 --pad-value 300", "--pad-value 300 does not fit uint8"),
        ("--tile 16 --fill 0.5", "--fill 0.5 does not fit uint8"),
        ("--stride 16", "how large is a tile"),
    ],
)
def test_bad_calls(tmp_path: Path, part: Path, words: str, message: str) -> None:
    result = run("tile", part, tmp_path / "tiles", *words.split())
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not (tmp_path / "tiles").exists()


def test_tiles_that_could_never_be_merged(tmp_path: Path) -> None:
    write_image(tmp_path / "part.npy", np.ones((40, 40), dtype=bool))
    words = ("--tile", 16, "--window", "hann", "--format", "npy")
    message = refused(1, "tile", tmp_path / "part.npy", tmp_path / "tiles", *words)
    assert "the mean of bool tiles is refused" in message
    assert not (tmp_path / "tiles").exists()


def test_out_must_be_a_folder(tmp_path: Path, part: Path) -> None:
    assert "is a file" in refused(2, "tile", part, part, "--tile", 16)
    message = refused(1, "tile", part, part / "tiles", "--tile", 16)
    assert f"{part} is not a folder" in message


@contextmanager
def disk_with_room_for(count: int, fault: int) -> Iterator[None]:
    """Let so many files get their names; then the disk refuses."""
    replace, left = Path.replace, count

    def limited(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(fault, os.strerror(fault), str(path))
        return replace(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", limited)
        yield


@pytest.mark.parametrize("room", [0, 1, 7, 13, 14])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS])
def test_full_and_read_only_disks(
    tmp_path: Path, part: Path, room: int, fault: int
) -> None:
    tiles = tmp_path / "deep" / "tiles"
    with disk_with_room_for(room, fault):
        message = refused(1, "tile", part, tiles, "--tile", 50)
    assert message.startswith("error: cannot write ")
    assert os.strerror(fault) in message
    if room:  # what is done stays; all are 14
        assert "run it again to go on" in message
        assert len(files(tiles)) == min(room, 13)
        assert NAME not in files(tiles)
    else:
        assert not (tmp_path / "deep").exists()
    done("tile", part, tiles, "--tile", 50)
    assert len(files(tiles)) == 14
    with disk_with_room_for(0, fault):
        message = refused(1, "untile", tiles, tmp_path / "new" / "whole.png")
    assert os.strerror(fault) in message
    assert not (tmp_path / "new").exists()


def test_interrupted_from_the_keyboard(
    tmp_path: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    words = ("tile", part, tmp_path / "tiles", "--tile", 50)
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", interrupt)
        result = run(*words)
    assert result.exit_code == 130
    assert "run it again to go on" in result.stderr
    assert NAME not in files(tmp_path / "tiles")
    done(*words)
    assert NAME in files(tmp_path / "tiles")


def end_in_the_middle(folder: Path, how: int) -> int:
    """Send a signal to a process that is writing tiles; return its exit code."""
    write_image(folder / "big.npy", np.zeros((1024, 1024, 3), np.uint8))
    script = [sys.executable, "-m", "reftiler.cli", "tile", "big.npy", "tiles"]
    with subprocess.Popen([*script, "--tile", "16"], cwd=folder) as process:
        end = time.monotonic() + 60
        while len(list(folder.glob("tiles/*"))) < 20 and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(how)
    return process.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_asked_to_end_in_the_middle(tmp_path: Path) -> None:
    assert end_in_the_middle(tmp_path, signal.SIGTERM) == 143
    assert NAME not in files(tmp_path / "tiles")
    done("tile", tmp_path / "big.npy", tmp_path / "tiles", "--tile", 16)
    assert len(files(tmp_path / "tiles")) == 4096 + 2


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_killed_in_the_middle(tmp_path: Path) -> None:
    assert end_in_the_middle(tmp_path, signal.SIGKILL) == -signal.SIGKILL
    assert 20 <= len(files(tmp_path / "tiles")) < 4096
    assert NAME not in files(tmp_path / "tiles")
    message = refused(1, "untile", tmp_path / "tiles", tmp_path / "whole.png")
    assert "`reftiler tile` has finished" in message
