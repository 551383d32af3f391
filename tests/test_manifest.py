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
from reftiler.io.metadata import Metadata
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest
from tests.folders import SIZE, export, picture

pytestmark = pytest.mark.usefixtures("work")
TILES = Path("tiles")


def test_the_manifest_is_what_it_says(work: Path) -> None:
    tiler = Tiler(16, 8, mode="even")
    manifest = export(TILES, picture("uint8", 3), tiler, "png")
    content = json.loads((TILES / NAME).read_text())
    assert content["spec_version"] == SPEC_VERSION
    assert content["source"] == "part.png"
    (image,) = content["images"]
    grid = Grid.from_json(json.dumps(image["grid"]))
    assert grid == replace(tiler, channels_last=True).grid(SIZE)
    assert [tile["index"] for tile in image["tiles"]] == list(range(len(grid)))
    assert [tile["box"] for tile in image["tiles"]] == grid.boxes.tolist()
    assert str(work) not in (TILES / NAME).read_text()
    whole = replace(tiler, channels_last=True).tile(picture("uint8", 3))
    for tile, cut in zip(image["tiles"], whole, strict=True):
        assert np.array_equal(read_image(TILES / tile["file"]), cut)
    assert set(manifest.files) | {NAME, METADATA_NAME} == {
        path.name for path in (TILES).iterdir()
    }


def damage(change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((TILES / NAME).read_text())
    change(content)
    (TILES / NAME).write_text(json.dumps(content))


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
        (lambda c: c["images"][0].update(masks=[]), "has no mask, and tiles of one"),
        (lambda c: c["images"][0]["grid"]["tiler"].update(stride=99), "larger than"),
        (lambda c: c["images"][0]["grid"].update(spec_version="9.0"), "9.0"),
        (lambda c: c["images"][0]["grid"]["tiler"].update(channels_last=False), "last"),
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
        (lambda c: c["images"][0].update(id="\ud800"), "damaged"),
        (lambda c: tile_of(c).update(file="\ud800.npy"), "damaged"),
        (lambda c: tile_of(c).update(marked=-1), "marked must be"),
        (lambda c: tile_of(c).update(index=10**400), "not as in the grid"),
        (lambda c: c["images"][0].update(mask_dtype="O"), "cannot be"),
        (lambda c: c["images"][0].update(mask_channels=0), "mask_channels must be"),
        (lambda c: c["images"][0].update(void="x"), "void must be"),
        (lambda c: c["images"][0].update(split=3), "split must be a text"),
        (lambda c: c["images"][0].update(fingerprints=[[{}]]), "a fingerprint"),
        (lambda c: c["images"][0].update(metadata=[]), "metadata must be"),
        (lambda c: c.update(bad=["ab"]), "bad must list"),
        (lambda c: c.update(min_marked=0), "min_marked must be"),
        (lambda c: tile_of(c).update(file="mine.txt"), "'mine.txt', which is no tile"),
        (lambda c: c["images"][0].update(dtype="x" * 5000), "picture cannot be"),
        (lambda c: c["images"][0].update(id="x" * 5000, masks=[]), "has no mask"),
        (lambda c: c.update(format="x" * 5000), "format must be one of"),
        (lambda c: c.update(format="zarr"), "which is no tile|in one array"),
    ],
)
def test_damaged_manifests_are_refused(
    change: Callable[[dict[str, Any]], object], words: str
) -> None:
    export(TILES, picture("uint8", None), Tiler(16))
    damage(change)
    with pytest.raises(TilingError, match=words) as caught:
        Manifest.read(TILES)
    assert NAME in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": NaN', "[" * 99999, "\0"])
def test_texts_that_are_no_manifest(text: str) -> None:
    with pytest.raises(TilingError, match=r"cannot read .*manifest\.json"):
        Manifest.read(Path())
    Path(NAME).write_text(text)
    with pytest.raises(TilingError, match=NAME):
        Manifest.read(Path())


def test_links_out_of_the_folder() -> None:
    export(TILES, picture("uint8", None), Tiler(16))
    (TILES / "part_0000.npy").unlink()
    (TILES / "part_0000.npy").symlink_to(Path("part.npy").resolve())
    with pytest.raises(TilingError, match="is a link out of"):
        Manifest.read(TILES)


def test_manifests_of_earlier_releases_are_read() -> None:
    written = export(TILES, picture("uint8", None), Tiler(16))

    def age(content: dict[str, Any]) -> None:
        for key in ("layout", "call", "min_marked", "bad"):
            del content[key]
        for key in ("mask_dtype", "fingerprints"):
            del content["images"][0][key]
        for tile in content["images"][0]["tiles"]:
            del tile["marked"]

    damage(age)
    (record,) = Manifest.read(TILES).images
    assert record.mask_dtype == "bool"
    assert record.tile_names == written.images[0].tile_names


def test_a_grid_of_very_many_tiles_is_read_at_once() -> None:
    export(TILES, picture("uint8", None), Tiler(1))

    def enlarge(content: dict[str, Any]) -> None:
        (image,) = content["images"]
        image.update(shape=[10**9, 10**9], tiles=image["tiles"][:3])
        image["grid"]["image_size"] = [10**9, 10**9]

    damage(enlarge)
    assert Manifest.read(TILES).images[0].missing == 10**18 - 3


def test_all_that_a_record_holds_comes_back() -> None:
    written = export(TILES, picture("uint8", 3), Tiler(16))
    (record,) = written.images
    full = replace(
        record, split="test", label="spot", mask_dtype="uint16", mask_channels=7,
        void=255, orientation=6, oriented=True, alpha=True,
        metadata=Metadata(icc_profile=b"profile", transform=(1, 0, 5, 0, -1, 7)),
    )  # fmt: skip
    replace(written, images=(full,), bad=(("a", "why"),)).write(TILES / NAME)
    manifest = Manifest.read(TILES)
    assert manifest.images == (full,)
    assert manifest.bad == (("a", "why"),)
