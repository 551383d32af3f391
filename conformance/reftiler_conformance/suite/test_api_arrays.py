"""OUT, SCALE-005, TYPE, VIEW-005 and BACKEND: arrays of the subject's own kind.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

import reftiler
from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.cases import Case
from reftiler_conformance.compare import Mismatch, same_bits
from reftiler_conformance.expected import merge_of, tiles_of
from reftiler_conformance.protocol import Api, Unsupported
from reftiler_conformance.suite.calls import calls, refused, result_of, words

Array = npt.NDArray[Any]


@api_clause("OUT-002")
def test_must_be_apart(api: Api) -> None:
    """An array that shares memory with the input, or with itself, is refused."""
    tiler = api.Tiler(4)
    for first in (0, 1, 36, 63):  # where the other array begins in the memory of one
        memory = api.array(np.zeros(200, np.uint8))
        image, tiles = memory[:64].reshape(8, 8), memory[first : first + 64]
        tiles = tiles.reshape(4, 4, 4)
        at = f" that begins {first} bytes later"
        refused(f"tile into its image{at}", tiler.tile, image, out=tiles)
        refused(f"untile into its tiles{at}", tiler.untile, tiles, (8, 8), out=image)
    image, tiles = memory[:128:2].reshape(8, 8), api.array(np.zeros((4, 4, 4), "u1"))
    tiler.tile(image, out=tiles)
    laid = [api.array(_folded(shape)) for shape in ((4, 4, 4), (8, 8))]
    refused("tile into items that share memory", tiler.tile, image, out=laid[0])
    refused("untile into such", tiler.untile, tiles, (8, 8), out=laid[1])


def _folded(shape: tuple[int, ...]) -> Any:
    """Return an array of which two items lie in the same memory."""
    strides = (1,) * len(shape)
    return np.lib.stride_tricks.as_strided(np.zeros(64, np.uint8), shape, strides)


@api_clause("SCALE-005")
def test_before_any_pixel(api: Api) -> None:
    """The refusal comes before any pixel is merged."""
    out = api.array(np.full((4, 4), 7, np.uint8))
    tiles, what = api.array(np.zeros((4, 2, 2), np.uint8)), "a start of 3 at half"
    refused(what, api.Tiler(4, 3).untile, tiles, (7, 7), out=out)
    assert (api.back(out) == 7).all(), "pixels were merged before the refusal"


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
    strange = ("complex64", "complex128", "datetime64[s]", "S3", "U2", "longdouble")
    for dtype in map(np.dtype, strange):
        tiles = _array(api, good.astype(dtype))
        if tiles is None or dtype == np.float64:  # some platforms have none longer
            continue
        for given, into in ((tiles, None), (api.array(good), tiles.dtype)):
            message = refused(f"{dtype}", untile, given, (4, 4), dtype=into)
            named = dtype.name in message or str(dtype).lower() in message
            assert named, f"{dtype} is not named: {message}"


def _array(api: Api, array: Any) -> Any:
    """Return the library's array, None if it has no such dtype."""
    try:
        return api.array(array)
    except (TypeError, ValueError):
        return None


@api_clause("VIEW-005")
def test_read_only_in_numpy(api: Api) -> None:
    """A view is read-only in numpy, and writes through elsewhere."""
    image = api.array(np.zeros((8, 8), np.float32))
    windows = api.Tiler(4).view(image)
    if isinstance(windows, np.ndarray):
        assert not windows.flags.writeable, "the view can be written to"
        assert image.flags.writeable, "the image cannot be written to any more"
    else:
        assert type(windows) is type(image), f"the view is a {type(windows).__name__}"
        windows[1, 0, 2, 3] = 7
        assert float(image[6, 3]) == 7, "the view does not write to the image"


CASES = (
    Case((9, 7), (4, 3), (3, 2), channels=2, content="special"),
    Case((9, 7), (4, 3), (3, 2), window="hann", dtype="float64", content="random"),
    Case((11,), (5,), (2,), window="gaussian", dtype="float16", content="random"),
    Case((5, 8), (4, 4), (1, 2), mode="even", merge="max", dtype="int64"),
    Case((5, 9), (4, 4), (3, 3), mode="interpolation", dtype="uint8", content="random"),
    Case((7, 9), (4, 4), (2, 2), mode="clamp", border=(1, 1), content="random"),
    Case((7, 9), (4, 4), (4, 4), mode="drop", fill=-1, dtype="int16"),
    Case((3, 9), (4, 4), (2, 2), pad_mode="reflect", pad_side="both", dtype="bool"),
    Case((8, 8), (4, 4), (2, 2), scale=(Fraction(1, 2),) * 2, content="random"),
    Case((8, 8), (4, 4), (2, 2), dtype="float64", result="float16", content="random"),
)


def verbs(api: Api, case: Case) -> Iterator[tuple[str, Any, Array, Any]]:
    """Return tile and untile: the call, an input and what is right for inputs."""
    tiler = api.Tiler(case.tile, **case.settings())
    options: dict[str, Any] = {"scale": case.scale} if case.scale else {}
    if case.result:
        options["dtype"] = api.dtype(case.result)
    yield "tile", tiler.tile, case.image(), partial(tiles_of, case)
    untile = partial(tiler.untile, shape=case.shape, **options)
    yield "untile", untile, case.tiles(), partial(merge_of, case)


@api_clause("BACKEND-001")
def test_to_the_bit(api: Api) -> None:
    """The backend gives the bits that every other gives."""
    for case in CASES:
        for verb, call, values, right in verbs(api, case):
            found = api.back(call(api.array(values.copy())))
            try:
                same_bits(found, right(values), nan="bits" if verb == "tile" else "any")
            except Mismatch as error:
                raise AssertionError(f"{case}: {error.message}") from error


UNSTEADY = "calls that give the right result, and the same twice"
"""What is missing where nothing can be told of memory."""


@api_clause("TILER-003")
def test_knows_no_array_again(api: Api) -> None:
    """An array whose values were changed in place is read anew, and results are new."""
    judged = False
    for case in CASES:
        for verb, call, values, right in verbs(api, case):
            given = api.array(values.copy())
            if not _steady(lambda: api.back(call(given)).tobytes()):  # noqa: B023
                continue
            first = call(given)
            if not _same(api, first, right(values)):
                continue  # it is wrong without any memory
            judged = True
            first[...] = 0
            again = _same(api, call(given), right(values))
            assert again, f"{verb}: a result that was written to is given again, {case}"
            for other in (values[::-1], np.roll(values, 1), values):
                given[...] = api.array(np.ascontiguousarray(other))
                anew = _same(api, call(given), right(other))
                assert anew, f"{verb} gives the result of before, {case}"
    if not judged:
        raise Unsupported(UNSTEADY)


def _steady(answer: Callable[[], object]) -> bool:
    """Say whether a call always gives the same; if not, it needs no memory to."""
    try:
        return len({answer() for _ in range(6)}) == 1
    except Exception:  # noqa: BLE001 - an error is no memory
        return False


def _same(api: Api, got: Any, want: Array) -> bool:
    return bool(np.allclose(api.back(got), want, 1e-6, 1e-6, equal_nan=True))


QUESTIONS = """
    tiler.tile(array(<whole|whole.view("f4")|whole.astype("f4")>.copy()))
    tiler.untile(array(tiles.copy()), <(7, 9)|(7, 10)|(8, 9)|(1, 7, 9)|(1, 1, 7, 9)>)
    tiler.untile(array(tiles.copy()), (7, 9), dtype=dtype("<float16|float64>"))
    tiler.untile(array(tiles.copy()), (7, 9), tiler.scatter((7, 9), starts<|[::-1]>))
    tiler.untile(array(tiles.view("i4").copy()), (7, 9))
"""
"""Calls of one tiler that differ in one argument, such as a dtype."""


@api_clause("TILER-003")
def test_knows_no_arguments_again(api: Api) -> None:
    """One tiler answers each call as a new one does, in whatever order."""
    known = words(api) | {
        "whole": np.arange(1, 2 * 7 * 9 + 1, dtype=np.int32).reshape(2, 7, 9),
        "tiles": np.arange(1, 12 * 16 + 1, dtype=np.float32).reshape(12, 4, 4),
        "starts": [(0, 0), (3, 5), (1, 2), (3, 0), (0, 5), (2, 2)] * 2,
    }

    def new() -> Any:
        return api.Tiler(4, 2, fill=0, window="triangle")

    def answer(tiler: Any, code: str) -> tuple[Any, ...]:
        found = api.back(result_of(code, known | {"tiler": tiler}))
        return str(found.dtype), found.shape, found.tobytes()

    codes = [
        call.code
        for call in calls(QUESTIONS)
        if _steady(lambda: answer(new(), call.code))  # noqa: B023
    ]
    if not codes:
        raise Unsupported(UNSTEADY)
    want = {code: answer(new(), code) for code in codes}
    for order in (codes, codes[::-1], codes * 2):
        tiler, before = new(), "nothing"
        for code in order:
            same = answer(tiler, code) == want[code]
            assert same, f"after {before}, {code} gives other results"
            before = code


class Another(reftiler.Tiler):
    """A backend of the numpy tiler's kind, and of another class."""


@api_clause("BACKEND-002")
def test_one_grid_for_all(api: Api) -> None:
    """A grid of one backend serves the others; their tilers are equal."""
    settings: dict[str, Any] = {"overlap": 1, "mode": "clamp", "fill": float("nan")}
    image = np.arange(63, dtype=np.float32).reshape(7, 9)
    tiler = api.Tiler((3, 4), **settings)
    for kind in (reftiler.Tiler, Another):
        other = kind((3, 4), **settings)
        assert tiler == other, f"{kind.__name__} is another with the same settings"
        assert other == tiler, f"{kind.__name__} is another with the same settings"
        assert hash(tiler) == hash(other), "equal tilers have other hashes"
        assert api.Tiler.from_other(other) == tiler, "from_other() makes another tiler"
        written = type(other.grid((7, 9))).from_json(other.grid((7, 9)).to_json())
        for grid in (other.grid((7, 9)), written):
            cut = api.back(tiler.tile(api.array(image.copy()), grid=grid))
            back = other.tile(image, grid=tiler.grid((7, 9)))
            assert np.array_equal(cut, back), "a grid of another backend gives others"
