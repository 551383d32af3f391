"""``reftiler tile`` ended at any moment and started again: nothing lost or doubled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
from tests.command import contents, done, files, refused, run
from tests.kills import kill_and_go_on

pytestmark = pytest.mark.usefixtures("part")
TILES = Path("tiles")
LINE = "tile part.png tiles --tile 50"


def write_images(folder: Path, seed: int = 0, names: str = "abc") -> None:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in names:
        write_image(folder / f"{name}.png", rng.integers(0, 256, (40, 30), np.uint8))
    write_image(folder / "b_mask.png", rng.random((40, 30)) < 0.5)


@pytest.fixture
def images() -> Path:
    write_images(Path("images"))
    return Path("images")


def is_as_if_cut_at_once(line: str = LINE) -> bool:
    """Tell whether the folder of tiles is as that of a run that nothing ended."""
    done(line.replace(" tiles", " clean", 1))
    return contents(TILES) == contents("clean")


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


def end_after(writes: int, line: str = LINE) -> None:
    with ended(writes):
        assert run(line).exit_code == 130


@pytest.mark.parametrize(("kind", "writes"), [("png", 48), ("zarr", 12)])
def test_wherever_it_ends_it_goes_on(images: Path, kind: str, writes: int) -> None:
    if kind == "zarr":
        pytest.importorskip("zarr", exc_type=ImportError)
    for after in (0, writes // 3, writes * 2 // 3, writes - 1):
        line = f"tile images tiles{after} --tile 10 --format {kind}"
        end_after(after, line)
        tiles = Path(f"tiles{after}")
        assert NAME not in files(tiles)
        before = {p: p.stat().st_mtime_ns for p in tiles.rglob("*.png")}
        with ended(writes - after):  # what is done is not done again
            done(line)
        assert {p: p.stat().st_mtime_ns for p in before} == before
    with ended(10**9):
        done(f"tile images clean --tile 10 --format {kind}")
    for after in (0, writes // 3, writes * 2 // 3, writes - 1):
        assert contents(f"tiles{after}") == contents("clean")


def test_changed_removed_and_added_images() -> None:
    images, line = Path("images"), "tile images tiles --tile 10"
    write_images(images, names="abcd")
    end_after(45, line)
    write_image(images / "a.png", np.full((20, 20, 3), 9, np.uint8))
    (images / "b.png").unlink()
    (images / "b_mask.png").unlink()
    write_image(images / "e.png", np.full((10, 10), 9, np.uint8))
    done(line)
    assert is_as_if_cut_at_once(line)


def test_another_call_is_refused() -> None:
    end_after(5)
    before = contents(TILES)
    for words, named in {
        "--tile 40": "tiler",
        "--tile 50 --format npy": "format",
        "--tile 50 --random 3": "random",
        "--tile 50 --skip-empty": "skip_empty",
    }.items():
        message = refused(2, f"tile part.png tiles {words}")
        assert f"{JOB} is of a run with another {named}: " in message
        assert "another folder, or --overwrite" in message
    assert contents(TILES) == before
    line = "tile part.png tiles --tile 40 --overwrite"
    done(line)
    assert is_as_if_cut_at_once(line)


def test_overwriting_ended_at_its_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    done(LINE)
    old = Manifest.read(TILES)
    image = np.full((100, 120, 3), 7, np.uint8)
    write_image("part.png", image)  # its tiles' names are old

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(export, "remove_files", interrupt)
        for _ in range(2):
            assert run(f"{LINE} --overwrite").exit_code == 130
            assert Manifest.read(TILES) == old
    end_after(3, f"{LINE} --overwrite")
    assert not (TILES / NAME).exists()
    done(f"{LINE} --overwrite")
    assert is_as_if_cut_at_once()


def test_a_finished_run_whose_job_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_: (_ for _ in ()).throw(OSError(5, "")))
        refused(1, LINE)
    assert {NAME, JOB} <= set(files(TILES))
    done(LINE)
    assert JOB not in files(TILES)


def test_killed_before_the_job_was_whole() -> None:
    for folder in ("set/train/good", "set/test/good"):
        Path(folder).mkdir(parents=True)
    write_images(Path("set/train/good"))  # tiles lie in inner folders
    TILES.mkdir()
    temp_path(TILES / JOB).write_bytes(b'{"spec_ver')
    done("tile set tiles --tile 10")
    assert is_as_if_cut_at_once("tile set tiles --tile 10")
    Path("other").mkdir()
    Path("other/.notes.tmp").touch()
    assert "is not empty" in refused(2, "tile set other --tile 10")


def test_torn_and_damaged_jobs() -> None:
    end_after(9)
    job = TILES / JOB
    whole = job.read_bytes()
    (TILES / "mine.txt").write_text("mine")
    (TILES / "mine.zarr").mkdir()
    (TILES / "mine.zarr" / "notes.txt").write_text("mine")
    damages = [b"", b"{}", b"[3]", whole[:-9]]
    damages.append(whole.replace(b"part_0001", b"../x_0001"))
    for damage in damages:
        job.write_bytes(damage)
        assert f"{JOB} is damaged" in refused(1, LINE)
    for name in ("mine.txt", "mine.zarr", "sub/manifest.json"):
        text = json.dumps({**json.loads(whole), "stale": [name]})
        job.write_text(text.replace("{", "{\n", 1))
        assert "no tile" in refused(1, LINE)
    (TILES / "mine.txt").unlink()
    (TILES / "mine.zarr" / "notes.txt").unlink()  # neither was removed
    (TILES / "mine.zarr").rmdir()
    job.write_bytes(whole)
    done(LINE)
    assert is_as_if_cut_at_once()


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
@pytest.mark.parametrize("words", ["", "--workers 2", "--format npy", "--format zarr"])
def test_killed_at_random_moments(tmp_path: Path, words: str) -> None:
    if "zarr" in words:
        pytest.importorskip("zarr", exc_type=ImportError)
    assert kill_and_go_on(tmp_path, 3, words.split(), 3) >= 1


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: list[Callable[[Path], object]] = [
    Path.unlink,
    pipe,
    flip,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:-20]),
    lambda path: path.write_bytes(bytes(path.stat().st_size)),
]


@pytest.mark.parametrize("file_format", ["png", "npy", "tiff"])
def test_files_torn_by_a_loss_of_power_are_cut_again(file_format: str) -> None:
    line = f"{LINE} --format {file_format}"
    end_after(9, line)
    for damage, path in zip(DAMAGES, sorted(TILES.glob("part_*")), strict=False):
        if damage is not flip or file_format == "png":  # the others have no checksums
            damage(path)
    done(line)
    assert is_as_if_cut_at_once(line)


def test_chunks_that_vanished_are_cut_again() -> None:
    pytest.importorskip("zarr", exc_type=ImportError)
    line = f"{LINE} --format zarr"
    end_after(1, line)
    chunks = [path for path in (TILES / "part.zarr").rglob("c*") if path.is_file()]
    assert len(chunks) == 4
    chunks[3].unlink()
    done(line)
    assert is_as_if_cut_at_once(line)


def test_a_finished_call_says_so_unless_something_changed(images: Path) -> None:
    line = "tile images tiles --tile 10"
    done(line)
    before = contents(TILES)
    assert "is done: it holds all tiles of this call" in done(line)
    assert contents(TILES) == before
    times = (images / "a.png").stat()
    write_images(images, seed=1, names="a")  # as large as it was
    os.utime(images / "a.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "or labels that changed since" in refused(2, line)
    done(f"{line} --overwrite")
    write_images(images, names="d")
    assert "another call, or of images" in refused(2, line)


@pytest.mark.parametrize("file_format", ["png", "npy", "tiff", "zarr"])
def test_damaged_tiles_are_not_done(file_format: str) -> None:
    if file_format == "zarr":
        pytest.importorskip("zarr", exc_type=ImportError)
    line = f"{LINE} --format {file_format}"
    done(line)
    whole = contents(TILES)
    first = next(
        name for name in whole if name.startswith("part") and "json" not in name
    )
    damages = [*DAMAGES[:2], *(DAMAGES[4:5] if file_format != "zarr" else [])]
    for damage in damages:
        damage(TILES / first)
        message = refused(2, line)
        assert first.split("/")[0] in message
        assert "missing or damaged: --overwrite" in message
        done(f"{line} --overwrite")
        assert contents(TILES) == whole
    (TILES / "metadata.jsonl").unlink()
    assert "metadata.jsonl is missing" in refused(2, line)


@pytest.mark.parametrize("after", [None, 5])
def test_other_labels_are_another_call(after: int | None) -> None:
    source = Path("set")
    source.mkdir()
    for label, names in {"normal": "ac", "scuff": "de", "crack": "fg"}.items():
        write_images(source / label, names=names)
        (source / label / "b_mask.png").unlink()
    line = "tile set tiles --tile 20 --layout class-folders --good normal"
    if after is None:
        done(line)
        assert "or labels that changed" in refused(2, f"{line},scuff")
        done(f"{line},scuff --overwrite")
    else:
        end_after(after, line)
        done(f"{line},scuff")
    labels = {one.id: one.label for one in Manifest.read(TILES).images}
    assert set(labels.values()) == {"good", "crack"}
    assert is_as_if_cut_at_once(f"{line},scuff")


def test_a_folder_is_of_one_run_at_a_time() -> None:
    done(LINE)
    before = contents(TILES)
    script = (
        "import sys, time; from pathlib import Path\n"
        "from reftiler.atomic import FolderLock\n"
        "with FolderLock(Path('tiles')): print('ready', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"ready\n"
    for words in ("--tile 20 --overwrite", "--tile 50"):
        message = refused(2, f"tile part.png tiles {words}")
        assert "another run of reftiler is at work in" in message
    other.kill()
    other.communicate()
    assert {**before, LOCK_NAME: b""} == contents(TILES)
    done("tile part.png tiles --tile 20 --overwrite")  # the system ended the lock
    assert LOCK_NAME not in files(TILES)
