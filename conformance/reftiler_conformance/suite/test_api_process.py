"""TILER-006 to -008, RANDOM-006 and JSON-005: copies, threads and processes.

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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause, api_clauses
from reftiler_conformance.process_state import changes, snapshot, unusual_state
from reftiler_conformance.protocol import Api, Unsupported
from reftiler_conformance.suite.calls import calls, error_of, result_of
from reftiler_conformance.suite.test_api_calls import EVERY
from reftiler_conformance.suite.test_api_calls import known as names_of_calls
from reftiler_conformance.suite.test_api_tiler import ODD, SIZE, grids, is_equal

Array = npt.NDArray[Any]

RANDOM = (
    ((90, 120), 5, 0, 1),
    ((90, 120), 40, 7, (2, 1)),
    ((100, 80), 3, 2**100 + 1, 8),
    ((70000, 90), 6, 2**64, 1),
)


def used(tiler: Any, grid: Any, image: Any) -> list[Any]:
    """Return tiles, their merge, what a grid or the image's own tells, and starts."""
    size = tuple(image.shape[-2:])
    tiles = tiler.tile(image, grid=grid)
    plan = tiler.grid(size) if grid is None else grid
    drawn = tiler.random(*RANDOM[0]).starts
    merged = tiler.untile(tiles, tuple(image.shape), grid)
    return [tiles, merged, plan.starts, plan.boxes, plan.coverage(), drawn]


def told(api: Api, found: list[Any]) -> list[bytes]:
    """Return the bytes of what was found."""
    return [a.tobytes() for a in (*map(api.back, found[:2]), *found[2:])]


THREADS = 4
ROUNDS = 4
MERGING: tuple[dict[str, Any], ...] = (
    {"mode": "clamp", "window": "hann"},
    {"mode": "padding", "merge": "mean", "pad_side": "both"},
    {"mode": "even", "merge": "max"},
    {"mode": "interpolation", "merge": "min"},
    {"mode": "drop", "fill": 7, "window": "triangle", "remove_border_count": 1},
)


@contextmanager
def eager_threads() -> Iterator[Callable[..., list[Any]]]:
    """Return what calls in threads, which take turns as often as they can."""
    barrier, before = threading.Barrier(THREADS), sys.getswitchinterval()

    def work(call: Callable[[Any], Any], given: Any) -> Any:
        barrier.wait(30)
        return call(given)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            yield lambda call, given: list(pool.map(partial(work, call), given))
    finally:
        sys.setswitchinterval(before)


@api_clause("TILER-006")
def test_serves_threads(api: Api) -> None:
    """One tiler and one grid serve several threads at once, by every merge."""
    rng = np.random.default_rng(0)
    # Large ones, so that numpy and torch let another thread run while they copy.
    alike = [(2, 64, 65)] * THREADS
    unlike = [(1, 40 + 7 * i, 41) for i in range(THREADS)]
    asked = [*product(MERGING, [alike]), *product(MERGING[:2], [unlike])]
    judged = False
    with eager_threads() as in_threads:
        for settings, shapes in asked:
            images = [api.array(rng.standard_normal(shape)) for shape in shapes]
            new = partial(api.Tiler, 16, 11, **settings)
            try:
                alone = [
                    [told(api, used(new(), None, image)) for image in images]
                    for _ in range(2)
                ]
            except Exception:  # noqa: BLE001 - it fails without threads too
                continue
            want = alone[0]
            judged = judged or alone[1] == want
            if alone[1] != want:  # it varies without threads: TILER-004
                continue
            for _ in range(ROUNDS):
                # New ones: what they put off until it is needed is not done yet.
                tiler = new()
                grid = tiler.grid(shapes[0][1:]) if shapes == alike else None
                try:
                    found = in_threads(partial(used, tiler, grid), images)
                except Exception as error:
                    raise AssertionError(f"threads fail: {error}") from error
                # Read when all are there: none may lie in another's memory.
                got = [told(api, parts) for parts in found]
                assert got == want, f"threads get other results than one, {settings}"
    if not judged:
        raise Unsupported("calls that give the same twice in one thread")


def values(api: Api) -> list[Any]:
    """Return tilers and grids to copy."""
    zeros = api.Tiler(4, 2, fill=-0.0, pad_value=-0.0)
    tilers = api.Tiler((4, 5), (2, 5), **ODD), api.Tiler(4, 2, fill=0), zeros
    return [value for tiler in tilers for value in (tiler, *grids(tiler))]


def is_alike(api: Api, found: Any, value: Any, how: str) -> None:
    """Fail unless a copy of a tiler or a grid gives the same results."""
    image = np.random.default_rng(3).standard_normal((2, *SIZE))
    results = []
    for one in (found, value):
        grid = one if hasattr(one, "image_size") else one.grid(SIZE)
        tiler = api.Tiler.from_other(grid.tiler)
        results.append(told(api, used(tiler, grid, api.array(image))))
    assert results[0] == results[1], f"{value} gives other results when it was {how}"


def _read(value: Any) -> Any:
    return type(value).from_json(value.to_json())


def _pickled(protocol: int, value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
PICKLED = {f"pickled by {n}": partial(_pickled, n) for n in PROTOCOLS}


@api_clauses(
    {
        "TILER-007": {"copied": copy.copy, "copied deeply": copy.deepcopy, **PICKLED},
        "JSON-005": {"written and read": _read},
    }
)
def test_copies(api: Api, asked: dict[str, Callable[[Any], Any]]) -> None:
    """A copy is equal, has the same hash, and gives the same results."""
    for value, (how, way) in product(values(api), asked.items()):
        if how in PICKLED and not _importable(api):
            continue
        try:
            found = way(value)
        except Exception as error:
            raise AssertionError(f"{value} cannot be {how}: {error}") from error
        is_equal(found, value, how)
        is_alike(api, found, value, how)


def _importable(api: Api) -> bool:
    """Say whether another process can import the classes by their names."""
    kinds = (api.Tiler, type(api.Tiler([1]).grid([1])))
    try:
        found = pickle.loads(pickle.dumps(kinds))
    except (pickle.PicklingError, AttributeError):
        return False
    return found == kinds and "__main__" not in [kind.__module__ for kind in kinds]


SECONDS = 7
"""How long another process is waited for: a slow machine is no fault of a tiler."""
ELSEWHERE = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
call = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(b"RESULT" + pickle.dumps(call()))
"""


def drawn(tiler: Any) -> list[bytes]:
    """Return the starts of random tiles, by small and by large seeds."""
    found = []
    for given in RANDOM:
        with suppress(Exception):  # whether they are refused is another clause
            found.append(tiler.random(*given).starts.tobytes())
    return found


def _all_used(
    tiler: Any, some: tuple[Any, ...], image: Any
) -> tuple[list[list[Any]], list[bytes]]:
    return [used(tiler, grid, image) for grid in some], drawn(tiler)


@cache
def _elsewhere(
    kind: Any, array: Callable[[Array], Any]
) -> list[tuple[list[list[Any]], list[bytes]]]:
    """Return what this and another process make of a tiler; [] if that is too slow."""
    tiler = kind((4, 5), (2, 3), mode="even", window="hann", fill=0)
    image = array(np.random.default_rng(3).standard_normal(SIZE))
    call = partial(_all_used, tiler, (None, *grids(tiler)), image)
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    try:
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            input=pickle.dumps(sys.path) + pickle.dumps(call),
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return []
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    assert done.returncode == 0, f"it cannot be used in another process: {said}"
    return [call(), pickle.loads(done.stdout.partition(b"RESULT")[2])]


def _everywhere(api: Api) -> list[tuple[list[list[bytes]], list[bytes]]]:
    """Return what is made in this process and in another, and the random tiles."""
    if not _importable(api):
        raise Unsupported("classes that another process can import")
    where = _elsewhere(api.Tiler, api.array)
    if not where:
        raise Unsupported(f"another process that answers within {SECONDS} s")
    return [([told(api, one) for one in made], starts) for made, starts in where]


@api_clause("TILER-007")
def test_serves_other_processes(api: Api) -> None:
    """What was pickled gives the same results in another process."""
    here, there = (made for made, _ in _everywhere(api))
    assert here == there, "a pickled tiler or grid gives other results elsewhere"


@api_clause("RANDOM-006")
def test_same_in_every_process(api: Api) -> None:
    """Random tiles hang neither on the process nor on PYTHONHASHSEED nor on chance."""
    tiler = api.Tiler((4, 5), (2, 3))
    want = drawn(tiler)
    if not want:
        raise Unsupported("random tiles that are not refused")
    with unusual_state():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        same = drawn(tiler) == want
        assert same, "random tiles hang on the state of a generator"
    for _, starts in _everywhere(api):
        assert starts == want, "another process draws other random tiles"


USED = """
    Tiler((4, 5), (2, 3), window="gaussian"); tiler.grid(size).coverage();
        tiler.random(size, 9, 7).starts; tiler.scatter(size, [(0, 0)]).boxes;
        Tiler.from_json(tiler.to_json()); Tiler((3, 4)).view(array(image));
        tiler.tile(array(image)); tiler.untile(array(<tiles|odd>), size);
        Tiler((4, 5), (2, 3), merge="max").untile(array(tiles), size);
        tiler.untile(array(tiles * 1e9), size, dtype=dtype("<float16|uint8>"));
        tiler.apply(model=lambda t: t + 1, image=array(image), batch_size=3)
    tiler.untile(array(odd), size, dtype=dtype("uint8")) raises TilingError
"""


@api_clause("TILER-008")
def test_leaves_the_process(api: Api) -> None:
    """Calls, refused ones too, leave the state of the process as it was."""
    rng = np.random.default_rng(5)
    image, tiles = rng.standard_normal((9, 12)), rng.standard_normal((16, 4, 5))
    odd = tiles * 1e300
    odd[::3], odd[1::3] = np.inf, np.nan
    known = names_of_calls(api) | {
        "image": image,
        "tiles": tiles,
        "odd": odd,
        "size": SIZE,
    }
    known["tiler"] = api.Tiler((4, 5), (2, 3), window="hann")
    asked = [*calls(USED), *EVERY]
    if not hasattr(api.Tiler, "apply"):
        asked = [call for call in asked if ".apply" not in call.code]
    for call in asked:  # what is imported then may add to the state
        error_of(result_of, call.code, known)
    for unusual, call in product((False, True), asked):
        with unusual_state() if unusual else nullcontext():
            before = snapshot()
            error_of(result_of, call.code, known)
            changed = changes(before)
            assert not changed, f"{call.code} changed {', '.join(changed)}"
