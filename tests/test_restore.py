"""Putting tiles together from a manifest: exact, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from reftiler import Tiler, TilingError
from reftiler.io import open_mask, read_image, write_image
from reftiler.io.metadata import Metadata
from reftiler.tilesets.manifest import Manifest
from reftiler.tilesets.reassemble import reassemble
from reftiler.tilesets.records import ImageRecord
from reftiler.tilesets.results import write_result
from reftiler.tilesets.stored_tiles import stored_image, stored_mask
from reftiler_conformance.compare import same_bits
from tests.folders import SIZE, SUFFIXES, export, picture, spots

pytestmark = pytest.mark.usefixtures("work")
TILES = Path("tiles")


def restored_marks(record: ImageRecord, **fill: int) -> NDArray[np.bool_]:
    """Return where the mask marks that the tiles of masks make."""
    return np.asarray(reassemble(stored_mask(TILES, record, **fill)) != 0)


@pytest.mark.parametrize(
    ("dtype", "channels", "file_format"),
    [
        ("uint8", None, "png"),
        ("uint8", 3, "png"),
        ("uint8", 4, "png"),
        ("uint16", 3, "png"),
        ("bool", None, "png"),
        ("bool", None, "tiff"),
        ("uint8", 1, "npy"),
        ("int16", 5, "npy"),
        (">f4", 2, "npy"),
        ("float16", None, "npy"),
        ("float64", 3, "tiff"),
    ],
)
def test_every_kind_of_picture_comes_back(
    dtype: str, channels: int | None, file_format: str
) -> None:
    image = picture(dtype, channels)
    manifest = export(TILES, image, Tiler((16, 12), (9, 12)), file_format)
    assert Manifest.read(TILES) == manifest
    (record,) = manifest.images
    stored = read_image(Path(f"part{SUFFIXES[file_format]}"))
    whole = reassemble(stored_image(TILES, record))
    same_bits(whole, stored if dtype == "bool" else image)
    assert np.array_equal(restored_marks(record), spots())


@pytest.mark.parametrize(
    ("mode", "side", "border", "window", "random", "skip_empty"),
    [*product(("padding", "interpolation", "clamp", "even", "drop"), ("end", "both"),
              (0, 1), ("box", "hann"), (None, 5), (False, True))],
)  # fmt: skip
def test_covered_pixels_are_exact_whatever_was_left_out(
    *,
    mode: str,
    side: str,
    border: int,
    window: str,
    random: int | None,
    skip_empty: bool,
) -> None:
    tiler = Tiler((12, 9), (10, 7), mode=mode, pad_side=side, pad_mode="reflect",
                  window=window, remove_border_count=border)  # fmt: skip
    image = picture("uint8", 3)
    manifest = export(TILES, image, tiler, random=random, skip_empty=skip_empty)
    (record,) = manifest.images
    bare = stored_image(TILES, record).num_uncovered
    assert (bare > 0) == (skip_empty or random is not None or mode == "drop")
    if bare:
        with pytest.raises(TilingError, match=rf"{bare:,} pixels of part .*--fill"):
            reassemble(stored_image(TILES, record))
    whole = reassemble(stored_image(TILES, record, fill=201))
    filled = (whole == 201).all(axis=-1)
    assert filled.sum() == bare
    assert np.array_equal(whole[~filled], image[~filled])
    marked = restored_marks(record, fill=0)
    assert np.array_equal(marked, spots() & ~filled)


def test_skipping_keeps_every_marked_pixel() -> None:
    manifest = export(TILES, picture("uint8", None), Tiler(8, 5), skip_empty=True)
    (record,) = manifest.images
    kept = [tile.index for tile in record.tiles]
    assert kept == record.grid.touching(spots()).tolist()
    assert record.missing == len(record.grid) - len(kept) > 0
    assert np.array_equal(restored_marks(record, fill=0), spots())


def test_an_image_without_tiles_is_all_fill() -> None:
    picture_of = picture("float32", 3)
    marks = np.zeros(SIZE, dtype=bool)
    manifest = export(Path("x"), picture_of, Tiler(8), marks=marks, skip_empty=True)
    (record,) = manifest.images
    assert record.tiles == ()
    whole = reassemble(stored_image(TILES, record, fill=float("nan")))
    same_bits(whole, np.full((*SIZE, 3), np.nan, np.float32))


def test_labels_of_masks_come_back_by_the_number() -> None:
    tiler = Tiler(16, 12, window="hann", channels_last=True)
    manifest = export(TILES, picture("uint8", 3), tiler, "png")
    labels = np.zeros(SIZE, np.uint8)
    labels[5:20, 3:30], labels[8:9, 10:40], labels[3, 3] = 2, 255, 7
    (record,) = manifest.images
    cut = Tiler.from_other(record.mask_grid.tiler).tile
    tiles = []
    for tile, pixels in zip(record.tiles, cut(labels), strict=True):
        assert tile.mask is not None
        (TILES / tile.mask).unlink()
        if pixels.any():  # a tile of zeros needs no file
            write_image(TILES / tile.mask, pixels)
        tiles.append(replace(tile, mask=tile.mask if pixels.any() else None))
    assert None in [tile.mask for tile in tiles]
    record = replace(record, mask_dtype="uint8", void=255, tiles=tuple(tiles))
    same_bits(reassemble(stored_mask(TILES, record)), labels)
    first = next(tile.mask for tile in tiles if tile.mask is not None)
    changed = read_image(TILES / first)
    changed[-1, -1] = 9  # where others have 0
    write_image(TILES / first, changed)
    numbers = np.unique(reassemble(stored_mask(TILES, record)))
    assert numbers.tolist() == [0, 2, 7, 9, 255]  # no mean of any two
    channels = np.stack([labels, labels[::-1], labels[:, ::-1]], axis=-1)
    for tile, pixels in zip(record.tiles, cut(channels), strict=True):
        write_image(TILES / f"{tile.index}.png", pixels)
    tiles = [replace(tile, mask=f"{tile.index}.png") for tile in record.tiles]
    record = replace(record, mask_channels=3, tiles=tuple(tiles))
    same_bits(reassemble(stored_mask(TILES, record)), channels)


def test_labels_keep_their_palette() -> None:
    manifest = export(TILES, picture("uint8", 3), Tiler(16, 12), "png")
    labels = (np.arange(SIZE[0] * SIZE[1], dtype=np.uint8) % 5).reshape(SIZE)
    colours = Metadata(palette=bytes(range(1, 16)))
    (record,) = manifest.images
    for tile, pixels in zip(record.tiles, Tiler(16, 12).tile(labels), strict=True):
        assert tile.mask is not None
        write_image(TILES / tile.mask, pixels, colours)
    image = stored_mask(TILES, replace(record, mask_dtype="uint8"))
    write_result(image, Path("labels.png"), lambda tiles: None)
    back = open_mask(Path("labels.png")).labels
    same_bits(np.asarray(back[...]), labels)
    assert back.info.metadata.palette == colours.palette


def test_pixels_in_no_tile_are_counted_without_visiting_them() -> None:
    tiler = Tiler(3, 2, fill=0)
    rng = np.random.default_rng(0)
    for count in (1, 5, 30):
        grid = tiler.scatter((20, 17), rng.integers(0, 14, (count, 2)).tolist())
        assert grid.uncovered == (grid.coverage() == 0).sum() > 0
    large = Tiler(1000, mode="drop").grid((10**9 + 7, 10**9))
    assert large.uncovered == 7 * 10**9
    some = large.select([0, 1, 10**6, 10**12 - 1])
    assert some.uncovered == (10**9 + 7) * 10**9 - 4 * 10**6


def test_padding_of_the_mask_is_in_step() -> None:
    for pad_mode, shown in {"constant": False, "edge": True}.items():
        folder = Path(pad_mode)
        tiler = Tiler(32, pad_mode=pad_mode, pad_value=9)
        folder.mkdir()
        export(folder / "tiles", picture("uint8", None), tiler, "png")
        mask = read_image(folder / "tiles" / "part_0003_mask.png")
        assert (mask[1:, 15:] != 0).all() == shown
        assert mask[0, 14] == 255  # the last pixel of the image is marked


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "cannot read"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "cannot read"),
        (lambda path: write_image(path, np.zeros((16, 15), np.uint8)), "altered"),
        (lambda path: write_image(path, np.zeros((16, 16), np.float32)), "altered"),
        (lambda path: write_image(path, np.zeros((16, 16, 3), np.uint8)), "altered"),
    ],
)
def test_altered_tiles_are_refused(
    change: Callable[[Path], object], words: str
) -> None:
    manifest = export(TILES, picture("uint8", None), Tiler(16))
    change(TILES / "part_0002.npy")
    with pytest.raises(TilingError, match=words) as caught:
        reassemble(stored_image(TILES, manifest.images[0]))
    assert "part_0002.npy" in str(caught.value)


def test_tiles_of_a_model_are_merged() -> None:
    tiler = Tiler(16, 8, window="triangle", channels_last=True)
    manifest = export(TILES, picture("float32", None), tiler)
    (record,) = manifest.images
    cut = tiler.tile(picture("float32", None))
    cut *= np.arange(len(cut), dtype=np.float32)[:, np.newaxis, np.newaxis]
    for tile, changed in zip(record.tiles, cut, strict=True):
        write_image(TILES / tile.file, changed)
    same_bits(reassemble(stored_image(TILES, record)), tiler.untile(cut, SIZE))
