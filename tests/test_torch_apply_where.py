"""Apply computes only the tiles that hold a marked pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reftiler
import reftiler.torch
from reftiler import TilingError
from reftiler_conformance.compare import same_bits
from tests.cases import Case
from tests.stores import Store
from tests.strategies import cases
from tests.tensors import array, tensor

IMAGE = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)


@pytest.fixture(params=["numpy", "torch"])
def library(request: pytest.FixtureRequest) -> Any:
    return reftiler if request.param == "numpy" else reftiler.torch


def as_array(result: Any) -> Any:
    return result if isinstance(result, np.ndarray) else array(result)


@given(cases(merge=True), st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_marked_tiles_are_those_of_a_selection(
    case: Case, batch_size: int, chance: Any
) -> None:
    plain = case.tiler(reftiler.Tiler)
    tiler = reftiler.Tiler.from_dict({**plain.to_dict(), "fill": 1})
    grid = tiler.scatter(case.size, case.starts) if case.starts else None
    whole = tiler.grid(case.size) if grid is None else grid
    mask = np.zeros(case.size, np.float32)
    for _ in range(2):
        place = chance.randrange(len(whole))
        mask[tuple(s.start for s in whole.slices(place))] = chance.choice((1, np.nan))
    some = whole.select(whole.touching(mask))
    image = case.image()
    want = tiler.untile(tiler.tile(image, grid=some), case.shape, some)
    seen: list[int] = []

    def model(tiles: Any, indices: Any, boxes: Any) -> Any:
        seen.extend(indices.tolist())
        assert boxes.tolist() == whole.boxes[indices % len(whole)].tolist()
        return tiles

    named: dict[str, Any] = {"batch_size": batch_size, "indices": True, "grid": grid}
    same_bits(tiler.apply(model, image, where=mask, **named), want, nan="any")
    of_one = whole.touching(mask)
    images = range(case.batch or 1)
    assert seen == [n * len(whole) + k for n in images for k in of_one.tolist()]
    ours = reftiler.torch.Tiler.from_other(tiler)
    got = ours.apply(lambda t, *_: t, tensor(image), where=tensor(mask), **named)
    same_bits(array(got), want, nan="any")


def test_cost_is_in_proportion_to_the_marked_tiles(library: Any) -> None:
    tiler = library.Tiler(16, fill=-1)
    mask = np.zeros(IMAGE.shape, bool)
    mask[20:40, 3] = True
    image, seen = Store(IMAGE), list[int]()

    def model(tiles: Any) -> Any:
        seen.append(len(tiles))
        return tiles

    got = as_array(tiler.apply(model, image, where=mask, batch_size=8))
    assert seen == [2]
    assert image.pixels_read == 2 * 16 * 16
    want = np.full_like(IMAGE, -1)
    want[16:48, :16] = IMAGE[16:48, :16]
    same_bits(got, want)
    same_bits(as_array(tiler.apply(model, image, where=mask | True)), IMAGE)


def test_a_mask_that_does_not_suit_is_refused_before_the_model_works(
    library: Any,
) -> None:
    def model(tiles: Any) -> Any:
        raise AssertionError("the model was asked")

    mask = np.zeros(IMAGE.shape, bool)
    tiler, image = library.Tiler(16, fill=0), Store(IMAGE)
    with pytest.raises(TilingError, match="where= marks no pixel"):
        tiler.apply(model, image, where=mask)
    with pytest.raises(TilingError, match=r"mask is \(64, 63\), the grid's image \(64"):
        tiler.apply(model, image, where=mask[:, 1:])
    with pytest.raises(TilingError, match="the mask is <U5"):
        tiler.apply(model, image, where=mask.astype(str))
    mask[0, 0] = True
    with pytest.raises(TilingError, match=r"3840 of the pixels .* a fill for"):
        library.Tiler(16).apply(model, image, where=mask)
    assert image.read == []


def test_gradients_of_the_marked_tiles() -> None:
    image = torch.from_numpy(IMAGE).clone().requires_grad_()
    mask = torch.zeros(64, 64)
    mask[20, 3] = 1
    got = reftiler.torch.Tiler(16, fill=0).apply(lambda t: t * t, image, where=mask)
    got.sum().backward()
    assert image.grad is not None
    want = torch.zeros(64, 64)
    want[16:32, :16] = 2 * torch.from_numpy(IMAGE)[16:32, :16]
    assert torch.equal(image.grad, want)


def test_a_checkpoint_of_marked_tiles(tmp_path: Any) -> None:
    mask = np.zeros(IMAGE.shape, bool)
    mask[20:40, 3:60] = True
    tiler, out = reftiler.Tiler(16, 8, fill=0), np.zeros_like(IMAGE)
    calls: list[int] = []

    def model(tiles: Any) -> Any:
        calls.append(len(tiles))
        if len(calls) == 4:
            raise MemoryError
        return tiles

    named: dict[str, Any] = {"out": out, "checkpoint": tmp_path / "w", "where": mask}
    with pytest.raises(MemoryError):
        tiler.apply(model, IMAGE, batch_size=4, **named)
    tiler.apply(model, IMAGE, batch_size=4, **named)
    same_bits(out, tiler.apply(lambda t: t, IMAGE, where=mask))
    grid = tiler.grid(IMAGE.shape)
    assert sum(calls) == len(grid.touching(mask)) + 4 + 4  # failed, and read first
