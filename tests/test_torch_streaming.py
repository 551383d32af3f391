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

from reftiler import TilingError
from reftiler.streaming import Merger
from reftiler.torch import Tiler
from reftiler.torch.streaming import TensorArrays
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.stores import Store, library_store
from tests.strategies import merges
from tests.tensors import array, dtype_of, tensor, tilers

TILER = Tiler(32, 20, window="hann")
IMAGE = np.random.default_rng(0).random((3, 90, 70), dtype=np.float32)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, 2, 3, padding=1)


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
    source = library_store(kind, tmp_path / "source", image)
    out = library_store(kind, tmp_path / "out", np.zeros_like(image))
    assert TILER.apply(torch.bitwise_not, source, batch_size=5, out=out) is out
    same_bits(np.asarray(out[...]), ~image)


@given(
    merges(weighed=True), st.randoms(use_true_random=False), st.sampled_from([None, 0])
)
def test_tensors_in_any_order_give_the_bits_of_untile(
    merge: MergeCase, random: Any, memory: int | None
) -> None:
    case, (reference, tiler) = merge.case, tilers(merge.case)
    tiles, order = tensor(merge.tiles()), list(range(len(merge.tiles())))
    options: dict[str, Any] = {"grid": case.grid(tiler), "dtype": merge.result}
    options |= merge.scale_argument()
    weights = merge.pixel_weights()
    random.shuffle(order)

    def streamed(out: Any) -> Any:
        form: dict[str, Any] = {"tile_shape": tuple(tiles.shape[1:])}
        form |= {"tile_dtype": tiles.dtype, "arrays": TensorArrays()}
        options["dtype"] = None if merge.result is None else dtype_of(merge.result)
        form |= {"max_memory": memory, **options}
        given_weights = None if weights is None else tensor(weights)
        if given_weights is not None:
            form["weights_dtype"] = given_weights.dtype
        with Merger(tiler, case.shape, out, **form) as merger:
            for first in range(0, len(order), 5):
                some = order[first : first + 5]
                more = [] if given_weights is None else [given_weights[some]]
                merger.add(some, tiles[some], *more)
        return merger.finish()

    try:
        named = {"weights": weights, **options}
        want = reference.untile(merge.tiles(), case.shape, **named)
    except TilingError:
        with pytest.raises(TilingError, match="NaN"):
            streamed(None)
        return
    same_bits(array(streamed(None)), want, nan="any")
    for out in (Store(np.empty_like(want)), torch.from_numpy(np.empty_like(want))):
        streamed(out)
        same_bits(out.array if isinstance(out, Store) else array(out), want, nan="any")


def test_a_merge_of_bfloat16_is_saved_and_continued(tmp_path: Path) -> None:
    tiles = TILER.tile(torch.from_numpy(IMAGE).to(torch.bfloat16))
    out = torch.zeros(IMAGE.shape, dtype=torch.bfloat16)
    options: dict[str, Any] = {"checkpoint": tmp_path / "work", "max_memory": 30000}
    for some in (range(5, 12), range(5)):
        merger = Merger(TILER, IMAGE.shape, out, arrays=TensorArrays(), **options)
        assert len(merger.missing()) == (12 if some.start else 5)
        merger.add(some, tiles[some.start : some.stop])
        merger.stop() if some.start else merger.finish()
    same_bits(array(out), array(TILER.untile(tiles, IMAGE.shape)))


def test_out_is_a_tensor_of_its_own() -> None:
    image, both = torch.zeros((8, 8)), torch.zeros((2, 8, 8))
    for out, words in (
        (image, "with the image"),
        (image[:, :1].expand(8, 8), "pixels of out share memory"),
        (image.numpy(), "with the image"),
        ((both[0], both[0].T), "two parts of out"),
        (torch.zeros((8, 8), dtype=torch.int32), "is int32"),
    ):

        def model(tiles: Tensor) -> Any:
            return (tiles, tiles) if isinstance(out, tuple) else tiles  # noqa: B023

        with pytest.raises(TilingError, match=words):
            Tiler(4).apply(model, image, out=out)
    Tiler(4).apply(lambda t: (t, t + 1), image, out=(both[0], both[1]))
    assert (both[1] == 1).all()


def test_trees_of_results_and_another_dtype() -> None:
    def both(tiles: Tensor) -> dict[str, Tensor]:
        return {"more": tiles + 1, "less": tiles[:, :1, ::2, ::2]}

    want = TILER.apply(both, torch.from_numpy(IMAGE), dtype=torch.float64)
    got = TILER.apply(both, Store(IMAGE), dtype=torch.float64)
    assert sorted(got) == ["less", "more"]
    assert not TILER.apply(model(), Store(IMAGE)).requires_grad
    for name, leaf in want.items():
        assert got[name].dtype == torch.float64
        same_bits(array(got[name]), array(leaf))


BLANK, RESULTS = torch.zeros((3, 90, 70)), torch.zeros((12, 32, 32))


@pytest.mark.parametrize(
    ("image", "results", "out", "error", "words"),
    [
        ([[0.0]], None, np.empty, TypeError, "slices.*got list"),
        (IMAGE, "text", np.empty, TypeError, "must return Tensors"),
        (IMAGE, RESULTS[:3], np.empty, TilingError, "given 12 tiles and returned"),
        (
            IMAGE,
            RESULTS.bfloat16(),
            np.empty,
            TilingError,
            "stores cannot hold bfloat16",
        ),
        (BLANK, RESULTS, BLANK[0].to("meta"), TilingError, "is on meta.*on the host"),
        (
            BLANK,
            RESULTS,
            (RESULTS[0],),
            TilingError,
            "one array and out is a tuple of 1",
        ),
        (BLANK, RESULTS, RESULTS[0], TilingError, r"\(32, 32\), the result"),
    ],
)
@pytest.mark.parametrize("also", ["", "ml_dtypes"])
def test_what_does_not_suit_is_refused(
    image: Any, results: Any, out: Any, error: type[Exception], words: str, also: str
) -> None:
    if also:  # it gives numpy a bfloat16
        pytest.importorskip(also, reason="needs onnx: it brings ml_dtypes")
    with pytest.raises(error, match=words):
        TILER.apply(lambda _: results, image, out=out)


def test_results_of_any_kind_of_tensor() -> None:
    image = torch.from_numpy(IMAGE)
    big = TILER.apply(lambda t: t, Store(IMAGE.astype(">f4")))
    same_bits(array(big), IMAGE)

    def turned(tiles: Tensor) -> Tensor:
        return torch.view_as_complex(torch.stack([tiles, tiles], -1)).conj().imag

    same_bits(array(TILER.apply(turned, Store(IMAGE))), -IMAGE)
    half, want = (
        TILER.apply(Tensor.bfloat16, source, dtype=torch.float32)
        for source in (Store(IMAGE), image)
    )
    same_bits(array(half), array(want))
