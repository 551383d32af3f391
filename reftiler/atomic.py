"""Files that are written whole or not at all, and never outside of their folder."""

import contextlib
import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from reftiler.errors import FolderBusyError, TilingError
from reftiler.validation import shorten

__all__ = [
    "LOCK_NAME",
    "FolderLock",
    "OutputTransaction",
    "atomic_write",
    "clean_stale",
    "preallocate",
    "remove",
    "replace_path",
    "safe_join",
    "safe_paths",
    "safe_relative",
    "stale_temp_files",
    "sync_files",
    "temp_path",
]

_NOT_HERE = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)  # some file systems


_ODD_NAME = re.compile(r"^[A-Za-z]:|[\\\0]")

LOCK_NAME = ".reftiler.lock"
"""The file in a folder that a `FolderLock` locks."""
_LONGEST = 255 - 39  # bytes of a name, without what temporary files add to it


def temp_path(path: Path) -> Path:
    """Name a temporary file beside ``path``, which `stale_temp_files` knows again."""
    name = os.fsdecode(os.fsencode(path.name)[:_LONGEST])
    return path.with_name(f".{name}.{uuid.uuid4().hex}.tmp")


def stale_temp_files(folder: Path) -> list[Path]:
    """Return the temporary files that killed processes left in a folder."""
    known = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")
    return [path for path in folder.glob(".*.tmp") if known.fullmatch(path.name)]


def clean_stale(folder: Path) -> None:
    """Remove the `stale_temp_files` of a folder."""
    for path in stale_temp_files(folder):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def replace_path(source: Path, target: Path) -> None:
    """Rename a file or a folder, over one that is there."""
    if not target.is_dir():
        source.replace(target)
        return
    old = target.rename(temp_path(target))  # no folder is renamed over a full one
    source.replace(target)
    remove(old)


def atomic_write(
    path: Path, data: bytes | Iterable[bytes], *, durable: bool = False
) -> None:
    """Write ``data``, whole or in pieces, to a temporary file, then rename it.

    A reader sees the old file or the new one, and a failure leaves the old; if it is
    ``durable``, a loss of power too.
    """
    temporary = temp_path(path)
    try:
        with temporary.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
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


def sync_files(paths: Iterable[Path]) -> None:
    """Wait until files are on the disk; one call for all where the system has it."""
    if hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        for one in filter(Path.is_file, (path, *path.rglob("*"))):
            with one.open("r+b") as file:
                os.fsync(file.fileno())


def preallocate(path: Path) -> None:
    """Take a file's room on the disk: a mapped file that finds none is a crash."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise


class FolderLock:
    """Keeps other runs out of a folder for the time of a ``with`` statement.

    The system ends the lock with the process. The folder is made if need be, and
    removed if it is empty in the end. If ``shared``, many may read and nobody writes;
    where no lock can be made, as on read-only disks, all is read without.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self._folder, self._shared = folder, shared
        self._made: list[Path] = []
        self._file: Any = None

    def __enter__(self) -> "FolderLock":
        try:
            if not self._shared:
                _make(self._folder, self._made)
            self._file = self._locked()
        except BlockingIOError as error:
            _remove_empty(self._made)
            raise FolderBusyError(
                f"another run of reftiler is at work in {self._folder}: wait for its "
                "end, or choose another folder"
            ) from error
        except OSError as error:
            _remove_empty(self._made)
            if not self._shared:
                raise _cannot_write(self._folder, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            # While others read, the file stays: it is theirs too.
            with contextlib.suppress(OSError):
                _lock(self._file, shared=False)
                (self._folder / LOCK_NAME).unlink()
            self._file.close()
        _remove_empty(self._made)

    def _locked(self) -> Any:
        path = self._folder / LOCK_NAME
        while True:
            file = _open_lock(path)
            try:
                _lock(file, shared=self._shared)
                if path.exists() and os.path.samestat(
                    path.lstat(), os.fstat(file.fileno())
                ):
                    return file
            except OSError:
                file.close()
                raise
            file.close()  # the run that had it has removed it meanwhile


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and list them."""
    if not folder.is_dir():
        _make(folder.parent, made)
        folder.mkdir(exist_ok=True)
        made.append(folder)


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with contextlib.suppress(OSError):  # somebody else's files are in it
            folder.rmdir()


def _cannot_write(path: Path, error: OSError) -> TilingError:
    cause = error.strerror or str(error)
    is_rename = error.filename2 is not None  # of a folder over a file, or the reverse
    if isinstance(error, FileExistsError | NotADirectoryError) and not is_rename:
        cause = f"{error.filename} is not a folder"
    return TilingError(f"cannot write {path}: {cause}")


def _open_lock(path: Path) -> Any:
    """Open a lock's file, never through a link; a pipe would be waited for."""
    safe = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with contextlib.suppress(FileNotFoundError):
        _check_plain(path, path.lstat())
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | safe, 0o666)
    try:
        _check_plain(path, os.fstat(number))  # it may have come meanwhile
    except TilingError:
        os.close(number)
        raise
    return os.fdopen(number, "ab")


def _check_plain(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise TilingError(f"{path} is no plain file: remove it, no run made it")


def _lock(file: Any, *, shared: bool) -> None:
    """Lock a file or raise BlockingIOError at once."""
    if os.name == "nt":
        import msvcrt  # noqa: PLC0415 - it is there on Windows alone

        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
        return
    import fcntl  # noqa: PLC0415 - Windows lacks it

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(file, kind | fcntl.LOCK_NB)


class OutputTransaction:
    """The files and folders of one run, which are removed again if it fails."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._folders: list[Path] = []

    def __enter__(self) -> "OutputTransaction":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        for file in self._files:
            with contextlib.suppress(OSError):
                remove(file)
        _remove_empty(self._folders)

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """Make the folder of ``path`` and call ``write``, which writes it whole."""
        try:
            _make(path.parent, self._folders)
            write(path)
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._files.append(path)


def safe_relative(name: str) -> str:
    """Return a name if it can be that of a file within a folder, on any system."""
    plain = not {"", ".", ".."}.intersection(name.split("/"))
    if not plain or _ODD_NAME.search(name):
        raise TilingError(
            f"the name {shorten(name)} may lead out of the folder: rename it"
        )
    return name


def safe_join(folder: Path, name: str) -> Path:
    """Return the path of a file within a folder; refuse ``..`` and links out of it."""
    path = folder / safe_relative(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TilingError(f"{path} is a link out of {folder}: nothing there is touched")
    return path


def safe_paths(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield files within a folder, with their names: `safe_join`, faster for many."""
    known: set[str] = set()
    for name in names:
        path = folder / safe_relative(name)
        parent = name.rpartition("/")[0]
        if parent not in known or os.path.islink(path):  # noqa: PTH114 - fast
            safe_join(folder, name)
            known.add(parent)
        yield name, path
