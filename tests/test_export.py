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
from reftiler.tilesets.export import Export
from reftiler.tilesets.job import NAME as JOB
from reftiler.tilesets.job import ExportOptions
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest
from reftiler.tilesets.plan import plan_export
from tests.folders import export, picture


def planned(source: Path, size: int) -> Export:
    """Plan to cut images into tiles of a size."""
    options = ExportOptions(file_format="npy")
    config = TilingConfig(Tiler(size))
    return plan_export(find_images(source), config, source=source, options=options)


def test_earlier_tiles_are_replaced_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    earlier = export(folder, picture("uint8", None), Tiler(8))
    (folder / "notes.txt").write_text("mine")
    source = tmp_path / "part.npy"
    plan = planned(source, 16)
    with pytest.raises(TilingError, match="is in the way"):
        plan.write(folder)
    plan.write(folder, earlier=earlier)
    assert {path.name for path in folder.iterdir()} == {
        NAME, METADATA_NAME, "notes.txt", *plan.manifest.files
    }  # fmt: skip
    (folder / "part_0040.npy").write_text("mine too")
    with pytest.raises(TilingError, match=r"part_0040\.npy is in the way"):
        planned(source, 4).write(folder, earlier=plan.manifest)
    assert Manifest.read(folder) == plan.manifest
    (folder / plan.manifest.files[0]).unlink()  # gone already: no reason to stop
    plan.manifest.remove(folder)
    left = {path.name for path in folder.iterdir()}
    assert left == {"notes.txt", "part_0040.npy"}


def test_tiles_are_not_overwritten_while_they_are_cut(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    earlier = export(folder, picture("uint8", None), Tiler(16))
    with pytest.raises(TilingError, match="while it is being cut"):
        planned(folder, 8).write(folder, earlier=earlier)
    assert Manifest.read(folder) == earlier


@pytest.mark.parametrize("at", ["before", "meanwhile"])
def test_images_that_change_between_check_and_end(tmp_path: Path, at: str) -> None:
    source, folder = tmp_path / "part.npy", tmp_path / "tiles"
    write_image(source, picture("uint8", None))
    plan = planned(source, 8)

    def change(tiles: int, images: int) -> None:
        if at == "meanwhile" and tiles:  # all are cut
            write_image(source, picture("uint8", None, seed=1))

    if at == "before":
        write_image(source, picture("uint8", 3))
    with pytest.raises(TilingError, match=r"changed while .*run it again to go on"):
        plan.write(folder, advance=change)
    assert not (folder / NAME).exists()
    assert at != "before" or [path.name for path in folder.iterdir()] == [JOB]


def test_what_killed_workers_leave_is_gone_at_the_end(tmp_path: Path) -> None:
    folder, source = tmp_path / "tiles", tmp_path / "part.npy"
    write_image(source, picture("uint8", None))

    class Littering:
        def run(self, *args: Any) -> Iterator[Any]:
            yield from SERIAL.run(*args)
            temp_path(folder / "part_0000.npy").touch()

    planned(source, 16).write(folder, executor=Littering())
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
