"""What is refused, with which error, in which words."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from reftiler import Grid, Tiler, TilingError
from reftiler.streaming import Merger
from reftiler_conformance.peers.reftiler_own import NumpyApi
from reftiler_conformance.suite.calls import Call, result_of
from tests.refusals import known, refusals

ERRORS = {"TilingError": TilingError, "TypeError": TypeError}
KNOWN = known(NumpyApi())


def message_of(call: Callable[[], object], error: str) -> str:
    """Return the message with which a call is refused, in small letters."""
    with pytest.raises(ERRORS[error]) as caught:
        call()
    assert type(caught.value) is ERRORS[error]
    return str(caught.value).lower()


@pytest.mark.parametrize("call", [one for _, one in refusals()], ids=repr)
def test_refusal(call: Call) -> None:
    message = message_of(lambda: result_of(call.code, KNOWN), call.error)
    missing = [word for word in call.said if word not in message]
    assert not missing, f"{missing} not in: {message}"
    assert len(message) > 15, "say the rule, the values and the way out"


# --- what only numpy has -----------------------------------------------------------


def test_masked_arrays_are_refused() -> None:
    """Their masks would be dropped, and what they hide would enter the result."""
    tiler, hidden = Tiler(4), np.ma.masked_less(np.full((4, 4, 4), -9999.0), 0)
    for call in (
        lambda: tiler.tile(hidden[0]),
        lambda: tiler.view(hidden[0]),
        lambda: tiler.untile(hidden, (8, 8)),
        lambda: tiler.apply(lambda tiles: tiles, hidden[0]),
        lambda: tiler.apply(lambda _: hidden, np.zeros((8, 8))),
        lambda: tiler.tile(np.zeros((8, 8)), out=hidden),
        lambda: tiler.grid((4, 4)).touching(hidden[0] > 0),
        lambda: Merger(tiler, (8, 8), np.zeros((8, 8))).add(0, hidden[0]),
    ):
        assert "filled" in message_of(call, "TypeError")


def test_out_whose_pixels_share_memory_is_refused() -> None:
    tiler, tiles = Tiler(4), np.ones((4, 4, 4))
    for strides in ((0, 8), (8 * 4, 8)):
        out = np.lib.stride_tricks.as_strided(np.zeros(64), (8, 8), strides)
        call = partial(tiler.untile, tiles, (8, 8), out=out)
        assert "share memory" in message_of(call, "TilingError")
    backwards = np.zeros((8, 8))[::-1, ::-1]
    assert (tiler.untile(tiles, (8, 8), out=backwards) == 1).all()


def test_grids_of_any_size_cost_nothing() -> None:
    for mode in ("padding", "interpolation", "clamp", "even", "drop"):
        grid = Tiler([64], [1], mode=mode).grid([10**15])
        assert len(grid) == 10**15 - 63
        assert Grid.from_json(grid.to_json()) == grid


def test_errors_of_arithmetic_are_none() -> None:
    """Overflow and NaN are results: what numpy is told to raise does not get out."""
    tiler = Tiler(4, 2, window="hann", fill=1e-320)
    tiles = np.full((9, 4, 4), 3e38)
    tiles[4] = np.inf
    with np.errstate(all="raise"):
        merged = tiler.untile(tiles, (8, 8), dtype=np.float16)
        assert np.isinf(merged).all()
        Tiler(4, pad_value=1e-320).tile(np.zeros((3, 3), np.float32))
        tiler.apply(lambda cut: cut * 2, np.ones((8, 8)), dtype="float16")


UNMERGED = [
    "complex64",
    "complex128",
    "datetime64[s]",
    "timedelta64[ns]",
    "S3",
    "U3",
    "V2",
    "u1,f4",
    *(["longdouble"] if np.dtype("longdouble").itemsize > 8 else []),
]


@pytest.mark.parametrize("dtype", UNMERGED)
def test_untile_refuses_dtypes_by_name(dtype: str) -> None:
    kind = np.dtype(dtype)
    tiles = np.zeros((4, 4, 4), kind)
    message = message_of(lambda: Tiler(4).untile(tiles, (8, 8)), "TilingError")
    assert kind.name in message
    numbers = np.zeros((4, 4, 4), np.float32)
    message = message_of(
        lambda: Tiler(4).untile(numbers, (8, 8), dtype=kind), "TilingError"
    )
    assert kind.name in message


def test_objects_are_refused_by_name() -> None:
    objects = np.zeros((4, 4, 4), object)
    for call in (
        lambda: Tiler(4).untile(objects, (8, 8)),
        lambda: Tiler(4).tile(objects),
        lambda: Tiler(4).view(objects),
    ):
        assert "object" in message_of(call, "TilingError")
    records = np.zeros((4, 4), "u1,O")
    assert "'o'" in message_of(lambda: Tiler(4).tile(records), "TilingError")


@pytest.mark.parametrize("dtype", UNMERGED[:8])
def test_types_that_are_no_numbers_are_padded_with_zero_alone(dtype: str) -> None:
    image = np.zeros((8, 8), dtype)
    for value in (1, math.nan, 0.5, -0.0):
        tiler = Tiler(4, pad_value=value)
        message = message_of(partial(tiler.tile, image), "TilingError")
        assert "pad_value" in message


def test_out_must_be_writeable_and_apart() -> None:
    image, tiles = np.zeros((8, 8), np.uint8), np.zeros((4, 4, 4), np.uint8)
    frozen = np.zeros((4, 4, 4), np.uint8)
    frozen.flags.writeable = False
    memory = np.zeros(100, np.uint8)
    one, other = memory[:64], memory[36:]
    tile, untile = Tiler(4).tile, Tiler(4).untile
    for call, word in (
        (partial(tile, image, out=frozen), "read-only"),
        (partial(untile, tiles, (8, 8), out=frozen.reshape(8, 8)), "read-only"),
        (partial(tile, one.reshape(8, 8), out=other.reshape(4, 4, 4)), "memory"),
        (
            partial(untile, one.reshape(4, 4, 4), (8, 8), out=other.reshape(8, 8)),
            "memory",
        ),
    ):
        refused = message_of(call, "TilingError")
        assert "out" in refused
        assert word in refused
    assert not memory.any()


def test_out_may_lie_between_the_inputs_pixels() -> None:
    """Memory that is interleaved is not shared."""
    memory = np.arange(128, dtype=np.uint8).reshape(8, 8, 2)
    want = memory[..., 0].copy()
    Tiler(8).tile(memory[..., 0], out=memory[None, ..., 1])
    assert (memory[..., 1] == want).all()
    assert (memory[..., 0] == want).all()


def test_out_of_another_byte_order_is_another_dtype() -> None:
    image, out = np.zeros((8, 8), "<f4"), np.zeros((4, 4, 4), ">f4")
    assert "out" in message_of(lambda: Tiler(4).tile(image, out=out), "TilingError")


def test_dtypes_that_are_none() -> None:
    tiles = np.zeros((4, 4, 4), np.uint8)
    for dtype in ("float31", 5, object()):
        with pytest.raises((TypeError, TilingError)):
            Tiler(4).untile(tiles, (8, 8), dtype=dtype)  # type: ignore[arg-type]


def test_refused_before_any_work() -> None:
    """Out keeps its pixels when the numbers do not fit."""
    out = np.full((5, 5), 7, np.uint8)
    with pytest.raises(TilingError):
        Tiler(4, 3).untile(np.zeros((4, 2, 2), np.uint8), (7, 7), out=out)
    assert (out == 7).all()
