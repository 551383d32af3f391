"""Files that the viewer writes: whole or not at all, and never over another unasked."""

from __future__ import annotations

from pathlib import Path

from reftiler import TilingError
from reftiler.atomic import atomic_write

__all__ = ["write_file"]


def write_file(path: Path, data: bytes | str, *, overwrite: bool) -> None:
    """Write a file; TilingError if it is there already, or cannot be written."""
    if path.is_dir():
        raise TilingError(f"cannot write {path}: it is a folder")
    if not overwrite and path.exists():
        raise TilingError(
            f"{path} is there already: give another name, or ask to overwrite it"
        )
    try:
        atomic_write(path, data.encode() if isinstance(data, str) else data)
    except OSError as error:
        cause = error.strerror or str(error)
        raise TilingError(f"cannot write {path}: {cause}") from error
