"""NPY files as pictures: read by slices, and what their headers claim is checked."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from reftiler import TilingError
from reftiler.io import ReadOptions, open_image
from reftiler_conformance.compare import same_bits

SHAPE = (40, 30, 3)
PIECE = (slice(11, 28), slice(3, 20))


def picture(shape: tuple[int, ...] = SHAPE, dtype: str = "uint16") -> NDArray[Any]:
    raw = np.random.default_rng(0).integers(0, 255, shape)
    return (raw > 200) if dtype == "bool" else raw.astype(dtype)


def header(**changes: Any) -> bytes:
    """Write the header of an array of nine by nine bytes, with changes."""
    stream = io.BytesIO()
    content = {"descr": "|u1", "fortran_order": False, "shape": (9, 9), **changes}
    np.lib.format.write_array_header_1_0(stream, content)
    return stream.getvalue()


def refused(path: Path, words: str, **options: Any) -> None:
    for whole in (0, 2**20):
        with pytest.raises(TilingError, match=words) as caught:
            open_image(path, ReadOptions(**options), whole)
        assert path.name in str(caught.value)
        assert len(str(caught.value)) < 400 + len(str(path))


@pytest.mark.parametrize("whole", [0, 2**20])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", ">f4", "int64"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_are_pictures(
    tmp_path: Path, *, whole: int, order: Any, dtype: str, version: tuple[int, int]
) -> None:
    for shape in (SHAPE, SHAPE[:2]):
        image = picture(shape, dtype)
        with (tmp_path / "a.npy").open("wb") as file:
            np.lib.format.write_array(file, np.asarray(image, order=order), version)
        opened = open_image(tmp_path / "a.npy", ReadOptions(), whole)
        assert (opened.shape, opened.dtype) == (image.shape, image.dtype)
        same_bits(np.array(opened[...]), image)
        same_bits(np.array(opened[PIECE]), image[PIECE])


@pytest.mark.parametrize("whole", [0, 2**20])
def test_channels_first_is_asked_about(tmp_path: Path, whole: int) -> None:
    image = picture()
    np.save(tmp_path / "a.npy", np.moveaxis(image, -1, 0))
    refused(tmp_path / "a.npy", "--axes CYX")
    opened = open_image(tmp_path / "a.npy", ReadOptions(axes="CYX"), whole)
    assert opened.shape == SHAPE
    same_bits(np.array(opened[PIECE]), image[PIECE])
    picked = ReadOptions(axes="CYX", channels=(2, 0))
    opened = open_image(tmp_path / "a.npy", picked, whole)
    same_bits(np.array(opened[PIECE]), image[PIECE][..., [2, 0]])
    refused(tmp_path / "a.npy", "3 channels", axes="CYX", channels=(3,))


@pytest.mark.filterwarnings("ignore")  # of the version that such names need
@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((9, 9), complex), "real numbers: the dtype is complex128"),
        (np.zeros((3, 20, 20), complex), "real numbers"),  # whatever its axes are
        (np.zeros((9, 9), "M8[s]"), "real numbers"),
        (np.zeros((9, 9), "U4"), "real numbers"),
        (np.zeros((9, 9), [("a", "u1"), ("b", "f4")]), "real numbers"),
        (np.zeros((9, 9), [("é‰", "u1")]), "cannot read"),
        (np.full((9, 9), None), "not an array of plain values: the dtype is object"),
        (np.zeros((9, 9, 3, 2), "u1"), "not a picture"),
        (np.zeros(9, "u1"), "not a picture"),
        (np.zeros((0, 9), "u1"), "no pixels"),
    ],
)
def test_what_is_no_picture_is_refused(
    tmp_path: Path, array: NDArray[Any], words: str
) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    refused(tmp_path / "a.npy", words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot read"),
        (b"\x93NUMPY", "cannot read"),
        (b"\x93NUMPY\x09\x00" + bytes(99), "version"),
        (header()[:50], "cannot read"),
        (header() + bytes(80), "holds 80 bytes, not the 81"),
        (header(shape=(2**20, 2**20)) + bytes(81), "not the 1,099,511,627,776"),
        (header(shape=(2**40, 2**40)) + bytes(81), "truncated"),
        (header(shape=(-9, -9)) + bytes(81), "damaged"),
        (header(shape="x" * 5000), "cannot read"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000, "cannot read"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"-" * 9000, "too deeply"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 99, "cannot read"),
        (header() + bytes(81) + header() + bytes(81), "several arrays"),
    ],
)
def test_damaged_files_are_one_sentence(
    tmp_path: Path, data: bytes, words: str
) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    refused(tmp_path / "a.npy", words)


def test_there_is_one_page_and_one_level(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", picture())
    refused(tmp_path / "a.npy", "no page 1", page=1)
    refused(tmp_path / "a.npy", "one resolution", level=1)
    assert open_image(tmp_path / "a.npy", ReadOptions(page=0), 0).shape == SHAPE


def test_what_follows_the_array_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(header() + bytes(81) + b"more")
    opened = open_image(tmp_path / "a.npy", ReadOptions(), 0)
    assert opened.info.notes == ("4 bytes after the array are passed over",)
    assert opened.shape == (9, 9)
