"""Manifests: complete, readable, and no way out of their folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("skimage")

from reftiler import SPEC_VERSION, Grid, Tiler, TilingError
from reftiler.io import read_image
from reftiler.tilesets.manifest import NAME, Manifest
from tests.folders import SIZE, export, picture


def test_the_manifest_is_what_it_says(tmp_path: Path) -> None:
    tiler = Tiler(16, 8, mode="even")
    manifest = export(tmp_path / "tiles", picture("uint8", 3), tiler, "png")
    content = json.loads((tmp_path / "tiles" / NAME).read_text())
    assert content["spec_version"] == SPEC_VERSION
    assert content["source"] == "part.png"
    (image,) = content["images"]
    grid = Grid.from_json(json.dumps(image["grid"]))
    assert grid == replace(tiler, channels_last=True).grid(SIZE)
    assert [tile["index"] for tile in image["tiles"]] == list(range(len(grid)))
    assert [tile["box"] for tile in image["tiles"]] == grid.boxes.tolist()
    assert str(tmp_path) not in (tmp_path / "tiles" / NAME).read_text()
    whole = replace(tiler, channels_last=True).tile(picture("uint8", 3))
    for tile, cut in zip(image["tiles"], whole, strict=True):
        assert np.array_equal(read_image(tmp_path / "tiles" / tile["file"]), cut)
    assert set(manifest.files) | {NAME} == {
        path.name for path in (tmp_path / "tiles").iterdir()
    }


def damage(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / NAME).read_text())
    change(content)
    (folder / NAME).write_text(json.dumps(content))


def tile_of(content: dict[str, Any]) -> dict[str, Any]:
    tile: dict[str, Any] = content["images"][0]["tiles"][0]
    return tile


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(spec_version="1.9"), r"spec_version 1\.9"),
        (lambda c: c.update(spec_version="2.0"), r"spec_version 2\.0"),
        (lambda c: c.pop("spec_version"), "no spec_version"),
        (lambda c: c.pop("images"), "lacks images"),
        (lambda c: c.update(imags=[]), "'imags'; did you mean 'images'"),
        (lambda c: c.update(images={}), "images must be a list"),
        (lambda c: c.update(images=[]), "lists no image"),
        (lambda c: c.update(images=[3]), "an image must be an object"),
        (lambda c: c.update(format="jpg"), "format must be one of"),
        (lambda c: c.update(source=3), "source must be a text"),
        (lambda c: c.update(random={"count": 1}), "random must have"),
        (lambda c: c.update(skip_empty="no"), "skip_empty"),
        (lambda c: c["images"].append(c["images"][0]), "listed twice"),
        (lambda c: c["images"][0].pop("grid"), "lacks grid"),
        (lambda c: c["images"][0].update(shape="33x47"), "shape must be a list"),
        (lambda c: c["images"][0].update(shape=[33]), "shape"),
        (lambda c: c["images"][0].update(shape=[33, "a"]), "damaged"),
        (lambda c: c["images"][0].update(shape=[32, 47]), "its grid for"),
        (lambda c: c["images"][0].update(dtype="complex64"), "cannot be"),
        (lambda c: c["images"][0].update(dtype="pickle"), "damaged"),
        (lambda c: c["images"][0].update(dtype=8), "dtype must be a text"),
        (lambda c: c["images"][0].update(masks=[]), "have a mask or none"),
        (lambda c: c["images"][0]["grid"]["tiler"].update(stride=99), "larger than"),
        (lambda c: c["images"][0]["grid"].update(spec_version="9.0"), "9.0"),
        (
            lambda c: c["images"][0]["grid"]["tiler"].update(channels_last=False),
            "channels_last",
        ),
        (lambda c: c["images"][0].update(tiles=3), "tiles must be a list"),
        (lambda c: c["images"][0]["tiles"].reverse(), "must ascend"),
        (lambda c: tile_of(c).update(index=1), "not as in the grid"),
        (lambda c: tile_of(c).update(index=10**9), "not as in the grid"),
        (lambda c: tile_of(c).update(index=True), "index must be an int"),
        (lambda c: tile_of(c).update(box=[[1, 17], [0, 16]]), "not as in the grid"),
        (lambda c: tile_of(c).update(file=None), "file must be a text"),
        (lambda c: tile_of(c).update(file="part_0001.npy"), "listed twice"),
        (lambda c: tile_of(c).update(file="/etc/hosts"), "lead out of the folder"),
        (lambda c: tile_of(c).update(file="../part.npy"), "lead out of the folder"),
        (lambda c: tile_of(c).update(mask="a/../../x"), "lead out of the folder"),
        (lambda c: tile_of(c).update(file="C:/x.npy"), "lead out of the folder"),
        (lambda c: tile_of(c).update(file="a\\..\\x"), "lead out of the folder"),
        (lambda c: c["images"][0].update(id="../part"), "lead out of the folder"),
        (lambda c: c["images"][0].update(id=""), "lead out of the folder"),
    ],
)
def test_damaged_manifests_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    folder = tmp_path / "tiles"
    export(folder, picture("uint8", None), Tiler(16))
    damage(folder, change)
    with pytest.raises(TilingError, match=words) as caught:
        Manifest.read(folder)
    assert NAME in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": NaN', "[" * 99999, "\0"])
def test_texts_that_are_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(TilingError, match=NAME):
        Manifest.read(tmp_path)


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(TilingError, match=r"cannot read .*manifest\.json"):
        Manifest.read(tmp_path)


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    export(folder, picture("uint8", None), Tiler(16))
    (folder / "part_0000.npy").unlink()
    (folder / "part_0000.npy").symlink_to(tmp_path / "part.npy")
    with pytest.raises(TilingError, match="is a link out of"):
        Manifest.read(folder)
