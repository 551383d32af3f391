"""The Tiler as a value: equal wishes are equal, however they are spelled."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler import Tiler
from tests.strategies import WINDOWS


@pytest.mark.parametrize(
    "other",
    [
        {"tile_size": (4, 5), "stride": 2},
        {"stride": 1},
        {"mode": "clamp"},
        {"pad_mode": "edge"},
        {"pad_value": 1},
        {"pad_side": "both"},
        {"window": "hann"},
        {"merge": "max"},
        {"remove_border_count": 1},
        {"channels_last": True},
        {"fill": 0},
    ],
)
def test_each_setting_makes_another_value(other: dict[str, Any]) -> None:
    tiler = Tiler(4, 2)
    changed = Tiler(**{"tile_size": 4, "stride": 2, **other})
    assert changed != tiler
    assert changed.to_json() != tiler.to_json()
    size = (9, 9)
    assert changed.grid(size) != tiler.grid(size)


def test_grids_go_to_other_processes() -> None:
    tiler = Tiler(4, 2, window=((1, 2, 3, 4),) * 2, pad_value=float("nan"))
    for grid in (tiler.grid((9, 7)), tiler.random((9, 7), 3, 1)):
        again = pickle.loads(pickle.dumps(grid))
        assert again == grid
        assert hash(again) == hash(grid)
        assert again.starts.tolist() == grid.starts.tolist()
    assert tiler.grid((9, 7)) != tiler.grid((7, 9))
    assert tiler.random((9, 7), 3, 1) != tiler.random((9, 7), 3, 2)
    assert tiler.scatter((4, 4), [(0, 0)]) != tiler.grid((4, 4))


def test_normalised_attributes() -> None:
    tiler = Tiler(np.int64(6), overlap=(2, 3), remove_border_count=1)
    assert tiler.tile_size == (6, 6)
    assert tiler.stride == (4, 3)
    assert tiler.overlap == (2, 3)
    assert tiler.remove_border_count == (1, 1)
    assert tiler.rank == 2
    sizes = (tiler.tile_size, tiler.stride, tiler.overlap, tiler.remove_border_count)
    assert all(type(n) is int for size in sizes for n in size)
    line = Tiler([6])
    assert (line.tile_size, line.stride, line.overlap) == ((6,), (6,), (0,))
    assert line.rank == 1
    assert Tiler(range(3, 6)).tile_size == (3, 4, 5)
    assert [Tiler(4, window=name).window for name in WINDOWS] == list(WINDOWS)


@pytest.mark.parametrize(
    ("args", "settings", "named"),
    [
        ((), {"tilesize": 4}, "'tile_size'"),
        ((4,), {"channel_last": True}, "'channels_last'"),
        ((4,), {"border": 1}, "remove_border_count"),
        ((), {}, "'tile_size'"),
        ((4, 2, 1), {}, "stride"),
        ((4, 4, "clamp"), {}, "stride"),
        ((4,), {"tile_size": 4}, "'tile_size'"),
    ],
)
def test_a_bad_call_names_the_tiler_and_the_argument_that_is_near(
    args: Any, settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(TypeError, match=rf"^Tiler\b.*{named}"):
        Tiler(*args, **settings)


@pytest.mark.parametrize(
    ("image", "way_out"),
    [([[1, 2]], "numpy.asarray"), ("a.png", "read_image"), (Path("a"), "read_image")],
)
def test_what_is_no_array_is_refused_with_the_way_out(image: Any, way_out: str) -> None:
    with pytest.raises(TypeError, match=way_out):
        Tiler(4).tile(image)
