"""Training on tiles: the data set, its order, and random tiles as a module."""

from __future__ import annotations

import copy
import random
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

import reftiler
from reftiler import Tiler, TilingError
from reftiler.io import read_image, write_image
from reftiler.io.datasets import ImageEntry, find_images
from reftiler.torch.data import RandomTiles, TileDataset, TileSampler
from tests.tensors import array

SIZE = (70, 90)
TILER = Tiler(32, 24)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set in the layout of MVTec AD, with a defect in two images."""
    folder = tmp_path_factory.mktemp("data") / "part"
    rng = np.random.default_rng(0)
    for part in ("train/good", "test/good", "test/scratch", "ground_truth/scratch"):
        (folder / part).mkdir(parents=True)
    for part in ("train/good/0", "train/good/1", "test/good/0"):
        write_image(folder / f"{part}.png", rng.integers(0, 256, (*SIZE, 3), np.uint8))
    for number in range(2):
        image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        mask = np.zeros(SIZE, bool)
        mask[40 : 42 + number, 50:53] = True
        write_image(folder / f"test/scratch/{number}.png", image)
        write_image(folder / f"ground_truth/scratch/{number}_mask.png", mask)
    return folder


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    assert one.keys() == other.keys()
    pairs = [(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one]
    return all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("cache_bytes", [0, 2**20])
@pytest.mark.parametrize("mode", ["padding", "even"])
def test_items_are_the_tiles_of_all_images(
    root: Path, mode: str, cache_bytes: int
) -> None:
    tiler = Tiler(32, 24, mode=mode, pad_value=200)
    data = TileDataset(root, tiler, cache_bytes=cache_bytes)
    grid = tiler.grid(SIZE)
    assert len(data) == 5 * len(grid)
    items = iter(data[n] for n in range(len(data)))
    for number, entry in enumerate(data.entries):
        image = read_image(entry.image)
        mask = read_image(entry.masks[0]) > 0 if entry.masks else np.zeros(SIZE, bool)
        tiles = Tiler(32, 24, mode=mode, pad_value=200, channels_last=True).tile(image)
        marked = Tiler(32, 24, mode=mode).tile(mask)  # padding is not marked
        for k in range(len(grid)):
            item = next(items)
            assert (item["entry"], item["tile"]) == (number, k)
            assert item["image"].is_contiguous()
            got = array(item["image"]).transpose(1, 2, 0)
            np.testing.assert_array_equal(got, tiles[k])
            np.testing.assert_array_equal(array(item["mask"]), marked[k])
            assert item["label"] == marked[k].any()
            assert item["box"].tolist() == grid.boxes[k].tolist()
    with pytest.raises(IndexError, match="there are tiles 0 to 59, asked for 60"):
        data[60]
    assert alike(data[-1], data[59])


@pytest.mark.parametrize("dtype", ["uint16", ">f4", "bool", "float64"])
def test_types_of_files_stay(tmp_path: Path, dtype: str) -> None:
    image = (np.random.default_rng(0).random(SIZE) * 9).astype(dtype)
    np.save(tmp_path / "part.npy", image)
    data = TileDataset(tmp_path, TILER)
    (batch,) = DataLoader(data, batch_size=len(data))
    assert batch["image"].shape == (12, 1, 32, 32)
    native = image.astype(image.dtype.newbyteorder("="))
    np.testing.assert_array_equal(array(batch["image"])[:, 0], TILER.tile(native))
    assert array(batch["image"]).dtype == native.dtype


def test_splits_and_labels(root: Path) -> None:
    train = TileDataset(root, TILER, split="train")
    assert len(train.entries) == 2
    assert not train.masks
    assert "mask" not in train[0]
    assert TileDataset(root, TILER, split="train", masks=True)[0]["mask"].sum() == 0
    test = TileDataset(root, TILER, split="test", masks=False)
    labels = [test[tiles.start]["label"] for tiles in map(test.tiles_of, range(3))]
    assert labels == [0, 1, 1]
    bare = [ImageEntry(entry.image) for entry in train.entries]
    assert TileDataset(bare, TILER)[0]["label"] == -1
    assert TileDataset(find_images(root)[:1], reftiler.Tiler(70))[0]["label"] == 0


def test_images_are_kept_as_far_as_the_bytes_go(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        write_image(path, np.zeros((*SIZE, 3), np.uint8))
    both, one = (
        TileDataset(tmp_path, TILER, cache_bytes=size * SIZE[0] * SIZE[1] * 3)
        for size in (2, 1)
    )
    for data in (both, one):
        data[0], data[len(data) - 1]
    for path in paths:
        path.unlink()
    assert both[1]["image"].sum() == 0
    assert one[len(one) - 2]["image"].sum() == 0
    with pytest.raises(TilingError, match=r"0\.png"):
        one[0]
    with pytest.raises(TilingError, match=r"0\.png"):
        copy.deepcopy(both)[0]  # what a worker is given has no image in it


def jitter(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    by_chance = sum(chances())
    return image + by_chance, mask.flip(0) if by_chance > 1.5 else mask


def epoch_of(loader: Any, epoch: int) -> dict[str, Tensor]:
    loader.dataset.set_epoch(epoch)
    batches = list(loader)
    return {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}


@pytest.mark.long
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_an_epoch_is_the_same_with_any_number_of_workers(
    root: Path, start: str
) -> None:
    def loader(workers: int) -> Any:
        data = TileDataset(
            root, TILER, random=7, inside=True, transform=jitter, seed=2**64 - 1
        )
        return DataLoader(
            data,
            batch_size=4,
            sampler=TileSampler(data, images=2),
            num_workers=workers,
            persistent_workers=workers > 0,
            multiprocessing_context=start if workers else None,
        )

    alone = loader(0)
    first, second = epoch_of(alone, 0), epoch_of(alone, 1)
    assert alike(epoch_of(loader(0), 1), second)
    assert not torch.equal(first["box"].sort(0)[0], second["box"].sort(0)[0])
    assert not torch.equal(first["entry"], second["entry"])
    shared = loader(2)
    assert alike(epoch_of(shared, 0), first)
    assert alike(epoch_of(shared, 1), second)  # by the same workers
    if start == "fork":
        assert alike(epoch_of(loader(1), 0), first)


def chances() -> tuple[float, ...]:
    return float(torch.rand(())), random.random(), np.random.rand()  # noqa: NPY002


def test_a_transform_leaves_the_generators_alone(root: Path) -> None:
    data = TileDataset(root, TILER, transform=jitter)
    found = []
    for work in (lambda: None, lambda: data[0]):
        torch.manual_seed(4)
        random.seed(4)
        np.random.seed(4)  # noqa: NPY002
        work()
        found.append(chances())
    assert found[0] == found[1]
    assert alike(data[5], data[5])
    assert float(data[5]["image"].float().mean()) != float(data[6]["image"].mean())


def test_random_tiles_are_those_of_the_tiler(root: Path) -> None:
    data = TileDataset(root, TILER, random=9, inside=True, share=1, seed=5)
    data.set_epoch(3)
    assert len(data) == 45
    assert data.epoch == 3
    for number, entry in enumerate(data.entries):
        items = [data[n] for n in data.tiles_of(number)]
        key = (5 << 64) + (3 << 32) + number
        grid = TILER.random(SIZE, 9, key)
        if entry.masks:
            mask = read_image(entry.masks[0])
            grid = TILER.random(SIZE, 9, key, inside=mask, share=1)
        boxes = [item["box"].tolist() for item in items]
        assert boxes == grid.boxes.tolist()
        assert {item["label"] for item in items} == {int(bool(entry.masks))}


def test_labels_are_of_tiles_without_their_context(root: Path) -> None:
    tiler = Tiler(32, 24, context=10)
    data = TileDataset(root, tiler, split="test")
    scratched = [n for n, entry in enumerate(data.entries) if entry.masks]
    for number in scratched:
        items = [data[n] for n in data.tiles_of(number)]
        mask = read_image(data.entries[number].masks[0])
        marked = tiler.grid(SIZE).touching(mask).tolist()
        assert [n for n, item in enumerate(items) if item["label"]] == marked
        shown = sum(bool(item["mask"].any()) for item in items)
        assert shown > len(marked)
        assert {item["mask"].shape for item in items} == {(52, 52)}


def test_marks_that_no_tile_can_hold_leave_tiles_anywhere(tmp_path: Path) -> None:
    image, mask = np.zeros((100, 100, 3), np.uint8), np.zeros((100, 100), bool)
    mask[99, 99] = True
    write_image(tmp_path / "part.png", image)
    write_image(tmp_path / "part_mask.png", mask)
    tiler = Tiler(64, align=32)
    data = TileDataset(tmp_path, tiler, random=5, inside=True)
    assert [data[n]["label"] for n in range(5)] == [0] * 5
    cut = RandomTiles(tiler, 5, share=1)
    tiles, marked = cut(torch.zeros(3, 100, 100), torch.from_numpy(mask))
    assert tiles.shape == (5, 3, 64, 64)
    assert not marked.any()
    # these, of another align, can hold it
    tiles, marked = RandomTiles(Tiler(64), 5, align=36, share=1)(
        torch.zeros(3, 100, 100), torch.from_numpy(mask)
    )
    assert marked.flatten(1).any(1).all()


def test_the_order_mixes_few_images_at_a_time(root: Path) -> None:
    data = TileDataset(root, TILER)
    order = list(TileSampler(data, images=2))
    assert len(TileSampler(data)) == len(order) == len(data)
    assert sorted(order) == list(range(len(data)))
    count = len(data) // 5
    images = [index // count for index in order]
    groups = [images[: 2 * count], images[2 * count : 4 * count], images[4 * count :]]
    assert [len(set(group)) for group in groups] == [2, 2, 1]
    assert images[: 2 * count] != sorted(images[: 2 * count])
    assert list(TileSampler(data, images=2)) == order
    data.set_epoch(1)
    assert list(TileSampler(data, images=2)) != order
    other = TileDataset(root, TILER, seed=1)
    other.set_epoch(1)
    assert list(TileSampler(other, images=2)) != list(TileSampler(data, images=2))


# Bad input.


def test_masks_that_do_not_suit_are_refused_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", np.zeros((*SIZE, 3), np.uint8))
    write_image(tmp_path / "a_mask.png", np.zeros(SIZE, bool))
    with pytest.raises(TilingError, match=r"1 image without a mask.*b\.png"):
        TileDataset(tmp_path, TILER)
    assert len(TileDataset(tmp_path, TILER, masks=False).entries) == 2
    write_image(tmp_path / "b_mask.png", np.zeros(SIZE[::-1], bool))
    with pytest.raises(TilingError, match=r"b_mask\.png.* is 90x70"):
        TileDataset(tmp_path, TILER)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("none has a mask", {"split": "train", "random": 3, "inside": True}),
        ("none has a mask", {"masks": False, "random": 3, "inside": True}),
        ("give random=", {"inside": True}),
        ("needs inside=True", {"random": 3, "share": 0.5}),
        ("share must be from 0 to 1, got 2", {"random": 3, "inside": True, "share": 2}),
        ("random must be at least 1, got 0", {"random": 0}),
        ("'validation': there are 'test', 'train'", {"split": "validation"}),
        (r"0\.png: .*the tile.*padding", {"tiler": Tiler(99, mode="clamp")}),
        (r"0\.png: ", {"tiler": Tiler(99), "random": 2}),
        ("2 spatial axes, the tiler 3", {"tiler": Tiler((8, 8, 8))}),
        ("tiler must be a Tiler, got int", {"tiler": 32}),
        ("source has no image", {"source": []}),
        ("got a str in it", {"source": ["a.png"]}),
        ("cannot search", {"source": "/no such folder"}),
        ("seed must be at most", {"seed": 2**64}),
        ("cache_bytes must be at least 0", {"cache_bytes": -1}),
        ("transform must be callable", {"transform": 3}),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    root: Path, words: str, named: dict[str, Any]
) -> None:
    with pytest.raises((TilingError, TypeError), match=words):
        TileDataset(**{"source": root, "tiler": TILER, **named})


def test_order_and_epoch_are_checked(root: Path) -> None:
    with pytest.raises(TypeError, match="data must be a TileDataset"):
        TileSampler([1, 2])  # type: ignore[arg-type]
    with pytest.raises(TilingError, match="epoch must be at least 0"):
        TileDataset(root, TILER).set_epoch(-1)


# Transforms.


def test_a_transform_that_drops_the_mask_is_refused(root: Path) -> None:
    data = TileDataset(root, TILER, transform=lambda image, _: image)
    with pytest.raises(TypeError, match="must return both, got Tensor"):
        data[0]
    alone = TileDataset(root, TILER, masks=False, transform=lambda image: image * 0)
    assert alone[0]["image"].sum() == 0


class Flip:
    available_keys = frozenset({"image", "mask"})
    seeds: list[int]

    def __init__(self) -> None:
        self.seeds = []

    def set_random_seed(self, seed: int) -> None:
        self.seeds.append(seed)

    def __call__(self, **given: Any) -> dict[str, Any]:
        assert given["image"].shape == (32, 32, 3)
        assert given["mask"].dtype == np.uint8
        return {name: pixels[:, ::-1] for name, pixels in given.items()}


def test_transforms_of_albumentations_are_called_by_names(root: Path) -> None:
    flip = Flip()
    plain, data = TileDataset(root, TILER), TileDataset(root, TILER, transform=flip)
    for index in (0, 58):
        want, got = plain[index], data[index]
        assert torch.equal(got["image"], want["image"].flip(2))
        assert torch.equal(got["mask"], want["mask"].flip(1))
        assert got["mask"].dtype == torch.bool
    assert len(set(flip.seeds)) == 2
    data[0]
    assert flip.seeds[2] == flip.seeds[0]


class Image(Tensor):
    """What torchvision's is."""


class Mask(Tensor):
    """What torchvision's is."""


def test_torchvision_is_given_its_own_tensors(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {
        kind.__name__: partial(Tensor.as_subclass, cls=kind) for kind in (Image, Mask)
    }
    module = SimpleNamespace(tv_tensors=SimpleNamespace(**own))
    monkeypatch.setitem(sys.modules, "torchvision", module)

    def transform(*given: Tensor) -> Any:
        assert [type(tensor) for tensor in given] == [Image, Mask]
        return given

    item = TileDataset(root, TILER, transform=transform)[0]
    assert type(item["image"]) is type(item["mask"]) is Tensor


@pytest.mark.skipif(
    not find_spec("torchvision"), reason="needs torchvision: pip install torchvision"
)
def test_a_transform_of_torchvision_sees_image_and_mask(root: Path) -> None:
    from torchvision.transforms import v2  # noqa: PLC0415

    flip = v2.Compose([v2.RandomHorizontalFlip(p=1), v2.RandomCrop(20)])
    plain, data = TileDataset(root, TILER), TileDataset(root, TILER, transform=flip)
    index = next(n for n in range(len(plain)) if plain[n]["label"])
    marked, item = plain[index], data[index]
    assert item["image"].shape == (3, 20, 20)
    assert item["mask"].shape == (20, 20)
    both = torch.cat([marked["image"], marked["mask"][None].byte()]).flip(2)
    found = torch.cat([item["image"], item["mask"][None].byte()])
    windows = (
        both.unfold(1, 20, 1).unfold(2, 20, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
    )
    assert any(torch.equal(window, found) for window in windows)


@pytest.mark.skipif(
    not find_spec("albumentations"),
    reason="needs albumentations: pip install albumentations",
)
def test_a_transform_of_albumentations_is_repeated(root: Path) -> None:
    import albumentations  # noqa: PLC0415

    chance = albumentations.Compose([albumentations.RandomCrop(20, 20)])
    data = TileDataset(root, TILER, transform=chance)
    assert alike(data[7], data[7])
    assert data[7]["image"].shape == (3, 20, 20)
    crops = [data[n]["image"] for n in range(9)]
    corners = {tuple(crop[:, 0, 0].tolist()) for crop in crops}
    assert len(corners) > 5


# Random tiles as a module.


def test_random_tiles_of_images_and_masks() -> None:
    images = torch.arange(2 * 3 * 70 * 90.0).reshape(2, 3, 70, 90)
    masks = torch.zeros(2, 70, 90)
    masks[1, 50, 60] = 1
    cut = torch.nn.Sequential(RandomTiles(reftiler.torch.Tiler(32), 6))
    torch.manual_seed(1)
    tiles = cut(images)
    torch.manual_seed(1)
    assert torch.equal(cut(images), tiles)
    assert not torch.equal(cut(images), tiles)
    assert tiles.shape == (12, 3, 32, 32)
    corners = tiles[:, 0, 0, 0]
    assert len(set(corners.tolist())) > 6
    assert (corners[:6] < 70 * 90).all()
    assert (corners[6:] >= 3 * 70 * 90).all()

    cut_inside = RandomTiles(Tiler(32, pad_value=9), 6, align=2, share=1)
    tiles, marked = cut_inside(images, masks)
    assert marked.shape == (12, 32, 32)
    assert marked.flatten(1).sum(1).tolist() == [0.0] * 6 + [1.0] * 6
    where = marked[6:].flatten(1).argmax(1)
    at = tiles[6:, 0].flatten(1).gather(1, where[:, None])[:, 0]
    assert (at == images[1, 0, 50, 60]).all()
    channels = cut_inside(images, masks[:, None])[1]
    assert channels.shape == (12, 1, 32, 32)
    assert cut_inside(images[0, 0], masks[0])[1].shape == (6, 32, 32)
    aligned = RandomTiles(Tiler(28, align=14), 20)(images[0, :1])[:, 0, 0, 0]
    assert (aligned // 90 % 14 == 0).all()
    assert (aligned % 90 % 14 == 0).all()
    last = RandomTiles(Tiler(32, channels_last=True), 2, share=0.5)
    tiles, marked = last(images.permute(0, 2, 3, 1), masks)
    assert tiles.shape == (4, 32, 32, 3)
    assert marked.shape == (4, 32, 32)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda cut, images: cut(images), TilingError, "share= needs masks"),
        (
            lambda cut, images: cut(images, torch.zeros(2, 90, 70)),
            TilingError,
            r"mask is \(90, 70\), its image \(70, 90\)",
        ),
        (
            lambda cut, images: cut(images, torch.zeros(3, 70, 90)),
            TilingError,
            "got 3 masks of 2 images",
        ),
        (
            lambda cut, images: cut(images, np.zeros((2, 70, 90))),
            TypeError,
            "mask must be",
        ),
        (lambda *_: RandomTiles(TILER, 0), TilingError, "count must be at least 1"),
        (lambda *_: RandomTiles(TILER, 1, share=3), TilingError, "share must be from"),
        (lambda *_: RandomTiles(32, 1), TypeError, "tiler must be a Tiler"),  # type: ignore[arg-type]
    ],
)
def test_random_tiles_refuse_what_does_not_fit(
    call: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call(RandomTiles(Tiler(32), 6, share=0.5), torch.zeros(2, 3, 70, 90))
