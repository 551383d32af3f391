"""TIFF files of all kinds as pictures, and what they say beside the pixels."""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

import tifffile
from PIL import Image

from reftiler import TilingError
from reftiler.io import create_image, open_image, read_image, write_image
from reftiler.io.info import ReadOptions
from reftiler.io.lazy import LazyImage
from reftiler.io.metadata import Metadata
from reftiler_conformance.compare import same_bits

Array = NDArray[Any]

PLAIN = ReadOptions()
BLOCKS = (np.s_[:], np.s_[5:37, 9:66], np.s_[44:45, 69:70], np.s_[0:45:3, 2:60:7])


def noise(*shape: int, dtype: str = "uint8") -> Array:
    values = np.random.default_rng(0).integers(0, 100, shape)
    return values > 50 if dtype == "bool" else values.astype(dtype)


def stored_chunk(path: Path, number: int = 0) -> slice:
    """Return where a chunk of the first page lies in a file."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        start = page.dataoffsets[number]
        return slice(start, start + page.databytecounts[number])


def opened(path: Path, *, whole: int = 0, indices: bool = False, **k: Any) -> LazyImage:
    return open_image(path, ReadOptions(**k), whole, indices=indices)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


@pytest.fixture(params=["imagecodecs", "without imagecodecs"])
def codecs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Decode with and without the extra."""
    if request.param == "imagecodecs":
        pytest.importorskip("imagecodecs")
    else:
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
    return str(request.param)


# Pixels


@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("dtype", "channels", "planes"),
    [
        *((dtype, 1, False) for dtype in ("bool", "uint8", "uint16", "int32")),
        *((dtype, 3, False) for dtype in ("uint8", "uint16", "float32")),
        *((dtype, 5, True) for dtype in ("uint8", "float32")),
    ],
)
def test_blocks_are_the_pixels(
    path: Path,
    codecs: str,
    compression: str | None,
    dtype: str,
    tile: tuple[int, int] | None,
    *,
    channels: int,
    planes: bool,
) -> None:
    image = noise(45, 70, channels, dtype=dtype)
    if channels == 1:
        image = image[..., 0]
    stored = np.moveaxis(image, -1, 0) if planes else image
    tifffile.imwrite(
        path,
        np.ascontiguousarray(stored),
        compression=compression,
        photometric="rgb" if channels == 3 else "minisblack",
        planarconfig="separate" if planes else "contig" if channels > 1 else None,
        tile=tile,
        rowsperstrip=None if tile else 7,
        byteorder=">",
        metadata=None,
    )
    for whole in (0, 2**25):
        picture = opened(path, whole=whole)
        assert (picture.shape, picture.dtype) == (image.shape, image.dtype)
        for block in BLOCKS:
            same_bits(picture[block], image[block])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    ("compression", "predictor"),
    [
        *(("lzw", False), ("lzw", True), ("packbits", False)),
        *(("zlib", False), ("zlib", True), ("zstd", False), ("zstd", True)),
    ],
)
def test_compressions(
    path: Path, compression: str, dtype: str, *, predictor: bool
) -> None:
    pytest.importorskip("imagecodecs")
    image = noise(45, 70, 3, dtype=dtype)
    tifffile.imwrite(
        path, image, photometric="rgb", compression=compression, predictor=predictor
    )
    for block in BLOCKS:
        same_bits(opened(path)[block], image[block])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "imagecodecs", None)
        if compression == "zstd":
            with pytest.raises(TilingError, match=r'pip install "reftiler\[codecs\]"'):
                opened(path)
        else:
            same_bits(opened(path)[...], image)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "group3", "group4"])
def test_bits_of_pillow(path: Path, codecs: str, compression: str) -> None:
    image = noise(45, 70, dtype="bool")
    Image.fromarray(image).save(path, compression=compression)
    same_bits(opened(path)[...], image)


@pytest.mark.parametrize("photometric", ["rgb", "ycbcr"])
def test_jpeg(path: Path, photometric: str) -> None:
    rows, columns = np.mgrid[:90, :120]
    image = np.stack([rows * 2, columns * 2, rows + columns], -1).astype(np.uint8)
    buffer = io.BytesIO()
    if photometric == "ycbcr":
        Image.fromarray(image).save(buffer, "TIFF", compression="jpeg", quality=95)
    else:
        pytest.importorskip("imagecodecs")
        options: dict[str, Any] = {"compressionargs": {"level": 95}, "tile": (32, 48)}
        tifffile.imwrite(
            buffer, image, photometric="rgb", compression="jpeg", **options
        )
    path.write_bytes(buffer.getvalue())
    picture = opened(path)
    assert picture.info.lossy
    assert np.abs(picture[...].astype(int) - image).mean() < 2
    block = picture[20:70, 30:100]
    same_bits(block, picture[...][20:70, 30:100])


@pytest.mark.parametrize(
    ("compression", "options", "lossy"),
    [
        *(("jpeg2000", {"level": 30}, True), ("jpeg2000", {"reversible": True}, False)),
        *(("webp", {"lossless": False}, True), ("webp", {"lossless": True}, False)),
        *(("lerc", {"level": 3}, True), ("lerc", {}, False)),
        ("lerc", {"level": 3, "compression": "deflate"}, True),
        ("lerc", {"compression": "deflate"}, False),
        ("lerc", {"compression": "zstd"}, False),
        *(("jpegxl", {"distance": 3}, True), ("zstd", {}, False)),
    ],
)
def test_lossy_compressions(
    path: Path, compression: str, options: dict[str, Any], *, lossy: bool
) -> None:
    pytest.importorskip("imagecodecs")
    image = noise(45, 70, 3)
    tifffile.imwrite(
        path,
        image,
        photometric="rgb",
        compression=compression,
        compressionargs=options,
        metadata=None,
    )
    picture = opened(path)
    assert picture.info.lossy == lossy
    assert lossy or (picture[...] == image).all()


def jpeg_tile(path: Path, stream: bytes, photometric: str) -> None:
    """Write a TIFF of one tile that is encoded already."""
    shape = (64, 64, 3) if photometric == "rgb" else (64, 64)
    tifffile.imwrite(
        path,
        iter([stream]),
        shape=shape,
        dtype="uint8",
        tile=(64, 64),
        compression="jpeg",
        photometric=photometric,
        metadata=None,
    )
    with tifffile.TiffFile(path, mode="r+") as file:
        if photometric == "rgb":  # for which it writes YCbCr
            file.pages.first.tags[262].overwrite(2)


def jpeg_of(pixels: Array, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_streams_of_jpeg(path: Path) -> None:
    pytest.importorskip("imagecodecs")  # tifffile does not write it without
    rows, columns = np.mgrid[:64, :64] * 3
    colors = np.stack([rows, columns, 255 - rows], -1).astype(np.uint8)
    stream = jpeg_of(colors, quality=95)
    with Image.open(io.BytesIO(stream)) as image:
        image.draft("YCbCr", None)
        stored = np.array(image)
    jpeg_tile(path, stream[:2] + stream[20:], "rgb")  # of slides: without JFIF's marker
    same_bits(opened(path)[...], stored)
    stream = jpeg_of(noise(64, 64))
    start = stream.index(b"\xff\xda") + 10
    longer = stream[:start] + stream[start : start + 300] + stream[start:]
    for bad, words in ((jpeg_of(noise(1, 64)), "too few pixels"), (longer, "damaged")):
        jpeg_tile(path, bad, "minisblack")
        with pytest.raises(TilingError, match=words):
            opened(path)[...]


def test_only_chunks_that_are_met_are_decoded(path: Path) -> None:
    image = noise(512, 512)
    tifffile.imwrite(path, image, compression="zlib", tile=(64, 64), metadata=None)
    picture = opened(path)
    data = bytearray(path.read_bytes())
    chunk = stored_chunk(path, 9)
    data[chunk] = bytes(chunk.stop - chunk.start)
    path.write_bytes(data)
    same_bits(picture[128:200], image[128:200])
    with pytest.raises(TilingError, match=r"cannot read .*a\.tif"):
        picture[64:65, 64:65]


# What numbers mean


def test_white_may_be_zero(path: Path) -> None:
    for dtype, black in (("uint8", 255), ("uint16", 65535)):
        image = noise(9, 9, dtype=dtype)
        tifffile.imwrite(path, image, photometric="miniswhite")
        same_bits(read_image(path), (black - image).astype(dtype))


@pytest.mark.parametrize(
    ("photometric", "channels", "dtype", "words"),
    [
        ("miniswhite", (), "float32", "MINISWHITE"),
        ("separated", (4,), "uint8", "convert the TIFF to RGB"),
        ("cielab", (3,), "uint8", "convert the TIFF to RGB"),
    ],
)
def test_colors_that_are_not_read(
    path: Path, photometric: Any, channels: tuple[int, ...], dtype: str, words: str
) -> None:
    image = noise(9, 9, *channels, dtype=dtype)
    tifffile.imwrite(path, image, photometric=photometric)
    with pytest.raises(TilingError, match=words):
        read_image(path)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_palettes(path: Path, codecs: str, compression: str | None) -> None:
    colors = np.array([[9, 8, 7], [255, 0, 0], [0, 255, 0], [0, 0, 254]], np.uint8)
    image = noise(45, 70) % 4
    paletted = Image.fromarray(image.astype(np.uint8))
    paletted.putpalette(colors.tobytes() + bytes(756))
    paletted.save(path, compression=compression)
    same_bits(opened(path)[5:, 3:], colors[image][5:, 3:])
    kept = opened(path, indices=True)
    same_bits(kept[...], image)
    assert kept.info.metadata.palette is not None
    assert kept.info.metadata.palette[:12] == colors.tobytes()


def test_aperio_ycbcr(path: Path) -> None:
    pytest.importorskip("imagecodecs")
    rows, columns = np.mgrid[:128, :128] * 2
    image = np.stack([rows, columns, 255 - rows], -1).astype(np.uint8)
    tifffile.imwrite(
        path,
        np.array(Image.fromarray(image).convert("YCbCr")),
        photometric="rgb",  # as the tag says, wrongly
        compression=33003,
        compressionargs={"reversible": True},
        tile=(64, 64),
    )
    for block in (np.s_[:], np.s_[10:70, 5:9, 1:3]):
        assert np.abs(opened(path)[block].astype(int) - image[block]).max() < 4


def nodata(path: Path, text: str, **options: Any) -> Any:
    tags = [(42113, "s", 0, text, True)]
    tifffile.imwrite(path, noise(9, 9), metadata=None, extratags=tags, **options)
    return opened(path)


def test_nodata_mean_the_pixels_that_are_read(path: Path) -> None:
    info = nodata(path, "255", photometric="minisblack").info
    assert (info.metadata.nodata, info.notes) == ("255", ())
    for text, inverted in (("255", "0"), ("7", "248")):
        info = nodata(path, text, photometric="miniswhite").info
        assert (info.metadata.nodata, info.notes) == (inverted, ())
    colors = np.arange(768, dtype=np.uint16).reshape(3, 256)
    for options, text in (
        ({"photometric": "miniswhite"}, "-9999"),
        ({"photometric": "miniswhite"}, "nan"),
        ({"photometric": "palette", "colormap": colors}, "255"),
    ):
        info = nodata(path, text, **options).info
        assert info.metadata.nodata is None
        assert any(f"nodata {text} is lost" in note for note in info.notes)
    info = opened(path, indices=True).info
    assert (info.metadata.nodata, info.notes) == ("255", ())


@pytest.mark.parametrize(
    ("extra", "alpha"),
    [("unspecified", False), ("assocalpha", True), ("unassalpha", True)],
)
def test_alpha_is_what_the_tags_say(path: Path, extra: str, *, alpha: bool) -> None:
    image = noise(9, 9, 4, dtype="uint16")
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=[extra])
    assert opened(path).info.alpha == alpha
    assert not opened(path, channels=(0, 1, 2)).info.alpha
    same_bits(opened(path, channels=(3, 0))[...], image[..., [3, 0]])


def test_orientation_is_told_and_applied(path: Path) -> None:
    image = noise(9, 5)
    tag = (274, "H", 1, 6, True)
    options: dict[str, Any] = {"photometric": "minisblack", "resolution": (300, 150)}
    tifffile.imwrite(path, image, extratags=[tag], **options)
    assert opened(path).info.orientation == 6
    turned, stored = open_image(path), open_image(path, ReadOptions(orient=False))
    same_bits(turned[...], np.rot90(image, -1))
    same_bits(stored[...], image)
    assert turned.info.metadata.resolution == (150.0, 300.0)
    assert stored.info.metadata.resolution == (300.0, 150.0)


# Pages


def pages(path: Path, shapes: Sequence[tuple[int, ...]], **options: Any) -> list[Array]:
    images = [noise(*shape) + np.uint8(k) for k, shape in enumerate(shapes)]
    with tifffile.TiffWriter(path) as file:
        for image in images:
            photometric = "rgb" if image.ndim == 3 else "minisblack"
            file.write(image, photometric=photometric, metadata=None, **options)
    return images


def test_pages_of_one_size_are_channels(path: Path) -> None:
    images = pages(path, [(45, 70)] * 10, compression="zlib")
    picture = opened(path)
    same_bits(picture[5:9, 3:8], np.stack(images, -1)[5:9, 3:8])
    assert any("10 pages" in note for note in picture.info.notes)
    same_bits(opened(path, page=7)[...], images[7])
    assert not opened(path, axes="CYX").info.notes
    with pytest.raises(TilingError, match="10 images"):
        opened(path, axes="ZYX")
    for shape in ((64, 80, 10), (24, 80, 10), (40, 64, 80)):  # or rows of a picture?
        image = noise(*shape)
        tifffile.imwrite(path, image, photometric="minisblack")
        with pytest.raises(TilingError, match=r"--page.*--axes CYX.*--axes YXC"):
            opened(path)
        same_bits(opened(path, axes="YXC")[...], image)
        channels = np.moveaxis(image, 0, -1).copy()
        same_bits(opened(path, axes="CYX")[...], channels)
        same_bits(opened(path, page=3)[...], image[3])


@pytest.mark.parametrize("count", [2, 4])
def test_few_pages_are_channels_where_they_were_an_array(
    path: Path, count: int
) -> None:
    images = pages(path, [(45, 70)] * count)
    same_bits(opened(path)[...], np.stack(images, -1))
    first, *others = [Image.fromarray(image) for image in images]
    first.save(path, save_all=True, append_images=others)  # as scanners do
    with pytest.raises(TilingError, match=r"--page.*--axes CYX"):
        opened(path)
    same_bits(opened(path, axes="CYX")[...], np.stack(images, -1))


@pytest.mark.parametrize(
    "shapes",
    [
        [(40, 60, 3), (40, 60, 3)],
        [(40, 60), (40, 60, 3), (33, 33)],
        [(64, 2)] * 9,  # rows of a picture, written as pages?
    ],
)
def test_several_images_are_refused(path: Path, shapes: list[tuple[int, ...]]) -> None:
    images = pages(path, shapes)
    number = len(shapes)
    with pytest.raises(TilingError, match=rf"{number} images, not one.*--page"):
        opened(path)
    for k, image in enumerate(images):
        same_bits(opened(path, page=k)[...], image)
    with pytest.raises(TilingError, match=f"no page {number}"):
        opened(path, page=number)


@pytest.mark.parametrize("tagged", [True, False])
def test_smaller_pages_are_levels(path: Path, *, tagged: bool) -> None:
    image = noise(256, 301, 3)
    levels = [image, image[::2, ::2].copy(), image[::4, ::4].copy()]
    with tifffile.TiffWriter(path) as file:
        for k, level in enumerate(levels):
            file.write(level, tile=(64, 64), subfiletype=int(tagged and k > 0))
    for k, level in enumerate(levels):
        picture = opened(path, level=k)
        same_bits(picture[...], level)
        assert bool(picture.info.notes) != tagged
    with pytest.raises(TilingError, match="no level 3; its levels are 0: 256 × 301"):
        opened(path, level=3)


def test_thumbnails_and_masks_are_no_images(path: Path) -> None:
    image, small = noise(256, 300, 3), noise(20, 33, 3)
    with tifffile.TiffWriter(path) as file:
        options: dict[str, Any] = {"metadata": None, "photometric": "rgb"}
        file.write(small, subfiletype=1, **options)
        file.write(image, **options)
        mask = noise(256, 300, dtype="bool")
        file.write(mask, subfiletype=4, metadata=None, photometric="mask")
    picture = opened(path)
    same_bits(picture[...], image)
    assert any("20 × 33" in note and "mask" in note for note in picture.info.notes)


def test_slides_are_their_largest_pyramid(path: Path) -> None:
    text = "Aperio Image Library v11.2.1 \r\n4000x3000|AppMag = 20|MPP = 0.5"
    image = noise(512, 600, 3)
    options: dict[str, Any] = {"metadata": None, "photometric": "rgb"}
    with tifffile.TiffWriter(path) as file:
        file.write(image, tile=(64, 64), description=text, **options)
        file.write(image[::4, ::4].copy(), description=text, **options)
        level = image[::2, ::2].copy()
        file.write(level, tile=(64, 64), description=text, **options)
        file.write(noise(70, 90, 3), subfiletype=1, description="label", **options)
    picture = opened(path)
    same_bits(picture[300:400, 17:], image[300:400, 17:])
    assert picture.info.metadata.pixel_size == (0.5, 0.5)
    assert any("Label" in note for note in picture.info.notes)
    assert opened(path, level=1).info.metadata.pixel_size == (1.0, 1.0)


@pytest.mark.parametrize(
    ("axes", "shape", "page", "picked"),
    [
        ("CYX", (3, 20, 30), None, lambda a: a.transpose(1, 2, 0)),
        ("YXS", (20, 30, 3), None, lambda a: a),
        ("ZYX", (6, 20, 30), 4, lambda a: a[4]),
        ("ZCYX", (2, 3, 20, 30), 1, lambda a: a[1].transpose(1, 2, 0)),
        ("TZYX", (2, 5, 20, 30), 7, lambda a: a[1, 2]),
    ],
)
@pytest.mark.parametrize("kind", ["imagej", "ome"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_named_axes(
    path: Path,
    kind: str,
    compression: str | None,
    axes: str,
    shape: tuple[int, ...],
    page: int | None,
    picked: Any,
) -> None:
    image = noise(*shape)
    tifffile.imwrite(
        path,
        image,
        metadata={"axes": axes},
        compression=compression,
        photometric="rgb" if "S" in axes else "minisblack",
        imagej=kind == "imagej",
        ome=kind == "ome",
    )
    same_bits(opened(path, page=page)[...], picked(image))
    if page is not None:
        with pytest.raises(TilingError, match=rf"images, not one \(axes {axes}"):
            opened(path)


def test_stacks_in_one_page_are_no_plane(path: Path) -> None:
    image = noise(6, 64, 80, dtype="uint16")
    tifffile.imwrite(path, image, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(TilingError, match="6 images"):
        opened(path)
    same_bits(opened(path, page=5)[...], image[5])
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(TilingError, match=r"a\.tif"):
        opened(path, page=0)
    volume = noise(16, 32, 32)
    tifffile.imwrite(
        path, volume, volumetric=True, tile=(16, 16, 16), photometric="minisblack"
    )
    with pytest.raises(TilingError, match="16 images"):
        opened(path)
    same_bits(opened(path, page=9)[...], volume[9])


ONE = '<TiffData FirstC="{0}" IFD="0" PlaneCount="1">{1}</TiffData>'
NAMED = '<UUID FileName="{0}.tif">urn:{0}</UUID>'
ELSEWHERE = ONE.format(0, NAMED.format("a")) + ONE.format(1, NAMED.format("b"))


@pytest.mark.parametrize("planes", [ELSEWHERE, ONE.format(0, "")])
def test_planes_that_the_file_lacks(path: Path, planes: str) -> None:
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/'
        '2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        'Type="uint8" SizeX="30" SizeY="20" SizeC="2" SizeZ="1" SizeT="1">'
        f"{planes}</Pixels></Image></OME>"
    )
    tifffile.imwrite(path, noise(20, 30), description=text, metadata=None)
    path.with_name("b.tif").write_bytes(path.read_bytes())
    with pytest.raises(TilingError, match="other files"):
        opened(path)


# Damage and limits


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("kind", ["plain", "shaped", "ome", "imagej"])
def test_nothing_truncated_is_ever_read(
    path: Path, compression: str | None, kind: str, planes: int
) -> None:
    options: dict[str, Any] = {kind: True} if kind in ("ome", "imagej") else {}
    tifffile.imwrite(
        path,
        noise(planes, 45, 70) if planes > 1 else noise(45, 70),
        compression=compression,
        photometric="minisblack",
        metadata=None if kind == "plain" else {"axes": "CYX"[-2 - (planes > 1) :]},
        **options,
    )
    data = path.read_bytes()
    opened(path)
    for length in range(0, len(data) - 4, 97):
        path.write_bytes(data[:length])
        for whole in (0, 2**25):
            with pytest.raises(TilingError, match=r"a\.tif"):
                opened(path, whole=whole)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "jpeg", "group4"])
def test_damage_is_one_sentence(
    path: Path, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the decoders print."""
    image = noise(200, 200, 3) if compression != "group4" else noise(200, 200) > 50
    Image.fromarray(image).save(path, compression=compression)
    data = bytearray(path.read_bytes())
    chunk = stored_chunk(path)
    broken = slice((chunk.start + chunk.stop) // 2, chunk.stop)
    filling = {"jpeg": b"\xff\xd9", "packbits": b"\x80"}.get(compression, b"\xaa")
    data[broken] = (filling * len(data))[: broken.stop - broken.start]
    path.write_bytes(data)
    with pytest.raises(TilingError, match=r"cannot read .*a\.tif: .+") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damage", ["checksum", "count"])
def test_deflate_is_checked_to_its_end(path: Path, codecs: str, damage: str) -> None:
    tifffile.imwrite(path, noise(200, 200), compression="zlib", rowsperstrip=200)
    with tifffile.TiffFile(path, mode="r+") as file:
        page = file.pages.first
        count = page.databytecounts[0]
        end = page.dataoffsets[0] + count
        if damage == "count":
            page.tags[279].overwrite(count - 2)
    data = bytearray(path.read_bytes())
    data[end - 1] ^= damage == "checksum"
    path.write_bytes(data)
    with pytest.raises(TilingError, match=r"cannot read .*a\.tif"):
        opened(path)[...]


def test_more_data_than_pixels(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = noise(80, 64)
    stream = zlib.compress(rows.tobytes())
    options: dict[str, Any] = {"shape": (64, 64), "dtype": "uint8", "tile": (64, 64)}
    tifffile.imwrite(path, iter([stream]), compression="zlib", **options)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    same_bits(opened(path)[...], rows[:64])
    with pytest.raises(TilingError, match="--max-bytes"):
        opened(path, max_bytes=64 * 64 - 1)


@pytest.mark.parametrize("field", ["compression", "offsets"])
def test_damaged_tags(path: Path, field: str) -> None:
    tifffile.imwrite(path, noise(45, 70), rowsperstrip=8, metadata=None)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tag = file.pages.first.tags[259 if field == "compression" else 273]
    data[tag.valueoffset : tag.valueoffset + 2] = b"\xf0\xf0"
    path.write_bytes(data)
    with pytest.raises(TilingError, match=r"cannot read .*a\.tif"):
        read_image(path)


def test_chunks_that_are_not_stored_are_said(path: Path) -> None:
    tifffile.imwrite(
        path,
        noise(64, 64),
        tile=(32, 32),
        compression="zlib",
        metadata=None,
        extratags=[(42113, "s", 0, "7", True)],
    )
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        for code in (324, 325):
            tag = file.pages.first.tags[code]
            size = tag.dtype.itemsize if hasattr(tag.dtype, "itemsize") else 0
            width = size or (tag.valuebytecount // 4)
            data[tag.valueoffset : tag.valueoffset + width] = bytes(width)
    path.write_bytes(data)
    picture = opened(path)
    assert (picture[:32, :32] == 7).all()
    same_bits(picture[32:, :], noise(64, 64)[32:])
    assert any("1 of 4 chunks" in note for note in picture.info.notes)


# Metadata, in and out

FULL = Metadata(
    icc_profile=b"profile of colours",
    resolution=(300.0, 150.0),
    resolution_unit="inch",
    transform=(10.0, 0.0, 600000.0, 0.0, -10.0, 5600000.0),
    geo_keys={34735: (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32633)},
    nodata="-9999",
)
ROTATED = (8.0, 3.0, 600000.0, 5.0, -6.0, 5600000.0)
POINT: dict[int, object] = {
    34735: (1, 1, 0, 2, 1025, 0, 1, 2, 3072, 0, 1, 32633),
    34737: "WGS 84|",
}

TEXTS: dict[int, object] = {
    34735: (1, 1, 0, 2, 2057, 34736, 1, 0, 1026, 34737, 6, 0),
    34736: (6378137.0,),
    34737: "café|",
}


@pytest.mark.parametrize(
    "metadata",
    [
        Metadata(),
        FULL,
        Metadata(transform=ROTATED),
        Metadata(transform=FULL.transform, geo_keys=POINT),
        Metadata(transform=(1.0, 0.0, 5.0, 0.0, 1.0, 7.0)),
        Metadata(geo_keys=TEXTS, nodata="nan"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_metadata_come_back(path: Path, metadata: Metadata, *, streamed: bool) -> None:
    image = noise(45, 70, 3, dtype="uint16")
    if streamed:
        with create_image(path, image.shape, image.dtype, metadata=metadata) as store:
            store[...] = image
    else:
        write_image(path, image, metadata)
    picture = opened(path)
    assert picture.info.metadata == metadata
    assert Metadata.from_dict(metadata.to_dict()) == metadata
    same_bits(picture[...], image)


def test_the_tie_point_may_be_any_pixel(path: Path) -> None:
    tags = {33550: (10.0, 5.0, 0.0), 33922: (3.0, 4.0, 0.0, 630.0, 420.0, 0.0)}
    extra = [(code, "d", len(v), v, True) for code, v in tags.items()]
    tifffile.imwrite(path, noise(20, 30), metadata=None, extratags=extra)
    transform = opened(path).info.metadata.transform
    assert transform == (10.0, 0.0, 600.0, 0.0, -5.0, 440.0)


def test_tags_that_are_not_kept_are_named(path: Path) -> None:
    item = '<Item name="{}" sample="0" role="scale">0.5</Item>'
    scale, statistics = item.format("SCALE"), item.format("STATISTICS_MEAN")
    rpc = (50844, "d", 92, (1.0,) * 92, True)
    for tags, told in (
        ([(42112, "s", 0, f"<GDALMetadata>{scale}</GDALMetadata>", True)], "SCALE"),
        ([rpc], "RPC"),
        ([(42112, "s", 0, f"<GDALMetadata>{statistics}</GDALMetadata>", True)], ""),
    ):
        tifffile.imwrite(path, noise(20, 30), metadata=None, extratags=tags)
        notes = opened(path).info.notes
        assert [told in note and "not kept" in note for note in notes] == (
            [True] if told else []
        )


def test_pixel_sizes(path: Path) -> None:
    for kind in ("ome", "imagej"):
        sizes: dict[str, Any] = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
        options: dict[str, Any] = {kind: True}
        tifffile.imwrite(
            path,
            noise(20, 30),
            metadata={"axes": "YX", "unit": "um", **(sizes if kind == "ome" else {})},
            resolution=(2, 4),
            photometric="minisblack",
            **options,
        )
        metadata = opened(path).info.metadata
        assert (metadata.pixel_size, metadata.pixel_unit) == ((0.25, 0.5), "µm")
        write_image(path, noise(20, 30), metadata)
        kept = opened(path).info.metadata
        assert kept.resolution == (20000.0, 40000.0)
        assert kept.resolution_unit == "centimeter"


@pytest.mark.parametrize("alpha", [True, False])
@pytest.mark.parametrize("channels", [2, 4, 5])
def test_alpha_is_written_where_it_is_said(
    path: Path, channels: int, *, alpha: bool
) -> None:
    image = noise(20, 30, channels)
    write_image(path, image, alpha=alpha)
    assert opened(path).info.alpha == alpha
    with create_image(path, image.shape, image.dtype, alpha=alpha) as store:
        store[...] = image
    assert opened(path).info.alpha == alpha
    same_bits(read_image(path), image)
    if not alpha and channels < 5:
        with pytest.raises(TilingError, match="alpha"):
            write_image(path.with_suffix(".png"), image, alpha=alpha)


def test_large_files_are_bigtiff(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, big in ((2**12, True), (2**13, False)):
        monkeypatch.setattr("reftiler.io.write._CLASSIC", limit)
        with create_image(path, (64, 65), "uint8") as store:
            store[...] = noise(64, 65)
        with tifffile.TiffFile(path) as file:
            assert file.is_bigtiff == big
        same_bits(read_image(path), noise(64, 65))


def position(transform: Sequence[float], column: int, row: int) -> list[float]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return [a * column + b * row + c, d * column + e * row + f]


@pytest.mark.parametrize("transform", [FULL.transform, ROTATED])
@pytest.mark.parametrize("point", [True, False])
def test_coordinates_are_those_of_gdal(
    path: Path, transform: tuple[float, ...], *, point: bool
) -> None:
    rasterio = pytest.importorskip("rasterio")
    image = noise(80, 100, 3)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=80,
        width=100,
        count=3,
        dtype="uint8",
        crs="EPSG:32633",
        transform=rasterio.Affine(*transform),
        nodata=3,
    ) as file:
        file.update_tags(AREA_OR_POINT="Point" if point else "Area")
        file.write(image.transpose(2, 0, 1))
    picture = opened(path)
    metadata = picture.info.metadata
    same_bits(picture[...], image)
    assert metadata.transform == pytest.approx(transform)
    parts = {"tile": metadata.cropped(16, 32), "half": metadata.scaled(0.5, 0.5)}
    for name, kept in parts.items():
        write_image(path.with_name(f"{name}.tif"), noise(40, 50), kept)
        with (
            rasterio.open(path) as whole,
            rasterio.open(path.with_name(f"{name}.tif")) as part,
        ):
            assert (part.crs, part.nodata) == (whole.crs, whole.nodata)
            tags = [one.tags()["AREA_OR_POINT"] for one in (whole, part)]
            assert tags[0] == tags[1]
            place = (5 + 32, 7 + 16) if name == "tile" else (10, 14)
            corners = [
                position(part.transform, 5, 7),
                position(whole.transform, *place),
            ]
            assert corners[0] == pytest.approx(corners[1])


def test_stale_files_of_killed_runs_go(path: Path) -> None:
    stale = path.with_name(f".{path.name}.{'0' * 32}.tmp")
    other = path.with_name(f".b.tif.{'0' * 32}.tmp")
    for one in (stale, other):
        one.write_bytes(b"left")
    with create_image(path, (4, 4), "uint8") as store:
        assert not stale.exists()
        store[...] = np.ones((4, 4), np.uint8)
    assert sorted(one.name for one in path.parent.iterdir()) == [other.name, path.name]
