"""FINISH: when a function is asked, what it raises, and where else it is taken.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api, Unsupported
from reftiler_conformance.suite.calls import error_of

Array = npt.NDArray[Any]

SHAPE = (2, 10, 8)


def _scores(api: Api) -> tuple[Any, Any]:
    """Return a tiler, and tiles of three classes that do not agree."""
    tiler = api.Tiler(4, (3, 2), window="hann", mode="clamp")
    count = 2 * len(tiler.grid(SHAPE[-2:]))
    values = np.random.default_rng(3).standard_normal((count, 3, 4, 4))
    return tiler, api.array(values.astype(np.float32))


def _finish(api: Api, change: Callable[[Array], Array]) -> Callable[[Any], Any]:
    """Return a function of the subject's arrays."""
    return lambda block: api.array(np.ascontiguousarray(change(api.back(block))))


def _made_by(out: Any) -> Callable[..., Any]:
    return lambda *_: out


def _largest(block: Array) -> Array:
    return np.asarray(block.argmax(0).astype(np.uint8))


IMAGE = (2, 1, 10, 8)


def _told(api: Api, array: Any) -> tuple[Any, ...]:
    found = api.back(array)
    return str(found.dtype), found.shape, found.tobytes()


@api_clause("FINISH-004")
def test_asked_of_zeros_first(api: Api) -> None:
    """A block of zeros of a single row comes first, before any other is merged."""
    tiler, tiles = _scores(api)
    seen: list[Array] = []

    def change(block: Array) -> Array:
        seen.append(block.copy())
        return _largest(block)

    tiler.untile(tiles, IMAGE, finish=_finish(api, change))
    first, *others = seen
    assert not first.any(), "the first block holds other numbers than zeros"
    assert first.shape[:2] == (3, 1), f"it is no row of three classes: {first.shape}"
    assert all(block.any() for block in others), "more than one block is of zeros"
    pixels = sum(block[0].size for block in others)
    assert pixels == 2 * 10 * 8, f"blocks have {pixels} pixels of 160"
    out = api.array(np.full(SHAPE, 77, np.uint8))

    def fails(block: Array) -> Array:
        raise KeyError("not of zeros")

    with suppress(KeyError):
        tiler.untile(tiles, IMAGE, finish=_finish(api, fails), out=out)
    assert (api.back(out) == 77).all(), "out is written before the block of zeros"


@api_clause("FINISH-007")
def test_its_errors(api: Api) -> None:
    """What the function raises reaches the caller, of whatever type."""
    tiler, tiles = _scores(api)

    class OwnError(Exception):
        pass

    for late in (False, True):

        def fails(block: Array, late: bool = late) -> Array:
            if block.any() or not late:
                raise OwnError("of its own")
            return _largest(block)

        error = error_of(tiler.untile, tiles, IMAGE, finish=_finish(api, fails))
        told = f"{type(error).__name__}: {error}"
        assert type(error) is OwnError, f"an error of finish has become {told}"
        assert error.args == ("of its own",), f"its words have become {told}"


@api_clause("FINISH-008")
def test_wherever_results_are_merged(api: Api) -> None:
    """Apply and a streaming merger give what untile gives."""
    if not hasattr(api.Tiler, "apply"):
        raise Unsupported("apply")
    tiler, tiles = _scores(api)
    finish = _finish(api, _largest)
    want = _told(api, tiler.untile(tiles, IMAGE, finish=finish))
    numbers = {"indices": True, "batch_size": 5}
    got = tiler.apply(
        lambda cut, indices, boxes: {"all": [tiles[indices], tiles[indices]]},
        api.array(np.zeros(IMAGE, np.float32)),
        finish={"all": [finish, None]},
        **numbers,
    )["all"]
    assert _told(api, got[0]) == want, "apply finishes otherwise than untile"
    plain = _told(api, tiler.untile(tiles, IMAGE))
    assert _told(api, got[1]) == plain, "a result is finished though it need not be"


@api_clause("FINISH-008")
def test_a_merger_goes_on(api: Api) -> None:
    """What is finished is not finished again, and is of one dtype."""
    merger = getattr(api, "Merger", None)
    if merger is None:
        raise Unsupported("a streaming merger")
    tiler, tiles = _scores(api)
    finish, half = _finish(api, _largest), len(tiles) // 2
    want = tiler.untile(tiles, IMAGE, finish=finish)
    out = api.array(np.zeros(SHAPE, np.uint8))
    form = {"tile_shape": tuple(tiles.shape[1:]), "tile_dtype": tiles.dtype}
    seen: list[int] = []

    def counted(block: Array) -> Array:
        seen.append(block[0].size if block.any() else 0)
        return _largest(block)

    with TemporaryDirectory() as folder:
        form["checkpoint"] = folder
        first = merger(tiler, IMAGE, out, finish=_finish(api, counted), **form)
        first.add(range(half), tiles[:half])
        first.stop()
        for bad in (None, _finish(api, lambda block: _largest(block) > 0)):
            made = _made_by(out)
            error = error_of(merger, tiler, IMAGE, made, finish=bad, **form)
            same = "a merge is continued by another finish"
            assert isinstance(error, ValueError), same
        with merger(tiler, IMAGE, out, finish=_finish(api, counted), **form) as rest:
            rest.add(range(half, len(tiles)), tiles[half:])
    assert sum(seen) == 160, f"{sum(seen)} pixels are finished, not 160 once each"
    assert _told(api, out) == _told(api, want), "a merge that went on is another"
