"""Files: what is written comes back to the bit, and what is damaged never does."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

pytest.importorskip("skimage")

from reftiler import TilingError
from reftiler.io import (
    Metadata,
    ReadOptions,
    open_image,
    open_mask,
    read_image,
    read_mask,
    resize,
    write_image,
)
from reftiler.io.png import encode_png
from reftiler.io.read import fingerprint
from reftiler_conformance.compare import same_bits

SHAPES = [(11, 7), (11, 7, 3), (11, 7, 4), (3, 4), (3, 3), (1, 9), (9, 1), (1, 1)]


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    if dtype == "bool":
        return noise(shape, "uint8", seed) > 127
    raw = np.random.default_rng(seed).bytes(8 * int(np.prod(shape)))
    count = np.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(raw[:count], dtype).reshape(shape)


# Round trips


NUMBERS = ["int8", "int16", "int32", "uint32", "float16", "float32", "float64"]


@pytest.mark.parametrize(
    ("suffix", "dtype", "shape"),
    [
        *product(
            (".png", ".PNG", ".tif", ".tiff", ".npy"), ("uint8", "uint16"), SHAPES
        ),
        *product((".tif", ".npy"), NUMBERS, [(5, 6, 3)]),
        *product((".png", ".tif", ".npy"), ("uint16",), [(6, 5, 1)]),
        *product((".png", ".tif", ".npy"), ("bool",), [(9, 8)]),
        *((".png", "uint8", (6, 5, 2)), (".tif", "uint8", (6, 5, 2))),
        *((".tif", "uint8", (6, 5, 5)), (".npy", "uint8", (6, 5, 7))),
    ],
)
def test_what_was_written_is_read(
    tmp_path: Path, suffix: str, dtype: str, shape: tuple[int, ...]
) -> None:
    image = noise((2 * shape[0], *shape[1:]), dtype)[::2, ::-1]  # a view
    path, want, before = tmp_path / f"image{suffix}", image.copy(), image.copy()
    write_image(path, image)
    same_bits(image.copy(), before)
    if suffix != ".npy" and shape[2:] == (1,):
        want = want[..., 0].copy()
    if suffix != ".npy" and dtype == "bool":
        want = want * np.uint8(255)
    back = read_image(path)
    same_bits(back, want)
    assert back.flags.writeable
    assert back.flags.c_contiguous
    if dtype == "bool":
        same_bits(read_mask(path), before)


def test_deep_colour_is_written_as_others_read_it(tmp_path: Path) -> None:
    # Pillow reads the high bytes of 16-bit colour: a second opinion on our encoder.
    image = noise((10, 12, 3), "uint16")
    write_image(tmp_path / "deep.png", image)
    with Image.open(tmp_path / "deep.png") as file:
        same_bits(np.array(file), (image >> 8).astype(np.uint8))


@pytest.mark.parametrize("kind", range(5))
def test_deep_colour_is_read_under_every_png_filter(tmp_path: Path, kind: int) -> None:
    image = noise((9, 11, 3), "uint16")
    rows = image.astype(">u2").reshape(9, -1).view(np.uint8).astype(int)
    up = np.vstack([0 * rows[:1], rows[:-1]])
    left = np.hstack([0 * rows[:, :6], rows[:, :-6]])
    corner = np.hstack([0 * up[:, :6], up[:, :-6]])
    distances = [abs(left + up - corner - side) for side in (left, up, corner)]
    paeth = np.choose(np.argmin(distances, axis=0), [left, up, corner])
    guess = [0 * rows, left, up, (left + up) // 2, paeth][kind]
    lines = np.hstack([np.full((9, 1), kind), (rows - guess) % 256]).astype(np.uint8)
    path = written(tmp_path / "f.png", png((11, 9), 16, 2, lines.tobytes()))
    same_bits(read_image(path), image)


# What others wrote: one picture, as its format has it


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    length, checksum = len(body), zlib.crc32(kind + body)
    return struct.pack(">I", length) + kind + body + struct.pack(">I", checksum)


def png(
    size: tuple[int, int],
    depth: int,
    kind: int,
    rows: bytes,
    more: bytes = b"",
    interlaced: int = 0,
) -> bytes:
    """Make a PNG of rows that begin with their filter; ``more`` follows the header."""
    numbers = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced)
    header, end = chunk(b"IHDR", numbers), chunk(b"IEND", b"")
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + more + pixels + end


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


KINDS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95},
    "BMP": {},
    "GIF": {},
    "WEBP": {"lossless": True},
    "JPEG2000": {},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_is_read_as_pillow_reads_it(
    tmp_path: Path, kind: str, channels: int
) -> None:
    image = noise((20, 30, channels), "uint8")
    data = encoded(Image.fromarray(image.squeeze()), kind, **KINDS[kind])
    path = written(tmp_path / "picture.png", data)  # told apart by content
    with Image.open(path) as file:
        want = np.array(file.convert("L" if file.mode == "L" else "RGB"))
        same_bits(read_image(path), want)
    opened = open_image(path)
    same_bits(opened[3:9, 5:6], read_image(path)[3:9, 5:6])
    assert opened.info.lossy == (kind == "JPEG")
    assert not opened.info.alpha
    assert opened.info.notes == ()


@pytest.mark.parametrize(("depth", "last"), [(1, 1), (2, 3), (4, 15), (16, 65535)])
def test_grey_of_any_depth_keeps_its_numbers(
    tmp_path: Path, depth: int, last: int
) -> None:
    if depth == 16:  # with alpha, and each row under filter 2
        want = noise((3, 8, 2), "uint16")
        packed = want.astype(">u2").reshape(3, -1).view(np.uint8)
        packed = np.vstack([packed[:1], packed[1:] - packed[:-1]])
    else:
        want = noise((3, 8), "uint8") & np.uint8(last)
        bits = np.unpackbits(want[..., np.newaxis], axis=-1)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(3, -1), axis=-1)
    alpha = depth == 16
    rows = np.hstack([np.full((3, 1), 2 * alpha, np.uint8), packed])
    path = written(tmp_path / "a.png", png((8, 3), depth, 4 * alpha, rows.tobytes()))
    same_bits(read_image(path), want.astype(bool) if depth == 1 else want)
    assert open_image(path).info.alpha == alpha


@pytest.mark.parametrize("size", [(8, 8), (5, 3), (1, 1), (2, 9)])
def test_interlaced_pixels(tmp_path: Path, size: tuple[int, int]) -> None:
    want = noise((size[1], size[0], 3), "uint8")
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
    passes += [(0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [
        b"\0" + row.tobytes()
        for top, left, down, across in passes
        for row in want[top::down, left::across]
        if row.size
    ]
    path = written(tmp_path / "a.png", png(size, 8, 2, b"".join(parts), interlaced=1))
    same_bits(read_image(path), want)
    damaged(path, png(size, 8, 2, b"".join(parts[:-1]), interlaced=1))


def test_alpha_is_what_the_format_says(tmp_path: Path) -> None:
    image = Image.fromarray(noise((9, 8, 4), "uint8"))
    palette = image.convert("RGB").quantize(5)
    files = {
        "rgba.png": encoded(image, "PNG"),
        "la.png": encoded(image.convert("LA"), "PNG"),
        "palette.png": encoded(palette, "PNG", transparency=2),
        "palette.gif": encoded(palette, "GIF", transparency=2),
        "a.webp": encoded(image, "WEBP", lossless=True, exact=True),
        "a.jp2": encoded(image, "JPEG2000"),
    }
    for name, data in files.items():
        opened = open_image(written(tmp_path / name, data))
        assert opened.info.alpha, name
        with Image.open(tmp_path / name) as file:
            mode = "RGBA" if file.mode == "P" else file.mode
            same_bits(opened[...], np.array(file.convert(mode)))
    np.save(tmp_path / "a.npy", noise((9, 8, 4), "uint16"))
    stream = files["a.jp2"][files["a.jp2"].index(b"\xff\x4f\xff\x51") :]
    written(tmp_path / "a.j2k", stream)  # which says nothing of alpha
    for name in ("a.npy", "a.j2k"):
        assert not open_image(tmp_path / name).info.alpha


def test_a_transparent_colour_is_said(tmp_path: Path) -> None:
    image = noise((9, 8, 3), "uint8")
    data = encoded(Image.fromarray(image), "PNG", transparency=(1, 2, 3))
    opened = open_image(written(tmp_path / "a.png", data))
    same_bits(opened[...], image)
    assert "tRNS" in opened.info.notes[0]


def test_cmyk_is_converted_and_said(tmp_path: Path) -> None:
    image = Image.fromarray(noise((16, 24, 4), "uint8"), "CMYK")
    path = written(tmp_path / "a.jpg", encoded(image, "JPEG", quality=90))
    with Image.open(path) as file:
        same_bits(read_image(path), np.array(file.convert("RGB")))
    (note,) = open_image(path).info.notes
    assert "CMYK" in note


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_of_several_pictures_one_must_be_chosen(tmp_path: Path, kind: str) -> None:
    pictures = [Image.fromarray(noise((9, 8, 3), "uint8", n)) for n in range(3)]
    data = encoded(
        pictures[0], kind, save_all=True, append_images=pictures[1:], lossless=True
    )
    path = written(tmp_path / "a", data)
    with pytest.raises(TilingError, match=r"3 pictures.*--page"):
        read_image(path)
    with pytest.raises(TilingError, match="0 to 2, not 3"):
        read_image(path, ReadOptions(page=3))
    for page in range(3):
        with Image.open(path) as file:
            file.seek(page)
            want = np.array(file.convert("RGB"))
        same_bits(read_image(path, ReadOptions(page=page)), want)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_jpeg_2000_keeps_all_bits_or_is_refused(
    tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = noise((20, 30), dtype)
    path = written(tmp_path / "grey.jp2", encoded(Image.fromarray(grey), "JPEG2000"))
    same_bits(read_image(path), grey)
    assert not open_image(path).info.lossy
    codecs = pytest.importorskip("imagecodecs")
    image = noise((20, 30, 3), dtype)
    path = written(tmp_path / "a.jp2", codecs.jpeg2k_encode(image, reversible=True))
    same_bits(read_image(path), image)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    if dtype == "uint16":
        with pytest.raises(TilingError, match=r"reftiler\[codecs\]"):
            read_image(path)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def jp2(*more: bytes, header: bytes = b"", after: bytes = b"") -> bytes:
    """Make a JPEG 2000 file, with more boxes in its header, before and after it."""
    whole = encoded(Image.fromarray(noise((20, 30, 3), "uint8")), "JPEG2000")
    at = whole.index(b"jp2h") - 4
    length = int.from_bytes(whole[at : at + 4], "big")
    head = box(b"jp2h", whole[at + 8 : at + length] + header)
    return whole[:at] + head + b"".join(more) + whole[at + length :] + after


def test_what_boxes_of_jpeg_2000_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = noise((20, 30, 3), "uint8")
    geo = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03") + b"II*\0"
    gml = box(b"asoc", box(b"lbl ", b"gml.data"))
    for without in (False, True):
        if without:
            monkeypatch.setitem(sys.modules, "imagecodecs", None)
        for more, told in (([], False), ([box(b"uuid", geo)], True), ([gml], True)):
            path = written(tmp_path / "a.jp2", jp2(*more))
            opened = open_image(path)
            same_bits(opened[...], want)
            assert ["coordinates" in note for note in opened.info.notes] == [
                True
            ] * told
        data = jp2(after=box(b"uuid", bytes(16) + b"later"))
        same_bits(read_image(written(tmp_path / "a.jp2", data)), want)
        data = jp2(header=box(b"colr", b"\2\0\0profile"))
        opened = open_image(written(tmp_path / "a.jp2", data))
        assert opened.info.metadata.icc_profile == b"profile"


def test_jpeg_2000_of_gdal(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    rasterio = pytest.importorskip("rasterio")
    with rasterio.Env() as env:
        if "JP2OpenJPEG" not in env.drivers():
            pytest.skip("GDAL lacks JP2OpenJPEG")
    options: dict[str, Any] = {"driver": "JP2OpenJPEG", "height": 64, "width": 70}
    options |= {"REVERSIBLE": "YES", "QUALITY": 100, "crs": "EPSG:32633"}
    options["transform"] = rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)
    image, path = noise((64, 70, 3), "uint8"), tmp_path / "a.jp2"
    with rasterio.open(path, "w", count=3, dtype="uint8", **options) as file:
        file.write(np.moveaxis(image, -1, 0))
    same_bits(read_image(path), image)
    assert any("coordinates" in note for note in open_image(path).info.notes)
    with rasterio.open(path, "w", count=1, dtype="int16", **options) as file:
        file.write(noise((1, 64, 70), "int16"))
    assert "convert" in damaged(path, path.read_bytes())


def test_images_are_read_by_slices(tmp_path: Path) -> None:
    image = noise((9, 8, 3), "uint8")
    write_image(tmp_path / "a.png", image)
    opened = open_image(tmp_path / "a.png")
    for part in np.index_exp[2:7:2, ..., 1:], np.index_exp[5:2], np.index_exp[...]:
        assert opened[part].shape == image[part].shape
        assert (opened[part] == image[part]).all()
    for wrong in (3, np.s_[::-1]):
        with pytest.raises(TypeError, match="slices"):
            opened[wrong]
    with pytest.raises(IndexError, match="3 axes"):
        opened[:, :, :, :]


def test_channels_are_picked(tmp_path: Path) -> None:
    image = noise((9, 8, 4), "uint8")
    write_image(tmp_path / "a.png", image)
    opened = open_image(tmp_path / "a.png", ReadOptions(channels=(2, 0)))
    same_bits(opened[...], image[..., [2, 0]])
    assert not opened.info.alpha
    assert open_image(tmp_path / "a.png", ReadOptions(channels=(0, 3))).info.alpha
    one = read_image(tmp_path / "a.png", ReadOptions(channels=(1,)))
    same_bits(one, image[..., 1])
    with pytest.raises(TilingError, match=r"a\.png.*0 to 3"):
        open_image(tmp_path / "a.png", ReadOptions(channels=(4,)))
    with pytest.raises(TilingError, match="--level"):
        open_image(tmp_path / "a.png", ReadOptions(level=1))


# Orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("number", range(1, 9))
def test_pictures_are_turned_upright(tmp_path: Path, kind: str, number: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = number
    image = Image.fromarray(noise((5, 9, 3), "uint8"))
    data = encoded(image, kind, exif=exif, **KINDS[kind])
    path = written(tmp_path / "a", data)
    with Image.open(path) as file:
        stored = np.array(file)
        upright = np.array(ImageOps.exif_transpose(file))
    opened = open_image(path)
    same_bits(read_image(path), upright)
    for part in np.index_exp[1:4, 2:5], np.index_exp[:, 3:], np.index_exp[2:5:2, 1:4:2]:
        same_bits(opened[part], upright[part])
    assert (opened.info.orientation, opened.info.oriented) == (number, number > 1)
    left = open_image(path, ReadOptions(orient=False))
    same_bits(left[...], stored)
    assert (left.info.orientation, left.info.oriented) == (number, False)


@pytest.mark.parametrize("exif", [b"II", b"II*\0\xff\xff\xff\xff", b"XX*\0" * 9])
def test_damaged_exif_is_a_note(tmp_path: Path, exif: bytes) -> None:
    image = noise((5, 9), "uint8")
    data = encode_png(image)
    path = written(tmp_path / "a.png", data[:33] + chunk(b"eXIf", exif) + data[33:])
    opened = open_image(path)
    same_bits(opened[...], image)
    assert "EXIF" in opened.info.notes[0]


# Metadata


def test_metadata_of_png_come_back(tmp_path: Path) -> None:
    palette = bytes(range(9))
    metadata = Metadata(
        icc_profile=b"a profile" * 99,
        resolution=(100.0, 50.0),
        resolution_unit="centimeter",
        palette=palette,
    )
    image = np.array([[0, 1, 2, 200]], np.uint8)  # 200 has no colour
    path = written(tmp_path / "a.png", encode_png(image, metadata))
    labels = open_mask(path).labels
    same_bits(labels[...], image)
    found = labels.info.metadata
    assert found.palette is not None
    assert found.palette[:9] == palette
    assert replace(found, palette=palette) == metadata
    with Image.open(path) as file:
        assert file.mode == "P"
        assert file.info["icc_profile"] == metadata.icc_profile
        assert file.info["dpi"] == pytest.approx((254, 127))
    inches = replace(metadata, resolution=(300.0, 300.0), resolution_unit="inch")
    for shape, dtype in (((4, 5, 3), "uint8"), ((4, 5, 3), "uint16")):
        path.write_bytes(encode_png(noise(shape, dtype), inches))
        same_bits(read_image(path), noise(shape, dtype))
        found = open_image(path).info.metadata
        assert found.icc_profile == metadata.icc_profile
        assert found.resolution == pytest.approx((300 / 2.54, 300 / 2.54), rel=1e-4)


def test_metadata_of_jpeg_and_webp(tmp_path: Path) -> None:
    profile = noise((99_999,), "uint8").tobytes()  # more than a segment holds
    image = Image.fromarray(noise((9, 8, 3), "uint8"))
    data = encoded(image, "JPEG", icc_profile=profile, dpi=(96, 48))
    found = open_image(written(tmp_path / "a.jpg", data)).info.metadata
    assert found == Metadata(profile, (96, 48), "inch")
    part = data.index(b"ICC_PROFILE\0\2")
    lost = open_image(
        written(tmp_path / "b.jpg", data[: part + 12] + b"\7" + data[part + 13 :])
    )
    assert lost.info.metadata.icc_profile is None
    assert "profile" in lost.info.notes[0]
    data = encoded(image, "WEBP", icc_profile=profile)
    found = open_image(written(tmp_path / "a.webp", data)).info.metadata
    assert found.icc_profile == profile


# Damage


def damaged(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(TilingError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_flipped_bit_in_a_png_is_found(tmp_path: Path) -> None:
    data = encode_png(noise((9, 8, 3), "uint16"))
    for place in range(8, len(data)):
        wrong = bytearray(data)
        wrong[place] ^= 16
        damaged(tmp_path / "wrong.png", bytes(wrong))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"some text\n", "not a TIFF, NPY, PNG"),
        (b"\x89PNG\r\n\x1a\n", "truncated after 8 bytes"),
        (
            encode_png(np.zeros((2, 2), np.uint8))[:8] + b"\0\0\0\0IEND\xaeB`\x82",
            "head",
        ),
        (b"\x93NUMPY\x01\x00" + b"\xff" * 99, "cannot read"),
    ],
)
def test_the_cause_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in damaged(tmp_path / "bad.png", data)


@pytest.mark.parametrize("tolerant", [False, True])
@pytest.mark.parametrize("kind", [*KINDS, "deep PNG"])
def test_no_truncated_file_is_ever_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tolerant: bool
) -> None:
    # Other libraries switch this on for the whole process; it gives half black images.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    if kind == "deep PNG":
        data = encode_png(noise((9, 8, 3), "uint16"))
    else:
        image = Image.fromarray(noise((9, 8), "uint8"))
        data = encoded(image, kind, **KINDS[kind])
    lengths = [*range(0, len(data) - 1, 1 if len(data) < 800 else 3), len(data) - 1]
    for length in lengths:
        path = written(tmp_path / "cut", data[:length])
        with pytest.raises(TilingError, match=r"cut: "):
            open_image(path)  # before any pixel is asked for
    read_image(written(tmp_path / "whole", data))
    assert tolerant == ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_png_of_whole_chunks_with_too_few_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for kind, depth, size in (
        (0, 1, 1),
        (0, 8, 8),
        (2, 16, 48),
        (3, 8, 8),
        (4, 16, 32),
    ):
        palette = chunk(b"PLTE", b"\1\2\3") if kind == 3 else b""
        for row in b"\0" + bytes(size), b"\0" + b"\1" * size:
            whole = png((8, 9), depth, kind, row * 9, palette)
            read_image(written(tmp_path / "a.png", whole))
            damaged(tmp_path / "a.png", png((8, 9), depth, kind, row * 8, palette))


def test_runs_of_a_bmp_that_end_early(tmp_path: Path) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, 0, 0, 0, 256, 0)
    table = b"".join(bytes([n, n, n, 0]) for n in range(256))
    runs = b"\4\7\0\0" + b"\4\x09\0\0" + b"\0\1"
    head = b"BM" + struct.pack("<IHHI", 14 + 40 + 1024 + len(runs), 0, 0, 1078)
    path = written(tmp_path / "a.bmp", head + header + table + runs)
    assert read_image(path).tolist() == [[9] * 4, [7] * 4]
    damaged(path, head + header + table + runs[:-2])


def jpeg(**options: Any) -> bytes:
    y, x = np.mgrid[:64, :80]
    image = np.stack([x * 3, y * 4, (x + y) % 200], axis=-1).astype(np.uint8)
    return encoded(Image.fromarray(image), "JPEG", **options)


def test_fill_bytes_before_a_marker_are_legal(tmp_path: Path) -> None:
    data = jpeg(subsampling=0)
    at = data.index(b"\xff\xc0")
    filled = data[:at] + b"\xff\xff\xff" + data[at:-2] + b"\xff\xff\xff\xd9 and more"
    want = read_image(written(tmp_path / "a.jpg", data))
    same_bits(read_image(written(tmp_path / "b.jpg", filled)), want)
    assert open_image(tmp_path / "b.jpg").info.notes == ()


def test_thumbnails_and_further_pictures(tmp_path: Path) -> None:
    data = jpeg()
    want = read_image(written(tmp_path / "a.jpg", data))
    segment = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    several = b"\xff\xe2\0\6MPF\0"[:4] + b"MPF\0"
    whole = data[:2] + segment + several + data[2:]
    opened = open_image(written(tmp_path / "b.jpg", whole + data))
    same_bits(opened[...], want)
    assert "MPO" in opened.info.notes[0]
    damaged(tmp_path / "c.jpg", whole[:-9])


@pytest.mark.parametrize(
    "options",
    [{}, {"subsampling": 0}, {"progressive": True}, {"restart_marker_rows": 1}],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(80, 64), (33, 50), (17, 8), (3, 3)])
def test_a_whole_jpeg_is_never_called_damaged(
    tmp_path: Path, options: dict[str, Any], mode: str, size: tuple[int, int]
) -> None:
    with Image.open(io.BytesIO(jpeg())) as file:
        pictures = [
            file.resize(size),
            Image.new(mode, size, "gray"),
            Image.new(mode, size),
        ]
    for image in pictures:
        data = encoded(image.convert(mode), "JPEG", **options)
        assert open_image(written(tmp_path / "a.jpg", data)).info.notes == ()


def test_damage_within_a_jpeg(tmp_path: Path) -> None:
    data = jpeg(subsampling=0, quality=95)
    start = data.index(b"\xff\xda") + 14
    middle = (start + len(data)) // 2
    foreign = data[:middle] + b"\xff\x3c" + data[middle + 2 :]
    assert "marker 3C" in damaged(tmp_path / "a.jpg", foreign)
    short = data[: len(data) - 200] + b"\xff\xd9"
    assert "end before" in damaged(tmp_path / "a.jpg", short)
    longer = data[:start] + data[start : start + 300] + data[start:]
    opened = open_image(written(tmp_path / "a.jpg", longer))
    assert "more data" in opened.info.notes[0]
    data = jpeg(restart_marker_rows=1)
    swapped = data.replace(b"\xff\xd1", b"\xff\xd2", 1)
    assert "restart" in damaged(tmp_path / "a.jpg", swapped)


def scans(data: bytes) -> list[int]:
    """Return where each scan of a JPEG begins: the tables before its header, too."""
    found = [n for n in range(len(data)) if data[n : n + 2] == b"\xff\xda"]
    tables = [data.rfind(b"\xff\xc4", before, n) for before, n in pairwise([0, *found])]
    return [t if t >= 0 else n for t, n in zip(tables, found, strict=True)]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("quality", [3, 98])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_progressive_jpegs_lack_no_scan(
    tmp_path: Path, mode: str, quality: int, subsampling: int
) -> None:
    with Image.open(io.BytesIO(jpeg())) as file:
        data = encoded(
            file.convert(mode),
            "JPEG",
            progressive=True,
            quality=quality,
            subsampling=subsampling,
            optimize=True,
        )
    image = read_image(written(tmp_path / "a.jpg", data))
    assert image.shape[:2] == (64, 80)
    starts = scans(data)
    assert len(starts) > 4
    for start in starts[1:]:
        told = damaged(tmp_path / "a.jpg", data[:start] + b"\xff\xd9")
        assert "scans are missing" in told
    data = jpeg(subsampling=0)
    start = data.index(b"\xff\xda")
    one = b"\xff\xda\0\x08\1\1\0\0\x3f\0"  # the header of a scan of luminance
    told = damaged(tmp_path / "a.jpg", data[:start] + one + data[start + 14 :])
    assert "scans are missing" in told


# Limits


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_pixels_are_refused_by_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    image = Image.fromarray(noise((100, 100), "uint8"))
    path = written(tmp_path / "a", encoded(image, kind))
    with pytest.raises(TilingError, match=r"a: 100 x 100.*--max-bytes"):
        open_image(path, ReadOptions(max_bytes=9_999))
    want = read_image(path, ReadOptions(max_bytes=40_000))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)  # Pillow's own does not matter
    same_bits(read_image(path), want)
    assert Image.MAX_IMAGE_PIXELS == 16


def test_a_small_file_does_not_fill_the_memory(tmp_path: Path) -> None:
    large = png((60_000, 60_000), 8, 0, b"")
    assert "--max-bytes" in damaged(tmp_path / "a.png", large)
    packed = zlib.compress(bytes(2**27), 9)
    data = encode_png(noise((5, 4), "uint8"))
    text = chunk(b"zTXt", b"Comment\0\0" + packed) + chunk(b"iCCP", b"p\0\0" + packed)
    tracemalloc.start()
    opened = open_image(written(tmp_path / "b.png", data[:33] + text + data[33:]))
    same_bits(opened[...], noise((5, 4), "uint8"))
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
    assert "profile" in opened.info.notes[0]


def test_memory_that_ends_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise MemoryError

    write_image(tmp_path / "a.png", noise((5, 4), "uint8"))
    opened = open_image(tmp_path / "a.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    with pytest.raises(TilingError, match=r"a\.png: there is not enough memory"):
        opened[...]


# Paths


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
@pytest.mark.parametrize("read", [read_image, read_mask, fingerprint])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.png", r"gone\.png: No such file"),
        ("folder", "cannot read .*: Is a directory"),
        ("nul\0.png", "cannot read"),
        ("pipe.png", r"pipe\.png: not a regular file"),
        ("zero.png", r"zero\.png: not a regular file"),
        ("loop.png", r"loop\.png: "),
    ],
)
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, read: Callable[[Path], object], name: str, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "loop.png").symlink_to("loop.png")
    if read is not fingerprint or "pipe" in name or "zero" in name:
        with pytest.raises(TilingError, match=words):
            read(tmp_path / name)


def test_a_fingerprint_tells_more_than_size_and_time(tmp_path: Path) -> None:
    path = written(tmp_path / "a.npy", bytes(300_000))
    before, found = fingerprint(path), path.stat()
    assert fingerprint(path) == before == tuple(json.loads(json.dumps(before)))
    path.write_bytes(bytes(299_999) + b"\1")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert path.stat().st_mtime_ns == found.st_mtime_ns
    assert fingerprint(path) != before
    folder = tmp_path / "a.zarr"
    (folder / "c").mkdir(parents=True)
    for name in ("zarr.json", "c/0", "c/1"):
        (folder / name).write_bytes(b"12")
    before = fingerprint(folder)
    (folder / "c/1").rename(folder / "c/2")
    assert fingerprint(folder) != before
    (folder / "c/2").rename(folder / "c/1")
    assert fingerprint(folder) == before
    found = (folder / "zarr.json").stat()
    (folder / "zarr.json").write_bytes(b"21")
    os.utime(folder / "zarr.json", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert fingerprint(folder) != before


# Writing


BYTES = np.zeros((2, 2), np.uint8)


@pytest.mark.parametrize(
    ("name", "image", "says"),
    [
        ("a.jpg", BYTES, r"written as .*\.png"),
        ("a.bmp", BYTES, r"written as .*\.png"),
        ("a.webp", BYTES, r"written as .*\.png"),
        ("a", BYTES, r"written as .*\.png"),
        ("a.png", BYTES.astype("f4"), r"not float32: use \.tif or \.npy"),
        ("a.png", BYTES.astype("i8"), r"not int64: use"),
        ("a.png", np.zeros((2, 2, 5), np.uint8), r"5 channels of uint8: use \.tif or"),
        ("a.png", np.zeros((2, 2, 2), np.uint16), r"2 channels of uint16: use"),
        ("a.png", np.zeros(4, np.uint8), r"the shape is \(4,\)"),
        ("a.png", np.zeros((0, 4), np.uint8), r"the shape is \(0, 4\)"),
        ("a.png", BYTES.astype(complex), "complex128"),
        ("a.png", [[0, 1]], "numpy array, got list"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, name: str, image: Any, says: str
) -> None:
    error = TypeError if isinstance(image, list) else TilingError
    with pytest.raises(error, match=says):
        write_image(tmp_path / name, image)
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of file sizes")
    path, old = tmp_path / "a.png", noise((64, 64), "uint8")
    write_image(path, old)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(TilingError, match=r"cannot write .*a\.png: File too large"):
            write_image(path, old[::-1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == [path]
    same_bits(read_image(path), old)


def test_folders_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "b.png").mkdir()
    for name, says in (
        ("file/a.png", r"cannot write .*a\.png: Not a directory"),
        ("gone/a.png", r"cannot write .*a\.png: No such file"),
        ("b.png", r"cannot write .*b\.png: Is a directory"),
    ):
        with pytest.raises(TilingError, match=says):
            write_image(tmp_path / name, BYTES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.png", "file"]


# Resizing


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_resize_keeps_type_and_flat_colour(dtype: str) -> None:
    image = np.full((50, 40, 3), 97, dtype)
    for size in ((25, 20), (13, 7), (80, 90)):
        same_bits(resize(image, size), np.full((*size, 3), 97, dtype))
    stripes = np.tile(np.array([0, 100], dtype), (64, 32))
    same_bits(resize(stripes, (64, 64)), stripes)
    small = resize(stripes, (16, 16)).astype(float)  # what is too fine is filtered
    assert np.ptp(small) < 10
    assert abs(small.mean() - 50) < 1


@pytest.mark.parametrize("target", [(4, 4), (7, 5), (1, 1), (16, 16), (23, 40)])
def test_every_marked_pixel_survives_resizing(target: tuple[int, int]) -> None:
    for row in range(16):
        for column in range(0, 16, 5):
            mask = np.zeros((16, 16), bool)
            mask[row, column] = True
            small = resize(mask, target)
            assert small.dtype == bool
            rows, columns = np.nonzero(small)
            for marks, place, length in zip(
                (rows, columns), (row, column), target, strict=True
            ):
                want = [
                    i
                    for i in range(length)
                    if i * 16 < (place + 1) * length and (i + 1) * 16 > place * length
                ]
                assert sorted(set(marks.tolist())) == want
    assert not resize(np.zeros((9, 9), bool), target).any()
    assert resize(np.ones((9, 9), bool), target).all()


@pytest.mark.parametrize(
    ("image", "size", "error", "says"),
    [
        (BYTES, (2, 2.5), TypeError, r"size\[1\] must be an int"),
        (BYTES, (0, 2), TilingError, r"size\[0\] must be at least 1"),
        (BYTES.astype("i8"), (2, 2), TilingError, "int64"),
        (np.zeros(4), (2, 2), TilingError, "the shape is"),
    ],
)
def test_resize_refuses(image: Any, size: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        resize(image, size)


# Packages


RUN = """
import sys
for name in sys.argv[2:]:
    sys.modules[name] = None
import numpy as np
import reftiler.io
loaded = {"PIL", "skimage", "tifffile", "zarr"} & set(sys.modules) - set(sys.argv[2:])
assert not loaded, loaded
for work in (
    lambda: reftiler.io.read_image(sys.argv[1]),
    lambda: reftiler.io.resize(np.zeros((4, 4), np.uint8), (2, 2)),
):
    try:
        work()
        print("done")
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("missing", ["", "PIL", "skimage"])
def test_packages_are_loaded_when_needed_and_the_extra_is_named(
    tmp_path: Path, missing: str
) -> None:
    write_image(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    run = subprocess.run(
        [sys.executable, "-c", RUN, tmp_path / "a.png", *filter(None, [missing])],
        capture_output=True,
        text=True,
        check=True,
    )
    read, resized = run.stdout.splitlines()
    extra = 'pip install "reftiler[cli]"'
    assert (extra in read) == (missing == "PIL")
    assert (extra in resized) == (missing == "skimage")
