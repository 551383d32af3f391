"""Context: pixels around tiles that a model sees and the merge drops."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler import Grid, Tiler, TilingError
from reftiler.config import TilingConfig
from reftiler.streaming import Merger
from reftiler.streaming.merged_array import MergedArray

MODES = ("padding", "clamp", "even", "drop")
PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")
SHAPES = ((2, 3, 13, 11), (2, 3, 6, 7))
REACH = 7
"""Longer than the smaller image: what pads it is padded again."""

Array = np.ndarray[Any, Any]


def blurred(image: Any, reach: int = REACH) -> Any:
    """Return weighted sums over neighbours, which lose ``reach`` pixels a side."""
    height, width = (n - 2 * reach for n in image.shape[-2:])
    found = image[..., :height, :width] * 0
    for y in range(2 * reach + 1):
        for x in range(0, 2 * reach + 1, 3):
            part = image[..., y : y + height, x : x + width]
            found = found + part * (1 + 3 * y + x)
    return found


def padded(image: Array, reach: int, pad_mode: str) -> Array:
    """Return an image with as much padding around it."""
    around = [(0, 0)] * (image.ndim - 2) + [(reach, reach)] * 2
    value: dict[str, Any] = {"constant_values": 2} if pad_mode == "constant" else {}
    pad: Any = np.pad
    found: Array = pad(image, around, mode=pad_mode, **value)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pad_mode", PAD_MODES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_tiled_blur_is_the_blur_of_the_whole(
    mode: str, pad_mode: str, shape: tuple[int, ...]
) -> None:
    tiler = Tiler(
        (6, 5), (4, 3), mode=mode, pad_mode=pad_mode, pad_value=2, context=REACH, fill=0
    )
    image = np.random.default_rng(0).integers(0, 99, shape).astype(np.float64)
    covered = tiler.grid(shape[-2:]).coverage() > 0
    want = np.where(covered, blurred(padded(image, REACH, pad_mode)), 0)
    tiles = tiler.tile(image)
    assert tiles.shape[-2:] == (20, 19)
    assert np.array_equal(tiler.untile(blurred(tiles), shape), want)
    assert np.array_equal(tiler.apply(blurred, image, batch_size=5), want)
    assert np.array_equal(tiler.untile(tiles, shape), np.where(covered, image, 0))


def test_a_valid_convolution_of_572_to_388() -> None:
    def summed(image: Array) -> Array:  # over 185 x 185 pixels, in whole numbers
        for axis in (-2, -1):
            ends = np.insert(np.cumsum(image, axis, np.int64), 0, 0, axis)
            first, last = (np.take(ends, r, axis) for r in _ends(image.shape[axis]))
            image = last - first
        return image

    def _ends(length: int) -> tuple[range, range]:
        return range(length - 184), range(185, length + 1)

    image = np.random.default_rng(0).integers(0, 255, (500, 430))
    tiler = Tiler(388, mode="padding", context=92, pad_mode="reflect")
    tiles = tiler.tile(image)
    assert tiles.shape == (4, 572, 572)
    whole = summed(np.pad(image, 92, mode="reflect"))
    assert np.array_equal(tiler.untile(summed(tiles), image.shape), whole)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_in_every_way_of_merging(mode: str, pad_mode: str) -> None:
    torch = pytest.importorskip("torch")
    import reftiler.torch  # noqa: PLC0415

    settings: dict[str, Any] = {"mode": mode, "pad_mode": pad_mode, "context": (3, 2)}
    tiler = Tiler((6, 5), (4, 3), window="hann", fill=0, pad_value=2, **settings)
    other = reftiler.torch.Tiler.from_other(tiler)
    generator, shape = np.random.default_rng(1), (2, 3, 13, 11)
    image, whole = generator.random(shape), tiler.grid(shape[-2:])
    kept = generator.permutation(len(whole))[: len(whole) // 2]
    for grid in (whole, whole.select(kept), tiler.random(shape[-2:], 7, 3)):
        tiles = tiler.tile(image, grid=grid)
        assert np.array_equal(other.tile(torch.tensor(image), grid=grid), tiles)
        results = generator.random(tiles.shape)
        bare = results[..., 3:-3, 2:-2]
        want = tiler.untile(bare, shape, grid)
        assert np.array_equal(tiler.untile(results, shape, grid), want)
        for given in (results, bare):
            merged = other.untile(torch.tensor(given), shape, grid)
            assert np.array_equal(merged, want)
            out = torch.empty(shape, dtype=torch.float64)
            other.untile(torch.tensor(given), shape, grid, out=out)
            assert np.array_equal(out, want)
            form: Any = {"tile_shape": given.shape[1:], "tile_dtype": given.dtype}
            with Merger(tiler, shape, None, grid=grid, **form) as merger:
                for k in generator.permutation(len(given)).tolist():
                    merger.add(k, given[k])
            assert np.array_equal(merger.out, want)
            one = MergedArray(
                tiler, given[: len(grid)], given.shape[1:], given.dtype, shape[1:], grid
            )
            assert np.array_equal(one[...], want[0])
        saved = Grid.from_json(grid.to_json())
        again = Tiler.from_other(saved.tiler).tile(image, grid=saved)
        assert np.array_equal(again, tiles)


def test_gradients_are_adjoint() -> None:
    torch = pytest.importorskip("torch")
    import reftiler.torch  # noqa: PLC0415

    for pad_mode in ("constant", "reflect"):
        tiler = reftiler.torch.Tiler((6, 5), (4, 3), context=3, pad_mode=pad_mode)
        image = torch.rand(2, 13, 11, dtype=torch.float64, requires_grad=True)
        tiles = tiler.tile(image)
        weight, step = torch.rand_like(tiles), torch.rand_like(image)
        (given,) = torch.autograd.grad((tiles * weight).sum(), image)
        moved = (tiler.tile(image + step) - tiles) * weight
        torch.testing.assert_close(moved.sum(), (given * step).sum())
        results = torch.rand_like(tiles, requires_grad=True)
        merged = tiler.untile(results, image.shape)
        weight, step = torch.rand_like(merged), torch.rand_like(results)
        (given,) = torch.autograd.grad((merged * weight).sum(), results)
        assert not given[..., :3, :].any()  # the context takes no part
        moved = (tiler.untile(results + step, image.shape) - merged) * weight
        torch.testing.assert_close(moved.sum(), (given * step).sum())


def test_at_another_resolution() -> None:
    tiler, half = Tiler(8, 4, context=2), Fraction(1, 2)
    tiles = np.random.default_rng(0).random((4, 6, 6))
    want = Tiler(4, 2).untile(tiles[:, 1:-1, 1:-1], (6, 6))
    assert np.array_equal(tiler.untile(tiles, (12, 12), scale=half), want)
    assert np.array_equal(tiler.untile(tiles[:, 1:-1, 1:-1], (12, 12), scale=0.5), want)
    with pytest.raises(TilingError, match="scale="):
        tiler.untile(tiles, (12, 12))
    with pytest.raises(TilingError, match="not whole"):
        Tiler(8, 4, context=1).untile(tiles[:, :5, :5], (12, 12), scale=half)


def test_a_configuration_holds_it(tmp_path: Path) -> None:
    section = {"apply": True, "tile_size": 28, "align": 14, "context": [4, 6]}
    config = TilingConfig.from_mapping(section)
    assert config.tiler == Tiler(28, align=14, context=(4, 6))
    (tmp_path / "tiling.yaml").write_text(config.to_yaml(), "utf-8")
    assert TilingConfig.from_yaml(tmp_path / "tiling.yaml") == config


def test_a_folder_of_tiles_holds_it(tmp_path: Path) -> None:
    pytest.importorskip("typer")
    from reftiler.io import read_image, write_image  # noqa: PLC0415
    from tests.command import done  # noqa: PLC0415

    image = np.random.default_rng(0).integers(0, 255, (50, 40), np.uint8)
    write_image(tmp_path / "part.png", image)
    tiles, back = tmp_path / "tiles", tmp_path / "back"
    words = ["--tile", "16", "--context", "4", "--pad-mode", "reflect"]
    done("tile", tmp_path / "part.png", tiles, *words)
    found = sorted(tiles.rglob("*.png"))
    assert read_image(found[0]).shape == (24, 24)
    done("untile", tiles, back)
    (merged,) = back.rglob("*.png")
    assert np.array_equal(read_image(merged), image)


def test_a_tiled_model_is_told_the_scale_of_its_results() -> None:
    torch = pytest.importorskip("torch")
    import reftiler.torch  # noqa: PLC0415

    # Results of 8 pixels may be tiles, or tiles with their context at half the scale.
    tiler, image = reftiler.torch.Tiler(8, context=4), torch.rand(1, 2, 20, 17)
    for model, scale in ((torch.nn.AvgPool2d(9, 1), 1), (torch.nn.AvgPool2d(2), 0.5)):
        with pytest.raises(TilingError, match="scale="):
            reftiler.torch.TiledModel(model, tiler)(image)
        tiled = reftiler.torch.TiledModel(model, tiler, scale=scale)
        want = tiler.untile(model(tiler.tile(image)), image.shape, scale=scale)
        assert torch.equal(tiled(image), want)
        graph = torch.export.export(tiled, (image,), strict=False).module()
        assert torch.equal(graph(image), want)


def test_a_tiled_model_drops_it_in_graphs_too() -> None:
    torch = pytest.importorskip("torch")
    import reftiler.torch  # noqa: PLC0415

    for model in (torch.nn.Identity(), torch.nn.AvgPool2d(5, stride=1)):
        tiler = reftiler.torch.Tiler(8, 5, context=2, pad_mode="reflect")
        tiled = reftiler.torch.TiledModel(model, tiler)
        image = torch.rand(2, 3, 20, 17)
        graph = torch.export.export(tiled, (image,), strict=False).module()
        assert torch.equal(graph(image), tiled(image))
