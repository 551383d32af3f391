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


NUMBERS = np.zeros((4, 4, 4), np.float32)
IMAGE, TILES = torch.zeros((8, 8)), torch.zeros((4, 4, 4))
MEMORY = torch.zeros(512)
TILER: Any = Tiler(4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: TILER.tile(NUMBERS[0]), "TypeError", "torch.as_tensor"),
        (lambda: TILER.view(NUMBERS[0]), "TypeError", "torch.as_tensor"),
        (lambda: TILER.untile(NUMBERS, (8, 8)), "TypeError", "tiles"),
        (lambda: TILER.apply(abs, [[1]]), "TypeError", "image"),
        (lambda: TILER.tile(IMAGE, out=NUMBERS), "TypeError", "out must be"),
        (lambda: NumpyTiler(4).tile(IMAGE), "TypeError", "reftiler.torch.Tiler"),  # type: ignore[arg-type]
        (
            lambda: TILER.tile(IMAGE, out=TILES.to("meta")),
            "TilingError",
            "on meta, the",
        ),
        (
            lambda: TILER.untile(TILES, (8, 8), out=IMAGE.to("meta")),
            "TilingError",
            "on meta, the input on cpu",
        ),
        (
            lambda: TILER.tile(
                MEMORY[:64].view(8, 8), out=MEMORY[36:100].view(4, 4, 4)
            ),
            "TilingError",
            "out shares memory with the input",
        ),
        (
            lambda: TILER.untile(
                MEMORY[:64].view(4, 4, 4), (8, 8), out=MEMORY[36:100].view(8, 8)
            ),
            "TilingError",
            "out shares memory with the input",
        ),
        (
            lambda: TILER.untile(TILES + 1, (8, 8), out=MEMORY[:8].expand(8, 8)),
            "TilingError",
            "pixels of out share memory",
        ),
        # Nothing is recorded in it, so it must not look as if it were.
        (
            lambda: TILER.tile(IMAGE + 1, out=TILES.clone().requires_grad_()),
            "TilingError",
            "out does not go with gradients",
        ),
        (
            lambda: Tiler(4, 3).untile(TILES[:, :2, :2] + 1, (7, 7), out=MEMORY[:25]),
            "TilingError",
            "scale 1/2 on axis 0",
        ),
    ],
)
def test_refused_before_any_work(call: Any, error: str, words: str) -> None:
    assert words in message_of(call, error)
    assert not MEMORY.any()


@pytest.mark.parametrize("body", BODIES)
def test_dtype_must_be_one_of_torchs(body: str) -> None:
    for dtype in ("float32", np.float32, np.dtype("uint8"), float, 5):
        call = partial(TILER.untile, TILES, (8, 8), dtype=dtype)
        assert "torch.dtype" in message_of(partial(in_body, body, call), "TypeError")


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
    image, room = torch.arange(256.0).reshape(4, 8, 8), torch.zeros(512)
    tile = partial(Tiler(4).tile, image, out=room.as_strided((4, 4, 4, 4), strides))
    if overlap:
        assert "pixels of out share memory" in message_of(tile, "TilingError")
        assert not room.any()
    else:
        assert torch.equal(tile(), Tiler(4).tile(image))


def odd_tensors(shape: tuple[int, ...]) -> list[Any]:
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
