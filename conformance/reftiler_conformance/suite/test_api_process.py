"""TILER-006 to -008 and RANDOM-006: threads, processes and their state.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import copy
import os
import pickle
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.process_state import changes, snapshot, unusual_state
from reftiler_conformance.protocol import Api, Unsupported
from reftiler_conformance.suite.refusals import lines, names, refused, result_of

Array = npt.NDArray[Any]

THREADS = 4
ROUNDS = 8
MERGING: tuple[dict[str, Any], ...] = (
    {"mode": "clamp", "window": "hann"},
    {"mode": "padding", "merge": "mean", "pad_side": "both"},
    {"mode": "even", "merge": "max"},
    {"mode": "interpolation", "merge": "min"},
    {"mode": "drop", "fill": 7, "window": "triangle", "remove_border_count": 1},
)


@contextmanager
def eager_switches() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@api_clause("TILER-006")
def test_serves_threads(api: Api) -> None:
    """One tiler and one grid serve several threads at once, by every merge."""
    rng = np.random.default_rng(0)
    # Large ones, so that numpy and torch let another thread run while they copy.
    alike = [rng.standard_normal((2, 64, 65)) for _ in range(THREADS)]
    unlike = [rng.standard_normal((1, 40 + 7 * i, 41)) for i in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool, eager_switches():
        for i, settings in enumerate(MERGING):
            _serves(api, settings, alike, pool)
            if i < 2:
                _serves(api, settings, unlike, pool)


def _serves(
    api: Api, settings: dict[str, Any], images: list[Array], pool: ThreadPoolExecutor
) -> None:
    """Fail unless threads, each with an image, get what each gets alone."""
    tilers = [api.Tiler(16, 11, **settings) for _ in images]
    try:
        pairs = zip(tilers, images, strict=True)
        alone = [_work(api, tiler, None, image) for tiler, image in pairs]
    except Exception:  # noqa: BLE001 - what one thread cannot do is no matter here
        return
    want = [[api.back(part).tobytes() for part in parts] for parts in alone]
    sizes = {image.shape[-2:] for image in images}
    barrier = threading.Barrier(THREADS)
    for _ in range(ROUNDS):
        # New ones each time: what they put off until it is needed is not done yet.
        tiler = api.Tiler(16, 11, **settings)
        grid = tiler.grid(images[0].shape[-2:]) if len(sizes) == 1 else None

        def work(image: Array) -> list[Any]:
            barrier.wait(30)
            return _work(api, tiler, grid, image)  # noqa: B023

        # Results are read when all are there: none may lie in another's memory.
        try:
            found = list(pool.map(work, images))
        except Exception as error:
            message = f"what one thread can do fails in several, with {settings}"
            raise AssertionError(f"{message}: {error}") from error
        got = [[api.back(part).tobytes() for part in parts] for parts in found]
        assert got == want, f"threads get other results than one, with {settings}"


def _work(api: Api, tiler: Any, grid: Any, image: Array) -> list[Any]:
    size = image.shape[-2:]
    tiles = tiler.tile(api.array(image), grid=grid)
    plan = tiler.grid(size) if grid is None else grid
    told = [plan.starts, plan.boxes, plan.coverage(), tiler.random(size, 4, 7).starts]
    merged = tiler.untile(tiles, image.shape, grid)
    return [tiles, merged, *(api.array(np.array(array)) for array in told)]


def values(api: Api) -> dict[str, Any]:
    """Return tilers and grids to copy."""
    window = ((0.1, 3.0, 7.0, 1 / 3), (1.0, 2.0, 3.0, 4.0, 5.0))
    nan = float("nan")
    tiler = api.Tiler((4, 5), (2, 5), mode="even", window=window, pad_value=nan, fill=2)
    return {
        "a tiler": tiler,
        "a plain tiler": api.Tiler(4),
        "a grid": tiler.grid((9, 12)),
        "a scattered grid": tiler.scatter((9, 12), [(5, 0), (0, 7), (5, 0)]),
        "a random grid": tiler.random((9, 12), 5, 2**100),
    }


@api_clause("TILER-007")
def test_can_be_copied(api: Api) -> None:
    """A copy is equal, has the same hash, and gives the same results."""
    ways: dict[str, Callable[[Any], Any]] = {
        "copied": copy.copy,
        "copied deeply": copy.deepcopy,
    }
    if _importable(api):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            dumps = partial(pickle.dumps, protocol=protocol)
            ways[f"pickled by protocol {protocol}"] = partial(_pickled, dumps)
    for name, value in values(api).items():
        for how, way in ways.items():
            try:
                found = way(value)
            except Exception as error:
                raise AssertionError(f"{name} cannot be {how}: {error}") from error
            assert found == value, f"{name} became another when it was {how}"
            assert hash(found) == hash(value), f"{name}, {how}, has another hash"
            assert type(found) is type(value), f"{name}, {how}, is a {type(found)}"
            same = results(api, found) == results(api, value)
            assert same, f"{name} gives other results when it was {how}"


def _pickled(dumps: Callable[[Any], bytes], value: Any) -> Any:
    return pickle.loads(dumps(value))


def results(api: Api, value: Any) -> list[bytes]:
    """Return what a tiler, or the tiler of a grid, makes of arrays."""
    grid = value if hasattr(value, "image_size") else value.grid((9, 12))
    tiler = api.Tiler.from_other(grid.tiler)
    image = np.random.default_rng(3).standard_normal((2, 9, 12))
    tiles = tiler.tile(api.array(image), grid=grid)
    merged = tiler.untile(tiles, image.shape, grid)
    told = (api.back(tiles), api.back(merged), grid.starts, grid.coverage())
    return [array.tobytes() for array in told]


def _importable(api: Api) -> bool:
    """Say whether another process can import the classes by their names."""
    kinds = (api.Tiler, type(api.Tiler([1]).grid([1])))
    for kind in kinds:
        found: Any = sys.modules.get(kind.__module__)
        for name in kind.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is not kind or kind.__module__ == "__main__":
            return False
    return True


SECONDS = 7
"""How long another process is waited for: a slow machine is no fault of a tiler."""

ELSEWHERE = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
call = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(b"RESULT" + pickle.dumps(call()))
"""


def elsewhere(call: Callable[[], Any], seeds: tuple[str, ...]) -> list[Any]:
    """Return what a call gives in processes of these PYTHONHASHSEEDs."""
    given = pickle.dumps(sys.path) + pickle.dumps(call)
    command = [sys.executable, "-c", ELSEWHERE]
    ends = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        for seed in seeds
    ]
    found, deadline = [], time.monotonic() + SECONDS
    for end in ends:
        try:
            left = deadline - time.monotonic()
            out, complaint = end.communicate(given, timeout=max(0.1, left))
        except subprocess.TimeoutExpired:
            for other in ends:
                other.kill()
                other.wait()
            message = f"another process that answers within {SECONDS} s"
            raise Unsupported(message) from None
        said = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        assert end.returncode == 0, f"it cannot be used in another process: {said}"
        found.append(pickle.loads(out.partition(b"RESULT")[2]))
    return found


RANDOM = (
    ((9, 12), 5, 0, 1),
    ((9, 12), 40, 7, (2, 1)),
    ((100, 80), 3, 2**100 + 1, 8),
    ((70000, 9), 6, 2**64, 1),
)


def _drawn(tiler: Any) -> list[list[list[int]]]:
    return [tiler.random(*given).starts.tolist() for given in RANDOM]


def _used(tiler: Any, grids: list[Any], image: Any, tiles: Any) -> dict[str, Any]:
    """Cut, merge and draw in another process; arrays are the subject's own kind."""
    return {
        "tiles": tiler.tile(image),
        "merged": tiler.untile(tiles, (9, 12)),
        "told": [array for g in grids for array in (g.starts, g.coverage())],
        "drawn": _drawn(tiler),
    }


@cache
def _elsewhere(kind: Any, array: Callable[[Array], Any]) -> list[dict[str, Any]]:
    """Return what this and other processes make of a pickled tiler and its grids."""
    tiler = kind((4, 5), (2, 3), mode="even", window="hann")
    image = array(np.random.default_rng(3).standard_normal((9, 12)))
    grids = [tiler.grid((9, 12)), tiler.scatter((9, 12), [(5, 0), (0, 7)])]
    call = partial(_used, tiler, grids, image, tiler.tile(image))
    # To import torch takes seconds: one process is enough then.
    seeds = ("1",) if "torch" in sys.modules else ("0", "1", "4294967295")
    return [call(), *elsewhere(call, seeds)]


@api_clause("TILER-007")
def test_serves_other_processes(api: Api) -> None:
    """What was pickled gives the same results in another process."""
    if not _importable(api):
        raise Unsupported("classes that another process can import")
    here, *others = _elsewhere(api.Tiler, api.array)
    for there in others:
        for name in ("tiles", "merged"):
            same = api.back(there[name]).tobytes() == api.back(here[name]).tobytes()
            assert same, f"a pickled tiler gives other {name} in another process"
        for got, want in zip(there["told"], here["told"], strict=True):
            assert np.array_equal(got, want), "a pickled grid tells other numbers"


@api_clause("RANDOM-006")
def test_same_in_every_process(api: Api) -> None:
    """Random tiles hang neither on the process nor on PYTHONHASHSEED nor on chance."""
    tiler = api.Tiler((4, 5), (2, 3))
    want = _drawn(tiler)
    with unusual_state():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        assert _drawn(tiler) == want, "random tiles hang on the state of a generator"
    if not _importable(api):
        raise Unsupported("classes that another process can import")
    here, *others = _elsewhere(api.Tiler, api.array)
    for one in (here, *others):
        assert one["drawn"] == want, "another process draws other random tiles"


CALLS = """
    Tiler((4, 5), (2, 3), window="gaussian"); tiler.grid(size).coverage();
    tiler.random(size, 9, 7).starts; tiler.scatter(size, [(0, 0)]).boxes;
    Tiler.from_json(tiler.to_json()); Tiler((3, 4)).view(array(image));
    tiler.tile(array(image)); tiler.untile(array(tiles), size);
    tiler.untile(array(odd), size);
    Tiler((4, 5), (2, 3), merge="max").untile(array(tiles), size);
    tiler.untile(array(tiles * 1e9), size, dtype=dtype("float16"));
    tiler.untile(array(tiles * 1e9), size, dtype=dtype("uint8"));
    tiler.apply(model=lambda t: t + 1, image=array(image), batch_size=3)
"""


def words_of_calls(api: Api) -> dict[str, Any]:
    """Return the words of `CALLS` and `REFUSED`."""
    rng = np.random.default_rng(5)
    image, tiles = rng.standard_normal((9, 12)), rng.standard_normal((16, 4, 5))
    odd = tiles * 1e300
    odd[::3], odd[1::3] = np.inf, np.nan
    tiler = api.Tiler((4, 5), (2, 3), window="hann")
    arrays = {"image": image, "tiles": tiles, "odd": odd}
    return names(api) | arrays | {"tiler": tiler, "size": (9, 12)}


REFUSED = """
    tiler.untile(array(odd), size, dtype=dtype("uint8"));
    tiler.untile(zeros(15, 4, 5), size);
    Tiler((4, 5)).tile(zeros(9)); Tiler(4, 5);
    Tiler((4, 5)).random((9, 12), 9, -1); Tiler((4, 5)).view(zeros(9, 12));
    Tiler.from_json("{")
"""


STATES: tuple[Callable[[], AbstractContextManager[None]], ...] = (
    nullcontext,
    unusual_state,
)


@api_clause("TILER-008")
def test_leaves_the_process(api: Api) -> None:
    """Calls, refused ones too, leave the state of the process as it was."""
    words = words_of_calls(api)
    calls = [
        c for c in lines(CALLS) if ".apply" not in c or hasattr(api.Tiler, "apply")
    ]
    for code in calls:
        result_of(code, words)  # what is imported then may add to the state
    for state, code in product(STATES, calls):
        with state(), _unchanged(code):
            result_of(code, words)
    for state, code in product(STATES, lines(REFUSED)):
        with state(), _unchanged(f"{code}, which is refused,"):
            refused(code, result_of, code, words)


@contextmanager
def _unchanged(what: str) -> Iterator[None]:
    before = snapshot()
    yield
    changed = changes(before)
    assert not changed, f"{what} changed {', '.join(changed)}"
