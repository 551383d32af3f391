"""Metadata of zarr folders, read as JSON and checked before zarr sees them.

A stranger's metadata choose which codecs decode the chunks, and some codecs run code
(pickle), some fill memory. So whatever is opened is read here: `read_node` gives the
metadata of one array or group, `check_array` refuses all that is not known to be
harmless. Consolidated metadata, which repeat those of the arrays, are never used.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reftiler.json_io import read_json

SUFFIX = ".zarr"
MARKS = ("zarr.json", ".zarray", ".zgroup")
"""Files by which an array or a group is known."""
MAX_METADATA = 2**24
"""Bytes of a file of metadata: those of large plates take some millions."""
COMPRESSORS = frozenset(["blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"])
"""The codecs whose results may be much larger than what they read."""

_MAX_SIZE = 2**62
_CODECS = frozenset(
    [
        *COMPRESSORS,
        *("astype", "bitround", "delta", "fixedscaleoffset", "packbits", "quantize"),
        *("shuffle", "adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"),
    ]
)
"""The codecs of numcodecs that only rearrange bytes, by their names in zarr 2."""

_CODECS_V3 = frozenset(
    ["bytes", "endian", "transpose", "blosc", "gzip", "zstd", "crc32c"]
) | {f"numcodecs.{name}" for name in _CODECS}
_INDEX_CODECS = frozenset(["bytes", "endian", "crc32c"])
_SHARDING = "sharding_indexed"
_DTYPES = ("dtype", "astype", "encode_dtype", "decode_dtype")
_PLAIN_DTYPE = re.compile(r"[<>|=]?[biufc]\d{1,2}|bool|(u?int|float|complex)\d{1,3}")


@dataclass(frozen=True)
class ZarrNode:
    """An array or a group."""

    path: Path
    attributes: dict[str, Any]  # what users wrote: OME's metadata among them
    array: dict[str, Any] | None  # the metadata as zarr takes them; None for a group


@dataclass(frozen=True)
class ShardIndex:
    """The index of a shard: where each chunk lies in it."""

    count: int  # of chunks: each has an offset and a length of 8 bytes
    size: int  # bytes, with the checksum
    at_start: bool


@dataclass(frozen=True)
class ChunkCoding:
    """How the chunks of an array are coded."""

    size: int  # bytes of a decoded chunk
    compressor: str | None  # by its name in numcodecs
    index: ShardIndex | None = None  # where chunks lie in shards


def is_node(path: Path) -> bool:
    """Tell whether a folder is an array or a group of zarr."""
    return any((path / mark).is_file() for mark in MARKS)


def is_zarr(path: Path) -> bool:
    """Tell whether a path is a folder with a zarr array or group in it, or says so."""
    return path.is_dir() and (path.suffix.lower() == SUFFIX or is_node(path))


def read_node(path: Path) -> ZarrNode:
    """Read the metadata of an array or a group; ValueError if there is none."""
    if (path / "zarr.json").is_file():
        content = _read_object(path / "zarr.json")
        if content.get("zarr_format") != 3:
            raise ValueError(f"zarr.json is of the format {content.get('zarr_format')}")
        array = content if content.get("node_type") == "array" else None
        return ZarrNode(path, _mapping(content.get("attributes", {})), array)
    attributes = {}
    if (path / ".zattrs").is_file():
        attributes = _read_object(path / ".zattrs")
    if (path / ".zarray").is_file():
        return ZarrNode(path, attributes, _read_object(path / ".zarray"))
    if (path / ".zgroup").is_file():
        return ZarrNode(path, attributes, None)
    raise ValueError(f"there is no zarr array in it: no {' and no '.join(MARKS)}")


def check_array(metadata: dict[str, Any], max_bytes: int) -> ChunkCoding:
    """Refuse an array whose codecs are unknown, or whose chunks are too large."""
    version = metadata.get("zarr_format")
    if version == 3:
        if metadata.get("storage_transformers"):
            raise ValueError("it has storage transformers, which are not read")
        grid = _mapping(metadata.get("chunk_grid"))
        if grid.get("name") != "regular":
            raise ValueError(f"its chunks are {grid.get('name')!r:.40}, not regular")
        sizes = _mapping(grid.get("configuration")).get("chunk_shape")
        codecs, known = _named_codecs(metadata.get("codecs")), _CODECS_V3
    elif version == 2:
        every = [*_list(metadata.get("filters") or []), metadata.get("compressor")]
        found = [_mapping(codec) for codec in every if codec is not None]
        codecs, known = [(codec.get("id"), codec) for codec in found], _CODECS
        sizes = metadata.get("chunks")
    else:
        raise ValueError(f"the zarr format is {version!r:.40}")
    itemsize = _check_dtype(metadata.get("data_type" if version == 3 else "dtype"))
    sizes = _sizes(sizes, 1, len(_sizes(metadata.get("shape"), 0)))
    chunk_separator(metadata)
    index = None
    if version == 3 and [name for name, _ in codecs] == [_SHARDING]:
        settings, shard = codecs[0][1], sizes
        sizes = _sizes(settings.get("chunk_shape"), 1, len(shard))
        codecs = _named_codecs(settings.get("codecs"))
        index = _check_index(settings, shard, sizes, max_bytes)
    size = _check_chunk(math.prod(sizes) * itemsize, max_bytes)
    return ChunkCoding(size, _check_codecs(codecs, known), index)


def chunk_counts(metadata: dict[str, Any]) -> list[int]:
    """Return how many chunks a checked array has along each axis."""
    if metadata["zarr_format"] == 2:
        chunks = metadata["chunks"]
    else:
        chunks = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    return [-(-n // chunk) for n, chunk in zip(metadata["shape"], chunks, strict=True)]


def chunk_separator(metadata: dict[str, Any]) -> tuple[str, str]:
    """Return what names of chunks begin with, and what joins their numbers."""
    if metadata.get("zarr_format") == 2:
        first, separator = "", metadata.get("dimension_separator", ".")
    else:
        encoding = _mapping(metadata.get("chunk_key_encoding"))
        settings = _mapping(encoding.get("configuration") or {})
        first, usual = {"default": ("c", "/"), "v2": ("", ".")}.get(
            str(encoding.get("name"))[:40], ("", "")
        )
        separator = settings.get("separator", usual)
    if separator not in (".", "/"):
        raise ValueError(f"its chunks' names are unknown: {separator!r:.40}")
    return first + separator if first else "", separator


def _check_index(
    settings: dict[str, Any], shard: list[int], inner: list[int], max_bytes: int
) -> ShardIndex:
    """Check the index of a shard, which has codecs of its own."""
    codecs = _named_codecs(settings.get("index_codecs"))
    _check_codecs(codecs, _INDEX_CODECS)
    count = math.prod(-(-c // i) for c, i in zip(shard, inner, strict=True))
    sums = sum(name == "crc32c" for name, _ in codecs)
    size = _check_chunk(16 * count + 4 * sums, max_bytes)
    return ShardIndex(count, size, settings.get("index_location") == "start")


def _named_codecs(codecs: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return names and settings of codecs; zarr takes a name alone, too."""
    every = [{"name": one} if isinstance(one, str) else one for one in _list(codecs)]
    return [
        (_mapping(one).get("name"), _mapping(one.get("configuration") or {}))
        for one in every
    ]


def _check_codecs(
    codecs: list[tuple[Any, dict[str, Any]]], known: frozenset[str]
) -> str | None:
    """Return which codec of a chunk compresses, the last but for checksums after it."""
    for name, settings in codecs:
        if not isinstance(name, str) or name not in known:
            raise ValueError(
                f"its codec {name!r:.40} is none of those known to be harmless: save "
                "it with blosc, zstd, gzip or without compression"
            )
        for key in _DTYPES:
            if settings.get(key) is not None:
                _check_dtype(settings[key])
    names = [name.removeprefix("numcodecs.") for name, _ in codecs]
    while names and names[-1] == "crc32c":
        names = names[:-1]
    found = [name for name in names if name in COMPRESSORS]
    if found and (len(found) > 1 or names[-1] != found[0]):
        raise ValueError(f"its codecs are {', '.join(names)[:80]}: compress once, last")
    return found[0] if found else None


def _check_dtype(dtype: Any) -> int:
    """Refuse what is no dtype of plain numbers; return the bytes of one."""
    if not isinstance(dtype, str) or not _PLAIN_DTYPE.fullmatch(dtype):
        raise ValueError(f"not a picture of real numbers: the dtype is {dtype!r:.60}")
    digits = re.sub(r"\D", "", dtype)
    bits = dtype.lstrip("<>|=")[1:].isdigit()  # "u2" counts bytes, "uint16" bits
    return int(digits or 1) if bits or not digits else int(digits) // 8


def _check_chunk(size: int, max_bytes: int) -> int:
    if size > max_bytes:
        raise ValueError(
            f"a chunk takes {size:,} bytes, the limit is {max_bytes:,}: raise it with "
            "--max-bytes (max_bytes), or save the array in smaller chunks"
        )
    return size


def _sizes(value: Any, minimum: int, rank: int | None = None) -> list[int]:
    """Return sizes of an array or its chunks, if that is what they are."""
    sizes = _list(value)
    plain = all(type(size) is int and minimum <= size < _MAX_SIZE for size in sizes)
    if not plain or len(sizes) > 32 or rank not in (None, len(sizes)):
        raise ValueError(f"its metadata are damaged: the sizes are {str(sizes)[:80]}")
    return sizes


def _read_object(path: Path) -> dict[str, Any]:
    return _mapping(read_json(path, MAX_METADATA))


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("its metadata are damaged: no JSON object")  # noqa: TRY004
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("its metadata are damaged: no list of codecs or sizes")  # noqa: TRY004
    return value
