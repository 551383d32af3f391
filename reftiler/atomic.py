"""Files that are written whole or not at all, and never outside of their folder."""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import TracebackType

from reftiler.errors import TilingError

__all__ = [
    "OutputTransaction",
    "atomic_write",
    "clean_stale",
    "preallocate",
    "remove",
    "replace_path",
    "safe_join",
    "safe_relative",
    "stale_temp_files",
    "temp_path",
]

_NOT_HERE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)  # some file systems


def temp_path(path: Path) -> Path:
    """Name a temporary file beside ``path``, which `stale_temp_files` knows again."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def stale_temp_files(folder: Path) -> list[Path]:
    """Return the temporary files that killed processes left in a folder."""
    known = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")
    return [path for path in folder.glob(".*.tmp") if known.fullmatch(path.name)]


def clean_stale(folder: Path) -> None:
    """
    Remove the `stale_temp_files` of a folder.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    for path in stale_temp_files(folder):
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


def replace_path(source: Path, target: Path) -> None:
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
    old = target.rename(temp_path(target))  # no folder is renamed over a full one
    source.replace(target)
    remove(old)


def atomic_write(path: Path, data: bytes, *, durable: bool = False) -> None:
    """
    Write ``data`` to a temporary temp_path of ``path``, then rename it.

    A reader sees the old file or the new one, and a failure leaves the old; if it is
    to be ``durable``, a loss of power too, once this has returned.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    temporary = temp_path(path)
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


def preallocate(path: Path) -> None:
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


class OutputTransaction:
    """
    The files of one run, which are removed again if it fails.

    Used in a ``with`` statement; an interruption from the keyboard is a failure too.
    Folders that the run made are removed with their files.
    """

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._folders: list[Path] = []

    def __enter__(self) -> "OutputTransaction":
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


def safe_relative(name: str) -> str:
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


def safe_join(folder: Path, name: str) -> Path:
    """
    Return the path of a file within a folder.

    Raises
    ------
    TilingError
        If it would lie outside, through ``..`` or a link.
    """
    path = folder / safe_relative(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TilingError(f"{path} is a link out of {folder}: nothing there is touched")
    return path
