"""TILER, GRID-013 and JSON: tilers and grids as values.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from itertools import combinations
from math import inf, nan
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.calls import edited, refused

Array = npt.NDArray[Any]

SETTINGS = (
    *("tile_size", "stride", "mode", "pad_mode", "pad_value", "pad_side", "window"),
    *("merge", "remove_border_count", "channels_last", "fill", "nan"),
)
CHANGING = ("list", "dict", "set", "bytearray", "ndarray", "Tensor")
"""Types of values that can be changed in place."""
SIZE = (9, 12)
STARTS = [(5, 0), (0, 7), (5, 0)]
ODD: dict[str, Any] = {
    "mode": "even",
    "pad_value": nan,
    "fill": -inf,
    "window": ((0.1, 3, 7, 1 / 3), (1, 2, 3, 4, 5)),
    "remove_border_count": (1, 0),
}
"""Settings that are hard to copy and to write."""


def grids(tiler: Any) -> list[Any]:
    """Return a fitted grid and scattered ones."""
    return [tiler.grid(SIZE), tiler.scatter(SIZE, STARTS), tiler.random(SIZE, 3, 7)]


@api_clause("TILER-001")
def test_is_immutable(api: Api) -> None:
    """Every setting refuses to be changed, and follows no list that was given."""
    sides, profiles = [4, 4], [[1.0] * 4, [2.0, 1.0, 1.0, 1.0]]
    tiler, same = (api.Tiler(sides, 2, window=profiles) for _ in range(2))
    _unchangeable(tiler, SETTINGS)
    sides[0] = profiles[0][0] = 3
    assert tuple(tiler.tile_size) == (4, 4), "tile_size follows the list it was given"
    again = api.Tiler(4, 2, window=[[1.0] * 4, [2.0, 1.0, 1.0, 1.0]])
    assert same == again, "window follows the list it was given"


def _unchangeable(value: Any, names: tuple[str, ...]) -> None:
    """Fail unless attributes can neither be set nor deleted nor changed in place."""
    for name in names:
        before = getattr(value, name)
        kind = type(before).__name__
        assert kind not in CHANGING, f"{name} is a {kind}, which can be changed"
        for change in (
            partial(setattr, value, name, None),
            partial(delattr, value, name),
        ):
            with suppress(AttributeError, TypeError, ValueError):
                change()
                raise AssertionError(f"{name} can be changed after construction")
            assert getattr(value, name) == before, f"{name} was changed"


@api_clause("TILER-002")
def test_differs_by_settings(api: Api) -> None:
    """Other settings make unequal tilers."""
    values: dict[str, tuple[Any, ...]] = {
        "mode": ("clamp", "even", "drop"),
        "pad_value": (0.0, -0.0, 1.0, nan),
        "fill": (0.0, -0.0),
        "window": ("triangle", "hann", "gaussian", ((1.0, 2.0, 1.0, 1.0),) * 2),
        "merge": ("mean", "max", "min", "first", "last", "center", "vote"),
        "pad_mode": ("edge",),
        "nan": ("omit",),
        "pad_side": ("both",),
        "channels_last": (True,),
        "stride": (2, 3, (3, 4)),
    }
    make = api.Tiler
    found = [make(4, **{name: v}) for name, some in values.items() for v in some]
    _all_differ([*found, make(4, 2, remove_border_count=1), make((4, 3)), make([4])])


def _all_differ(values: list[Any]) -> None:
    for one, other in combinations(values, 2):
        assert one != other, f"{one} equals {other}"


@api_clause("GRID-013")
def test_grids_are_immutable(api: Api) -> None:
    """What is done to the arrays of a grid does not change the grid."""
    for mode in ("padding", "interpolation", "clamp", "even", "drop"):
        for grid in grids(api.Tiler((4, 5), (2, 3), mode=mode, pad_side="both")):
            _unchangeable(grid, ("tiler", "image_size"))
            before = {key: array.copy() for key, array in told(grid).items()}
            for key in ("starts", "boxes"):
                array = told(grid)[key]
                assert not array.flags.writeable, f"{key} of {grid} can be written to"
            for array in told(grid).values():
                if array.flags.writeable:
                    array[...] = array + 1
            for key, array in told(grid).items():
                same = np.array_equal(array, before[key])
                assert same, f"{key} of {grid} follows what was written to it"


def told(grid: Any) -> dict[str, Array]:
    """Return the arrays that a grid tells."""
    return {
        "starts": grid.starts,
        "boxes": grid.boxes,
        "padding": np.asarray(grid.padding),
        "coverage()": grid.coverage(),
        "touching()": grid.touching(np.ones(SIZE, bool)),
    }


@api_clause("GRID-013")
def test_grids_equal_by_value(api: Api) -> None:
    """Grids are equal by their tilers, image sizes and starts, and by these alone."""
    make = partial(api.Tiler, (4, 5), (2, 3))
    tiler, inner = make(), make(mode="drop")
    drawn = tiler.random(SIZE, 3, 7)
    for one, other in (
        *zip(grids(make()), grids(make()), strict=True),
        (tiler.scatter(SIZE, STARTS), tiler.scatter(SIZE, [[5, 0], [0, 7], [5, 0]])),
        (drawn, tiler.scatter(SIZE, drawn.starts.tolist())),
    ):
        assert one == other, f"two equal grids, {one}, are unequal"
        assert hash(one) == hash(other), f"equal grids, {one}, have other hashes"
    others = [tiler.grid(size) for size in (SIZE, (9, 11), (10, 12), (8, 12), (9, 200))]
    others += [
        tiler.scatter(SIZE, starts)
        for starts in (
            *(STARTS, STARTS[:2], STARTS[1:] + STARTS[:1], STARTS[::2] + STARTS[1:2]),
            *([(5, 1), *STARTS[1:]], [*STARTS[:2], (5, 1)]),
        )
    ]
    others += [tiler.scatter((10, 12), STARTS), inner.grid(SIZE)]
    others.append(inner.scatter(SIZE, inner.grid(SIZE).starts.tolist()))
    # Settings that do not move a tile.
    for settings in (
        *({"window": "hann"}, {"merge": "max"}, {"fill": 0}, {"fill": -0.0}),
        *({"pad_value": 1}, {"channels_last": True}, {"remove_border_count": (1, 0)}),
    ):
        others += grids(make(**settings))
    _all_differ([*others, tiler, SIZE])


def is_equal(found: Any, value: Any, how: str) -> None:
    """Fail unless a copy is equal."""
    assert found == value, f"{value} became {found} when it was {how}"
    assert hash(found) == hash(value), f"{value}, {how}, has another hash"
    assert type(found) is type(value), f"{value}, {how}, is a {type(found)}"


@api_clause("JSON-002")
def test_has_a_version(api: Api) -> None:
    """The JSON of a tiler is that of its settings, which make it, and has a version."""
    for tiler in (api.Tiler((8, 6), overlap=2), api.Tiler(4, window="hann", fill=1)):
        alone = json.loads(tiler.to_json())
        assert "spec_version" in alone, "a tiler is written without spec_version"
        del alone["spec_version"]
        assert alone == json.loads(tiler.grid(SIZE).to_json())["tiler"], "other JSON"
        found = api.Tiler(**alone)
        assert found == tiler, f"the settings of {tiler} make {found}"


@api_clause("JSON-004")
def test_reads_what_it_wrote(api: Api) -> None:
    """Reading what was written gives an equal tiler or grid."""
    tilers = [api.Tiler(4), api.Tiler((4, 5), (2, 5), **ODD)]
    for value in (0.1, -0.0, 1e300, 5e-324, 2**64 - 1, -(2**63), True):
        settings = {"pad_value": value, "fill": value, "channels_last": True}
        tilers.append(api.Tiler(4, overlap=1, **settings))
    for tiler in tilers:
        for value in (tiler, *grids(tiler)):
            again = type(value).from_json(value.to_json())
            is_equal(again, value, "written and read")
            assert again.to_json() == value.to_json(), f"{value} is written otherwise"
            if value is not tiler:
                same = np.array_equal(again.starts, value.starts)
                assert same, f"{value} has other starts"


@api_clause("JSON-008")
def test_versions(api: Api) -> None:
    """Text of a newer version, or of another MAJOR, is refused, and both are named."""
    tiler = api.Tiler(4, 2)
    for value in (tiler, tiler.grid(SIZE)):
        mine = json.loads(value.to_json())["spec_version"]
        major, minor = map(int, mine.split("."))
        newer = f"{major}.{minor + 1}", f"{major}.{minor + 10}"
        for other in (*newer, f"{major + 1}.0", f"{major}0.0", f"{major - 1}.9"):
            text = edited(value, spec_version=other)
            words = refused(f"version {other}", type(value).from_json, text)
            for version in (mine, other):
                assert version in words, f"{version} is not in: {words}"
        type(value).from_json(edited(value, spec_version=mine))
