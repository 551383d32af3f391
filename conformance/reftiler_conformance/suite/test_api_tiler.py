"""TILER: the value."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import nan
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api

SETTINGS = (
    "tile_size",
    "stride",
    "mode",
    "pad_mode",
    "pad_value",
    "pad_side",
    "window",
    "merge",
    "remove_border_count",
    "channels_last",
    "fill",
)


CHANGING = ("list", "dict", "set", "bytearray", "ndarray", "Tensor")
"""Types of values that can be changed in place."""


@api_clause("TILER-001")
def test_is_immutable(api: Api) -> None:
    """Every setting refuses to be changed, and follows no list that was given."""
    sides, profiles = [4, 4], [[1.0] * 4, [2.0, 1.0, 1.0, 1.0]]
    tiler, same = (api.Tiler(sides, 2, window=profiles) for _ in range(2))
    for name in SETTINGS:
        before = getattr(tiler, name)
        kind = type(before).__name__
        assert kind not in CHANGING, f"{name} is a {kind}, which can be changed"
        for change in (_set, _delete):
            assert change(tiler, name), f"{name} can be changed after construction"
            assert getattr(tiler, name) == before, f"{name} was changed"
    sides[0] = profiles[0][0] = 3
    assert tuple(tiler.tile_size) == (4, 4), "tile_size follows the list it was given"
    assert same == api.Tiler(4, 2, window=[[1.0] * 4, [2.0, 1.0, 1.0, 1.0]]), (
        "window follows the list it was given"
    )


def _set(tiler: Any, name: str) -> bool:
    try:
        setattr(tiler, name, None)
    except (AttributeError, TypeError):
        return True
    return False


def _delete(tiler: Any, name: str) -> bool:
    try:
        delattr(tiler, name)
    except (AttributeError, TypeError):
        return True
    return False


@api_clause("TILER-002")
def test_equals_by_settings(api: Api) -> None:
    """Equal settings make equal tilers, however they were spelled."""
    make = api.Tiler
    alike = (
        (make(4), make((4, 4), stride=[4, 4]), make([np.int64(4), 4], overlap=0)),
        (make(4, 2), make(4, overlap=2), make((4, 4), overlap=(2, 2))),
        (make([4], pad_value=nan), make([4], pad_value=float("nan"))),
        (make([4], [2], fill=-0.0), make([4], [2], fill=-0.0)),
        (make(4, 2, remove_border_count=1), make(4, 2, remove_border_count=[1, 1])),
        (make([2], window=[[1.0, 2.0]]), make((2,), window=((1.0, 2.0),))),
    )
    for group in alike:
        assert len(set(group)) == 1, f"{group[0]} and others alike are not equal"
        assert all(tiler == group[0] for tiler in group), f"{group[0]} differs"
    others = [make(4, mode=mode) for mode in ("clamp", "even", "drop")]
    others += [make(4, pad_value=value) for value in (0.0, -0.0, 1.0, nan)]
    others += [make(4, fill=value) for value in (0.0, -0.0)]
    others += [make(4, window=name) for name in ("triangle", "hann", "gaussian")]
    others += [make(4, window=((1.0, 2.0, 1.0, 1.0),) * 2)]
    others += [make(4, merge=name) for name in ("mean", "max", "min")]
    others += [make(4, pad_mode="edge"), make(4, pad_side="both")]
    others += [make(4, 2), make(4, 2, remove_border_count=1)]
    others += [make(4, channels_last=True), make(4, 3), make((4, 3)), make([4])]
    for i, one in enumerate(others):
        for other in others[:i]:
            assert one != other, f"{one} equals {other}"


@api_clause("TILER-006")
def test_serves_threads(api: Api) -> None:
    """One tiler and one grid serve several threads at once."""
    tiler = api.Tiler(8, 5, window="hann", mode="clamp")
    grid = tiler.grid((40, 33))
    images = np.random.default_rng(0).standard_normal((8, 2, 40, 33))

    def work(image: Any) -> tuple[bytes, bytes]:
        tiles = tiler.tile(api.array(image), grid=grid)
        merged = tiler.untile(tiles, image.shape, grid)
        return api.back(tiles).tobytes(), api.back(merged).tobytes()

    alone = [work(image) for image in images]
    with ThreadPoolExecutor(4) as pool:  # each costs an arena of memory
        for _ in range(5):
            together = list(pool.map(work, images))
            assert together == alone, "several threads get other results than one"
