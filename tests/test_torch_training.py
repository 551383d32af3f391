"""Apply in training, and what it does when a model misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reftiler.torch.tiler as twin
from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.tensors import array


def photo(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(8))


@pytest.mark.parametrize("window", ["box", "hann"])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_a_training_step_has_the_gradients_of_tile_model_untile(
    window: str, batch_size: int
) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 1))
    net = net.double()
    tiler = Tiler(8, 4, window=window, pad_mode="reflect")
    image = photo(2, 3, 18, 21).double().requires_grad_()
    whole = tiler.untile(net(tiler.tile(image)), image.shape)
    parts = tiler.apply(net, image, batch_size=batch_size)
    torch.testing.assert_close(parts, whole)
    leaves = [image, *net.parameters()]
    grads = [torch.autograd.grad(r.square().sum(), leaves) for r in (parts, whole)]
    torch.testing.assert_close(*grads)


def test_only_results_that_require_grad_are_kept() -> None:
    conv = nn.Conv2d(1, 1, 1)
    image = photo(1, 10, 11)

    def model(tiles: Tensor) -> tuple[Tensor, Tensor]:
        maps = conv(tiles)
        return maps, maps.detach()

    learned, plain = Tiler(4, 2).apply(model, image, batch_size=3)
    assert learned.requires_grad
    assert not plain.requires_grad
    same_bits(array(learned), array(plain))


def test_nothing_is_kept_where_no_gradients_are_recorded() -> None:
    """A model may return what requires grad all the same: a parameter, say."""
    room = nn.Parameter(photo(25, 4, 4))
    kept = AssertionError("all results were kept")
    with torch.no_grad(), patch.object(twin, "DeferredMerger", side_effect=kept):
        got = Tiler(4, 2).apply(lambda t: room[: len(t)].clone(), photo(12, 12))
        other = Tiler(4, 2).apply(lambda _: room, photo(12, 12), batch_size=25)
    assert not got.requires_grad
    assert not other.requires_grad


def test_the_image_is_safe_from_models_that_write_to_their_tiles() -> None:
    image = photo(3, 10, 11)
    before = image.clone()
    got = Tiler(4, 2).apply(lambda tiles: tiles.zero_(), image)
    assert torch.equal(image, before)
    assert not got.any()


def test_models_may_return_the_same_memory_again() -> None:
    room = torch.zeros((4, 3, 4, 4))

    def model(tiles: Tensor) -> Tensor:
        return room[: len(tiles)].copy_(tiles)

    image = photo(3, 10, 11)
    same_bits(array(Tiler(4, 2).apply(model, image, batch_size=4)), array(image))


# --- models that misbehave ---------------------------------------------------------


def run(model: Callable[[Tensor], Any], **settings: Any) -> Any:
    return Tiler(4).apply(model, torch.zeros((8, 8)), **settings)


@pytest.mark.parametrize(
    ("result", "error", "words"),
    [
        (None, TypeError, "must return Tensors.*NoneType"),
        (1.0, TypeError, "must return Tensors.*float"),
        ("maps", TypeError, "must return Tensors.*str"),
        (np.zeros((4, 4, 4)), TypeError, "must return Tensors.*ndarray"),
        ((torch.zeros((4, 4, 4)), None), TypeError, "must return Tensors.*NoneType"),
        ({"a": [np.zeros((4, 4, 4))]}, TypeError, "must return Tensors.*ndarray"),
        (torch.zeros(3, 4, 4), TilingError, "given 4 tiles"),
        (torch.zeros(5, 4, 4), TilingError, "given 4 tiles"),
        (torch.zeros(()), TilingError, "given 4 tiles"),
        (torch.zeros(0, 4, 4), TilingError, "given 4 tiles"),
        (torch.zeros(4), TilingError, "tiles"),
        (torch.zeros(4, 4), TilingError, "tiles"),
        (torch.zeros(4, 1, 1, 4, 4), TilingError, "tiles"),
        (torch.zeros(4, 0, 4, 4), TilingError, "tiles"),
    ],
    ids=str,
)
def test_results_that_are_no_tiles(
    result: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        run(lambda _: result)


def test_results_of_changing_shape_or_type() -> None:
    for other, words in (
        (torch.zeros((2, 8, 8)), r"\(8, 8\).*\(4, 4\).*alike"),
        (torch.zeros((2, 4, 4)).half(), r"float16.*float32.*alike"),
    ):
        results = iter([torch.zeros((2, 4, 4)), other])
        with pytest.raises(TilingError, match=words):
            run(lambda _: next(results), batch_size=2)  # noqa: B023


def test_errors_of_the_model_pass_through() -> None:
    class NoMemoryError(Exception):
        """Whatever a model may raise."""

    def model(tiles: Tensor) -> Tensor:
        raise NoMemoryError(f"{len(tiles)} tiles")

    with pytest.raises(NoMemoryError, match="3 tiles"):
        run(model, batch_size=3)


@pytest.mark.parametrize(
    ("named", "error", "words"),
    [
        ({"dtype": "float32"}, TypeError, r"torch\.dtype"),
        ({"batch_size": 1.5}, TypeError, "batch_size"),
        ({"batch_size": 0}, TilingError, "batch_size"),
        ({"grid": 5}, TypeError, "grid"),
        ({"grid": Tiler(4, 2).grid((8, 8))}, TilingError, "grid"),
    ],
)
def test_bad_arguments_are_refused_before_the_model_runs(
    named: dict[str, Any], error: type[Exception], words: str
) -> None:
    def model(_: Tensor) -> Tensor:
        raise AssertionError("the model was run")

    with pytest.raises(error, match=words):
        run(model, **named)


def test_uncovered_pixels_are_refused() -> None:
    with pytest.raises(TilingError, match="fill"):
        Tiler(4, mode="drop").apply(lambda t: t, torch.zeros((9, 9)))


def test_nan_into_an_integer_says_so() -> None:
    for dtype, batch_size in ((torch.uint8, 16), (torch.int64, 1)):
        with pytest.raises(TilingError, match=rf"NaN.*{str(dtype)[6:]}"):
            run(lambda t: t * torch.nan, dtype=dtype, batch_size=batch_size)
