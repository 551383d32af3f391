"""The switch, proven: anomalib's own models with its tiler and with the drop-in.

Needs anomalib, and says so where it is missing. Run it with::

    pip install anomalib==2.7.0 "reftiler[torch,test]"
    pytest tests/test_anomalib_switch.py
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module, reload
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

import reftiler.anomalib as ours
from reftiler.io import open_image
from reftiler.samples import write_dataset
from reftiler.torch import Tiler
from reftiler.torch.data import TileDataset
from tests.dropin import numbered

SIDE, TILE, HALF = 192, 96, 48
MODELS = ["Padim", "ReverseDistillation", "Patchcore"]

FOUND = find_spec("anomalib") is not None
pytestmark = [
    pytest.mark.skipif(not FOUND, reason="needs anomalib: pip install anomalib==2.7.0"),
    pytest.mark.filterwarnings("ignore"),  # anomalib's and lightning's own
]


def theirs() -> Any:
    return import_module("anomalib.data.utils.tiler")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample in it, in the layout of MVTec AD."""
    folder = tmp_path_factory.mktemp("switch")
    write_dataset(folder / "brick", "brick", max_good=2)
    return folder


def make(name: str, side: int = SIDE) -> Any:
    """Return a model of anomalib's that tiles, with weights by chance."""
    resize = import_module("torchvision.transforms.v2").Resize((side, side))
    before = import_module("anomalib.pre_processing").PreProcessor(transform=resize)
    import_module("lightning.pytorch").seed_everything(7, verbose=False)
    kwargs = {"n_features": 30} if name == "Padim" else {}
    return getattr(import_module("anomalib.models"), name)(
        backbone="resnet18",
        pre_trained=False,
        pre_processor=before,
        evaluator=False,
        visualizer=False,
        **kwargs,
    )


def engine(root: Path, *callbacks: Any) -> tuple[Any, Any]:
    data = import_module("anomalib.data").MVTecAD(
        root, "brick", train_batch_size=3, eval_batch_size=3, num_workers=0
    )
    made = import_module("anomalib.engine").Engine(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=root / "out",
        callbacks=list(callbacks),
    )
    return made, data


def train(root: Path, model: Any, *callbacks: Any) -> tuple[Any, Any]:
    """Train for an epoch; return the maps and scores of the test images."""
    runner, data = engine(root, *callbacks)
    runner.fit(model, datamodule=data)
    return predict(root, model, *callbacks)


def predict(root: Path, model: Any, *callbacks: Any) -> tuple[Any, Any]:
    runner, data = engine(root, *callbacks)
    batches = runner.predict(model, datamodule=data)
    maps = torch.cat([batch.anomaly_map for batch in batches])
    assert maps.shape[0] == 8
    assert maps.std() > 0.01
    return maps, torch.cat([batch.pred_score for batch in batches])


@pytest.mark.parametrize("name", MODELS)
def test_training_without_overlap_is_equal_to_the_bit(root: Path, name: str) -> None:
    results = []
    for tiler in (theirs().Tiler(TILE, TILE), ours.Tiler(TILE, TILE)):
        model = make(name)
        model.model.tiler = tiler
        results.append(train(root, model))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    whole, _ = train(root, make(name))
    assert not torch.allclose(whole, results[0][0], atol=1e-3)  # tiling matters


@pytest.mark.parametrize(
    ("name", "tolerance"),
    # Training by gradient descent enlarges the rounding of every step.
    [("Padim", 1e-5), ("Patchcore", 1e-4), ("ReverseDistillation", 1e-2)],
)
def test_training_with_overlap_is_equal_within_rounding(
    root: Path, name: str, tolerance: float
) -> None:
    results = []
    for tiler in (theirs().Tiler(TILE, HALF), ours.Tiler(TILE, HALF)):
        model = make(name)
        model.model.tiler = tiler
        results.append(train(root, model))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)
    # The same weights, and the drop-in put in the place of the other tiler.
    model.model.tiler = theirs().Tiler(TILE, HALF)
    maps, scores = predict(root, model)
    torch.testing.assert_close(maps, results[1][0], rtol=0, atol=1e-4)
    torch.testing.assert_close(scores, results[1][1], rtol=0, atol=1e-4)


def test_padim_learns_the_same_of_a_tile_data_set(root: Path) -> None:
    data = TileDataset(root / "brick", Tiler(256, 192), split="train")
    images = [
        torch.from_numpy(open_image(entry.image)[...]) for entry in data.entries[:3]
    ]
    each = len(data) // len(data.entries)
    by_image, by_tile = make("Padim").model, make("Padim").model
    by_image.tiler = ours.Tiler(256, 192)
    merge = Tiler(256, 192).untile
    for number, image in enumerate(images):
        by_image(colour(image[None]))
        items = range(number * each, (number + 1) * each)
        tiles = torch.cat([data[item]["image"] for item in items])
        with torch.no_grad():
            features = by_tile.feature_extractor(colour(tiles))
            found = by_tile.generate_embedding(features)
        embedding = merge(found, (1, 30, *image.shape), scale=1 / 4)
        by_tile.memory_bank.append(embedding)
        assert torch.equal(by_image.memory_bank[-1], embedding)
    maps = []
    for model in (by_image, by_tile):
        model.fit()
        model.eval()
        model.tiler = by_image.tiler
        maps.append(model(colour(images[0][None])).anomaly_map)
    assert torch.equal(*maps)
    assert maps[0].std() > 0


def colour(gray: torch.Tensor) -> torch.Tensor:
    return gray[:, None].expand(-1, 3, -1, -1) / 255


def test_the_callback(root: Path) -> None:
    callbacks = import_module("anomalib.callbacks")
    settings = {"enable": True, "tile_size": [TILE, HALF], "stride": [HALF, HALF]}
    results, tilers = [], []
    for callback in (
        callbacks.TilerConfigurationCallback(**settings),
        ours.tiler_configuration_callback(**settings),  # type: ignore[arg-type]
    ):
        assert isinstance(callback, callbacks.TilerConfigurationCallback)
        model = make("Padim")
        results.append(train(root, model, callback))
        tilers.append(type(model.model.tiler))
    assert tilers == [theirs().Tiler, ours.Tiler]
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_the_callback_refuses_as_anomalib_does(root: Path) -> None:
    model = make("Padim")
    model.model = torch.nn.Linear(1, 1)
    for callback in (
        import_module("anomalib.callbacks").TilerConfigurationCallback(True, 8, 8),
        ours.tiler_configuration_callback(True, 8, 8),
    ):
        with pytest.raises(ValueError, match="support tiling"):
            callback.setup(None, model)


def test_where_anomalib_keeps_padding_the_map_is_aligned(root: Path) -> None:
    """A side that tiles do not fill; anomalib's map is of the padded image."""
    shapes = []
    for tiler in (theirs().Tiler(TILE, HALF), ours.Tiler(TILE, HALF)):
        model = make("Padim", side=168)
        model.model.tiler = tiler
        maps, _ = train(root, model)
        assert maps.shape[-2:] == (168, 168)
        model.model.train()
        shapes.append(tuple(model.model(torch.zeros(1, 3, 168, 168)).shape[-2:]))
    assert shapes == [(48, 48), (42, 42)]


def test_a_trained_model_is_saved_with_its_tiler(root: Path, tmp_path: Path) -> None:
    model = make("Padim")
    model.model.tiler = ours.Tiler(TILE, HALF)
    train(root, model)
    file = model.to_torch(tmp_path)
    loaded = torch.load(file, weights_only=False)["model"].eval()
    image = torch.rand(2, 3, SIDE, SIDE)
    model.eval()
    assert torch.equal(loaded(image).anomaly_map, model(image).anomaly_map)


# Names and behaviour, side by side.


NAMES = [
    "ImageUpscaleMode",
    "StrideSizeError",
    "Tiler",
    "compute_new_image_size",
    "upscale_image",
    "downscale_image",
]


def test_names_and_signatures() -> None:
    assert set(NAMES) <= set(ours.__all__)
    functions = [getattr(ours, name) for name in NAMES[3:]]
    found = [getattr(theirs(), name) for name in NAMES[3:]]
    for method in ("__init__", "tile", "untile", "validate_size_type"):
        functions.append(getattr(ours.Tiler, method))
        found.append(getattr(theirs().Tiler, method))
    for mine, other in zip(functions, found, strict=True):
        expected = list(inspect.signature(other).parameters.values())
        added = list(inspect.signature(mine).parameters.values())[len(expected) :]
        for p, q in zip(
            inspect.signature(mine).parameters.values(), expected, strict=False
        ):
            assert (p.name, p.kind, p.default) == (q.name, q.kind, q.default)
        assert all(p.default is not p.empty for p in added)
    for mode in theirs().ImageUpscaleMode:
        assert ours.ImageUpscaleMode[mode.name].value == mode.value


@pytest.mark.parametrize("size", [(16, 24), (17, 23), (8, 8)])
def test_attributes(size: tuple[int, int]) -> None:
    tilers = [module.Tiler((8, 6), (4, 3)) for module in (theirs(), ours)]
    for tiler in tilers:
        tiler.tile(torch.zeros(2, 3, *size))
    for name, value in vars(tilers[0]).items():
        assert getattr(tilers[1], name) == value, name


@pytest.mark.parametrize("shape", [(3, 16, 24), (2, 3, 17, 23), (1, 1, 8, 8)])
@pytest.mark.parametrize("stride", [(8, 6), (4, 3), (3, 5)])
@pytest.mark.parametrize("mode", ["padding", "interpolation"])
def test_tiles(shape: tuple[int, ...], stride: tuple[int, int], mode: str) -> None:
    image = numbered(*shape)
    one, other = (m.Tiler((8, 6), stride, mode=mode) for m in (theirs(), ours))
    tiles = one.tile(image)
    assert torch.equal(tiles, other.tile(image))
    if mode == "padding":
        noise = torch.rand(tiles.shape, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(one.untile(noise), other.untile(noise))


def test_the_ensemble_takes_the_dropin_as_its_base(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = "anomalib.pipelines.tiled_ensemble.components.utils.ensemble_tiling"
    image = torch.rand(3, 2, 20, 20, generator=torch.Generator().manual_seed(0))
    ensembles = [import_module(place).EnsembleTiler(8, 4, 20)]
    monkeypatch.setattr(theirs(), "Tiler", ours.Tiler)
    ensembles.append(reload(import_module(place)).EnsembleTiler(8, 4, 20))
    monkeypatch.undo()
    reload(import_module(place))
    assert isinstance(ensembles[1], ours.Tiler)
    tiles = [tiler.tile(image) for tiler in ensembles]
    assert torch.equal(*tiles)
    for some in (tiles[0], tiles[0][:, :, :1]):
        merged = [tiler.untile(some) for tiler in ensembles]
        torch.testing.assert_close(*merged)


# The left column of the table in `reftiler.anomalib` is true of anomalib 2.7.


def ones(side: int) -> torch.Tensor:
    return torch.ones(1, 1, side, side)


def back(made: Any, image: torch.Tensor, maps: torch.Tensor | None = None) -> Any:
    """Return what a tiler merges its tiles into, or maps in their place."""
    tiles = made.tile(image)
    return made.untile(tiles if maps is None else maps)


def fails(call: Callable[[], Any], error: type[Exception] = Exception) -> bool:
    try:
        call()
    except error:
        return True
    return False


def row_rim(tiler: Any) -> Any:
    whole = back(tiler(4, 2, remove_border_count=1), ones(8))
    return (whole[..., 0, :] == 0).all() and (whole[..., 1:7, 1:7] == 1).all()


def row_border_of_maps(tiler: Any) -> Any:
    made = tiler(32, 16, remove_border_count=2)
    zeros = back(made, ones(64), torch.ones(9, 1, 8, 8))[0, 0, 8] == 0
    return zeros[:2].all() and not zeros[2:-2].any()  # two, of a map at 1/4


def row_round_trip(tiler: Any) -> bool:
    image = numbered(1, 1, 10, 10)
    return not torch.equal(back(tiler(8, 5, mode="interpolation"), image), image)


def row_random_where(tiler: Any) -> Any:
    made = tiler(4, 4)
    made.random_tile_count = 100
    return (made.tile(ones(5), True) == 0).any()


def row_random_order(tiler: Any) -> bool:
    images = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)])
    order = tiler(4, 4).tile(images, True)[:, 0, 0, 0]
    return bool(order.tolist() == [0, 1] * 4)


def row_random_merging(tiler: Any) -> bool:
    made = tiler(4, 4)
    return fails(lambda: made.untile(made.tile(ones(8), True)))


def row_two_calls(tiler: Any) -> bool:
    made = tiler(4, 4)
    tiles = made.tile(ones(8))
    return fails(lambda: back(made, ones(12), tiles))


def row_pad(tiler: Any) -> bool:
    made = tiler(4, 4)
    made.tile(ones(8))
    return not hasattr(made, "pad_h")


def row_small(_: Any) -> bool:
    return bool(theirs().compute_new_image_size((2, 2), (4, 4), (2, 2)) == (2, 2))


def row_rounding(tiler: Any) -> Any:
    tiles = torch.zeros(3, 1, 1, 3)
    tiles[0, ..., 2], tiles[1, ..., 1], tiles[2, ..., 0] = 2.0**24, 1.0, -(2.0**24)
    whole = back(tiler((1, 3), (1, 1)), torch.zeros(1, 1, 1, 5), tiles)
    return whole.flatten()[2] == 0


def of_maps(count: int, side: int, *settings: Any, **named: Any) -> Any:
    """Return what gives the last row of maps of ones, of 4 or 9 tiles."""
    image, maps = ones(settings[0]), torch.ones(count, 1, side, side)
    return lambda tiler: back(tiler(*settings[1:], **named), image, maps)[0, 0, -1]


padded, enlarged = (
    of_maps(4, 4, 18, 16, 8),
    of_maps(4, 4, 24, 16, 8, mode="interpolation"),
)
truncated = of_maps(9, 13, 200, 100, 50)
ROWS = {
    "dtype": lambda t: t(4, 2).tile(ones(8).byte()).dtype == torch.float32,
    "NaN": lambda t: (back(t(4, 2), ones(8) * torch.nan) == 0).all(),
    "stride=None": lambda t: fails(lambda: t(4), AttributeError),
    "rim": row_rim,
    "gaps": lambda t: (
        back(t(8, 8, remove_border_count=1), ones(16))[..., 7:9, :] == 0
    ).all(),
    "border of maps": row_border_of_maps,
    "padding": lambda t: len(padded(t)) == 6,
    "interpolated maps": lambda t: len(enlarged(t)) == 24,
    "fraction": lambda t: truncated(t)[-1] == 0,
    "round trip": row_round_trip,
    "random: where": row_random_where,
    "random: order": row_random_order,
    "random: merging": row_random_merging,
    "two calls": row_two_calls,
    "without tile": lambda t: fails(lambda: t(4, 4).untile(ones(4)), AttributeError),
    "pad": row_pad,
    "sizes": lambda t: t([4, 4, 9], True).tile_size_w == 4,
    "small": row_small,
    "rounding": row_rounding,
}


@pytest.mark.parametrize("row", ROWS)
def test_what_the_table_says_of_anomalib(row: str) -> None:
    if not version("anomalib").startswith("2.7"):
        pytest.skip("the table is of anomalib 2.7")
    assert ROWS[row](theirs().Tiler)


@pytest.mark.parametrize("row", [row for row in ROWS if row != "small"])
def test_and_not_of_the_dropin(row: str) -> None:
    try:
        assert not ROWS[row](ours.Tiler)
    except (TypeError, ValueError):
        assert row in ("sizes", "without tile")
