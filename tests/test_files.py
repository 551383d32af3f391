"""Files: whole or not at all, and never outside of their folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from reftiler import TilingError
from reftiler.atomic import (
    LOCK_NAME,
    FolderLock,
    OutputTransaction,
    atomic_write,
    replace_path,
    safe_join,
    safe_paths,
    safe_relative,
    stale_temp_files,
    temp_path,
)


@pytest.mark.parametrize("name", ["a", "a/b.png", "12:30:00.png", "...", "é ü"])
def test_inner_names(tmp_path: Path, name: str) -> None:
    assert safe_join(tmp_path, safe_relative(name)) == tmp_path / name


def test_all_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()

    def interrupted() -> None:
        with OutputTransaction() as files:
            for name in ("old/a", "new/deep/b", "new/c"):
                files.write(tmp_path / name, lambda path: atomic_write(path, b"x"))
            (tmp_path / "old" / "mine").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine", "old"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("new/a/b", "new/a is not a folder"),
        ("new/" + "x" * 300 + "/b", "cannot write"),
    ],
)
def test_a_write_that_fails_takes_back_the_earlier_ones(
    tmp_path: Path, name: str, words: str
) -> None:
    def write_both() -> None:
        with OutputTransaction() as files:
            for one in ("new/a", name):
                files.write(tmp_path / one, lambda path: atomic_write(path, b"x"))

    with pytest.raises(TilingError, match=words):
        write_both()
    assert list(tmp_path.iterdir()) == []


def test_a_rename_that_cannot_be_blames_no_folder(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        (tmp_path / "made").mkdir()
        replace_path(tmp_path / "made", path)

    (tmp_path / "a.zarr").touch()
    with OutputTransaction() as files, pytest.raises(TilingError) as caught:
        files.write(tmp_path / "a.zarr", write)
    assert str(caught.value).startswith(f"cannot write {tmp_path / 'a.zarr'}: ")
    assert "made" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("left", [["a"], []])
def test_a_rename_that_fails_leaves_the_old_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    left: list[str],
) -> None:
    for name in left:
        atomic_write(tmp_path / name, b"old")

    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(type(error)):
        atomic_write(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == left
    assert all(path.read_bytes() == b"old" for path in tmp_path.iterdir())


def test_many_may_read_a_folder_that_nobody_writes(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "tiles"
    with FolderLock(folder), pytest.raises(TilingError, match="another run"):
        FolderLock(folder, shared=True).__enter__()
    assert not (tmp_path / "new").exists()  # it was empty
    folder.mkdir(parents=True)
    with FolderLock(folder, shared=True):
        with (
            FolderLock(folder, shared=True),
            pytest.raises(TilingError, match="another run"),
        ):
            FolderLock(folder).__enter__()
        with pytest.raises(TilingError, match="another run"):
            FolderLock(folder).__enter__()
    with FolderLock(folder):
        assert [path.name for path in folder.iterdir()] == [LOCK_NAME]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("shared", [False, True])
def test_locks_are_plain_files(tmp_path: Path, shared: bool) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    lock = folder / LOCK_NAME
    for kind in ("link", "pipe"):
        if kind == "link":
            lock.symlink_to(tmp_path / "out")
        else:
            os.mkfifo(lock)
        with pytest.raises(TilingError, match="no plain file"):
            FolderLock(folder, shared=shared).__enter__()
        lock.unlink()
    assert list(tmp_path.iterdir()) == [folder]


def test_temporary_names_fit_where_their_files_do(tmp_path: Path) -> None:
    for name in ("n" * 255, "ä" * 127):
        atomic_write(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"
    left = temp_path(tmp_path / ("n" * 255))
    left.touch()
    assert stale_temp_files(tmp_path) == [left]


def test_paths_that_lead_out(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    (folder / "inner").mkdir(parents=True)
    assert dict(safe_paths(folder, ["a", "inner/b"])) == {
        "a": folder / "a",
        "inner/b": folder / "inner" / "b",
    }
    (folder / "out").symlink_to(tmp_path)
    (folder / "inner" / "b").symlink_to(tmp_path / "c")
    for names in (["out/a"], ["inner/a", "inner/b"], ["../a"], ["/a"]):
        with pytest.raises(TilingError, match="out of"):
            list(safe_paths(folder, names))
