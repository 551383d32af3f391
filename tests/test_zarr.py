"""Zarr folders as pictures and tiles: which image, which axes; nothing runs."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")
pytest.importorskip("zarr", exc_type=ImportError)

import zarr

from reftiler import TilingError
from reftiler.io import create_image, open_image, read_image, write_image
from reftiler.io.info import ReadOptions
from reftiler.io.lazy import LazyImage
from reftiler.io.metadata import Metadata
from reftiler.io.zarr_io import (
    create_array,
    missing_chunks,
    open_array,
    remove_partial_chunks,
)
from reftiler_conformance.compare import same_bits

Array = NDArray[Any]

numcodecs = pytest.importorskip("numcodecs")
PIECE = (slice(11, 28), slice(3, 20))


def picture(shape: tuple[int, ...] = (30, 20, 3), dtype: str = "uint16") -> Array:
    raw = np.random.default_rng(0).integers(0, 255, shape)
    return (raw > 200) if dtype == "bool" else raw.astype(dtype)


def save(path: Path, array: Array, **options: Any) -> Any:
    made = zarr.create_array(
        str(path), shape=array.shape, dtype=array.dtype, overwrite=True, **options
    )
    made[...] = array
    return made


def opened(path: Path, **options: Any) -> LazyImage:
    return open_image(path, ReadOptions(**options))


def whole(path: Path, **options: Any) -> Array:
    """Read a picture, and check that a piece of it is that piece."""
    image = opened(path, **options)
    pixels = image[...]
    assert (pixels.shape, pixels.dtype) == (image.shape, image.dtype)
    same_bits(image[PIECE], pixels[PIECE])
    return np.ascontiguousarray(pixels)


def refused(path: Path, words: str, **options: Any) -> None:
    with pytest.raises(TilingError, match=words) as caught:
        opened(path, **options)[...]
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


# Arrays


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "uint16", ">u2", "float32", "int64"]
)
@pytest.mark.parametrize("version", [2, 3])
def test_arrays_are_pictures(tmp_path: Path, dtype: str, version: int) -> None:
    image = picture(dtype=dtype)
    save(tmp_path / "a.zarr", image, zarr_format=version, chunks=(7, 20, 2))
    image = image.astype(image.dtype.newbyteorder("=")) if version == 3 else image
    same_bits(whole(tmp_path / "a.zarr"), image)
    same_bits(whole(tmp_path / "a.zarr", channels=(2, 0)), image[..., [2, 0]])
    same_bits(read_image(tmp_path / "a.zarr"), image)


@pytest.mark.parametrize("shape", [(3, 40, 50), (1, 40, 50), (9, 40, 50)])
def test_channels_first_is_asked_about_unless_the_array_names_them(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    image, path = picture(shape), tmp_path / "a.zarr"
    want = image[0] if shape[0] == 1 else np.moveaxis(image, 0, -1)
    want = np.ascontiguousarray(want)
    for names in (None, ("u", "v", "w")):
        save(path, image, dimension_names=names)
        refused(path, "--axes CYX")
        same_bits(whole(path, axes="CYX"), want)
        same_bits(opened(path, axes="YXC")[...], image)
    save(path, image, dimension_names=("band", "y", "x"))
    same_bits(whole(path), want)
    old = save(tmp_path / "b.zarr", image, zarr_format=2)
    old.attrs["_ARRAY_DIMENSIONS"] = ["channel", "y", "x"]  # as xarray does
    same_bits(whole(tmp_path / "b.zarr"), want)


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((2, 9, 9, 3), "u1", "not a picture"),
        ((9,), "u1", "not a picture"),
        ((9, 9), "c8", "not a picture of real numbers"),
        ((3, 20, 20), "c8", "not a picture of real numbers"),
        ((9, 9), "M8[s]", "not a picture of real numbers"),
        ((9, 9), "U4", "not a picture of real numbers"),
        ((0, 9), "u1", "no pixels"),
    ],
)
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.filterwarnings("ignore")
def test_arrays_that_are_no_pictures(
    tmp_path: Path, *, shape: tuple[int, ...], dtype: str, words: str, version: Any
) -> None:
    zarr.create_array(
        str(tmp_path / "a.zarr"), shape=shape, dtype=dtype, zarr_format=version
    )
    refused(tmp_path / "a.zarr", words)


def test_folders_without_an_array(tmp_path: Path) -> None:
    (tmp_path / "empty.zarr").mkdir()
    refused(tmp_path / "empty.zarr", "no zarr array in it")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    refused(tmp_path / "a.zarr", "holds no array")
    save(tmp_path / "a.zarr" / "part", picture())
    refused(tmp_path / "a.zarr", "give one of its arrays: part")
    same_bits(whole(tmp_path / "a.zarr" / "part"), picture())
    group.attrs["multiscales"] = [{"datasets": [{"path": "../a.zarr/part"}]}]
    refused(tmp_path / "a.zarr", "out of the folder")


def test_chunks_that_are_damaged_or_not_there(tmp_path: Path) -> None:
    options: dict[str, Any] = {"shape": (9, 9), "chunks": (9, 3), "fill_value": 7}
    array = zarr.create_array(str(tmp_path / "a.zarr"), dtype="u1", **options)
    array[:, 3:6] = 1
    row = [7, 7, 7, 1, 1, 1, 7, 7, 7]
    assert opened(tmp_path / "a.zarr")[...].tolist() == [row] * 9
    (tmp_path / "a.zarr/c/0/1").write_bytes(b"nothing")
    refused(tmp_path / "a.zarr", "cannot read")


# OME-Zarr


def ome(path: Path, levels: dict[str, Array], content: Any, version: str) -> None:
    """Write a group of OME-Zarr and its arrays."""
    form: Any = 3 if version == "0.5" else 2
    group = zarr.open_group(str(path), mode="w", zarr_format=form)
    for name, array in levels.items():
        save(path / name, array, zarr_format=form)
    group.attrs.update({"ome": content} if version == "0.5" else content)


def multiscale(axes: Any, *paths: str, **more: Any) -> dict[str, Any]:
    datasets = [{"path": path} for path in paths]
    return {"multiscales": [{"axes": axes, "datasets": datasets, **more}]}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("axes", "shape", "turn"),
    [
        ("yx", (30, 20), (0, 1)),
        ("cyx", (3, 30, 20), (1, 2, 0)),
        ("tczyx", (1, 3, 1, 30, 20), (0, 2, 3, 4, 1)),
        ("tczyx", (1, 1, 1, 30, 20), (0, 1, 2, 3, 4)),
    ],
)
def test_ome_zarr(
    tmp_path: Path,
    *,
    version: str,
    axes: str,
    shape: tuple[int, ...],
    turn: tuple[int, ...],
) -> None:
    image, path = picture(shape, "uint8"), tmp_path / "a.zarr"
    named = [{"name": axis} for axis in axes]
    half = image[..., ::2, ::2]
    ome(path, {"0": image, "1": half}, multiscale(named, "0", "1"), version)
    want = np.squeeze(image.transpose(turn)).copy()
    same_bits(whole(path), want)
    same_bits(whole(path, level=0), want)
    same_bits(whole(path / "0"), want)  # its axes are those of the group
    small = np.squeeze(half.transpose(turn)).copy()
    same_bits(opened(path, level=1)[...], small)
    refused(path, r"no level 2, only 2: 0 of .*30×20, 1 of .*15×10", level=2)
    refused(path, "no level -1", level=-1)
    refused(path, "no page 1", page=1)
    assert opened(path).info.format == "OME-Zarr"


@pytest.mark.parametrize("axes", [None, list("tczyx")])
def test_axes_of_older_ome_zarr(tmp_path: Path, axes: Any) -> None:
    path, content = tmp_path / "a.zarr", multiscale(axes, "0")
    if axes is None:
        del content["multiscales"][0]["axes"]
    image = picture((1, 3, 1, 30, 20))
    ome(path, {"0": image}, content, "0.3")
    same_bits(whole(path), np.moveaxis(image[0, :, 0], 0, -1))
    ome(path, {"0": picture((1, 3, 2, 30, 20))}, content, "0.3")
    refused(path, "not one picture: axes TCZYX of sizes")


def test_the_size_of_a_pixel(tmp_path: Path) -> None:
    def scale(*numbers: float) -> list[dict[str, Any]]:
        return [{"type": "scale", "scale": list(numbers)}]

    axes = [{"name": "c"}, *({"name": name, "unit": "micrometer"} for name in "yx")]
    content = multiscale(axes, "0", "1", coordinateTransformations=scale(1, 10, 10))
    datasets = content["multiscales"][0]["datasets"]
    datasets[0]["coordinateTransformations"] = scale(1, 0.05, 0.25)
    datasets[1]["coordinateTransformations"] = scale(1, 0.1, 0.5)
    image = picture((3, 30, 20))
    ome(tmp_path / "a.zarr", {"0": image, "1": image}, content, "0.4")
    metadata = opened(tmp_path / "a.zarr").info.metadata
    assert metadata == Metadata(pixel_size=(0.5, 2.5), pixel_unit="µm")
    metadata = opened(tmp_path / "a.zarr", level=1).info.metadata
    assert metadata == Metadata(pixel_size=(1, 5), pixel_unit="µm")


@pytest.mark.parametrize(
    "content",
    [
        {"multiscales": []},
        {"multiscales": {}},
        {"multiscales": [3]},
        {"multiscales": [{"datasets": []}]},
        {"multiscales": [{"datasets": [{"path": 5}]}]},
        {"multiscales": [{"datasets": [{"path": "9"}]}]},
        {"multiscales": [{"datasets": [{"path": "../a.zarr"}]}]},
        {"multiscales": [{"datasets": [{"path": "0"}], "axes": ["y", "x"]}]},
        {"multiscales": [{"datasets": [{"path": "0"}], "axes": [[], 4, {}]}]},
        multiscale(
            ["c", "y", "x"],
            "0",
            coordinateTransformations=[{"type": "scale", "scale": [1, 0, "x" * 999]}],
        ),
        {"plate": {}},
        {"plate": {"wells": [{"path": ".."}]}},
        {"well": {"images": [{}]}},
        {"labels": ["/etc"]},
        {"bioformats2raw.layout": 3},
    ],
)
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_damaged_metadata_are_one_sentence(
    tmp_path: Path, content: Any, version: str
) -> None:
    ome(tmp_path / "a.zarr", {"0": picture((3, 30, 20))}, content, version)
    refused(tmp_path / "a.zarr", "cannot read")


@pytest.mark.parametrize("listed", [False, True])
def test_bioformats2raw(tmp_path: Path, *, listed: bool) -> None:
    path = tmp_path / "a.zarr"
    images = [picture((1, 3, 1, 30, 20)), picture((1, 1, 1, 40, 30))]
    ome(path, {}, {"bioformats2raw.layout": 3}, "0.4")
    ome(path / "0", {"0": images[0]}, multiscale(list("tczyx"), "0"), "0.4")
    if listed:
        ome(path / "OME", {}, {"series": ["0"]}, "0.4")
    same_bits(whole(path), np.moveaxis(images[0][0, :, 0], 0, -1))
    same_bits(whole(path / "0"), whole(path))
    ome(path / "1", {"0": images[1]}, multiscale(list("tczyx"), "0"), "0.4")
    if listed:
        ome(path / "OME", {}, {"series": ["1", "0"]}, "0.4")  # in another order
    names = "1, 0" if listed else "0, 1"
    refused(path, f"several images: {names}; pick one with --page")
    same_bits(whole(path, page=0 if listed else 1), images[1][0, 0, 0])
    refused(path, "no page 2, from 0: it holds 2", page=2)
    refused(path, "no page -1", page=-1)


def test_axes_of_plain_arrays_in_a_group_are_guessed(tmp_path: Path) -> None:
    path, image = tmp_path / "a.zarr", picture((3, 30, 20))
    ome(path, {}, {"bioformats2raw.layout": 3}, "0.4")
    for name in ("0", "1"):
        save(path / name, image, zarr_format=2)
    refused(path, "--axes CYX", page=1)
    same_bits(whole(path, page=1, guess=True), np.moveaxis(image, 0, -1))
    assert opened(path, page=1, guess=True).info.pages == 1


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_fields_of_a_plate_are_named(tmp_path: Path, version: str) -> None:
    path = tmp_path / "a.zarr"
    images: dict[str, Array] = {}
    ome(path, {}, {"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}, version)
    for well in ("A/1", "B/2"):
        fields = {"well": {"images": [{"path": "0"}, {"path": "1"}]}}
        ome(path / well, {}, fields, version)
        for field in ("0", "1"):
            image = np.full((30, 20), len(images), np.uint16)
            images[f"{well}/{field}"] = image
            content = multiscale([{"name": "y"}, {"name": "x"}], "0")
            ome(path / well / field, {"0": image}, content, version)
    refused(path, "several fields of a plate: A/1/0, A/1/1, B/2/0, B/2/1; pick")
    refused(path / "A" / "1", "several fields of a well: 0, 1; pick")
    for page, (name, image) in enumerate(images.items()):
        same_bits(whole(path, page=page), image)
        same_bits(whole(path / name), image)
    same_bits(whole(path / "B" / "2", page=1), images["B/2/1"])


# Nothing that runs, nothing that fills memory


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def evil_v2(path: Path, codec: Any) -> Path:
    metadata = {
        "zarr_format": 2, "shape": [4, 4], "chunks": [4, 4], "dtype": "|u1",
        "fill_value": 0, "order": "C", "filters": None, "compressor": None, **codec,
    }  # fmt: skip
    (path / ".zarray").write_text(json.dumps(metadata))
    return path / "0.0"


def evil_v3(path: Path, codecs: Any, **more: Any) -> Path:
    grid = {"name": "regular", "configuration": {"chunk_shape": [4, 4]}}
    metadata = {
        "zarr_format": 3, "node_type": "array", "shape": [4, 4], "data_type": "uint8",
        "chunk_grid": grid, "chunk_key_encoding": {"name": "default"},
        "fill_value": 0, "codecs": codecs, "attributes": {}, **more,
    }  # fmt: skip
    (path / "zarr.json").write_text(json.dumps(metadata))
    return path / "c" / "0" / "0"


PICKLE = {"id": "pickle", "protocol": 5}
PICKLE_3 = {"name": "numcodecs.pickle", "configuration": {"protocol": 5}}
BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


def shards(side: int, codecs: Any, index_codecs: Any, place: str = "end") -> Any:
    settings = {
        "chunk_shape": [side, side], "codecs": codecs, "index_codecs": index_codecs,
        "index_location": place,
    }  # fmt: skip
    return [{"name": "sharding_indexed", "configuration": settings}]


DELTA = {"id": "delta", "dtype": "|O"}
EVIL_V2: dict[str, Any] = {
    "compressor": {"compressor": PICKLE},
    "filter": {"filters": [PICKLE]},
    "objects": {"dtype": "|O", "filters": [PICKLE]},
    "delta": {"filters": [DELTA, PICKLE]},
}
EVIL_V3: dict[str, Any] = {
    "codec": [BYTES, PICKLE_3],
    "first": [PICKLE_3],
    "shards": shards(4, [BYTES, PICKLE_3], [BYTES]),
    "index": shards(4, [BYTES], [BYTES, PICKLE_3]),
}


@pytest.mark.parametrize("name", [*EVIL_V2, *EVIL_V3])
def test_no_codec_runs_code(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where numcodecs would run it, as its older releases did."""
    monkeypatch.setattr(
        "numcodecs.pickles.ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False
    )
    path = tmp_path / "a.zarr"
    path.mkdir()
    is_v2 = name in EVIL_V2
    chunk = evil_v2(path, EVIL_V2[name]) if is_v2 else evil_v3(path, EVIL_V3[name])
    chunk.parent.mkdir(parents=True, exist_ok=True)
    chunk.write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    refused(path, r"codec '(numcodecs\.)?pickle'|dtype is '\|O'")
    with pytest.raises(ValueError, match=r"pickle|O"):
        open_array(path)
    assert not (tmp_path / "ran").exists()


def test_consolidated_metadata_are_not_believed(tmp_path: Path) -> None:
    path, image = tmp_path / "a.zarr", picture((30, 20))
    ome(path, {"0": image}, multiscale(["y", "x"], "0"), "0.4")
    zarr.consolidate_metadata(str(path), zarr_format=2)
    text = (path / ".zmetadata").read_text()
    (path / ".zmetadata").write_text(text.replace('"zstd"', '"pickle"'))
    assert '"pickle"' in (path / ".zmetadata").read_text()
    same_bits(whole(path), image)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"shape": [4, "4"]}, "sizes are"),
        ({"shape": [4, -4]}, "sizes are"),
        ({"shape": [4, 2**70]}, "sizes are"),
        ({"shape": [2**40, 2**20], "chunks": [2**20, 2**20]}, "--max-bytes"),
        ({"chunks": [4]}, "sizes are"),
        ({"chunks": [0, 4]}, "sizes are"),
        ({"chunks": [2**20, 2**20]}, "1,099,511,627,776 bytes.*--max-bytes"),
        ({"dtype": [["a", "<u2"]]}, "dtype is"),
        ({"compressor": ["pickle"]}, "damaged"),
        ({"filters": "pickle"}, "damaged"),
        ({"dimension_separator": "/../"}, "names are unknown"),
        ({"dimension_separator": 7}, "names are unknown"),
        ({"zarr_format": 4}, "format is 4"),
        ({"zarr_format": "x" * 9999}, "format is"),
        ({"compressor": {"id": "x" * 9999}}, "codec 'xxx"),
        (
            {"filters": [{"id": "zlib"}], "compressor": {"id": "zlib"}},
            "compress once",
        ),
    ],
)
def test_odd_metadata_of_arrays(tmp_path: Path, more: Any, words: str) -> None:
    path = tmp_path / "a.zarr"
    path.mkdir()
    evil_v2(path, more)
    refused(path, words)
    if words != "compress once":
        with pytest.raises(ValueError, match=words):
            missing_chunks(path, [0])


def test_a_chunk_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.zarr", picture((40, 40), "uint8"), chunks=(40, 40))
    refused(tmp_path / "a.zarr", "1,600 bytes, the limit is 1,599", max_bytes=1599)
    whole(tmp_path / "a.zarr", max_bytes=1600)
    sides: dict[str, Any] = {"shards": (40, 40), "chunks": (20, 20)}
    save(tmp_path / "b.zarr", picture((40, 40), "uint8"), **sides)
    refused(tmp_path / "b.zarr", "400 bytes, the limit is 399", max_bytes=399)
    whole(tmp_path / "b.zarr", max_bytes=400)


COMPRESSORS = {
    "blosc": {}, "lz4": {}, "zstd": {}, "gzip": {}, "zlib": {}, "bz2": {}, "lzma": {},
    "shuffle": {"elementsize": 2}, "delta": {"dtype": "<u2"},
    "fixedscaleoffset": {"scale": 1, "offset": 9, "dtype": "<u2"},
}  # fmt: skip


@pytest.mark.parametrize("name", COMPRESSORS)
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.filterwarnings("ignore:Numcodecs")
def test_codecs_of_the_field_are_read(
    tmp_path: Path, name: str, version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reftiler.io.zarr_store._MOST", dict.fromkeys(STREAMS, 2**40))
    settings: Any = COMPRESSORS[name]
    image = picture((700, 300))
    image[:, 100:200] = 0  # which nearly vanish
    as_filter = name in ("delta", "fixedscaleoffset")
    kind = "filters" if as_filter else "compressors"
    if version == 2:
        codec = numcodecs.get_codec({"id": name, **settings})
    else:
        codec = {"name": f"numcodecs.{name}", "configuration": settings}
    given: Any = [codec] if as_filter or version == 3 else codec
    if version == 3 and name == "shuffle":
        given = [codec, {"name": "numcodecs.zlib", "configuration": {}}]
    options = {kind: given, "zarr_format": version, "chunks": (350, 300)}
    save(tmp_path / "a.zarr", image, **options)
    same_bits(whole(tmp_path / "a.zarr"), image)


STREAMS = ("gzip", "zlib", "bz2", "lzma")


@pytest.mark.parametrize("name", [*STREAMS, "zstd", "blosc", "lz4"])
@pytest.mark.parametrize("kind", ["v2", "v3", "shards", "shards at start"])
@pytest.mark.filterwarnings("ignore:Numcodecs")
def test_chunks_that_decode_to_far_more_are_refused(
    tmp_path: Path, name: str, kind: str
) -> None:
    """A chunk of 16 bytes says 16 million, which would be read at once."""
    packed = bytes(numcodecs.get_codec({"id": name}).encode(bytes(2**24)))
    path = tmp_path / "a.zarr"
    path.mkdir()
    codec = {"name": f"numcodecs.{name}", "configuration": {}}
    if kind == "v2":
        chunk = evil_v2(path, {"compressor": {"id": name}})
    elif kind == "v3":
        chunk = evil_v3(path, [BYTES, codec])
    else:
        place = "start" if "start" in kind else "end"
        chunk = evil_v3(path, shards(2, [BYTES, codec], [BYTES], place))
        at = 64 if place == "start" else 0
        index = np.full((4, 2), 2**64 - 1, "<u8")
        index[1] = at, len(packed)
        parts = [packed, index.tobytes()]
        packed = b"".join(parts[::-1] if place == "start" else parts)
    chunk.parent.mkdir(parents=True, exist_ok=True)
    chunk.write_bytes(packed)
    refused(path, "decodes to far more")
    if "shards" in kind:
        with pytest.raises(TilingError, match="decodes to far more"):
            opened(path)[0:2, 1:4]


def test_zstd_that_does_not_say_its_size_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    path.mkdir()
    chunk = evil_v2(path, {"compressor": {"id": "zstd"}})
    start, repeat = bytes.fromhex("28b52ffd 00 58"), 2**17 << 3 | 1 << 1
    block = repeat.to_bytes(3, "little") + b"\0"  # a byte, 131,072 times
    last = (16 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\7"
    chunk.write_bytes(start + last)
    assert (opened(path)[...] == 7).all()
    chunk.write_bytes(start + block * 100 + last)
    refused(path, "decodes to far more")


@pytest.mark.parametrize("text", ["[" * 10**5, "{", "[]", "null", "\xff", '{"a": 1}'])
@pytest.mark.parametrize("name", ["zarr.json", ".zarray", ".zattrs"])
def test_metadata_that_are_none(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "a.zarr"
    path.mkdir()
    if name == ".zattrs":
        (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / name).write_text(text, "latin-1")
    refused(path, "cannot read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_links_out_and_pipes_are_not_read(tmp_path: Path) -> None:
    path, image = tmp_path / "a.zarr", picture((4, 4), "uint8")
    (tmp_path / "secret").write_bytes(bytes(range(16)))
    for kind in ("link", "pipe", "folder"):
        save(path, image, chunks=(4, 4), compressors=None)
        chunk = path / "c" / "0" / "0"
        chunk.unlink()
        if kind == "link":
            chunk.symlink_to(tmp_path / "secret")
        elif kind == "pipe":
            os.mkfifo(chunk)
        else:
            chunk.parent.rmdir()
            (tmp_path / "other").mkdir()
            (tmp_path / "other" / "0").write_bytes(bytes(16))
            chunk.parent.symlink_to(tmp_path / "other")
        refused(path, "regular" if kind == "pipe" else "link out of the folder")
    save(path, image, chunks=(4, 4))
    (tmp_path / "link.zarr").symlink_to(path)  # the user's own
    same_bits(opened(tmp_path / "link.zarr")[...], image)


# Tiles


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 3)])
def test_tiles_that_were_never_written_are_told(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    path = tmp_path / "a.zarr"
    tiles = picture(shape)
    tiles[1] = 0
    array = create_array(path, shape, "uint16", (1, *shape[1:]))
    assert missing_chunks(path, range(5)) == [0, 1, 2, 3, 4]
    array[0:2] = tiles[:2]
    open_array(path)[3:4] = 0 * tiles[3:4]
    assert missing_chunks(path, range(5)) == [2, 4]
    assert missing_chunks(path, [3, 4]) == [4]
    same_bits(np.asarray(open_array(path)[0:2]), tiles[:2])
    (path / "c.9.partial").write_bytes(b"half")
    remove_partial_chunks(path)
    assert missing_chunks(path, range(5)) == [2, 4]
    assert len(list(path.iterdir())) == 4  # a file for each tile, and the metadata


@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({"zarr_format": 2}, "2.1.0"),
        ({"zarr_format": 3}, "c/2/1/0"),
        ({"chunk_key_encoding": {"name": "v2", "separator": "/"}}, "2/1/0"),
        ({"chunk_key_encoding": {"name": "v2"}}, "2.1.0"),
    ],
)
def test_chunks_of_other_tools_are_found(
    tmp_path: Path, options: Any, last: str
) -> None:
    tiles = picture((3, 8, 8))
    save(tmp_path / "a.zarr", tiles, chunks=(1, 4, 8), **options)
    assert missing_chunks(tmp_path / "a.zarr", range(3)) == []
    (chunk,) = (tmp_path / "a.zarr").rglob(last)
    chunk.unlink()
    assert missing_chunks(tmp_path / "a.zarr", range(3)) == [2]


# Writing


def made(path: Path, image: Array, metadata: Metadata, **options: Any) -> None:
    with create_image(
        path, image.shape, image.dtype, metadata=metadata, **options
    ) as store:
        store[0:40] = image[:40]
        store[40 : len(image), 0 : image.shape[1]] = image[40:]
        same_bits(np.asarray(store[3:50, 7:9]), image[3:50, 7:9])


def means(image: Array) -> Array:
    """Return the means of two by two pixels, the plain way."""
    height, width = image.shape[:2]
    rows = np.minimum(np.arange(-(-height // 2) * 2), height - 1)
    columns = np.minimum(np.arange(-(-width // 2) * 2), width - 1)
    even = image[rows][:, columns].astype(float)
    four = [even[r::2, c::2] for r in (0, 1) for c in (0, 1)]
    return np.asarray(np.mean(four, axis=0))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_levels_are_means(tmp_path: Path, dtype: str) -> None:
    for channels in ((), (3,)):
        image, path = picture((601, 90, *channels), dtype), tmp_path / "a.ome.zarr"
        made(path, image, Metadata(pixel_size=(0.5, 0.25), pixel_unit="µm"))
        same_bits(whole(path), image)
        half = opened(path, level=1)[...]
        want = np.rint(means(image)) if dtype == "uint8" else means(image)
        same_bits(half, want.astype(dtype))
        for level, size in enumerate([(601, 90), (301, 45), (151, 23)]):
            found = opened(path, level=level)
            assert found.shape == (*size, *channels)
            metadata = found.info.metadata
            assert metadata.pixel_size == (0.5 * 2**level, 0.25 * 2**level)
            assert metadata.pixel_unit == "µm"
        refused(path, "no level 3, only 3", level=3)
        rmtree(path)


def test_levels_of_masks_lose_no_mark_and_of_labels_no_class(tmp_path: Path) -> None:
    mask = np.zeros((600, 601), bool)
    mask[599, 600] = mask[301, 17] = True
    made(tmp_path / "mask.ome.zarr", mask, Metadata())
    small = opened(tmp_path / "mask.ome.zarr", level=2)[...]
    assert np.argwhere(small).tolist() == [[75, 4], [149, 150]]
    labels = np.random.default_rng(0).choice([0, 7, 200], (600, 600)).astype(np.uint8)
    made(tmp_path / "labels.ome.zarr", labels, Metadata(), labels=True)
    assert set(np.unique(opened(tmp_path / "labels.ome.zarr", level=2)[...])) == {
        0,
        7,
        200,
    }


@pytest.mark.parametrize("suffix", [".zarr", ".ome.zarr"])
def test_axes_are_named_where_they_are_not_plain(tmp_path: Path, suffix: str) -> None:
    path, image = tmp_path / f"a{suffix}", picture((30, 20, 70))
    write_image(path, image)
    same_bits(read_image(path), image)


@pytest.mark.parametrize("shape", [(700, 300), (700, 300, 3)])
@pytest.mark.filterwarnings("ignore")
def test_ome_zarr_py_opens_it(tmp_path: Path, shape: tuple[int, ...]) -> None:
    reader = pytest.importorskip("ome_zarr.reader", reason="needs ome-zarr")
    io = pytest.importorskip("ome_zarr.io", reason="needs ome-zarr")
    image = picture(shape, "uint8")
    metadata = Metadata(pixel_size=(0.5, 0.25), pixel_unit="µm")
    made(tmp_path / "a.ome.zarr", image, metadata)
    (node,) = reader.Reader(io.parse_url(str(tmp_path / "a.ome.zarr")))()
    want = np.moveaxis(image, -1, 0) if len(shape) == 3 else image
    same_bits(np.asarray(node.data[0]), want)
    sides = [level.shape[-2:] for level in node.data]
    assert sides == [(700, 300), (350, 150), (175, 75)]
    names = [axis["name"] for axis in node.metadata["axes"]]
    assert names == list("cyx")[-len(shape) :]
    assert node.metadata["axes"][-1]["unit"] == "micrometer"
    scale = node.metadata["coordinateTransformations"][1][0]["scale"]
    assert scale[-2:] == [1.0, 0.5]
    shift = node.metadata["coordinateTransformations"][1][1]["translation"]
    assert shift[-2:] == [0.25, 0.125]  # the middle of the first two by two pixels
