"""TYPE: dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api, Unsupported
from reftiler_conformance.suite.refusals import refused

STRANGE = ("complex64", "complex128", "datetime64[s]", "S3", "U2", "longdouble")


@api_clause("TYPE-003")
def test_no_objects(api: Api) -> None:
    """Arrays of Python objects are refused by name."""
    found = [_array(api, np.zeros((4, 4), dtype)) for dtype in ("O", "i4,O")]
    images = [image for image in found if image is not None]
    if not images:
        raise Unsupported("the library has no arrays of objects")
    for image in images:
        for verb in (api.Tiler(2).tile, api.Tiler(2).view):
            words = refused(f"an image of {image.dtype}", verb, image)
            assert "object" in words or "'o'" in words, f"no dtype is named: {words}"


@api_clause("TYPE-005")
def test_numbers_only(api: Api) -> None:
    """Dtypes that cannot be merged are refused by name, also in dtype=."""
    untile, good = api.Tiler(2).untile, np.zeros((4, 2, 2), np.float32)
    for dtype in map(np.dtype, STRANGE):
        tiles = _array(api, good.astype(dtype))
        if tiles is None or dtype == np.float64:  # some platforms have none longer
            continue
        words = refused(f"tiles of {dtype}", untile, tiles, (4, 4))
        _names(words, dtype)
        floats, kind = api.array(good), tiles.dtype
        words = refused(f"dtype={dtype}", untile, floats, (4, 4), dtype=kind)
        _names(words, dtype)


def _names(words: str, dtype: np.dtype[Any]) -> None:
    named = dtype.name in words or str(dtype).lower() in words
    assert named, f"{dtype} is not named: {words}"


def _array(api: Api, array: Any) -> Any:
    """Return the library's array, None if it has no such dtype."""
    try:
        return api.array(array)
    except (TypeError, ValueError):
        return None


@api_clause("TYPE-006")
def test_dtype_of_the_result(api: Api) -> None:
    """The result has the dtype that is named, else that of the tiles."""
    untile, tiles = api.Tiler(2).untile, np.ones((4, 2, 2), np.float32)
    for name in ("uint8", "int64", "float16", "float32", "float64"):
        given = api.array(tiles)
        found = api.back(untile(given, (4, 4), dtype=api.dtype(name))).dtype
        assert found == name, f"dtype={name} gave {found}"
        found = api.back(untile(api.array(tiles.astype(name)), (4, 4))).dtype
        assert found == name, f"tiles of {name} gave {found}"


@api_clause("TYPE-007")
def test_bool_of_bool(api: Api) -> None:
    """A result of bool needs tiles of bool."""
    untile, boolean = api.Tiler(2).untile, api.dtype("bool")
    for name in ("uint8", "float32"):
        tiles = api.array(np.ones((4, 2, 2), name))
        refused(f"dtype=bool of {name}", untile, tiles, (4, 4), dtype=boolean)
    tiles = api.array(np.ones((4, 2, 2), bool))
    found = api.back(untile(tiles, (4, 4), dtype=boolean)).dtype
    assert found.kind == "b", f"dtype=bool of bool gave {found}"
