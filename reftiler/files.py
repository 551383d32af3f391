"""Files that are written whole or not at all, and never outside of their folder."""

import contextlib
import errno
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from reftiler.errors import TilingError

__all__ = [
    "AllOrNothing",
    "inner_name",
    "inner_path",
    "leftovers",
    "move",
    "neighbour",
    "pretty_json",
    "remove",
    "reserve",
    "sweep",
    "write_whole",
]

_WIDTH = 160
_NOT_HERE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)  # some file systems


def neighbour(path: Path) -> Path:
    """Name a temporary file beside ``path``, which `leftovers` knows again."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def leftovers(folder: Path) -> list[Path]:
    """Return the temporary files that killed processes left in a folder."""
    known = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")
    return [path for path in folder.glob(".*.tmp") if known.fullmatch(path.name)]


def sweep(folder: Path) -> None:
    """
    Remove the `leftovers` of a folder.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    for path in leftovers(folder):
        remove(path)


def remove(path: Path) -> None:
    """
    Remove a file, or a folder with all that is in it, if it is there.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """
    Rename a file or a folder, over one that is there.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    if not target.is_dir():
        source.replace(target)
        return
    old = target.rename(neighbour(target))  # no folder is renamed over a full one
    source.replace(target)
    remove(old)


def write_whole(path: Path, data: bytes, *, durable: bool = False) -> None:
    """
    Write ``data`` to a temporary neighbour of ``path``, then rename it.

    A reader sees the old file or the new one, and a failure leaves the old; if it is
    to be ``durable``, a loss of power too, once this has returned.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    temporary = neighbour(path)
    try:
        temporary.write_bytes(data)
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            _sync(path.parent)
    except BaseException:
        # If even this fails, the folder is the trouble, and that is being told.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # there folders cannot be opened
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def reserve(path: Path) -> None:
    """
    Take a file's room on the disk: a mapped file that finds none is a crash.

    Raises
    ------
    OSError
        If there is no such room.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise


class AllOrNothing:
    """
    The files of one run, which are removed again if it fails.

    Used in a ``with`` statement; an interruption from the keyboard is a failure too.
    Folders that the run made are removed with their files.
    """

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._folders: list[Path] = []

    def __enter__(self) -> "AllOrNothing":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            return
        for file in self._files:
            with contextlib.suppress(OSError):
                remove(file)
        for folder in reversed(self._folders):
            with contextlib.suppress(OSError):  # somebody else's files are in it
                folder.rmdir()

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """
        Make the folder of ``path`` and call ``write``, which writes it whole.

        Raises
        ------
        TilingError
            If the folder cannot be made or the file not be written.
        """
        try:
            self._make(path.parent)
            write(path)
        except FileExistsError as error:
            raise TilingError(
                f"cannot write {path}: {error.filename} is not a folder"
            ) from error
        except OSError as error:
            cause = error.strerror or str(error)
            raise TilingError(f"cannot write {path}: {cause}") from error
        self._files.append(path)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir()
            self._folders.append(folder)


def inner_name(name: str) -> str:
    """
    Return a name if it can be that of a file within a folder, on any system.

    Raises
    ------
    TilingError
        If it is absolute, has a ``..`` or what Windows takes for a separator.
    """
    parts = PurePosixPath(name).parts
    plain = bool(parts) and name == "/".join(parts) and ".." not in parts
    if not plain or re.search(r"^[A-Za-z]:|[\\\0]", name):
        raise TilingError(f"the name {name!r} may lead out of the folder: rename it")
    return name


def inner_path(folder: Path, name: str) -> Path:
    """
    Return the path of a file within a folder.

    Raises
    ------
    TilingError
        If it would lie outside, through ``..`` or a link.
    """
    path = folder / inner_name(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TilingError(f"{path} is a link out of {folder}: nothing there is touched")
    return path


def pretty_json(value: Any, indent: str = "") -> str:
    """
    Write JSON with a line for each small object, as people like to read it.

    Parameters
    ----------
    value : object
        What JSON can hold.
    indent : str
        What the lines after the first begin with.

    Returns
    -------
    str
    """
    line = json.dumps(value, allow_nan=False, ensure_ascii=False)
    inner = indent + "  "
    if len(indent) + len(line) <= _WIDTH or not isinstance(value, dict | list | tuple):
        return line
    if isinstance(value, dict):
        rows = [f"{json.dumps(k)}: {pretty_json(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(inner + row for row in rows) + f"\n{indent}}}"
    rows = [pretty_json(item, inner) for item in value]
    if not any("{" in row for row in rows):
        return line  # numbers, however many
    return "[\n" + ",\n".join(inner + row for row in rows) + f"\n{indent}]"
