"""A module over the tiles: batches in, one image out; in training; misbehaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten

import reftiler
import reftiler.torch.tiler as twin
from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.cases import Case, MergeCase
from tests.strategies import cases, merges
from tests.tensors import array, dtype_of, tensor, tilers


class Replay:
    """A model that returns prepared results, as many as it is given tiles."""

    def __init__(self, results: Tensor) -> None:
        self.results, self.given = results, 0
        self.batches: list[Tensor] = []

    def __call__(self, tiles: Tensor) -> Tensor:
        first, self.given = self.given, self.given + len(tiles)
        self.batches.append(tiles)
        return self.results[first : self.given]


@given(cases(), st.integers(1, 7))
def test_the_model_sees_what_tile_returns(case: Case, batch_size: int) -> None:
    tiler = case.tiler(Tiler)
    grid, image = case.grid(tiler), tensor(case.image())
    model = Replay(torch.zeros((10**4, *case.settings.tile)))
    gapless = Tiler.from_dict({**tiler.to_dict(), "fill": 0, "window": "box"})
    grid = case.grid(gapless) if case.is_irregular else None
    gapless.apply(model, image, batch_size=batch_size, grid=grid)
    assert {len(batch) for batch in model.batches[:-1]} <= {batch_size}
    assert len(model.batches[-1]) <= batch_size
    want = gapless.tile(image, grid=grid)
    same_bits(array(torch.cat(model.batches)), array(want))
    assert all(batch.is_contiguous() for batch in model.batches)
    same_bits(array(image), case.image())


@given(merges(), st.integers(1, 9), st.booleans())
def test_results_are_merged_as_the_reference_does(
    merge: MergeCase, batch_size: int, learned: bool
) -> None:
    case = merge.case
    reference, tiler = tilers(case)
    grid = case.grid(reference) if case.is_irregular else None
    ours: dict[str, Any] = dict(merge.scale_argument())
    theirs = {**ours, "batch_size": batch_size}
    if merge.result is not None:
        ours["dtype"], theirs["dtype"] = merge.result, dtype_of(merge.result)
    model, image = Replay(tensor(merge.tiles())), tensor(case.image())
    learned = learned and model.results.is_floating_point()
    model.results.requires_grad_(learned)
    try:
        want = reference.untile(merge.tiles(), case.shape, grid, **ours)
    except TilingError:
        with pytest.raises(TilingError, match="NaN"):
            tiler.apply(model, image, grid=grid, **theirs)
        return
    got = tiler.apply(model, image, grid=grid, **theirs)
    same_bits(array(got), want, nan="any")
    assert got.requires_grad == (learned and got.is_floating_point())
    assert model.given == len(merge.tiles())


# --- models ------------------------------------------------------------------------


def thirds(tiles: Tensor) -> Tensor:
    index = torch.arange(tiles.shape[-1] * 3 // 2) * 2 // 3
    return tiles[..., index, :][..., index]


class Pair(NamedTuple):
    maps: Tensor
    mask: Tensor


def several(tiles: Tensor) -> dict[str, Any]:
    return {
        "pair": Pair(tiles * 3 - 1, tiles[:, 0] > 0),
        "list": [nn.functional.max_pool2d(tiles, 2), (thirds(tiles),)],
        "double": nn.functional.interpolate(tiles, scale_factor=2),
        "labels": tiles.argmax(dim=1, keepdim=True),
    }


@pytest.mark.parametrize("batch_size", [1, 5, 1000])
def test_models_of_all_kinds(batch_size: int) -> None:
    tiler = Tiler(8, 4)
    image = photo(2, 3, 22, 25)
    whole = several(tiler.tile(image))
    got = tiler.apply(several, image, batch_size=batch_size)
    leaves, kind = tree_flatten(got)
    results, expected = tree_flatten(whole)
    assert kind == expected
    for one, other in zip(leaves, results, strict=True):
        same_bits(array(one), array(tiler.untile(other, image.shape)))
    assert got["double"].shape == (2, 3, 44, 50)
    assert got["list"][0].shape == (2, 3, 11, 13)
    assert got["list"][1][0].shape == (2, 3, 33, 38)


@pytest.mark.parametrize("mode", ["inference", "autocast"])
def test_modes_of_the_caller_reach_the_model(mode: str) -> None:
    image = photo(3, 20, 21)
    tiler, conv = Tiler(8, 4, window="hann"), nn.Conv2d(3, 2, 3, padding=1)
    results: list[Tensor] = []

    def model(tiles: Tensor) -> Tensor:
        results.append(conv(tiles))
        return results[-1]

    half = torch.autocast("cpu", dtype=torch.bfloat16, enabled=mode == "autocast")
    with torch.inference_mode(mode == "inference"), half, torch.no_grad():
        got = tiler.apply(model, image, batch_size=3)
        want = tiler.untile(torch.cat(results), image.shape)
        wide = tiler.apply(conv, image, batch_size=3, dtype=torch.float32)
    assert got.is_inference() == results[0].is_inference() == (mode == "inference")
    assert got.dtype == (torch.bfloat16 if mode == "autocast" else torch.float32)
    same_bits(array(got), array(want))
    assert wide.dtype == torch.float32
    torch.testing.assert_close(wide, want.float(), rtol=1e-2, atol=1e-2)


class Probe(nn.Module):
    """A module that lives elsewhere and notes where its tiles are."""

    def __init__(self, device: str, *, buffer: bool) -> None:
        super().__init__()
        place = torch.zeros(1, device=device)
        if buffer:
            self.register_buffer("place", place)
        else:
            self.place = nn.Parameter(place)
        self.seen: set[str] = set()

    def forward(self, tiles: Tensor) -> Tensor:
        self.seen.add(tiles.device.type)
        return torch.zeros(tiles.shape)


@pytest.mark.parametrize("buffer", [False, True])
def test_batches_go_to_the_modules_device(buffer: bool) -> None:
    probe = Probe("meta", buffer=buffer)
    got = Tiler(4).apply(probe, torch.ones((8, 8)))
    assert probe.seen == {"meta"}
    assert got.tolist() == torch.zeros((8, 8)).tolist()


def ends_early(batches: Any) -> Any:
    return batches[:2]


def reversed_and_repeated(batches: Any) -> Any:
    return [*reversed(batches), *batches[:2]]


@pytest.mark.parametrize("library", ["numpy", "torch", "gradients"])
def test_batches_may_come_in_any_order_but_must_come(library: str) -> None:
    image: Any = torch.arange(100.0).reshape(10, 10)
    tiler: Any = Tiler(4, 2, window="hann")
    want = array(image)
    if library == "numpy":
        image, tiler = want, reftiler.Tiler.from_other(tiler)
    image = image.requires_grad_() if library == "gradients" else image
    seen: list[int] = []

    def model(tiles: Any) -> Any:
        seen.append(len(tiles))
        return tiles * 1

    options: dict[str, Any] = {"batch_size": 3}
    got = tiler.apply(model, image, progress=reversed_and_repeated, **options)
    same_bits(got if library == "numpy" else array(got), want)
    assert sum(seen) == 16
    with pytest.raises(TilingError, match=r"tiles 6, 7, .* of 16 missing"):
        tiler.apply(model, image, progress=ends_early, **options)
    with pytest.raises(TilingError, match="progress must yield"):
        tiler.apply(model, image, progress=lambda _: [], **options)


def test_gradients_find_their_tiles_whatever_the_order() -> None:
    tiler, found = Tiler(4, 2), []
    for progress in (list, reversed_and_repeated):
        image = torch.arange(100.0).reshape(10, 10).requires_grad_()
        scale = torch.ones(1, requires_grad=True)
        got = tiler.apply(
            lambda t: t * t * scale,  # noqa: B023
            image,
            batch_size=3,
            progress=progress,
        )
        (got * torch.arange(100.0).reshape(10, 10)).sum().backward()
        assert image.grad is not None
        assert scale.grad is not None
        found.append((image.grad, scale.grad))
    torch.testing.assert_close(found[0], found[1])


# --- training -------------------------------------------------------------------------


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
