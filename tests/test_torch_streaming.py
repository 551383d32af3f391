"""Modules over images in stores: the bits of numpy, on whatever device they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from tests.cases import Case
from tests.stores import Store
from tests.strategies import cases
from tests.tensors import array
from tests.test_streaming_merging import empty
from tests.test_streaming_reading import stored

TILER = Tiler(32, 20, window="hann")
IMAGE = np.random.default_rng(0).random((3, 90, 70), dtype=np.float32)


def model() -> nn.Module:
    """Return a small network with fixed weights."""
    torch.manual_seed(0)
    return nn.Conv2d(3, 2, 3, padding=1)


@given(cases(), st.integers(1, 9))
def test_the_model_sees_the_tiles(case: Case, batch_size: int) -> None:
    tiler = Tiler.from_dict({**case.tiler(Tiler).to_dict(), "fill": 0, "window": "box"})
    grid = tiler.scatter(case.size, case.starts) if case.starts else None
    numpy_tiler, seen = reftiler.Tiler.from_other(tiler), []

    def see(tiles: Tensor) -> Tensor:
        seen.append(tiles.clone())
        return torch.zeros((len(tiles), *case.wish.tile))

    image = case.image()
    try:
        torch.from_numpy(image[:0].copy())
    except TypeError:  # torch has no such dtype
        return
    tiler.apply(see, Store(image), batch_size=batch_size, grid=grid)
    want = numpy_tiler.tile(image, grid=grid)
    same_bits(array(torch.cat(seen)), want)


@pytest.mark.parametrize("batch_size", [1, 5, 100])
def test_stores_give_the_bits_of_tensors(batch_size: int, tmp_path: Path) -> None:
    network = model()
    with torch.inference_mode():
        want = TILER.apply(network, torch.from_numpy(IMAGE), batch_size=batch_size)
        from_store = TILER.apply(network, Store(IMAGE), batch_size=batch_size)
    same_bits(array(from_store), array(want))
    path = tmp_path / "out.npy"
    out = np.lib.format.open_memmap(path, "w+", np.float32, tuple(want.shape))
    got = TILER.apply(network, IMAGE, batch_size=batch_size, out=out)
    assert got is out
    same_bits(np.array(np.load(path)), array(want))
    target = torch.empty_like(want)
    same = TILER.apply(
        network, torch.from_numpy(IMAGE), batch_size=batch_size, out=target
    )
    assert same.data_ptr() == target.data_ptr()
    same_bits(array(target), array(want))


@pytest.mark.parametrize("kind", ["memmap", "zarr", "h5py"])
def test_stores_of_libraries(kind: str, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (3, 70, 90), dtype=np.uint8)
    out = empty(kind, tmp_path)
    source = stored(kind, tmp_path, image)
    assert TILER.apply(torch.bitwise_not, source, batch_size=5, out=out) is out
    same_bits(np.asarray(out[...]), ~image)


def test_trees_of_results_and_another_dtype() -> None:
    def both(tiles: Tensor) -> dict[str, Tensor]:
        return {"more": tiles + 1, "less": tiles[:, :1, ::2, ::2]}

    want = TILER.apply(both, torch.from_numpy(IMAGE), dtype=torch.float64)
    got = TILER.apply(both, Store(IMAGE), dtype=torch.float64)
    assert sorted(got) == ["less", "more"]
    for name, leaf in want.items():
        assert got[name].dtype == torch.float64
        same_bits(array(got[name]), array(leaf))


def test_nothing_is_recorded() -> None:
    network = model()
    got = TILER.apply(network, Store(IMAGE))
    assert not got.requires_grad


def test_a_merge_goes_on(tmp_path: Path) -> None:
    calls: list[int] = []

    def once(tiles: Tensor) -> Tensor:
        calls.append(len(tiles))
        if len(calls) == 3:
            raise RuntimeError("interrupted")
        return tiles

    out = torch.zeros(IMAGE.shape)
    options: dict[str, Any] = {"out": out, "work": tmp_path / "work", "batch_size": 2}
    with pytest.raises(RuntimeError, match="interrupted"):
        TILER.apply(once, IMAGE, **options)
    TILER.apply(once, IMAGE, **options)
    assert sum(calls[3:]) == 12 - 4 + 2
    same_bits(array(out), IMAGE)


@pytest.mark.parametrize(
    ("image", "results", "options", "error", "words"),
    [
        ([[0.0]], None, {}, TypeError, "slices.*got list"),
        (IMAGE, "text", {}, TypeError, "must return Tensors"),
        (IMAGE, torch.zeros(3), {}, TilingError, "given 12 tiles and returned"),
        (
            IMAGE,
            torch.zeros((12, 32, 32), dtype=torch.bfloat16),
            {},
            TilingError,
            "stores cannot hold bfloat16: give dtype",
        ),
        (
            torch.zeros((3, 90, 70)),
            torch.zeros((12, 32, 32)),
            {"out": torch.zeros((90, 70), device="meta")},
            TilingError,
            "is on meta.*on the host",
        ),
        (
            torch.zeros((3, 90, 70)),
            torch.zeros((12, 32, 32)),
            {"out": (torch.zeros((90, 70)),)},
            TilingError,
            "result is one array and out is a tuple of 1",
        ),
        (
            torch.zeros((3, 90, 70)),
            torch.zeros((12, 32, 32)),
            {"out": torch.zeros((90, 71))},
            TilingError,
            r"\(90, 71\), the result",
        ),
    ],
)
def test_what_does_not_suit_is_refused(
    image: Any, results: Any, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        TILER.apply(lambda _: results, image, **{"out": np.empty, **options})


def test_results_of_any_kind_of_tensor() -> None:
    big = IMAGE.astype(">f4")
    same_bits(
        array(TILER.apply(lambda t: t, Store(big))), array(torch.from_numpy(IMAGE))
    )
    turned = TILER.apply(
        lambda t: torch.view_as_complex(torch.stack([t, t], -1)).conj().imag,
        Store(IMAGE),
    )
    same_bits(array(turned), -IMAGE)
    half = TILER.apply(
        lambda t: t.to(torch.bfloat16), Store(IMAGE), dtype=torch.float32
    )
    want = TILER.apply(
        lambda t: t.to(torch.bfloat16), torch.from_numpy(IMAGE), dtype=torch.float32
    )
    same_bits(array(half), array(want))
