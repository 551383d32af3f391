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

pytestmark = pytest.mark.usefixtures("work")
PART, TILES = Path("part.npy"), Path("tiles")


def planned(source: Path, size: int) -> Export:
    """Plan to cut images into tiles of a size."""
    options = ExportOptions(file_format="npy")
    config = TilingConfig(Tiler(size))
    return plan_export(find_images(source), config, source=source, options=options)


def test_earlier_tiles_are_replaced_and_nothing_else() -> None:
    earlier = export(TILES, picture("uint8", None), Tiler(8))
    (TILES / "notes.txt").write_text("mine")
    plan = planned(PART, 16)
    with pytest.raises(TilingError, match="is in the way"):
        plan.write(TILES)
    plan.write(TILES, earlier=earlier)
    assert {path.name for path in TILES.iterdir()} == {
        NAME, METADATA_NAME, "notes.txt", *plan.manifest.files
    }  # fmt: skip
    (TILES / "part_0040.npy").write_text("mine too")
    with pytest.raises(TilingError, match=r"part_0040\.npy is in the way"):
        planned(PART, 4).write(TILES, earlier=plan.manifest)
    assert Manifest.read(TILES) == plan.manifest
    (TILES / plan.manifest.files[0]).unlink()  # gone already: no reason to stop
    plan.manifest.remove(TILES)
    left = {path.name for path in TILES.iterdir()}
    assert left == {"notes.txt", "part_0040.npy"}


def test_tiles_are_not_overwritten_while_they_are_cut() -> None:
    earlier = export(TILES, picture("uint8", None), Tiler(16))
    with pytest.raises(TilingError, match="while it is being cut"):
        planned(TILES, 8).write(TILES, earlier=earlier)
    assert Manifest.read(TILES) == earlier


@pytest.mark.parametrize("at", ["before", "meanwhile"])
def test_images_that_change_between_check_and_end(at: str) -> None:
    write_image(PART, picture("uint8", None))
    plan = planned(PART, 8)

    def change(tiles: int, images: int) -> None:
        if at == "meanwhile" and tiles:  # all are cut
            write_image(PART, picture("uint8", None, seed=1))

    if at == "before":
        write_image(PART, picture("uint8", 3))
    with pytest.raises(TilingError, match=r"changed while .*run it again to go on"):
        plan.write(TILES, advance=change)
    assert not (TILES / NAME).exists()
    assert at != "before" or [path.name for path in TILES.iterdir()] == [JOB]


def test_what_killed_workers_leave_is_gone_at_the_end() -> None:
    write_image(PART, picture("uint8", None))

    class Littering:
        def run(self, *args: Any) -> Iterator[Any]:
            yield from SERIAL.run(*args)
            temp_path(TILES / "part_0000.npy").touch()

    planned(PART, 16).write(TILES, executor=Littering())
    assert not [path for path in TILES.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.skipif(not hasattr(os, "sync"), reason="needs os.sync")
def test_tiles_are_on_the_disk_before_the_manifest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []

    def sync() -> None:
        there = {path.name for path in TILES.iterdir()}
        found.append((NAME in there, "part_0000.npy" in there))

    monkeypatch.setattr(os, "sync", sync)
    export(TILES, picture("uint8", None), Tiler(16))
    assert (False, True) in found
