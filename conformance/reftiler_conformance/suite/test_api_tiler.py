"""TILER and GRID-013: tilers and grids as values.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance import oracle
from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.cases import Case
from reftiler_conformance.protocol import Api

Array = npt.NDArray[Any]

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

SIZE = (9, 12)


@api_clause("TILER-001")
def test_is_immutable(api: Api) -> None:
    """Every setting refuses to be changed, and follows no list that was given."""
    sides, profiles = [4, 4], [[1.0] * 4, [2.0, 1.0, 1.0, 1.0]]
    tiler, same = (api.Tiler(sides, 2, window=profiles) for _ in range(2))
    _unchangeable(tiler, SETTINGS)
    sides[0] = profiles[0][0] = 3
    assert tuple(tiler.tile_size) == (4, 4), "tile_size follows the list it was given"
    assert same == api.Tiler(4, 2, window=[[1.0] * 4, [2.0, 1.0, 1.0, 1.0]]), (
        "window follows the list it was given"
    )


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
            assert _raises(change), f"{name} can be changed after construction"
            assert getattr(value, name) == before, f"{name} was changed"


def _raises(call: Callable[[], object]) -> bool:
    try:
        call()
    except (AttributeError, TypeError, ValueError):
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
    _all_differ(_unequal(api))


def _unequal(api: Api) -> list[Any]:
    """Return tilers of which no two are equal."""
    values: dict[str, tuple[Any, ...]] = {
        "mode": ("clamp", "even", "drop"),
        "pad_value": (0.0, -0.0, 1.0, nan),
        "fill": (0.0, -0.0),
        "window": ("triangle", "hann", "gaussian", ((1.0, 2.0, 1.0, 1.0),) * 2),
        "merge": ("mean", "max", "min"),
        "pad_mode": ("edge",),
        "pad_side": ("both",),
        "channels_last": (True,),
        "stride": (2, 3, (3, 4)),
    }
    make = api.Tiler
    found = [make(4, **{name: v}) for name, some in values.items() for v in some]
    return [*found, make(4, 2, remove_border_count=1), make((4, 3)), make([4])]


def _all_differ(values: list[Any]) -> None:
    for i, one in enumerate(values):
        for other in values[:i]:
            assert one != other, f"{one} equals {other}"


CASES = (
    Case((9, 12), (4, 5), (4, 5), channels=2, content="random"),
    Case((9, 12), (4, 5), (2, 3), window="hann", content="random"),
    Case((9, 12), (4, 5), (3, 3), mode="even", merge="max", content="random"),
    Case((9, 12), (4, 5), (3, 4), mode="interpolation", dtype="uint8", content="bits"),
    Case((9, 12), (4, 5), (2, 3), mode="clamp", border=(1, 1), dtype="float64"),
    Case((9, 12), (4, 5), (4, 4), mode="drop", fill=7, dtype="int16"),
    Case((9, 12), (4, 5), (3, 4), merge="min", pad_mode="reflect", pad_side="both"),
)
"""What is asked where memory is looked for: each with a setting of its own."""


def verbs(api: Api, case: Case) -> Iterator[tuple[str, Any, Array, Any]]:
    """Return for tile and untile the call, an input and the oracle."""
    tiler = api.Tiler(case.tile, **case.settings())
    yield "tile", tiler.tile, case.image(), lambda a: oracle.tile(case.grid, a)

    def right(tiles: Array) -> Array:
        scales, dtype = case.scales, case.result_dtype
        return oracle.untile(case.grid, tiles, case.shape, scales, dtype)

    yield "untile", lambda a: tiler.untile(a, case.shape), case.tiles(), right


@api_clause("TILER-003")
def test_knows_no_array_again(api: Api) -> None:
    """An array whose values were changed in place is read anew, and results are new."""
    for case in CASES:
        for verb, call, values, right in verbs(api, case):
            given = api.array(values.copy())
            try:
                if len({api.back(call(given)).tobytes() for _ in range(6)}) > 1:
                    continue  # it varies without any reason: TILER-004
            except Exception:  # noqa: BLE001 - an error is no memory
                continue
            first = call(given)
            if not _same(api, first, right(values)):
                continue  # it is wrong without any memory
            first[...] = 0
            assert _same(api, call(given), right(values)), (
                f"{verb}: what the caller did to a result shows in the next one"
            )
            for other in (values[::-1], np.roll(values, 1), values):
                given[...] = api.array(np.ascontiguousarray(other))
                assert _same(api, call(given), right(other)), (
                    f"{verb}: an array that was changed in place gives the old result"
                )


def _same(api: Api, got: Any, want: Array) -> bool:
    return bool(np.allclose(api.back(got), want, rtol=1e-6, atol=1e-6))


def questions(api: Api) -> dict[str, Callable[[Any], Any]]:
    """Return calls of one tiler that differ in one argument, such as a dtype."""
    whole = np.arange(1, 2 * 7 * 9 + 1, dtype=np.int32).reshape(2, 7, 9)
    arrays = [whole, whole.view(np.float32), whole.astype(np.float32)]
    tiles = np.arange(1, 13 * 16 + 1, dtype=np.float32).reshape(13, 4, 4)[:12]
    single, double = api.dtype("float16"), api.dtype("float64")
    starts = [(0, 0), (3, 5), (1, 2), (3, 0), (0, 5), (2, 2)] * 2

    def tiled(array: Array, tiler: Any) -> Any:
        return tiler.tile(api.array(array.copy()))

    def untiled(
        tiler: Any, shape: Any = (7, 9), starts: Any = None, some: Any = tiles, **o: Any
    ) -> Any:
        grid = None if starts is None else tiler.scatter((7, 9), starts)
        return tiler.untile(api.array(some.copy()), shape, grid, **o)

    found: dict[str, Callable[[Any], Any]] = {
        "tiles": untiled,
        "their bytes as int32": partial(untiled, dtype=None, some=tiles.view("i4")),
        "tiles, into float16": partial(untiled, dtype=single),
        "tiles, into float64": partial(untiled, dtype=double),
        "tiles of scattered starts": partial(untiled, starts=starts),
        "tiles of others": partial(untiled, starts=starts[::-1]),
    }
    for i, array in enumerate(arrays):
        found[f"an image of {array.dtype}, number {i}"] = partial(tiled, array)
    for shape in ((7, 10), (1, 7, 9), (8, 9), (1, 1, 7, 9)):
        found[f"tiles of {shape}"] = partial(untiled, shape=shape)
    return found


@api_clause("TILER-003")
def test_knows_no_arguments_again(api: Api) -> None:
    """One tiler answers each call as a new one does, in whatever order."""

    def new() -> Any:
        return api.Tiler(4, (2, 2), mode="padding", fill=0, window="triangle")

    calls = questions(api)
    want = {what: _whole(api, call(new())) for what, call in calls.items()}
    if any(_whole(api, call(new())) != want[w] for w, call in calls.items()):
        return  # it varies without any reason: TILER-004
    for order in (list(calls), list(calls)[::-1], list(calls) * 2):
        tiler, before = new(), "nothing"
        for what in order:
            got = _whole(api, calls[what](tiler))
            assert got == want[what], f"after {before}, {what} give other results"
            before = what


def _whole(api: Api, array: Any) -> tuple[Any, ...]:
    found = api.back(array)
    return str(found.dtype), found.shape, found.tobytes()


def grids(api: Api, **settings: Any) -> list[tuple[str, Any]]:
    """Return a fitted grid and scattered ones, each with its name."""
    tiler = api.Tiler((4, 5), (2, 3), **settings)
    return [
        ("grid()", tiler.grid(SIZE)),
        ("scatter()", tiler.scatter(SIZE, [(5, 0), (0, 7), (5, 0)])),
        ("random()", tiler.random(SIZE, 3, 7)),
    ]


def told(grid: Any) -> dict[str, Array]:
    """Return the arrays that a grid tells."""
    mask = np.ones(SIZE, bool)
    return {
        "starts": grid.starts,
        "boxes": grid.boxes,
        "padding": np.asarray(grid.padding),
        "coverage()": grid.coverage(),
        "touching()": grid.touching(mask),
    }


@api_clause("GRID-013")
def test_grids_are_immutable(api: Api) -> None:
    """What is done to the arrays of a grid does not change the grid."""
    for mode in ("padding", "interpolation", "clamp", "even", "drop"):
        for name, grid in grids(api, mode=mode, pad_side="both"):
            _unchangeable(grid, ("tiler", "image_size"))
            before = {key: array.copy() for key, array in told(grid).items()}
            for key in ("starts", "boxes"):
                array = told(grid)[key]
                assert not array.flags.writeable, f"{key} of {name} can be written to"
            for array in told(grid).values():
                _spoil(array)
            for key, array in told(grid).items():
                same = np.array_equal(array, before[key])
                assert same, f"{key} of {name} in {mode} follows what was written to it"


def _spoil(array: Array) -> None:
    """Write to an array if it can be written to."""
    if array.flags.writeable:
        array[...] = array + 1


@api_clause("GRID-013")
def test_grids_equal_by_value(api: Api) -> None:
    """Grids are equal by their tilers, image sizes and starts, and by these alone."""
    for (name, one), (_, other) in zip(grids(api), grids(api), strict=True):
        assert one == other, f"two equal calls of {name} gave unequal grids"
        assert hash(one) == hash(other), f"equal grids of {name} have other hashes"
        assert len({one: 1, other: 2}) == 1, f"equal grids of {name} are two keys"
    listed = [(5, 0), (0, 7), (5, 0)]
    tiler = api.Tiler((4, 5), (2, 3))
    assert tiler.scatter(SIZE, listed) == tiler.scatter(SIZE, np.array(listed).tolist())
    drawn = tiler.random(SIZE, 3, 7)
    again = tiler.scatter(SIZE, drawn.starts.tolist())
    assert again == drawn, "random starts, given explicitly, make an unequal grid"
    others = [tiler.grid(size) for size in (SIZE, (9, 11), (10, 12), (8, 12), (9, 200))]
    for starts in (
        listed,
        [(5, 0), (0, 7)],
        [(0, 7), (5, 0), (5, 0)],
        [(5, 0), (5, 0), (0, 7)],
        [(5, 1), (0, 7), (5, 0)],
        [(5, 0), (0, 7), (5, 1)],
    ):
        others.append(tiler.scatter(SIZE, starts))
    others.append(tiler.scatter((10, 12), listed))
    inner = api.Tiler((4, 5), (2, 3), mode="drop")
    fitted = inner.grid(SIZE)
    others += [fitted, inner.scatter(SIZE, fitted.starts.tolist())]
    # Settings that do not move a tile.
    for settings in (
        {"window": "hann"},
        {"fill": 0},
        {"fill": -0.0},
        {"merge": "max"},
        {"pad_value": 1},
        {"channels_last": True},
        {"remove_border_count": (1, 0)},
    ):
        others += [grid for _, grid in grids(api, **settings)]
    _all_differ(others)
    assert tiler.grid(SIZE) != tiler, "a grid equals its tiler"
    assert tiler.grid(SIZE) != SIZE, "a grid equals its image's size"
