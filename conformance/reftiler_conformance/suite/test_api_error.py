"""ERROR: refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

Call = Callable[[], object]
Calls = dict[str, Call]


def zeros(api: Api, *shape: int, dtype: str = "uint8") -> Any:
    """Return an array of the subject's kind."""
    return api.array(np.zeros(shape, dtype))


def error_of(what: str, call: Call) -> BaseException:
    """Return the error with which a call is refused."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return error
    raise AssertionError(f"{what} was taken")


def is_wrong_value(what: str, call: Call) -> None:
    """Fail unless a call raises TilingError, which must be a ValueError."""
    error = error_of(what, call)
    name = type(error).__name__
    assert name == "TilingError", f"{what} raised {name}, should be TilingError"
    assert isinstance(error, ValueError), "TilingError is no ValueError"


@api_clause("ERROR-001")
def test_wrong_values(api: Api) -> None:
    """A wrong value raises TilingError, which is a ValueError."""
    tiler = api.Tiler(4)
    calls: Calls = {
        "a tile of 0": lambda: api.Tiler(0),
        "a stride of 5": lambda: api.Tiler(4, 5),
        "an overlap of 4": lambda: api.Tiler(4, overlap=4),
        "a stride and an overlap": lambda: api.Tiler(4, 2, overlap=2),
        "an unknown mode": lambda: api.Tiler(4, mode="clmap"),
        "a border of 3": lambda: api.Tiler(4, 2, remove_border_count=3),
        "a weight of 0": lambda: api.Tiler([2], window=[[1, 0]]),
        "a small image": lambda: api.Tiler(4, mode="drop").grid((3, 9)),
        "an empty image": lambda: tiler.grid((0, 4)),
        "a start of -1": lambda: tiler.scatter((8, 8), [(-1, 0)]),
        "no random tile": lambda: tiler.random((8, 8), 0, 7),
        "a seed of 2**128": lambda: tiler.random((8, 8), 1, 2**128),
        "a fill of 0.5": lambda: api.Tiler(4, fill=0.5).untile(
            zeros(api, 4, 4, 4), (8, 8)
        ),
        "an uncovered pixel": lambda: api.Tiler(4, mode="drop").untile(
            zeros(api, 1, 4, 4), (5, 5)
        ),
        "a NaN that becomes an integer": lambda: tiler.untile(
            api.array(np.full((4, 4, 4), np.nan)), (8, 8), dtype=api.dtype("uint8")
        ),
        "damaged JSON": lambda: api.Tiler.from_json("{"),
    }
    for what, call in calls.items():
        is_wrong_value(what, call)


@api_clause("ERROR-002")
def test_wrong_types(api: Api) -> None:
    """A wrong type raises TypeError."""
    tiler, image = api.Tiler(4), [[1, 2], [3, 4]]
    calls: Calls = {
        "a tile of 4.0": lambda: api.Tiler(4.0),
        "a tile of True": lambda: api.Tiler(True),
        "a tile of '4'": lambda: api.Tiler("4"),
        "a stride of (2.0, 2)": lambda: api.Tiler(4, (2.0, 2)),
        "a border of False": lambda: api.Tiler(4, remove_border_count=False),
        "a mode of 3": lambda: api.Tiler(4, mode=3),
        "a pad value of 'x'": lambda: api.Tiler(4, pad_value="x"),
        "channels_last=1": lambda: api.Tiler(4, channels_last=1),
        "an image size of 8.0": lambda: tiler.grid((8.0, 8)),
        "a seed of 1.0": lambda: tiler.random((8, 8), 1, 1.0),
        "a start of 0.0": lambda: tiler.scatter((8, 8), [(0.0, 0)]),
        "an image that is a list": lambda: tiler.tile(image),
        "a view of a list": lambda: tiler.view(image),
        "tiles that are a list": lambda: tiler.untile([image], (2, 2)),
        "a grid that is none": lambda: tiler.tile(zeros(api, 8, 8), grid=4),
        "a scale that is text": lambda: tiler.untile(
            zeros(api, 4, 4, 4), (8, 8), scale="1"
        ),
        "an out that is a list": lambda: tiler.tile(zeros(api, 8, 8), out=image),
        "a merge into a list": lambda: tiler.untile(
            zeros(api, 4, 4, 4), (8, 8), out=image
        ),
    }
    for what, call in calls.items():
        error = error_of(what, call)
        name = type(error).__name__
        assert isinstance(error, TypeError), f"{what} raised {name}, not TypeError"


@api_clause("ERROR-003")
def test_wrong_arrays(api: Api) -> None:
    """Arrays and dtypes that are refused, and wrong lengths, are wrong values."""
    tiler, tiles = api.Tiler(4), zeros(api, 4, 4, 4)
    calls: Calls = {
        "an image of rank 1": lambda: tiler.tile(zeros(api, 8)),
        "an image of rank 5": lambda: tiler.tile(zeros(api, 1, 1, 1, 8, 8)),
        "no channel": lambda: tiler.tile(zeros(api, 0, 8, 8)),
        "tiles of rank 2": lambda: tiler.untile(zeros(api, 4, 4), (8, 8)),
        "3 of 4 tiles": lambda: tiler.untile(zeros(api, 3, 4, 4), (8, 8)),
        "complex tiles": lambda: tiler.untile(
            zeros(api, 4, 4, 4, dtype="complex64"), (8, 8)
        ),
        "dtype=complex64": lambda: tiler.untile(
            tiles, (8, 8), dtype=api.dtype("complex64")
        ),
        "dtype=bool": lambda: tiler.untile(tiles, (8, 8), dtype=api.dtype("bool")),
        "an out of another shape": lambda: tiler.untile(
            tiles, (8, 8), out=zeros(api, 8, 9)
        ),
        "an out of another dtype": lambda: tiler.untile(
            tiles, (8, 8), out=zeros(api, 8, 8, dtype="int8")
        ),
        "three strides": lambda: api.Tiler(4, (2, 2, 2)),
        "one length": lambda: tiler.grid((8,)),
        "a start of one number": lambda: tiler.scatter((8, 8), [(0,)]),
        "a profile of 3": lambda: api.Tiler(4, window=[[1] * 4, [1] * 3]),
    }
    for what, call in calls.items():
        is_wrong_value(what, call)


@api_clause("ERROR-004")
def test_messages(api: Api) -> None:
    """A message states the values that break a rule, in a sentence that helps."""
    tiler = api.Tiler(4)
    said: tuple[tuple[Call, tuple[str, ...]], ...] = (
        (lambda: api.Tiler(4, 5), ("stride", "5", "4")),
        (lambda: api.Tiler(4, overlap=7), ("overlap", "7")),
        (lambda: api.Tiler(4, mode="clmap"), ("mode", "clmap", "clamp")),
        (lambda: api.Tiler(8, 6, remove_border_count=3), ("border", "3")),
        (lambda: tiler.scatter((8, 8), [(6, 0)]), ("start", "6")),
        (lambda: tiler.untile(zeros(api, 3, 4, 4), (8, 8)), ("3", "4")),
        (lambda: tiler.tile(zeros(api, 7)), ("7", "2")),
        (lambda: api.Tiler(4, mode="clamp").grid((3, 9)), ("clamp", "3", "4")),
        (lambda: tiler.random((8, 8), 0, 7), ("count", "0", "1")),
    )
    for call, words in said:
        message = refused(f"what is wrong about {words[0]}", call)
        missing = [word for word in words if word not in message]
        assert not missing, f"{missing} not in: {message}"
        assert len(message.split()) > 4, f"no sentence: {message}"


@api_clause("ERROR-005")
def test_unknown_names(api: Api) -> None:
    """Unknown names are refused at construction, even where they have no effect."""
    for name in ("mode", "pad_mode", "pad_side", "window", "merge"):
        for wrong in ("nothing", ""):
            # None but padding pads, and a mean of one tile needs no window.
            mode = {} if name == "mode" else {"mode": "drop"}
            refused(f"{name}={wrong!r}", api.Tiler, 4, **{name: wrong}, **mode)
        refused(f"{name}='None'", api.Tiler, 4, **{name: "None"})


@api_clause("ERROR-006")
def test_settings_are_checked_at_once(api: Api) -> None:
    """Settings are checked at construction as far as they can be."""
    wrong: tuple[dict[str, Any], ...] = (
        {"stride": 0},
        {"stride": 5},
        {"stride": (1, 2, 3)},
        {"overlap": -1},
        {"overlap": 4},
        {"stride": 2, "overlap": 2},
        {"remove_border_count": 1},
        {"stride": 2, "remove_border_count": -1},
        {"stride": 2, "remove_border_count": 2},
        {"window": [[1] * 4]},
        {"window": [[1] * 4, [1, 2, 3]]},
        {"window": [[1] * 4, [1, 2, 3, -1]]},
        {"window": [[1] * 4, [1, 1, 1, 2.0**33]]},
        {"window": "hann", "merge": "max"},
        {"pad_value": "x"},
        {"fill": "x"},
        {"channels_last": 1},
    )
    for settings in wrong:
        refused(f"{settings}", api.Tiler, 4, **settings)
    for size in (0, -1, (4, 0), ()):
        refused(f"a tile of {size}", api.Tiler, size)
