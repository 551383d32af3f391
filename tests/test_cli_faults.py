"""``reftiler tile`` on bad images and bad disks: one clear message, no manifest."""

from __future__ import annotations

import errno
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


from reftiler.io import write_image
from reftiler.tilesets.manifest import NAME, Manifest
from tests.command import done, files, refused, run
from tests.folders import write

TILES = Path("tiles")
ONES = np.ones((40, 40), np.uint8)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"b.png": b"<html>"}, "b.png: not a "),
        ({"b.png": -20}, "b.png: the PNG is truncated"),
        ({"b_mask.png": b""}, "b_mask.png: the file is empty"),
        ({"b_mask.png": ONES[1:]}, "a mask must have its image's size"),
        ({"d_mask.png": ONES}, "mask without an image: d_mask.png"),
        ({"b.tif": ONES}, "have the same id"),
        ({"b.png": ONES[:15], "b_mask.png": None}, "larger than the image (15, 40)"),
        ({"c.npy": ONES.astype("f4")}, "c.npy: PNG holds bool, uint8 and uint16"),
        (dict.fromkeys(("a.png", "b.png", "b_mask.png")), "no image in"),
    ],
)
def test_bad_folders_are_refused_before_a_tile_is_written(
    work: Path, written: dict[str, Any], message: str
) -> None:
    for name in ("a.png", "b.png", "b_mask.png"):
        write(f"images/{name}", ONES)
    for name, content in written.items():
        path = Path("images", name)
        if content is None:
            path.unlink()
        elif isinstance(content, int):
            path.write_bytes(path.read_bytes()[:content])
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            write_image(path, content)
    said = refused(1, "tile images tiles --tile 16 --mode clamp")
    assert message in said
    assert not TILES.exists()


def test_tiles_that_could_never_be_merged(work: Path) -> None:
    write_image("part.npy", ONES > 0)
    message = refused(1, "tile part.npy tiles --tile 16 --window hann --format npy")
    assert "the mean of bool tiles is refused" in message
    assert not TILES.exists()


def test_missing_masks(part: Path) -> None:
    Path("part_mask.png").unlink()
    line = "tile part.png tiles --tile 16"
    assert "has no mask" in refused(1, f"{line} --skip-empty")
    done(line)
    assert "no image in" in refused(2, "untile tiles m --masks")
    for name in ("test/good/0", "test/spot/0", "test/dent/0", "ground_truth/dent/0"):
        write(f"set/{name}.png", ONES)
    message = refused(1, "tile set out --tile 4")
    assert "1 image of defects without a mask" in message


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        (2, "tiles --tile 16 --format jpg", "format must be one of 'png', 'tiff'"),
        (1, "tiles --tile 16 --pad-value 300", "--pad-value 300 does not fit uint8"),
        (1, "tiles --tile 16 --fill 0.5", "--fill 0.5 does not fit uint8"),
        (2, "tiles --stride 16", "how large is a tile"),
        (2, "part.png --tile 16", "is a file"),
        (1, "part.png/tiles --tile 16", "part.png is not a folder"),
    ],
)
def test_bad_calls(part: Path, code: int, line: str, message: str) -> None:
    assert message in refused(code, f"tile part.png {line}")
    assert not TILES.exists()


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


@pytest.mark.parametrize(
    ("room", "fault"),
    [(0, errno.EROFS), *((room, errno.ENOSPC) for room in (0, 1, 7, 13, 14))],
)
def test_full_and_read_only_disks(part: Path, room: int, fault: int) -> None:
    with disk_with_room_for(room, fault):
        message = refused(1, "tile part.png deep/tiles --tile 50")
    assert message.startswith("error: cannot write ")
    assert os.strerror(fault) in message
    if room:  # what is done stays; all are 14
        assert "run it again to go on" in message
        assert len(files("deep/tiles")) == min(room, 13)
        assert NAME not in files("deep/tiles")
    else:
        assert not Path("deep").exists()
    done("tile part.png deep/tiles --tile 50")
    assert len(files("deep/tiles")) == 14
    with disk_with_room_for(0, fault):
        assert os.strerror(fault) in refused(1, "untile deep/tiles new/whole.png")
    assert not Path("new").exists()


def test_interrupted_from_the_keyboard(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", interrupt)
        result = run("tile part.png tiles --tile 50")
    assert result.exit_code == 130
    assert "run it again to go on" in result.stderr
    assert NAME not in files(TILES)
    done("tile part.png tiles --tile 50")
    assert NAME in files(TILES)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_ended_in_the_middle(work: Path, how: int, code: int) -> None:
    write_image("big.npy", np.zeros((1024, 1024, 3), np.uint8))
    script = [sys.executable, "-m", "reftiler.cli", "tile", "big.npy", "tiles"]
    with subprocess.Popen([*script, "--tile", "16"]) as process:
        end = time.monotonic() + 60
        while len(list(TILES.glob("*"))) < 20 and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(how)
    assert process.returncode == code
    assert 0 < len(files(TILES)) < 4096  # a tile that was being written may be gone
    assert NAME not in files(TILES)
    message = refused(1, "untile tiles whole.png")
    assert "`reftiler tile` has finished" in message
    done("tile big.npy tiles --tile 16")
    assert len(files(TILES)) == 4096 + 2
