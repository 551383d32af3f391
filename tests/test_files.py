"""Files: whole or not at all, and never outside of their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reftiler.atomic import OutputTransaction, atomic_write, safe_join, safe_relative


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


def test_write_whole_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    atomic_write(path, b"old")

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
