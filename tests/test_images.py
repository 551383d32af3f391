"""Files: what is written comes back to the bit, and what is damaged never does."""

from __future__ import annotations

import errno
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

pytest.importorskip("skimage")

import tifffile

from reftiler import TilingError
from reftiler.io import (
    IMAGE_SUFFIXES,
    read_image,
    read_mask,
    resize,
    write_image,
)
from reftiler.io.png import encode_png
from reftiler_conformance.compare import same_bits

SHAPES = [(11, 7), (11, 7, 3), (11, 7, 4), (3, 4), (3, 3), (1, 9), (9, 1), (1, 1)]


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    raw = np.random.default_rng(seed).bytes(8 * int(np.prod(shape)))
    count = np.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(raw[:count], dtype).reshape(shape)


# Round trips


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".tif", ".tiff", ".npy"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_written_is_read(
    tmp_path: Path, suffix: str, dtype: str, shape: tuple[int, ...]
) -> None:
    image = noise(shape, dtype)
    write_image(tmp_path / f"image{suffix}", image)
    back = read_image(tmp_path / f"image{suffix}")
    same_bits(back, image)
    assert back.flags.writeable
    assert back.flags.c_contiguous


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "uint32", "float16", "float32", "float64"]
)
def test_numbers_of_every_width_are_kept(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    image = noise((5, 6, 3), dtype)
    write_image(tmp_path / f"image{suffix}", image)
    same_bits(read_image(tmp_path / f"image{suffix}"), image)


def test_grey_with_alpha_and_many_channels(tmp_path: Path) -> None:
    for name, channels in (("a.png", 2), ("b.tif", 2), ("c.tif", 5), ("d.npy", 7)):
        image = noise((6, 5, channels), "uint8")
        write_image(tmp_path / name, image)
        same_bits(read_image(tmp_path / name), image)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_single_channel_is_grey_but_in_npy(tmp_path: Path, suffix: str) -> None:
    image = noise((6, 5, 1), "uint16")
    write_image(tmp_path / f"grey{suffix}", image)
    same_bits(read_image(tmp_path / f"grey{suffix}"), image[..., 0].copy())
    write_image(tmp_path / "grey.npy", image)
    same_bits(read_image(tmp_path / "grey.npy"), image)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_a_written_array_is_not_changed(tmp_path: Path, suffix: str) -> None:
    image = noise((16, 16, 3), "uint16")[::2, ::-1]
    assert not image.flags.writeable
    write_image(tmp_path / f"view{suffix}", image)
    same_bits(read_image(tmp_path / f"view{suffix}"), image.copy())


def test_bool_is_stored_as_0_and_255(tmp_path: Path) -> None:
    mask = noise((9, 8), "uint8") > 127
    for name in ("mask.png", "mask.tif"):
        write_image(tmp_path / name, mask)
        same_bits(read_image(tmp_path / name), mask * np.uint8(255))
        same_bits(read_mask(tmp_path / name), mask)
    write_image(tmp_path / "mask.npy", mask)
    same_bits(read_image(tmp_path / "mask.npy"), mask)


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
    data = encode_png(image)
    start = data.index(b"IDAT")
    body = b"IDAT" + zlib.compress(lines.tobytes())
    chunk = (
        struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    )
    (tmp_path / "f.png").write_bytes(data[: start - 4] + chunk + data[-12:])
    same_bits(read_image(tmp_path / "f.png"), image)


# What others wrote


def test_files_are_told_apart_by_content(tmp_path: Path) -> None:
    image = noise((6, 7), "uint8")
    write_image(tmp_path / "a.tif", image)
    (tmp_path / "a.tif").rename(tmp_path / "a.png")
    same_bits(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize(("kind", "suffix"), [("BMP", ".bmp"), ("JPEG", ".jpg")])
def test_bmp_and_jpeg_are_read(tmp_path: Path, kind: str, suffix: str) -> None:
    Image.fromarray(noise((20, 30, 3), "uint8")).save(tmp_path / f"a{suffix}", kind)
    with Image.open(tmp_path / f"a{suffix}") as file:
        same_bits(read_image(tmp_path / f"a{suffix}"), np.array(file))
    assert suffix in IMAGE_SUFFIXES


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_palettes_and_bits(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(noise((20, 30, 3), "uint8"))
    few = image.quantize(5)
    few.save(tmp_path / f"palette{suffix}")
    same_bits(read_image(tmp_path / f"palette{suffix}"), np.array(few.convert("RGB")))
    bits = np.array(image)[..., 0] > 99
    Image.fromarray(bits).save(tmp_path / f"bits{suffix}")
    same_bits(read_image(tmp_path / f"bits{suffix}"), bits)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_compressed_tiff_is_read(tmp_path: Path, compression: str) -> None:
    image = noise((40, 30, 3), "uint8")
    Image.fromarray(image).save(tmp_path / "a.tif", compression=compression)
    same_bits(read_image(tmp_path / "a.tif"), image)


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
        {"bigtiff": True, "byteorder": ">"},
        {"planarconfig": "separate", "photometric": "rgb"},
    ],
)
def test_tiff_layouts_are_read(tmp_path: Path, options: dict[str, Any]) -> None:
    image = noise((37, 21, 3), "uint16")
    planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    stored = planes if "planarconfig" in options else image
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    same_bits(read_image(tmp_path / "a.tif"), image)


def test_white_is_zero_in_some_tiffs(tmp_path: Path) -> None:
    image = noise((5, 6), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="miniswhite")
    same_bits(read_image(tmp_path / "a.tif"), 255 - image)
    tifffile.imwrite(
        tmp_path / "b.tif", image.astype(np.uint16), photometric="miniswhite"
    )
    with pytest.raises(TilingError, match=r"b\.tif.*MINISWHITE"):
        read_image(tmp_path / "b.tif")


def test_large_images_are_not_refused_as_bombs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = noise((64, 64), "uint8")
    for name in ("a.png", "a.tif"):
        write_image(tmp_path / name, image)
    Image.fromarray(image).save(tmp_path / "a.bmp")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)
    for name in ("a.png", "a.tif", "a.bmp"):
        same_bits(read_image(tmp_path / name), image)


# Masks


@pytest.mark.parametrize("value", [1, 2, 255])
@pytest.mark.parametrize("channel", [None, 0, 1, 2])
@pytest.mark.parametrize("alpha", [False, True])
def test_any_colour_marks_and_alpha_does_not(
    tmp_path: Path, value: int, channel: int | None, alpha: bool
) -> None:
    mask = noise((9, 8), "uint8") > 200
    if channel is None:
        stored = np.stack([mask * value, np.full((9, 8), 255)], -1)
        stored = stored if alpha else stored[..., 0]
    else:
        stored = np.zeros((9, 8, 4 if alpha else 3), int)
        stored[..., channel] = mask * value
        stored[..., 3:] = 255
    write_image(tmp_path / "mask.png", stored.astype(np.uint8))
    same_bits(read_mask(tmp_path / "mask.png"), mask)


def test_float_and_palette_masks(tmp_path: Path) -> None:
    write_image(tmp_path / "a.tif", np.array([[0.0, -0.0, 1e-30, np.nan]], np.float32))
    assert read_mask(tmp_path / "a.tif").tolist() == [[False, False, True, True]]
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 0, 9])
    palette.save(tmp_path / "b.png")
    assert read_mask(tmp_path / "b.png").tolist() == [[False, True, True]]


# Damage


def damaged(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(TilingError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("tolerant", [False, True])
def test_no_truncated_png_is_ever_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tolerant: bool
) -> None:
    # Other libraries switch this on for the whole process; it gives half black images.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    for image in (noise((30, 20), "uint8"), noise((9, 8, 3), "uint16")):
        data = encode_png(image)
        for length in range(len(data)):
            damaged(tmp_path / "cut.png", data[:length])


@pytest.mark.parametrize("tolerant", [False, True])
def test_no_truncated_jpeg_is_ever_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tolerant: bool
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    buffer = io.BytesIO()
    Image.fromarray(noise((30, 20), "uint8")).save(buffer, "JPEG")
    data = buffer.getvalue()
    for length in range(len(data)):
        damaged(tmp_path / "cut.jpg", data[:length])


def test_jpegs_with_thumbnails_and_trailers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    buffer = io.BytesIO()
    Image.fromarray(noise((30, 20), "uint8")).save(buffer, "JPEG")
    data = buffer.getvalue()
    (tmp_path / "a.jpg").write_bytes(data)
    want = read_image(tmp_path / "a.jpg")
    segment = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    whole = data[:2] + segment + data[2:]
    (tmp_path / "b.jpg").write_bytes(whole + b"a video \xff\xda")
    same_bits(read_image(tmp_path / "b.jpg"), want)
    damaged(tmp_path / "c.jpg", whole[:-9])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_no_truncated_tiff_or_npy_is_ever_read(
    tmp_path: Path, compression: str | None
) -> None:
    image, buffer = noise((40, 20), "uint8"), io.BytesIO()
    tifffile.imwrite(buffer, image, rowsperstrip=8, compression=compression)
    data = buffer.getvalue()
    for length in range(0, len(data), 7):
        damaged(tmp_path / "cut.tif", data[:length])
    np.save(tmp_path / "whole.npy", image)
    data = (tmp_path / "whole.npy").read_bytes()
    for length in range(0, len(data), 7):
        damaged(tmp_path / "cut.npy", data[:length])


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
        (b"some text\n", "not a PNG, TIFF, JPEG, BMP or NPY"),
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


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(TilingError, match=r"gone\.png: No such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(TilingError, match=r"cannot read .*: Is a directory"):
        read_mask(tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3),
        np.zeros((2, 2, 2, 2)),
        np.zeros((0, 4)),
        np.zeros((2, 2), complex),
        np.array([["a"]]),
    ],
)
def test_npy_must_hold_a_picture(tmp_path: Path, array: NDArray[Any]) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(TilingError, match=r"a\.npy: not a picture"):
        read_image(tmp_path / "a.npy")


def test_npy_never_runs_code(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[print]], object))
    with pytest.raises(TilingError, match=r"a\.npy: Object arrays cannot be loaded"):
        read_image(tmp_path / "a.npy")


def test_several_pages_are_refused(tmp_path: Path) -> None:
    pages = noise((4, 9, 8), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    with pytest.raises(TilingError, match=r"a\.tif: the TIFF holds 4 images, not one"):
        read_image(tmp_path / "a.tif")


# Writing


@pytest.mark.parametrize("name", ["a.jpg", "a.bmp", "a", "a.webp"])
def test_only_lossless_formats_are_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(TilingError, match=r"\.png, \.tif, \.tiff or \.npy"):
        write_image(tmp_path / name, np.zeros((2, 2), np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((2, 2), np.float32), r"not float32: use \.tif or \.npy"),
        (np.zeros((2, 2), np.int64), r"not int64: use"),
        (np.zeros((2, 2, 5), np.uint8), r"5 channels of uint8: use \.tif or \.npy"),
        (np.zeros((2, 2, 2), np.uint16), r"2 channels of uint16: use"),
        (np.zeros(4, np.uint8), r"the shape is \(4,\)"),
        (np.zeros((0, 4), np.uint8), r"the shape is \(0, 4\)"),
        (np.zeros((2, 2), complex), "complex128"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, image: NDArray[Any], says: str
) -> None:
    with pytest.raises(TilingError, match=says):
        write_image(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


def test_only_arrays_are_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="numpy array, got list"):
        write_image(tmp_path / "a.png", [[0, 1]])  # type: ignore[arg-type]


def full_disk(path: Path, data: bytes) -> int:
    """Write half, then fail as a full disk does."""
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, old = tmp_path / "a.png", noise((4, 4), "uint8")
    write_image(path, old)
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(TilingError, match=r"cannot write .*a\.png: No space left"):
        write_image(path, old[:2])
    assert list(tmp_path.iterdir()) == [path]
    same_bits(read_image(path), old)


def test_an_interrupted_rename_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    assert not list(tmp_path.iterdir())


def test_folders_that_cannot_be_written_to(tmp_path: Path) -> None:
    image = np.zeros((2, 2), np.uint8)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TilingError, match=r"cannot write .*a\.png: Not a directory"):
        write_image(tmp_path / "file" / "a.png", image)
    with pytest.raises(TilingError, match=r"cannot write .*a\.png: No such file"):
        write_image(tmp_path / "gone" / "a.png", image)
    (tmp_path / "b.png").mkdir()
    with pytest.raises(TilingError, match=r"cannot write .*b\.png: Is a directory"):
        write_image(tmp_path / "b.png", image)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.png", "file"]


# Resizing


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_resize_keeps_type_and_flat_colour(dtype: str) -> None:
    image = np.full((50, 40, 3), 97, dtype)
    for size in ((25, 20), (13, 7), (80, 90)):
        same_bits(resize(image, size), np.full((*size, 3), 97, dtype))


def test_resize_filters_what_is_too_fine() -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (64, 32))
    assert np.ptp(resize(stripes, (16, 16)).astype(int)) < 20
    assert abs(resize(stripes, (16, 16)).mean() - 100) < 2


def test_resize_to_the_same_size_is_exact() -> None:
    image = noise((9, 8, 3), "uint16")
    same_bits(resize(image, (9, 8)), image)


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


def test_an_empty_mask_stays_empty_and_full_stays_full() -> None:
    assert not resize(np.zeros((9, 9), bool), (4, 13)).any()
    assert resize(np.ones((9, 9), bool), (4, 13)).all()


def test_resize_refuses() -> None:
    image = np.zeros((4, 4), np.uint8)
    with pytest.raises(TypeError, match=r"size\[1\] must be an int"):
        resize(image, (2, 2.5))  # type: ignore[arg-type]
    with pytest.raises(TilingError, match=r"size\[0\] must be at least 1"):
        resize(image, (0, 2))
    with pytest.raises(TilingError, match="int64"):
        resize(image.astype(np.int64), (2, 2))
    with pytest.raises(TilingError, match="the shape is"):
        resize(np.zeros(4), (2, 2))


# Without scikit-image


NEEDING = ("io", "io.datasets", "samples", "figures", "visibility")
IMPORTING = """
import importlib, sys
sys.modules[sys.argv[1]] = None
for name in sys.argv[2:]:
    try:
        importlib.import_module("reftiler." + name)
    except ImportError as error:
        print(name, error)
"""


@pytest.mark.parametrize("missing", ["skimage", "PIL"])
def test_the_extra_is_named_where_it_is_missing(missing: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORTING, missing, *NEEDING],
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(line.split(" ", 1) for line in run.stdout.splitlines())
    assert set(said) == set(NEEDING)
    assert all('pip install "reftiler[cli]"' in message for message in said.values())
