"""A module over the tiles: batches in, one image out, to the bits of untile."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import reftiler
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
    model = Replay(torch.zeros((10**4, *case.wish.tile)))
    gapless = Tiler.from_dict({**tiler.to_dict(), "fill": 0, "window": "box"})
    grid = gapless.scatter(case.size, case.starts) if case.starts else None
    gapless.apply(model, image, batch_size=batch_size, grid=grid)
    assert {len(batch) for batch in model.batches[:-1]} <= {batch_size}
    assert len(model.batches[-1]) <= batch_size
    want = gapless.tile(image, grid=grid)
    same_bits(array(torch.cat(model.batches)), array(want))
    assert all(batch.is_contiguous() for batch in model.batches)
    same_bits(array(image), case.image())


@given(merges(), st.integers(1, 9))
def test_results_are_merged_as_the_reference_does(
    merge: MergeCase, batch_size: int
) -> None:
    case = merge.case
    reference, tiler = tilers(case)
    grid = None if case.starts is None else case.grid(reference)
    ours: dict[str, Any] = dict(merge.scale_argument())
    theirs = {**ours, "batch_size": batch_size}
    if merge.result is not None:
        ours["dtype"], theirs["dtype"] = merge.result, dtype_of(merge.result)
    model, image = Replay(tensor(merge.tiles())), tensor(case.image())
    try:
        want = reference.untile(merge.tiles(), case.shape, grid, **ours)
    except TilingError:
        with pytest.raises(TilingError, match="NaN"):
            tiler.apply(model, image, grid=grid, **theirs)
        return
    same_bits(array(tiler.apply(model, image, grid=grid, **theirs)), want, nan="any")
    assert model.given == len(merge.tiles())


@given(merges(dtypes=("float16", "float32", "float64"), convert=False))
def test_results_that_require_grad_are_merged_alike(merge: MergeCase) -> None:
    case = merge.case
    reference, tiler = tilers(case)
    grid, scale = case.grid(reference), dict(merge.scale_argument())
    results = tensor(merge.tiles()).requires_grad_()
    image = tensor(case.image())
    got = tiler.apply(Replay(results), image, batch_size=4, grid=grid, **scale)
    want = reference.untile(merge.tiles(), case.shape, grid, **scale)
    assert got.requires_grad
    same_bits(array(got), want, nan="any")


# --- models ------------------------------------------------------------------------


def thirds(tiles: Tensor) -> Tensor:
    """Return tiles of 3/2 the resolution."""
    index = torch.arange(tiles.shape[-1] * 3 // 2) * 2 // 3
    return tiles[..., index, :][..., index]


class Pair(NamedTuple):
    """What some models return."""

    maps: Tensor
    mask: Tensor


def several(tiles: Tensor) -> dict[str, Any]:
    """Return trees of maps, of other channels, resolutions and types."""
    return {
        "pair": Pair(tiles * 3 - 1, tiles[:, 0] > 0),
        "list": [nn.functional.max_pool2d(tiles, 2), (thirds(tiles),)],
        "double": nn.functional.interpolate(tiles, scale_factor=2),
        "labels": tiles.argmax(dim=1, keepdim=True),
    }


@pytest.mark.parametrize("window", ["box", "hann"])
@pytest.mark.parametrize("batch_size", [1, 5, 1000])
def test_models_of_all_kinds(window: str, batch_size: int) -> None:
    tiler = Tiler(8, 4, window=window)
    image = torch.randn((2, 3, 22, 25), generator=torch.Generator().manual_seed(4))
    whole = several(tiler.tile(image))
    if window != "box":  # bool takes no window
        whole["pair"] = whole["pair"]._replace(mask=whole["pair"].mask.float())

    def model(tiles: Tensor) -> dict[str, Any]:
        results = several(tiles)
        if window != "box":
            pair = results["pair"]
            results["pair"] = pair._replace(mask=pair.mask.float())
        return results

    got = tiler.apply(model, image, batch_size=batch_size)
    assert list(got) == list(whole)
    assert type(got["pair"]) is Pair
    assert type(got["list"]) is list
    assert type(got["list"][1]) is tuple
    for one, other in [
        (got["pair"].maps, whole["pair"].maps),
        (got["pair"].mask, whole["pair"].mask),
        (got["list"][0], whole["list"][0]),
        (got["list"][1][0], whole["list"][1][0]),
        (got["double"], whole["double"]),
        (got["labels"], whole["labels"]),
    ]:
        same_bits(array(one), array(tiler.untile(other, image.shape)))
    assert got["double"].shape == (2, 3, 44, 50)
    assert got["list"][0].shape == (2, 3, 11, 13)
    assert got["list"][1][0].shape == (2, 3, 33, 38)


@pytest.mark.parametrize("settings", [{}, {"channels_last": True}])
def test_one_dimension_and_three(settings: dict[str, Any]) -> None:
    for rank in (1, 3):
        tiler = Tiler([4] * rank, 3, window="triangle", **settings)
        size = (9, 8, 10)[:rank]
        shape = (*size, 2) if tiler.channels_last else (2, *size)
        image = torch.arange(float(np.prod(shape))).reshape(shape)
        same_bits(
            array(tiler.apply(lambda t: t * 2, image, batch_size=5)), array(image * 2)
        )


def test_progress_wraps_the_batches() -> None:
    seen: list[int] = []

    def progress(batches: Any) -> Any:
        assert len(batches) == 4  # 16 tiles
        for batch in batches:
            seen.append(len(batch))
            yield batch

    image = torch.arange(100.0).reshape(10, 10)
    got = Tiler(4, 2).apply(lambda t: t, image, batch_size=5, progress=progress)
    assert torch.equal(got, image)
    assert seen == [5, 5, 5, 1]


def test_inference_mode() -> None:
    image = torch.randn((3, 20, 21), generator=torch.Generator().manual_seed(4))
    tiler, conv = Tiler(8, 4, window="hann"), nn.Conv2d(3, 2, 3, padding=1)
    results: list[Tensor] = []

    def model(tiles: Tensor) -> Tensor:
        assert torch.is_inference_mode_enabled()
        results.append(conv(tiles))
        return results[-1]

    with torch.inference_mode():
        got = tiler.apply(model, image, batch_size=3)
        want = tiler.untile(torch.cat(results), image.shape)
    assert got.is_inference()
    same_bits(array(got), array(want))


def test_autocast() -> None:
    image = torch.randn((3, 20, 21), generator=torch.Generator().manual_seed(4))
    tiler, conv = Tiler(8, 4, window="hann"), nn.Conv2d(3, 2, 3, padding=1)
    results: list[Tensor] = []

    def model(tiles: Tensor) -> Tensor:
        results.append(conv(tiles))
        return results[-1]

    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        got = tiler.apply(model, image, batch_size=3)
        wide = tiler.apply(conv, image, batch_size=3, dtype=torch.float32)
        want = tiler.untile(torch.cat(results), image.shape)
    assert got.dtype == torch.bfloat16
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
        """Return zeros where the image is."""
        self.seen.add(tiles.device.type)
        return torch.zeros(tiles.shape)


@pytest.mark.parametrize("buffer", [False, True])
def test_batches_go_to_the_modules_device(buffer: bool) -> None:
    probe = Probe("meta", buffer=buffer)
    got = Tiler(4).apply(probe, torch.ones((8, 8)))
    assert probe.seen == {"meta"}
    assert got.tolist() == torch.zeros((8, 8)).tolist()


def test_scale_and_dtype() -> None:
    image = torch.arange(64, dtype=torch.uint8).reshape(8, 8)
    want = reftiler.Tiler(4).untile(
        image.numpy().reshape(2, 4, 2, 4).swapaxes(1, 2).reshape(4, 4, 4)[:, ::2],
        (8, 8),
        scale=(Fraction(1, 2), 1),
        dtype="float32",
    )
    got = Tiler(4).apply(
        lambda t: t[:, ::2], image, scale=(Fraction(1, 2), 1), dtype=torch.float32
    )
    same_bits(array(got), want)
