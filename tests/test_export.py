"""Cutting into a folder: never over what is not ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("skimage")

from reftiler import Tiler, TilingError
from reftiler.atomic import temp_path
from reftiler.config import TilingConfig
from reftiler.io import write_image
from reftiler.io.datasets import find_images
from reftiler.tilesets.executors import SERIAL
from reftiler.tilesets.job import NAME as JOB
from reftiler.tilesets.job import ExportOptions
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest
from reftiler.tilesets.plan import plan_export
from tests.folders import export, picture

NPY = ExportOptions(file_format="npy")


def test_earlier_tiles_are_replaced_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    earlier = export(folder, picture("uint8", None), Tiler(8))
    (folder / "notes.txt").write_text("mine")
    source = tmp_path / "part.npy"
    planned = plan_export(
        find_images(source), TilingConfig(Tiler(16)), source=source, options=NPY
    )
    with pytest.raises(TilingError, match="is in the way"):
        planned.write(folder)
    planned.write(folder, earlier=earlier)
    assert {path.name for path in folder.iterdir()} == {
        NAME, METADATA_NAME, "notes.txt", *planned.manifest.files
    }  # fmt: skip
    (folder / "part_0040.npy").write_text("mine too")
    again = plan_export(
        find_images(source), TilingConfig(Tiler(4)), source=source, options=NPY
    )
    with pytest.raises(TilingError, match=r"part_0040\.npy is in the way"):
        again.write(folder, earlier=planned.manifest)
    assert Manifest.read(folder) == planned.manifest


def test_removing_leaves_what_is_not_listed(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    manifest = export(folder, picture("uint8", None), Tiler(8))
    (folder / manifest.files[0]).unlink()  # gone already: no reason to stop
    manifest.remove(folder)
    assert list(folder.iterdir()) == []


def test_tiles_are_not_overwritten_while_they_are_cut(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    earlier = export(folder, picture("uint8", None), Tiler(16))
    planned = plan_export(
        find_images(folder), TilingConfig(Tiler(8)), source=folder, options=NPY
    )
    with pytest.raises(TilingError, match="while it is being cut"):
        planned.write(folder, earlier=earlier)
    assert Manifest.read(folder) == earlier


def test_images_that_change_between_check_and_cut(tmp_path: Path) -> None:
    source = tmp_path / "part.npy"
    write_image(source, picture("uint8", None))
    planned = plan_export(
        find_images(source), TilingConfig(Tiler(8)), source=source, options=NPY
    )
    write_image(source, picture("uint8", 3))
    with pytest.raises(TilingError, match=r"changed while .*run it again to go on"):
        planned.write(tmp_path / "tiles")
    assert [path.name for path in (tmp_path / "tiles").iterdir()] == [JOB]


def test_images_that_change_while_they_are_cut(tmp_path: Path) -> None:
    source, other = tmp_path / "part.npy", picture("uint8", None, seed=1)
    write_image(source, picture("uint8", None))
    planned = plan_export(
        find_images(source), TilingConfig(Tiler(8)), source=source, options=NPY
    )

    def change(tiles: int, images: int) -> None:
        if tiles:  # all are cut
            write_image(source, other)

    with pytest.raises(TilingError, match=r"changed while .*run it again to go on"):
        planned.write(tmp_path / "tiles", advance=change)
    assert not (tmp_path / "tiles" / NAME).exists()


def test_what_killed_workers_leave_is_gone_at_the_end(tmp_path: Path) -> None:
    folder, source = tmp_path / "tiles", tmp_path / "part.npy"
    write_image(source, picture("uint8", None))

    class Littering:
        def run(self, *args: Any) -> Iterator[Any]:
            yield from SERIAL.run(*args)
            temp_path(folder / "part_0000.npy").touch()

    planned = plan_export(
        find_images(source), TilingConfig(Tiler(16)), source=source, options=NPY
    )
    planned.write(folder, executor=Littering())
    assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.skipif(not hasattr(os, "sync"), reason="needs os.sync")
def test_tiles_are_on_the_disk_before_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = tmp_path / "tiles", []

    def sync() -> None:
        there = {path.name for path in folder.iterdir()}
        found.append((NAME in there, "part_0000.npy" in there))

    monkeypatch.setattr(os, "sync", sync)
    export(folder, picture("uint8", None), Tiler(16))
    assert (False, True) in found
