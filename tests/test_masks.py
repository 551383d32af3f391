"""Masks: what marks, by the format's own word, and no defect that vanishes."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("tifffile")

import tifffile

from reftiler import TilingError
from reftiler.io import (
    Metadata,
    ReadOptions,
    open_mask,
    read_image,
    read_mask,
    write_image,
)
from reftiler.io.masks import marked
from reftiler.io.png import encode_png
from reftiler_conformance.compare import same_bits

RED, BLACK, WHITE, VOID = [255, 0, 0], [0, 0, 0], [255] * 3, [224, 224, 192]
DEFECT = np.zeros((20, 30), bool)
DEFECT[4:8, 10:14] = True


def classes() -> NDArray[np.uint8]:
    labels = np.zeros((20, 30), np.uint8)
    labels[2:4, 3:9], labels[6:9, 12:20], labels[15, 5] = 1, 2, 7
    return labels


def palette_mask(
    path: Path, labels: NDArray[np.uint8], colours: list[list[int]]
) -> Path:
    palette = bytes(np.array(colours, np.uint8))
    path.write_bytes(encode_png(labels, Metadata(palette=palette)))
    return path


# What marks


@pytest.mark.parametrize("value", [1, 2, 255])
@pytest.mark.parametrize("channel", [None, 0, 1, 2])
@pytest.mark.parametrize("alpha", [False, True])
def test_any_colour_marks_and_opaque_alpha_does_not(
    tmp_path: Path, value: int, channel: int | None, alpha: bool
) -> None:
    stored = np.zeros((20, 30, 4), np.uint8)
    for k in range(3) if channel is None else [channel]:
        stored[..., k] = DEFECT * np.uint8(value)
    stored[..., 3] = 255
    write_image(tmp_path / "a.png", stored if alpha else stored[..., :3])
    same_bits(read_mask(tmp_path / "a.png"), DEFECT)
    labels = np.ascontiguousarray(open_mask(tmp_path / "a.png").labels[...])
    same_bits(labels, stored[..., :3].copy())


SETTLED = ReadOptions(page=2, level=1, channels=(0, 1, 2), axes="CYX")
"""What settles the image, and is not asked of its mask."""


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [
        *product((".png", ".tif", ".npy"), ("uint8", "uint16")),
        *((".npy", "bool"), (".npy", "int32"), (".tif", "int32")),
    ],
)
def test_class_numbers_are_kept(tmp_path: Path, suffix: str, dtype: str) -> None:
    sign = -1 if dtype == "int32" else 1  # any number but zero marks
    labels = (classes() * np.int8(sign)).astype(dtype)
    path = tmp_path / f"a{suffix}"
    write_image(path, labels)
    for options in (ReadOptions(), SETTLED):
        mask = open_mask(path, options)
        same_bits(np.ascontiguousarray(mask.labels[...]), labels)
        same_bits(mask[3:9, 4:], labels[3:9, 4:] != 0)
        assert (mask.shape, mask.void, mask.notes) == ((20, 30), None, ())
        assert mask.dtype == bool
        assert not mask.marks_everything()


def test_masks_of_bits(tmp_path: Path) -> None:
    Image.fromarray(DEFECT).save(tmp_path / "bits.png")
    same_bits(read_mask(tmp_path / "bits.png"), DEFECT)
    write_image(tmp_path / "full.png", np.ones((20, 30), np.uint8))
    assert open_mask(tmp_path / "full.png").marks_everything()
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(TilingError, match=r"b\.png: the file is empty"):
        open_mask(tmp_path / "b.png", SETTLED)


def test_one_channel_for_each_class(tmp_path: Path) -> None:
    each = np.stack([np.zeros_like(DEFECT)] * 3 + [DEFECT], -1) * np.uint8(255)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, each, photometric="minisblack", planarconfig="contig")
    np.save(tmp_path / "b.npy", each)
    np.save(tmp_path / "c.npy", each[..., 2:])
    for name, stored in (("a.tif", each), ("b.npy", each), ("c.npy", each[..., 2:])):
        mask = open_mask(tmp_path / name)
        same_bits(np.ascontiguousarray(mask.labels[...]), stored.copy())
        same_bits(mask[...], DEFECT)
        same_bits(mask[..., 9:12], DEFECT[:, 9:12].copy())


def test_floats_mark_and_nan_is_refused(tmp_path: Path) -> None:
    array = np.array([[0.0, -0.0, 1e-30, -2]], np.float32)
    write_image(tmp_path / "a.tif", array)
    mask = open_mask(tmp_path / "a.tif")
    assert mask[...].tolist() == [[False, False, True, True]]
    assert mask.labels.dtype == bool
    assert "floats" in mask.notes[0]
    np.save(tmp_path / "b.npy", np.array([[0.0, np.nan]]))
    for threshold in (None, 1):
        with pytest.raises(TilingError, match=r"b\.npy.*NaN"):
            read_mask(tmp_path / "b.npy", threshold=threshold)


def test_what_is_marked() -> None:
    labels = np.array([[0, 1, 255, 3]], np.uint8)
    assert marked(labels).tolist() == [[False, True, True, True]]
    assert marked(labels, 255).tolist() == [[False, True, False, True]]
    each = np.stack([labels * 0, labels], axis=-1)
    assert marked(each, 255).tolist() == [[False, True, False, True]]


# Nodata


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_nodata_is_void(tmp_path: Path, dtype: str) -> None:
    labels = classes().astype(dtype)
    labels[10:12] = 99
    write_image(tmp_path / "a.tif", labels, Metadata(nodata="99"))
    for threshold, least in ((None, 1), (2, 2)):
        mask = open_mask(tmp_path / "a.tif", threshold=threshold)
        same_bits(mask[...], (labels >= least) & (labels != 99))
        assert any("nodata 99" in note for note in mask.notes)
        kept = threshold is None and dtype != "float32"
        assert mask.void == (99 if kept else None)
    two = open_mask([tmp_path / "a.tif"] * 2)
    same_bits(two[...], (labels != 0) & (labels != 99))


@pytest.mark.parametrize("nodata", ["0", "nan", "-inf", "7.5", "-9999", "none", "1e99"])
def test_nodata_that_no_label_can_be_is_none(tmp_path: Path, nodata: str) -> None:
    write_image(tmp_path / "a.tif", classes(), Metadata(nodata=nodata))
    mask = open_mask(tmp_path / "a.tif")
    same_bits(mask[...], classes() != 0)
    assert mask.void is None
    assert not any("void" in note for note in mask.notes)


def test_a_colour_is_nodata_in_all_channels_alone(tmp_path: Path) -> None:
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[4:8, 10:14], colours[12:] = RED, 255
    write_image(tmp_path / "a.tif", colours, Metadata(nodata="255"))
    for threshold in (None, 200):
        mask = open_mask(tmp_path / "a.tif", threshold=threshold)
        same_bits(mask[...], DEFECT)
        same_bits(mask[5:9, 3:], DEFECT[5:9, 3:].copy())
        assert "nodata 255" in mask.notes[0]


def test_nodata_of_an_index_or_of_colours_is_none_of_others(tmp_path: Path) -> None:
    colours = np.array([BLACK, RED, *[BLACK] * 253, WHITE], np.uint16) * 257
    labels = DEFECT * np.uint8(255)
    labels[0, 0] = 1
    nodata = [(42113, 2, 4, "255", True)]
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="palette",
                     colormap=colours.T, extratags=nodata)  # fmt: skip
    mask = open_mask(tmp_path / "a.tif")
    assert (mask.void, np.argwhere(mask[...]).tolist()) == (255, [[0, 0]])
    same_bits(read_mask(tmp_path / "a.tif", threshold=1), labels != 0)
    clear = np.full((20, 30, 4), 255, np.uint8)
    clear[..., 3] = DEFECT * 255
    tifffile.imwrite(tmp_path / "b.tif", clear, photometric="rgb",
                     extrasamples=["unassalpha"], extratags=nodata)  # fmt: skip
    same_bits(read_mask(tmp_path / "b.tif"), DEFECT)


# Palettes


def test_the_index_marks_whatever_its_colour(tmp_path: Path) -> None:
    path = palette_mask(tmp_path / "a.png", DEFECT.astype(np.uint8), [[68, 1, 84], RED])
    mask = open_mask(path)
    same_bits(mask[...], DEFECT)
    assert mask.notes == ()
    same_bits(mask.labels[...], DEFECT.astype(np.uint8))
    for name in ("a.gif", "a.bmp"):
        Image.open(path).save(tmp_path / name)
        same_bits(read_mask(tmp_path / name), DEFECT)
    black = palette_mask(tmp_path / "b.png", DEFECT.astype(np.uint8), [WHITE, BLACK])
    (note,) = open_mask(black).notes
    assert "index 0" in note


def test_void_is_named_and_does_not_count(tmp_path: Path) -> None:
    labels = classes()
    labels[10:12] = 255
    colours = [BLACK, RED, *[[0, n, 9] for n in range(253)], VOID]
    path = palette_mask(tmp_path / "a.png", labels, colours)
    mask = open_mask(path)
    same_bits(mask[...], (labels != 0) & (labels != 255))
    same_bits(mask.labels[...], labels)
    assert mask.void == 255
    assert "void" in mask.notes[0]


@pytest.mark.parametrize("grey", [False, True])
def test_255_alone_or_of_a_grey_palette_is_no_void(tmp_path: Path, grey: bool) -> None:
    colours = [[n, n if grey else 0, n] for n in range(256)]
    labels = DEFECT * np.uint8(255)
    if grey:
        labels[4, 9] = 90  # a soft edge
    mask = open_mask(palette_mask(tmp_path / "a.png", labels, colours))
    same_bits(mask[...], labels != 0)
    assert mask.void is None
    assert "255 of the palette marks" in mask.notes[0]


# Alpha


@pytest.mark.parametrize("colour", [WHITE, BLACK, RED])
def test_alpha_marks_where_there_is_one_colour(
    tmp_path: Path, colour: list[int]
) -> None:
    stored = np.zeros((20, 30, 4), np.uint8)
    stored[..., :3], stored[..., 3] = colour, DEFECT * 200
    write_image(tmp_path / "a.png", stored)
    mask = open_mask(tmp_path / "a.png")
    same_bits(mask[...], DEFECT)
    assert mask.labels.shape == (20, 30)
    assert "alpha" in mask.notes[0]
    stored[..., 3] = 0
    write_image(tmp_path / "a.png", stored[..., 2:])
    assert not read_mask(tmp_path / "a.png").any()
    stored[..., 3] = 255  # opaque: the colour decides
    write_image(tmp_path / "a.png", stored)
    assert open_mask(tmp_path / "a.png").marks_everything() == any(colour)


def test_alpha_beside_colours_does_not_count(tmp_path: Path) -> None:
    stored = np.stack([DEFECT * 255, np.full_like(DEFECT, 9, int)], -1).astype(np.uint8)
    stored[0, 0, 1] = 0
    write_image(tmp_path / "a.png", stored)
    mask = open_mask(tmp_path / "a.png")
    same_bits(mask[...], DEFECT)
    same_bits(mask.labels[2:9, 3:20], stored[2:9, 3:20, 0].copy())


# Lossy formats and thresholds


def lossy(path: Path, image: NDArray[np.uint8], kind: str = "JPEG") -> Path:
    Image.fromarray(image).save(path, kind, quality=75)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_traces_of_a_lossy_format_do_not_mark(tmp_path: Path, kind: str) -> None:
    drawn = np.zeros((64, 64), np.uint8)
    drawn[13:31, 20:42] = 255
    path = lossy(tmp_path / "a", drawn, kind)
    assert (read_image(path) > 0).sum() > (drawn > 0).sum()  # or it shows nothing
    mask = open_mask(path)
    same_bits(mask[...], drawn > 0)
    same_bits(mask.labels[...], drawn > 0)
    assert "--mask-threshold" in mask.notes[0]
    if kind == "JPEG":  # in which black is exact
        black = lossy(tmp_path / "b", np.zeros((64, 64), np.uint8))
        assert not read_mask(black).any()


def test_a_lossy_mask_in_which_nothing_reaches_half_is_asked_about(
    tmp_path: Path,
) -> None:
    path = lossy(tmp_path / "a.jpg", DEFECT.repeat(8, 0).repeat(8, 1) * np.uint8(90))
    with pytest.raises(TilingError, match=r"a\.jpg.*--mask-threshold"):
        open_mask(path)
    same_bits(read_mask(path, threshold=45), DEFECT.repeat(8, 0).repeat(8, 1))


def test_a_threshold_of_any_colour(tmp_path: Path) -> None:
    grey = np.array([[0, 99, 100, 255]], np.uint8)
    write_image(tmp_path / "grey.png", grey)
    write_image(tmp_path / "rgb.png", np.stack([grey * 0, grey, grey * 0], -1))
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    np.save(tmp_path / "float.npy", grey.astype(np.float64))
    for name in ("grey.png", "rgb.png", "palette.png", "float.npy"):
        mask = open_mask(tmp_path / name, threshold=100)
        assert mask[...].tolist() == [[False, False, True, True]]
        assert mask.labels.dtype == bool
    write_image(tmp_path / "alpha.png", np.stack([grey * 0 + 255, grey], -1))
    found = read_mask(tmp_path / "alpha.png", threshold=100)
    assert found.tolist() == [[False, False, True, True]]
    np.save(tmp_path / "bool.npy", grey > 0)
    assert read_mask(tmp_path / "bool.npy", threshold=100).sum() == 3


# Several files, and how they are read


def test_of_several_masks_the_largest_label_counts(tmp_path: Path) -> None:
    one, two = classes(), classes()[::-1].copy() * np.uint8(3)
    names = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, labels in zip(names, (one, two), strict=True):
        write_image(path, labels)
    mask = open_mask(names)
    same_bits(mask.labels[1:19, 2:], np.maximum(one, two)[1:19, 2:].copy())
    same_bits(read_mask(names), (one > 0) | (two > 0))
    write_image(tmp_path / "c.png", np.stack([DEFECT * np.uint8(255)] * 3, -1))
    mixed = open_mask([names[0], tmp_path / "c.png"])
    same_bits(mixed.labels[...], (one > 0) | DEFECT)
    write_image(tmp_path / "d.png", one[:-1])
    with pytest.raises(TilingError, match=r"a\.png is 20x30, .*d\.png is 19x30"):
        open_mask([names[0], tmp_path / "d.png"])
    with pytest.raises(TilingError, match="at least one"):
        open_mask([])


def test_of_several_masks_void_hides_no_mark(tmp_path: Path) -> None:
    colours = [BLACK, RED, *[[0, n, 9] for n in range(253)], VOID]
    labels = np.array([[0, 1, 255, 255], [1, 255, 255, 0]], np.uint8)
    names = [tmp_path / f"{n}.png" for n in range(2)]
    palette_mask(names[0], labels, colours)
    palette_mask(names[1], np.roll(labels, 1), colours)
    mask = open_mask(names)
    assert mask.labels[...].tolist() == [[0, 1, 1, 255], [1, 1, 255, 255]]
    assert mask[...].astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 0, 0]]


def test_a_mask_is_turned_by_its_own_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(classes()).save(tmp_path / "a.png", exif=exif)
    same_bits(open_mask(tmp_path / "a.png").labels[...], np.rot90(classes(), -1).copy())
    left = open_mask(tmp_path / "a.png", ReadOptions(orient=False))
    same_bits(left.labels[...], classes())


MEMORY = """
import resource, sys
from reftiler.io import open_mask
mask = open_mask(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert mask[70_000:70_100, :100].sum() == 1
assert not mask.marks_everything()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does")
def test_a_large_mask_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"  # sparse: it takes no room on the disk
    stored: Any = np.lib.format.open_memmap(path, "w+", np.uint8, (80_000, 20_000))
    stored[70_003, 40] = 1
    stored.flush()
    del stored
    said = subprocess.check_output([sys.executable, "-c", MEMORY, os.fspath(path)])
    assert int(said) < 200_000  # KiB, of 1.6 GB
