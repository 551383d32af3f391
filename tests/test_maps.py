"""Results of a model, put together where the tiles lay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from reftiler import Tiler, TilingError
from reftiler.io import read_image, write_image
from reftiler.tilesets.manifest import Manifest
from reftiler.tilesets.maps import MapOptions, find_maps
from reftiler.tilesets.reassemble import TiledImageSet, reassemble
from reftiler.tilesets.stored_tiles import stored_images
from reftiler_conformance.compare import same_bits
from tests.folders import export, picture

Array = NDArray[Any]
Model = Callable[[Array], Array]

TILER = Tiler(16, 12, window="hann", channels_last=True)
KEEP = MapOptions()


def half(tiles: Array) -> Array:
    """Return maps of half the size, (B, h, w)."""
    grey: Array = tiles.astype(np.float32).mean(axis=-1)
    return np.asarray(grey.reshape(len(grey), 8, 2, 8, 2).mean(axis=(2, 4)))


def twice(tiles: Array) -> Array:
    """Return five channels of twice the size, (B, h, w, 5)."""
    large = tiles[..., :1].repeat(2, axis=1).repeat(2, axis=2)
    return (large * np.arange(1, 6)).astype(np.float64)


def marks(tiles: Array) -> Array:
    return np.asarray(tiles[..., 0] > 120)


def whole_numbers(tiles: Array) -> Array:
    return tiles[:, ::4, ::4, :].astype(np.uint16) * 300


pytestmark = pytest.mark.usefixtures("work")
IMAGE = picture("uint8", 3)
TILES, MAPS = Path("tiles"), Path("maps")


@pytest.fixture
def manifest(work: Path) -> Manifest:
    MAPS.mkdir()
    return export(TILES, IMAGE, TILER)


def results(manifest: Manifest, model: Model) -> Array:
    """Return what a model makes of the tiles' files."""
    (record,) = manifest.images
    return model(np.stack([read_image(TILES / tile.file) for tile in record.tiles]))


def write_each(
    manifest: Manifest, made: Array, suffix: str = ".npy", folder: Path = MAPS
) -> None:
    (record,) = manifest.images
    for tile, result in zip(record.tiles, made, strict=True):
        path = (folder / tile.file).with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".npy":
            np.save(path, result)
        else:
            write_image(path, result)


def found(manifest: Manifest, options: MapOptions = KEEP) -> Array:
    return np.asarray(reassemble(find_maps(MAPS, manifest.images, options).images[0]))


@pytest.mark.parametrize(
    ("model", "suffix", "settings"),
    [
        (half, ".npy", {}),
        (half, ".tif", {}),
        (twice, ".npy", {}),
        (whole_numbers, ".png", {}),
        (whole_numbers, ".tif", {}),
        (marks, ".npy", {"window": "box"}),
        (half, ".npy", {"merge": "max", "window": "box"}),
        (half, ".npy", {"merge": "min", "window": "box"}),
        (half, ".npy", {"window": "triangle"}),
        (half, ".npy", {"remove_border_count": 2}),
    ],
)
def test_a_file_for_each_tile(
    manifest: Manifest, model: Model, suffix: str, settings: dict[str, Any]
) -> None:
    write_each(manifest, results(manifest, model), suffix)
    tiler = Tiler.from_dict({**TILER.to_dict(), **settings})
    merged = found(manifest, MapOptions(settings=settings))
    same_bits(merged, tiler.apply(model, IMAGE))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("suffix", [".npy", ".zarr"])
def test_an_array_for_each_image(
    manifest: Manifest, suffix: str, *, first: bool
) -> None:
    made = results(manifest, twice)
    stored = np.moveaxis(made, -1, 1) if first else made
    path = MAPS / f"part{suffix}"
    if suffix == ".npy":
        np.save(path, stored)
    else:
        zarr = pytest.importorskip("zarr")
        zarr.save_array(str(path), stored)
    same_bits(found(manifest), TILER.apply(twice, IMAGE))


def test_folders_of_tiles_may_be_left_out_of_names(manifest: Manifest) -> None:
    (TILES / "deep").mkdir()
    for tile in manifest.images[0].tiles:  # as those of an image in a folder
        (TILES / tile.file).rename(TILES / "deep" / tile.file)
    path = TILES / "manifest.json"
    path.write_text(path.read_text().replace('"part_0', '"deep/part_0'))
    moved = Manifest.read(TILES)
    made = results(moved, half)
    for named, folder in ((moved, Path("nested")), (manifest, Path("flat"))):
        write_each(named, made, folder=folder)
        images = find_maps(folder, moved.images, KEEP).images
        same_bits(reassemble(images[0]), TILER.apply(half, IMAGE))


@pytest.mark.parametrize("mode", ["padding", "interpolation", "drop"])
def test_tiles_that_were_left_out_have_no_results(mode: str) -> None:
    tiler = Tiler(16, 12, channels_last=True, mode=mode)
    manifest = export(TILES, IMAGE, tiler, skip_empty=True)
    (record,) = manifest.images
    kept = np.zeros(len(record.grid))
    kept[[tile.index for tile in record.tiles]] = 1
    assert 0 < kept.sum() < len(kept)
    scores = np.random.default_rng(0).random((len(kept), 8, 8))
    MAPS.mkdir()
    np.save(MAPS / "part.npy", scores[kept > 0])
    merged = found(manifest, MapOptions(settings={"fill": np.nan}))
    # The mean of some of the tiles, from means of all of them.
    settled = Tiler.from_dict({**tiler.to_dict(), "fill": 0})
    shape, grid = record.shape[:2], settled.grid(record.shape[:2])
    sums = settled.untile(scores * kept[:, None, None], shape, grid)
    share = settled.untile(np.ones_like(scores) * kept[:, None, None], shape, grid)
    assert np.array_equal(np.isnan(merged), share == 0)
    assert 0 < np.isnan(merged).sum() < merged.size
    there = share > 0
    np.testing.assert_allclose(merged[there], (sums[there] / share[there]), rtol=1e-12)
    with pytest.raises(TilingError, match="lie in no tile"):
        find_maps(MAPS, manifest.images, KEEP).images[0].check()


def test_scales_of_their_own_on_each_axis(manifest: Manifest) -> None:
    def flat(tiles: Array) -> Array:
        return np.asarray(tiles[:, ::2, :, 0].astype(np.float32))

    write_each(manifest, results(manifest, flat))
    with pytest.raises(TilingError, match="not alike on all axes"):
        found(manifest)
    scale = (Fraction(1, 2), Fraction(1))
    merged = found(manifest, MapOptions(scale=scale))
    same_bits(merged, TILER.apply(flat, IMAGE, scale=scale))


def test_axes_that_may_be_either_are_asked_for(manifest: Manifest) -> None:
    made = results(manifest, lambda tiles: tiles[..., :1].repeat(16, -1))
    assert made.shape[1:] == (16, 16, 16)
    write_each(manifest, made)
    with pytest.raises(TilingError, match="--axes CYX or --axes YXC"):
        found(manifest)
    last = found(manifest, MapOptions(axes="YXC"))
    first = found(manifest, MapOptions(axes="CYX"))
    assert last.shape == first.shape == (33, 47, 16)
    assert (last[..., 0] == last[..., 5]).all()
    assert (first[..., 0] != first[..., 5]).any()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((), "scores of whole tiles"),
        ((1,), "scores of whole tiles"),
        ((1, 1), "scores of whole tiles"),
        ((7, 7), "is not whole"),
        ((5, 16, 16, 3), "axes"),
    ],
)
def test_what_fits_no_tile_is_refused(
    manifest: Manifest, shape: tuple[int, ...], words: str
) -> None:
    made = np.zeros((len(manifest.images[0].tiles), *shape), np.float32)
    write_each(manifest, made)
    with pytest.raises(TilingError, match=words) as caught:
        found(manifest)
    assert "part_0000.npy" in str(caught.value)
    np.save(MAPS / "part.npy", made)
    for path in MAPS.glob("part_*"):
        path.unlink()
    with pytest.raises(TilingError, match=words):
        found(manifest)


ZEROS = np.zeros((8, 8), np.float32)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (dict.fromkeys(("part_0003.npy", "part_0007.npy")), "2 of 12 tiles, part_0003"),
        ({"part_0003.tif": ZEROS}, "part_0003.tif are results of one name"),
        ({"part_0007.npy": ZEROS[:, :7]},
         r"0007.npy is float32 \(8, 7\), .*0000.npy is float32 \(8, 8\)"),
        ({"part_0007.npy": ZEROS.astype("f8")}, "part_0007.npy is float64"),
        ({"part_0007.npy": ZEROS.astype("c8")}, "part_0007.npy holds complex64"),
        ({"part_0007.npy": b"cut short"}, "cannot read .*part_0007.npy"),
        ({"part.npy": np.stack([ZEROS] * 12)}, r"part\.npy and .*_0000.npy are both"),
        ({"*": None, "part.npy": np.stack([ZEROS] * 13)},
         r"\(13, 8, 8\), and part has 12 tiles"),
        ({"*": None}, r"12 of 12 tiles, part_0000, .* and 7 more"),
        ({"part_0000.npy": None, "part.npy": np.stack([ZEROS] * 12)},
         r"part\.npy and .*part_0001.npy are both"),
    ],
)  # fmt: skip
def test_faults_are_named(
    manifest: Manifest, written: dict[str, Any], words: str
) -> None:
    write_each(manifest, results(manifest, half))
    for name, content in written.items():
        if content is None:
            for path in MAPS.glob(name):
                path.unlink()
        elif isinstance(content, bytes):
            (MAPS / name).write_bytes(content)
        elif name.endswith(".tif"):
            write_image(MAPS / name, content)
        else:
            np.save(MAPS / name, content)
    with pytest.raises(TilingError, match=words):
        found(manifest)


def test_other_files_and_means_of_whole_numbers_are_told(manifest: Manifest) -> None:
    made = results(manifest, lambda tiles: np.asarray(tiles[..., 0] // 50))
    write_each(manifest, made, ".png")
    (note,) = find_maps(MAPS, manifest.images, KEEP).notes
    assert "--merge vote" in note
    options = MapOptions(settings={"merge": "max", "window": "box"})
    assert not find_maps(MAPS, manifest.images, options).notes
    (MAPS / "log.txt").touch()
    (MAPS / "deep").mkdir()
    np.save(MAPS / "deep" / "other.npy", made[0])
    (note,) = find_maps(MAPS, manifest.images, options).notes
    for words in ("2 files", "log.txt", "deep/other.npy"):
        assert words in note


def test_images_without_any_result_are_left_out_when_told(manifest: Manifest) -> None:
    (record,) = manifest.images
    records = []
    for name in "ab":
        tiles = tuple(
            replace(tile, file=tile.file.replace("part", name), mask=None)
            for tile in record.tiles
        )
        one = replace(record, id=name, tiles=tiles, masks=(), mask_dtype=None)
        records.append(one)
    np.save(MAPS / "b.npy", np.zeros((12, 8, 8), np.float32))
    with pytest.raises(TilingError, match="12 of 24 tiles"):
        find_maps(MAPS, records, KEEP)
    some = find_maps(MAPS, records, MapOptions(skip_missing=True))
    assert [image.id for image in some.images] == ["b"]
    assert "left out 1 image (a)" in some.notes[0]
    (MAPS / "b.npy").unlink()
    with pytest.raises(TilingError, match="lacks the results"):
        find_maps(MAPS, records, MapOptions(skip_missing=True))


def test_tiles_changed_in_place_are_results(manifest: Manifest) -> None:
    def in_place() -> TiledImageSet:
        return stored_images(TILES, manifest, KEEP)

    assert not in_place().notes
    write_each(manifest, results(manifest, half), folder=TILES)
    assert "results of a model" in in_place().notes[0]
    same_bits(reassemble(in_place().images[0]), TILER.apply(half, IMAGE))
    np.save(TILES / "part_0004.npy", IMAGE[:16, :16])
    with pytest.raises(TilingError, match=r"part_0004\.npy is uint8"):
        reassemble(in_place().images[0])
