"""What torch refuses: the reference's calls in the reference's words, and its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from reftiler import Tiler as NumpyTiler
from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance.peers.reftiler_own import NumpyApi, TorchApi
from reftiler_conformance.suite.calls import Call, result_of
from tests.refusals import known, refusals
from tests.tensors import BODIES, in_body

ERRORS = {"TilingError": TilingError, "TypeError": TypeError}
WORDS = [
    ("torch tensor", "numpy array"),
    ("torch.as_tensor", "numpy.asarray"),
    ("torch.empty(shape, dtype=dtype)", "numpy.empty(shape, dtype)"),
    ("must return tensors", "must return ndarrays"),
    ("must return Tensors", "must return ndarrays"),
    ("float64, bfloat16", "float64"),
]
OURS, THEIRS = known(TorchApi("cpu")), known(NumpyApi())


def message_of(call: Callable[[], object], error: str) -> str:
    """Return the message with which a call is refused."""
    with pytest.raises(ERRORS[error]) as caught:
        call()
    assert type(caught.value) is ERRORS[error]
    return str(caught.value)


def alike(message: str) -> str:
    """Return torch's message with the words that numpy has for the same."""
    for ours, theirs in WORDS:
        message = message.replace(ours, theirs).replace(
            ours.capitalize(), theirs.capitalize()
        )
    return message.lower()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("table", "call"), list(refusals()), ids=str)
def test_refused_as_the_reference_refuses(table: str, call: Call, body: str) -> None:
    asked = partial(in_body, body, lambda: result_of(call.code, OURS))
    if body == "functional" and table == "out":
        message_of(asked, "TilingError")  # out is refused there, whatever it is
        return
    if body == "functional" and table in ("weights", "finish"):  # and so are these
        with pytest.raises((TilingError, TypeError), match=table):
            asked()
        return
    got = message_of(asked, call.error)
    want = message_of(lambda: result_of(call.code, THEIRS), call.error)
    assert alike(got) == want.lower()
    assert not [word for word in call.said if word not in got.lower()]


# --- what only torch has -----------------------------------------------------------


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    "dtype", [torch.complex64, torch.complex128, torch.float8_e4m3fn, torch.bfloat16]
)
def test_untile_refuses_dtypes_by_name(dtype: torch.dtype, body: str) -> None:
    tiles = torch.zeros((4, 4, 4), dtype=dtype)
    numbers = torch.zeros((4, 4, 4))
    calls = (
        lambda: Tiler(4).untile(tiles, (8, 8)),
        lambda: Tiler(4).untile(numbers, (8, 8), dtype=dtype),
    )
    for call in calls:
        if dtype == torch.bfloat16:
            assert in_body(body, call).dtype == dtype  # numpy has none, torch takes it
            continue
        message = message_of(partial(in_body, body, call), "TilingError")
        assert str(dtype).removeprefix("torch.") in message
        assert "bfloat16" in message


def test_arrays_are_no_tensors() -> None:
    tiler: Any = Tiler(4)
    for verb in (tiler.tile, tiler.view):
        message = message_of(partial(verb, np.zeros((8, 8))), "TypeError")
        assert "torch.as_tensor" in message
    tiles = np.zeros((4, 4, 4))
    assert "tiles" in message_of(lambda: tiler.untile(tiles, (8, 8)), "TypeError")
    assert "image" in message_of(lambda: tiler.apply(abs, [[1]]), "TypeError")
    image, out = torch.zeros((8, 8)), np.zeros((4, 4, 4), np.float32)
    assert "out" in message_of(lambda: tiler.tile(image, out=out), "TypeError")


def test_tensors_are_no_arrays() -> None:
    tiler: Any = NumpyTiler(4)
    with pytest.raises(TypeError, match=r"reftiler\.torch\.Tiler"):
        tiler.tile(torch.zeros(4, 4))


@pytest.mark.parametrize("body", BODIES)
def test_dtype_must_be_one_of_torchs(body: str) -> None:
    tiler: Any = Tiler(4)
    tiles = torch.zeros((4, 4, 4))
    for dtype in ("float32", np.float32, np.dtype("uint8"), float, 5):
        call = partial(tiler.untile, tiles, (8, 8), dtype=dtype)
        assert "torch.dtype" in message_of(partial(in_body, body, call), "TypeError")


def test_devices_must_be_the_same() -> None:
    image, tiles = torch.zeros((8, 8)), torch.zeros((4, 4, 4))
    far = torch.zeros((4, 4, 4), device="meta")
    message = message_of(lambda: Tiler(4).tile(image, out=far), "TilingError")
    assert "meta" in message
    assert "cpu" in message
    far = torch.zeros((8, 8), device="meta")
    message = message_of(lambda: Tiler(4).untile(tiles, (8, 8), out=far), "TilingError")
    assert "meta" in message
    assert "cpu" in message


def test_out_must_be_apart() -> None:
    memory = torch.zeros(100, dtype=torch.uint8)
    for call in (
        lambda: Tiler(4).tile(memory[:64].view(8, 8), out=memory[36:].view(4, 4, 4)),
        lambda: Tiler(4).untile(
            memory[:64].view(4, 4, 4), (8, 8), out=memory[36:].view(8, 8)
        ),
        lambda: Tiler(4).tile(memory[:64].view(8, 8), out=memory[:64].view(4, 4, 4)),
    ):
        message = message_of(call, "TilingError")
        assert "out" in message
        assert "memory" in message
    assert not memory.any()


def test_out_may_lie_beside_the_input_and_between_its_pixels() -> None:
    memory = torch.arange(128, dtype=torch.uint8)
    want = Tiler(4).tile(memory[:64].clone().view(8, 8))
    Tiler(4).tile(memory[:64].view(8, 8), out=memory[64:].view(4, 4, 4))
    assert torch.equal(memory[64:].view(4, 4, 4), want)
    pairs = torch.arange(128, dtype=torch.uint8).view(8, 8, 2)
    left = pairs[..., 0].clone()
    Tiler(8).tile(pairs[..., 0], out=pairs[None, ..., 1])
    assert torch.equal(pairs[..., 1], left)
    assert torch.equal(pairs[..., 0], left)


def test_out_whose_pixels_share_memory() -> None:
    out = torch.zeros((1, 4, 4)).expand(4, 4, 4)
    message = message_of(
        lambda: Tiler(4).tile(torch.ones((8, 8)), out=out), "TilingError"
    )
    assert "out" in message
    row = torch.zeros(8).expand(8, 8)
    tiles = torch.ones((4, 4, 4))
    message = message_of(lambda: Tiler(4).untile(tiles, (8, 8), out=row), "TilingError")
    assert "out" in message


@pytest.mark.parametrize(
    ("strides", "overlap"),
    [
        ((64, 16, 4, 1), False),
        ((16, 4, 1, 64), False),
        ((63, 16, 4, 1), True),  # the last pixel of a tile is the next one's first
        ((64, 15, 4, 1), True),
        ((64, 16, 3, 1), True),
        ((64, 16, 4, 0), True),
        ((1, 1, 1, 1), True),
    ],
)
def test_out_whose_rows_overlap(strides: tuple[int, ...], overlap: bool) -> None:
    image = torch.arange(256.0).reshape(4, 8, 8)
    room = torch.zeros(512)
    shape = (4, 4, 4, 4)
    out = room.as_strided(shape, strides)
    if not overlap:
        assert torch.equal(Tiler(4).tile(image, out=out), Tiler(4).tile(image))
        return
    message = message_of(lambda: Tiler(4).tile(image, out=out), "TilingError")
    assert "pixels of out share memory" in message
    assert not room.any()


def test_out_that_requires_grad() -> None:
    """Nothing is recorded in it, so it must not look as if it were."""
    out = torch.zeros((4, 4, 4), requires_grad=True)
    message = message_of(
        lambda: Tiler(4).tile(torch.ones((8, 8)), out=out), "TilingError"
    )
    assert "out" in message
    assert not out.any()


def test_refused_before_any_work() -> None:
    """Out keeps its pixels when the numbers do not fit."""
    out = torch.full((5, 5), 7, dtype=torch.uint8)
    with pytest.raises(TilingError):
        Tiler(4, 3).untile(torch.zeros((4, 2, 2), dtype=torch.uint8), (7, 7), out=out)
    assert (out == 7).all()


def odd_tensors(shape: tuple[int, ...]) -> list[Any]:
    """Return tensors whose memory is not plain."""
    plain = torch.ones(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is about to give some of these up
        return [
            plain.to_sparse(),
            plain[0].to_sparse_csr() if len(shape) == 3 else plain.to_sparse_csr(),
            torch.quantize_per_tensor(plain, 1.0, 0, torch.quint8),
            torch.nested.nested_tensor([plain, plain]),
            torch.nested.nested_tensor([plain, plain], layout=torch.jagged),
        ]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("kind", range(5))
def test_memory_that_is_not_plain_is_refused(kind: int, body: str) -> None:
    image, tiles = odd_tensors((8, 8))[kind], odd_tensors((4, 4, 4))[kind]
    calls = (
        lambda: Tiler(4).tile(image),
        lambda: Tiler(4).view(image),
        lambda: Tiler(4).apply(torch.abs, image),
        lambda: Tiler(4).untile(tiles, (8, 8)),
    )
    for call in calls:
        message = message_of(partial(in_body, body, call), "TilingError")
        assert "to_dense" in message
        assert "dequantize" in message
