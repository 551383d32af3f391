"""A merge that was ended, however rudely, goes on where it was saved."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from reftiler import Tiler, TilingError
from reftiler.atomic import temp_path
from reftiler.streaming import Merger
from reftiler.streaming import merger as module
from reftiler.streaming.tile_buffer import TileBuffer
from reftiler_conformance.compare import same_bits
from tests.stores import Array, Store

TILER = Tiler(16, 8, window="hann")
IMAGE = np.random.default_rng(0).integers(0, 255, (2, 3, 100, 60), dtype=np.uint8)
TILES = TILER.tile(IMAGE)
COUNT = len(TILES)


def opened(folder: Path) -> Array:
    path = folder / "out.npy"
    if path.exists():
        out: Array = np.load(path, mmap_mode="r+")
        return out
    return np.lib.format.open_memmap(path, "w+", np.uint8, IMAGE.shape)


def merger_of(folder: Path, **options: Any) -> Merger:
    out = options.pop("out", None)
    target = opened(folder) if out is None else out
    return Merger(
        options.pop("tiler", TILER),
        IMAGE.shape,
        target,
        checkpoint=folder / "work",
        **options,
    )


def abandon(merger: Merger) -> None:
    """End a merger as the end of its process does."""
    for buffer in merger._buffers:
        buffer.close()


def give(merger: Merger, numbers: Any) -> None:
    for number in numbers:
        merger.add(int(number), TILES[number])


def saved(folder: Path, numbers: Any = range(30), **options: Any) -> None:
    """Save a merge of some of the tiles, and end it."""
    merger = merger_of(folder, **options)
    give(merger, numbers)
    merger.save()
    abandon(merger)


def finish(folder: Path, due: int | None = None, **options: Any) -> None:
    """Go on with a merge to its end; the first tile that is due may be told."""
    merger = merger_of(folder, **options)
    if due is not None:
        assert merger.missing()[0] == due
    give(merger, merger.missing())
    same_bits(np.array(merger.finish()), IMAGE)


@pytest.mark.parametrize("memory", [0, 2000, None])
@pytest.mark.parametrize("given", [0, 1, COUNT // 3, COUNT - 1, COUNT])
def test_it_goes_on_where_it_was_saved(
    memory: int | None, given: int, tmp_path: Path
) -> None:
    order = np.random.default_rng(given).permutation(COUNT)
    first = merger_of(tmp_path, max_memory=memory)
    give(first, order[:given])
    first.save()
    give(first, order[given : given + 40])  # this is lost, and what it overwrote too
    abandon(first)
    again = merger_of(tmp_path, max_memory=memory)
    assert again.missing().tolist() == sorted(order[given:].tolist())
    give(again, again.missing())
    same_bits(np.array(again.finish()), IMAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]


def test_blocks_are_merged_as_tiles_arrive_after_it_went_on(tmp_path: Path) -> None:
    out = Store(np.zeros(IMAGE.shape, np.uint8))
    saved(tmp_path, range(0, COUNT, 2), out=out)
    again = merger_of(tmp_path, out=out)
    out.written.clear()
    give(again, range(1, 60, 2))
    assert len(out.written) > 2
    abandon(again)


def test_what_has_ended_takes_nothing_more(tmp_path: Path) -> None:
    merger = merger_of(tmp_path)
    temp_path(tmp_path / "work" / "merge.json").write_bytes(b"half")  # of a killed save
    give(merger, range(COUNT))
    merger.complete()
    assert (tmp_path / "work").exists()
    assert merger.finish() is merger.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]
    merger.stop()
    calls: list[Any] = [lambda: merger.add(0, TILES[0]), merger.save, merger.complete]
    for call in calls:
        with pytest.raises(TilingError, match="has ended: make another"):
            call()


def test_the_folder_is_read_before_out_is_made(tmp_path: Path) -> None:
    saved(tmp_path)
    made: list[Any] = []

    def make(*asked: Any) -> Array:
        made.append(asked)
        return np.empty(*asked)

    with pytest.raises(TilingError, match="another merge, which differs in tile_dtype"):
        merger_of(tmp_path, out=make, tile_dtype="u2")
    assert made == []


def test_folders_and_stores_that_cannot_keep_a_merge(tmp_path: Path) -> None:
    first = merger_of(tmp_path)
    with pytest.raises(TilingError, match=r"in use by another merger: give each"):
        merger_of(tmp_path)
    abandon(first)
    mapped = np.load(tmp_path / "out.npy", mmap_mode="c")
    with pytest.raises(TilingError, match="copy-on-write"):
        merger_of(tmp_path, out=mapped)
    alone = Merger(TILER, IMAGE.shape, np.empty(IMAGE.shape, np.uint8))
    with pytest.raises(TilingError, match="give checkpoint="):
        alone.save()
    saved(tmp_path)
    tiles = tmp_path / "work" / "tiles.bin"
    tiles.rename(tmp_path / "kept")
    tiles.mkdir()
    with pytest.raises(TilingError, match=r"cannot keep tiles in .*: Is a directory"):
        merger_of(tmp_path)
    tiles.rmdir()
    (tmp_path / "kept").rename(tiles)
    (tmp_path / "out.npy").unlink()
    with pytest.raises(TilingError, match=r"rows 0 to .*not what was merged into it"):
        merger_of(tmp_path)
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "work").write_text("a file")
    with pytest.raises(TilingError, match="cannot be a folder: File exists"):
        merger_of(tmp_path / "file")


def test_a_map_whose_file_finds_no_room_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(TilingError, match=r"no room on its disk, .*out.npy: No space"):
        merger_of(tmp_path)


SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from reftiler.streaming import merger as module
from tests.test_streaming_resume import COUNT, TILES, merger_of
module.SAVE_INTERVAL = 0.0
merger = merger_of(Path(sys.argv[1]), max_memory=int(sys.argv[3]))
due = np.random.default_rng(int(sys.argv[2])).permutation(merger.missing())
print(len(due), flush=True)
for number in due:
    merger.add(int(number), TILES[number])
    print(number, flush=True)
merger.finish()
"""


@pytest.mark.long
@pytest.mark.parametrize("memory", [0, 10**6])
def test_killed_again_and_again_it_loses_and_doubles_nothing(
    memory: int, tmp_path: Path
) -> None:
    left = [COUNT + 1]
    for turn, steps in enumerate((5, 40, 80, COUNT)):
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(turn), str(memory)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        ) as process:
            assert process.stdout is not None
            left.append(int(process.stdout.readline()))
            for _, _ in zip(range(steps), process.stdout, strict=False):
                pass
            if steps < COUNT:
                os.kill(process.pid, signal.SIGKILL)
            assert process.wait(60) == (-signal.SIGKILL if steps < COUNT else 0)
    assert left == sorted(left, reverse=True)
    assert left[-1] < COUNT - 100
    same_bits(np.load(tmp_path / "out.npy"), IMAGE)


@pytest.mark.parametrize("error", [RuntimeError("the model"), None])
def test_an_end_without_a_result_saves_what_arrived(
    error: Exception | None, tmp_path: Path
) -> None:
    def work() -> None:
        with merger_of(tmp_path) as merger:
            give(merger, range(50))
            if error is not None:
                raise error

    words = "the model" if error else r"tiles 50, 51, .* and \d+ more of 168 missing"
    with pytest.raises((RuntimeError, TilingError), match=words):
        work()
    finish(tmp_path, 50)


def test_apply_goes_on_after_a_model_that_raises(tmp_path: Path) -> None:
    seen: list[int] = []

    def model(tiles: Array) -> dict[str, Array]:
        seen.append(len(tiles))
        if len(seen) == 9:
            raise RuntimeError("out of order")
        return {"same": tiles, "not": 255 - tiles}

    path = tmp_path / "not.npy"
    negative = np.lib.format.open_memmap(path, "w+", np.uint8, IMAGE.shape)
    options: dict[str, Any] = {
        "out": {"same": opened(tmp_path), "not": negative},
        "checkpoint": tmp_path / "work",
        "batch_size": 10,
    }
    with pytest.raises(RuntimeError, match="out of order") as caught:
        TILER.apply(model, IMAGE, **options)
    note = "in tiles 80 to 89, the first at [88:100, 24:40] of image 0"
    assert caught.value.__notes__ == [note]
    seen.clear()
    seen.extend([0] * 100)
    TILER.apply(model, IMAGE, **options)
    assert sum(seen) == COUNT - 80 + 10  # the first batch tells what the results are
    same_bits(np.array(opened(tmp_path)), IMAGE)
    same_bits(np.array(negative), 255 - IMAGE)
    assert not (tmp_path / "work").exists()


def damaged(data: bytes) -> Iterator[bytes]:
    """Return a file's bytes with one that is flipped, or cut off."""
    for place in range(0, len(data), max(1, len(data) // 60)):
        for bit in (1, 0xFF):
            yield data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
    for length in (0, 1, 9, len(data) // 3, len(data) // 2, len(data) - 1):
        yield data[:length]


@pytest.mark.parametrize("name", ["work/merge.json", "work/tiles.bin", "out.npy"])
def test_no_damage_gives_wrong_pixels(name: str, tmp_path: Path) -> None:
    saved(tmp_path, [*range(90), *range(100, COUNT, 2)], max_memory=2000)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    damage = tmp_path / name
    head = 128 if name == "out.npy" else 0  # of which numpy takes care
    refused, words = 0, set[str]()
    for data in damaged(before[damage][head:]):
        for path, whole in before.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(whole)
        damage.write_bytes(before[damage][:head] + data)
        try:
            again = merger_of(tmp_path)
        except (TilingError, ValueError) as error:
            words.add(str(error).partition(":")[0])
            refused += isinstance(error, TilingError)
            continue
        give(again, again.missing())
        same_bits(np.array(again.finish()), IMAGE)
    assert all(damage.name in each or name == "out.npy" for each in words), words
    assert refused > 20


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_leaves_nothing_half_done(tmp_path: Path) -> None:
    for name in ("put", "drop", "__getitem__"):
        merger = merger_of(tmp_path, max_memory=0)
        numbers = merger.missing()
        give(merger, numbers[:8])
        with patch.object(TileBuffer, name, interrupt), suppress(KeyboardInterrupt):
            give(merger, numbers[8:40])
        merger.stop()  # as the end of a with statement does
    again = merger_of(tmp_path)
    assert len(again.missing()) < COUNT - 20
    give(again, again.missing())
    same_bits(np.array(again.finish()), IMAGE)


def test_an_interrupted_save_protects_what_it_wrote(tmp_path: Path) -> None:
    first = merger_of(tmp_path, max_memory=0)
    give(first, range(30))
    with patch.object(TileBuffer, "release", interrupt), suppress(KeyboardInterrupt):
        first.save()
    give(first, range(30, 100))  # drops tiles whose slots the state on disk needs
    abandon(first)
    finish(tmp_path, 30, max_memory=0)


def test_a_full_disk_leaves_what_was_saved(tmp_path: Path) -> None:
    merger = merger_of(tmp_path, max_memory=0, out=np.empty(IMAGE.shape, np.uint8))
    give(merger, range(0, 60, 2))
    merger.save()
    size = (tmp_path / "work" / "tiles.bin").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        with pytest.raises(TilingError, match=r"cannot keep tile \d+ in .*tiles.bin"):
            give(merger, range(61, COUNT, 2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    give(merger, merger.missing())
    same_bits(merger.finish(), IMAGE)


def test_a_save_comes_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAVE_INTERVAL", 0.0)
    first = merger_of(tmp_path)
    give(first, range(20))
    abandon(first)
    finish(tmp_path, 20)


class Noted(Store):
    """A store in a file, both of which note when they are flushed."""

    def __init__(self, array: Array, notes: list[str]) -> None:
        super().__init__(array)
        self.notes, self.file = notes, self

    def flush(self) -> None:
        self.notes.append("flush")


def test_everything_is_on_the_disk_before_a_record_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        notes.append("sync")
        sync(number)

    def replaced(self: Path, target: Path) -> Path:
        notes.append("record")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    out = Noted(np.zeros(IMAGE.shape, np.uint8), notes)
    merger = merger_of(tmp_path, out=out)
    give(merger, range(30))
    merger.save()
    # The tiles; the store and its file; the record, its new name, and its folder.
    assert notes == ["sync", "flush", "flush", "sync", "record", "sync"]
    give(merger, merger.missing())
    notes.clear()
    merger.finish()
    assert notes == ["flush", "flush"]


def test_a_disk_that_fails_while_saving_leaves_what_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = merger_of(tmp_path)
    give(first, range(30))
    first.save()
    give(first, range(30, 40))

    def fail(*_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(TilingError, match=r"cannot keep tiles in .*tiles.bin: In"):
            first.save()
    abandon(first)
    finish(tmp_path, 30)
