"""Maps are matched to images by the longest end of their paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from reftiler import TilingError
from reftiler.io.map_files import match_maps


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_the_longest_common_end_decides(tmp_path: Path) -> None:
    touch(tmp_path, "dent/000.npy", "dent/001_heat.npy", "other.npy")
    names = ["000", "dent/000", "001", "spot/001"]
    maps, notes = match_maps(names, [None] * 4, tmp_path)
    assert maps == {
        1: (tmp_path / "dent" / "000.npy",),
        2: (tmp_path / "dent" / "001_heat.npy",),
    }
    (note,) = notes
    assert "1 file" in note
    assert "other.npy" in note


def test_a_name_of_several_images_is_none_of_theirs(tmp_path: Path) -> None:
    touch(tmp_path, "000.npy")
    maps, notes = match_maps(["dent/000", "spot/000"], [None] * 2, tmp_path)
    assert not maps
    (note,) = notes
    assert "several" in note
    assert "000.npy" in note


def test_a_folder_without_maps_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(TilingError, match=r"there is no .* map in"):
        match_maps(["000"], [None], tmp_path)
    with pytest.raises(TilingError, match="cannot read the maps"):
        match_maps(["000"], [None], tmp_path / "absent")
