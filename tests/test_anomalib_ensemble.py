"""The drop-in for anomalib's EnsembleTiler, and the real one beside it."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from reftiler import TilingError
from reftiler.anomalib import EnsembleTiler, StrideSizeError, Tiler
from tests.dropin import numbered, same

CASES: list[tuple[Any, Any, Any]] = [  # tile, stride, image
    (4, 4, 8),
    (4, 2, 8),
    ((4, 3), (3, 2), (10, 7)),
    ([5, 4], [1, 3], [13, 4]),
    (6, 6, 6),
]
each_case = pytest.mark.parametrize(("tile", "stride", "size"), CASES)


@each_case
def test_tiles_by_their_places(tile: Any, stride: Any, size: Any) -> None:
    tiler = EnsembleTiler(tile, stride, size)
    image = numbered(3, 2, *tiler.image_size)
    tiles = tiler.tile(image)
    rows, columns = tiler.num_patches_h, tiler.num_patches_w
    assert tiles.shape[:4] == (rows, columns, 3, 2)
    assert tiler.num_tiles == rows * columns
    plain = Tiler(tile, stride).tile(image).unflatten(0, (3, rows, columns))
    for i in range(rows):
        for j in range(columns):
            assert same(tiles[i, j], plain[:, i, j].contiguous())
    assert same(tiler.untile(tiles), image)
    assert same(tiler.tile(image[0]), tiles[:, :, :1].contiguous())


@pytest.mark.parametrize(
    "other",
    [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],
)
def test_another_tiler_merges_any_batch(other: Callable[[Any], Any]) -> None:
    tiler = EnsembleTiler(4, 2, 7)
    image = numbered(3, 2, 7, 7)
    tiles = tiler.tile(image)
    assert same(other(EnsembleTiler(4, 2, 7)).untile(tiles), image)
    assert same(other(tiler).untile(tiles[:, :, 1:]), image[1:])
    maps = torch.nn.functional.avg_pool2d(tiles.flatten(0, 3), 2)
    merged = tiler.untile(maps.unflatten(0, (3, 3, 3, 2)))
    assert merged.shape == (3, 2, 4, 4)


def test_types_and_nan_stay() -> None:
    tiler = EnsembleTiler(4, 2, 6)
    mask = numbered(2, 1, 6, 6) % 5 == 0
    assert same(tiler.untile(tiler.tile(mask)), mask)
    image = torch.full((1, 1, 6, 6), torch.nan)
    assert same(tiler.untile(tiler.tile(image)), image)


def test_what_an_ensemble_cannot_do_is_refused() -> None:
    tiler = EnsembleTiler(4, 2, 8)
    image = numbered(3, 2, 8, 8)
    tiles = tiler.tile(image)
    with pytest.raises(TilingError, match=r"are \(8, 9\), this ensemble is for \(8, 8"):
        tiler.tile(numbered(3, 2, 8, 9))
    with pytest.raises(TilingError, match="a model for every place"):
        tiler.tile(image, use_random_tiling=True)
    with pytest.raises(TilingError, match="with those of every place"):
        tiler.untile(tiles[:2])
    with pytest.raises(TilingError, match="with those of every place"):
        tiler.untile(tiles.flatten(0, 2))
    with pytest.raises(TypeError, match="must be a torch tensor"):
        tiler.untile(tiles.numpy())  # type: ignore[arg-type]
    with pytest.raises(TilingError, match="leave it out"):
        tiler.untile(tiles, Tiler(4, 4)._fitted((8, 8)))
    with pytest.raises(TilingError, match=r"tile \(9, 9\) is larger than the image"):
        EnsembleTiler(9, 4, 8)
    with pytest.raises(StrideSizeError):
        EnsembleTiler(4, 5, 8)
    with pytest.raises(TypeError, match="image_size"):
        EnsembleTiler(4, 4, 8.0)  # type: ignore[arg-type]


@pytest.mark.skipif(
    not find_spec("anomalib"), reason="needs anomalib: pip install anomalib==2.7.0"
)
class TestBesideAnomalib:
    """Where anomalib's tiler is right, this one gives the same."""

    @staticmethod
    def real() -> Any:
        from anomalib.pipelines.tiled_ensemble.components.utils import (  # noqa: PLC0415
            ensemble_tiling,
        )

        return ensemble_tiling.EnsembleTiler

    def test_signatures(self) -> None:
        real = self.real()
        for name in ("__init__", "tile", "untile"):
            want = list(inspect.signature(getattr(real, name)).parameters)
            found = list(inspect.signature(getattr(EnsembleTiler, name)).parameters)
            assert found[: len(want)] == want
        for name in vars(real(4, 2, 8)):
            assert hasattr(EnsembleTiler(4, 2, 8), name) or name.startswith("random_")

    @each_case
    def test_tiles_and_merges(self, tile: Any, stride: Any, size: Any) -> None:
        theirs, ours = (
            self.real()(tile, stride, size),
            EnsembleTiler(tile, stride, size),
        )
        image = torch.rand((3, 2, *ours.image_size))
        tiles = ours.tile(image)
        assert same(tiles.contiguous(), theirs.tile(image).contiguous())
        assert theirs.num_tiles == ours.num_tiles
        torch.testing.assert_close(ours.untile(tiles), theirs.untile(tiles))

    def test_in_the_ensemble_itself(self) -> None:
        from types import SimpleNamespace  # noqa: PLC0415

        from anomalib.pipelines.tiled_ensemble.components.utils.ensemble_tiling import (  # noqa: PLC0415
            TileCollater,
        )

        def collate(batch: list[Any]) -> Any:
            image = torch.stack(batch)
            return SimpleNamespace(image=image, gt_mask=image[:, 0] > 30)

        image = numbered(3, 2, 8, 8)
        found = TileCollater(EnsembleTiler(4, 2, 8), (1, 2), collate)([*image])
        assert same(found.image.contiguous(), image[:, :, 2:6, 4:].contiguous())
        assert same(found.gt_mask, (image[:, 0] > 30)[:, 2:6, 4:].contiguous())
