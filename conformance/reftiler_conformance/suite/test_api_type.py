"""TYPE: dtypes.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

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
            message = refused(f"an image of {image.dtype}", verb, image)
            named = "object" in message or "'o'" in message
            assert named, f"no dtype is named: {message}"


@api_clause("TYPE-005")
def test_numbers_only(api: Api) -> None:
    """Dtypes that cannot be merged are refused by name, also in dtype=."""
    untile, good = api.Tiler(2).untile, np.zeros((4, 2, 2), np.float32)
    for dtype in map(np.dtype, STRANGE):
        tiles = _array(api, good.astype(dtype))
        if tiles is None or dtype == np.float64:  # some platforms have none longer
            continue
        _names(refused(f"tiles of {dtype}", untile, tiles, (4, 4)), dtype)
        floats, kind = api.array(good), tiles.dtype
        _names(refused(f"dtype={dtype}", untile, floats, (4, 4), dtype=kind), dtype)


def _names(message: str, dtype: np.dtype[Any]) -> None:
    named = dtype.name in message or str(dtype).lower() in message
    assert named, f"{dtype} is not named: {message}"


def _array(api: Api, array: Any) -> Any:
    """Return the library's array, None if it has no such dtype."""
    try:
        return api.array(array)
    except (TypeError, ValueError):
        return None
