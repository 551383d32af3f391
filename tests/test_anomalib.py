"""The drop-in against anomalib's documented behaviour; anomalib is not needed.

What is expected stands here by hand, or is what `reftiler.Tiler` makes of arrays.
The rows of its table have their tests in `test_anomalib_table`.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import reftiler
from reftiler import Grid, TilingError
from reftiler.anomalib import (
    ImageUpscaleMode,
    StrideSizeError,
    Tiler,
    compute_new_image_size,
    downscale_image,
    tiler_configuration_callback,
    upscale_image,
)
from tests.dropin import DTYPES, MODES, SIZES, merged, numbered, plain, same

# Names, signatures, attributes.


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (Tiler.__init__, "self tile_size stride remove_border_count mode"),
        (Tiler.tile, "self image use_random_tiling"),
        (Tiler.untile, "self tiles"),
        (Tiler.validate_size_type, "parameter"),
        (compute_new_image_size, "image_size tile_size stride"),
        (upscale_image, "image size mode"),
        (downscale_image, "image size mode"),
    ],
)
def test_signatures_begin_with_those_of_anomalib(
    function: Callable[..., Any], names: str
) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    known = names.split()
    assert [p.name for p in parameters[: len(known)]] == known
    for added in parameters[len(known) :]:
        assert added.default is not inspect.Parameter.empty


def test_attributes_of_construction() -> None:
    tiler = Tiler((6, 8), (3, 6), 1, ImageUpscaleMode.INTERPOLATION)
    assert (tiler.tile_size_h, tiler.tile_size_w) == (6, 8)
    assert (tiler.stride_h, tiler.stride_w) == (3, 6)
    assert tiler.overlapping is True
    assert tiler.remove_border_count == 1
    assert tiler.mode is ImageUpscaleMode.INTERPOLATION
    assert tiler.random_tile_count == 4
    assert Tiler(8, 8).overlapping is False
    assert bool(tiler)  # models ask "if self.tiler"
    plain = Tiler(8)
    assert (plain.stride_w, plain.remove_border_count) == (8, 0)
    assert plain.mode is ImageUpscaleMode.PADDING


LATER = [
    *("batch_size", "num_channels", "input_h", "input_w", "pad_h", "pad_w"),
    *("resized_h", "resized_w", "num_patches_h", "num_patches_w"),
]


def test_other_attributes_come_with_the_first_tile() -> None:
    tiler = Tiler(4, 3)
    for name in (*LATER, "grid"):
        assert not hasattr(tiler, name)
    tiler.tile(torch.zeros(2, 3, 9, 12))
    assert [getattr(tiler, name) for name in LATER] == [2, 3, 9, 12, 1, 1, 10, 13, 3, 4]
    tiler.mode = ImageUpscaleMode.INTERPOLATION
    tiler.tile(torch.zeros(3, 9, 12))
    assert [getattr(tiler, name) for name in LATER] == [1, 3, 9, 12, 0, 0, 10, 13, 3, 4]


def test_changed_attributes_take_effect() -> None:
    tiler, image = Tiler(4, 4), numbered(1, 1, 8, 8)
    tiler.stride_h = tiler.stride_w = 2
    tiler.mode = "interpolation"  # type: ignore[assignment] # as texts pass elsewhere
    assert same(tiler.tile(image), plain(image, 4, 2, "interpolation"))
    assert repr(tiler) == (
        "Tiler(tile_size=(4, 4), stride=(2, 2), remove_border_count=0, "
        "mode='interpolation')"
    )


def test_the_enum_is_a_text() -> None:
    assert [mode.value for mode in ImageUpscaleMode] == ["padding", "interpolation"]
    assert ImageUpscaleMode("padding") is ImageUpscaleMode.PADDING
    assert ImageUpscaleMode.PADDING == "padding"  # type: ignore[comparison-overlap]


class Theirs(str, Enum):
    """anomalib's enum, as far as this package can see it."""

    PADDING = "padding"
    INTERPOLATION = "interpolation"


@pytest.mark.parametrize("mode", ["interpolation", Theirs.INTERPOLATION])
def test_modes_by_text_and_of_the_other_enum(mode: Any) -> None:
    assert Tiler(4, mode=mode).mode is ImageUpscaleMode.INTERPOLATION


# Cutting and merging as documented.


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("size", "tile", "stride"), SIZES)
def test_tiles_and_merges_as_the_reference(
    size: tuple[int, int], tile: tuple[int, int], stride: tuple[int, int], mode: str
) -> None:
    image = numbered(2, 3, *size)
    tiler = Tiler(tile, stride, mode=mode)
    tiles = tiler.tile(image)
    assert same(tiles, plain(image, tile, stride, mode))
    assert same(tiler.untile(tiles), image)
    noise = torch.rand(tiles.shape, generator=torch.Generator().manual_seed(0))
    assert same(tiler.untile(noise), merged(noise, image.shape, tile, stride, mode))


def test_one_image_comes_back_as_a_batch() -> None:
    image, tiler = numbered(3, 5, 6), Tiler(4, 2)
    assert same(tiler.untile(tiler.tile(image)), image[None])


class Listing(Sequence[int]):
    """What omegaconf's ListConfig is to this package: a sequence, no list."""

    def __init__(self, *items: int) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]


def listings() -> Iterator[Any]:
    yield from ([6, 4], (6, 4), Listing(6, 4), np.array([6, 4]))
    yield [np.int64(6), np.uint8(4)]
    if find_spec("omegaconf"):
        yield import_module("omegaconf").ListConfig([6, 4])


@pytest.mark.parametrize("size", list(listings()))
def test_sizes_of_any_sequence(size: Any) -> None:
    tiler = Tiler(size, size)
    assert (tiler.tile_size_h, tiler.tile_size_w) == (6, 4)
    assert (tiler.stride_h, tiler.stride_w) == (6, 4)
    assert type(tiler.tile_size_h) is type(tiler.stride_w) is int
    assert Tiler.validate_size_type(size) == (6, 4)
    assert Tiler.validate_size_type(3) == (3, 3)


# Helpers.


@pytest.mark.parametrize(
    ("image", "tile", "stride", "new"),
    [
        ((512, 512), (256, 256), (128, 128), (512, 512)),
        ((512, 512), (222, 222), (111, 111), (555, 555)),
        ((9, 12), (4, 4), (3, 2), (10, 12)),
    ],
)
def test_new_image_size(image: Any, tile: Any, stride: Any, new: Any) -> None:
    assert compute_new_image_size(image, tile, stride) == new
    assert compute_new_image_size(Listing(*image), list(tile), stride) == new


def test_padding_is_zeros_at_the_end() -> None:
    large = upscale_image(torch.ones(1, 1, 2, 2), (3, 4))
    assert large[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_interpolation_repeats_pixels() -> None:
    row = upscale_image(numbered(1, 1, 1, 3), (1, 5), "interpolation")
    assert row.flatten().tolist() == [0, 0, 1, 1, 2]  # ⌊3j / 5⌋


@pytest.mark.parametrize("mode", [*MODES, *ImageUpscaleMode])
@pytest.mark.parametrize("dtype", DTYPES)
def test_downscale_undoes_upscale(mode: Any, dtype: str) -> None:
    image = numbered(2, 3, 5, 7, dtype=dtype)
    large = upscale_image(image, (8, 7), mode)
    assert large.dtype == image.dtype
    assert large.shape == (2, 3, 8, 7)
    assert torch.equal(downscale_image(large, (5, 7), mode), image)


# Bad input.


WRONG: Any = Tiler
BLANK = torch.zeros(1, 1, 8, 8)
TILE = BLANK[..., :4, :4]
CLAMPED = reftiler.Tiler(4, mode="clamp").grid((4, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Tiler(4, 5), StrideSizeError, "stride"),
        (lambda: Tiler((4, 4), (4, 5)), StrideSizeError, "stride"),
        (lambda: Tiler(4, mode="pad"), ValueError, "padding.*interpolation.*'pad'"),
        (lambda: WRONG(4, mode=None), ValueError, "None"),
        (lambda: Tiler(4, 2, -1), ValueError, "remove_border_count"),
        (lambda: WRONG(4, 2, 1.0), TypeError, "remove_border_count"),
        (lambda: Tiler(4, seed=-1), ValueError, "seed"),
        (lambda: Tiler(4, seed=2**64), ValueError, "seed"),
        (lambda: WRONG(4, fill="0"), TypeError, "fill"),
        (lambda: Tiler(4).tile(BLANK[0, 0]), ValueError, r"\(8, 8\)"),
        (lambda: Tiler(4).tile(BLANK[None]), ValueError, "image"),
        (lambda: WRONG(4).tile(np.zeros((1, 8, 8))), TypeError, "ndarray"),
        (lambda: Tiler(4).tile(BLANK[:0]), ValueError, "empty"),
        (lambda: WRONG(4).untile(np.zeros((1, 1, 4, 4))), TypeError, "ndarray"),
        (lambda: Tiler(4).untile(TILE[0]), ValueError, "tiles"),
        (lambda: WRONG(4).untile(TILE, "grid"), TypeError, "Grid"),
        (lambda: Tiler(4).untile(TILE, CLAMPED), ValueError, "clamp"),
        (
            lambda: Tiler(4).untile(TILE, reftiler.Tiler([4]).grid([4])),
            ValueError,
            "settings",
        ),
        (lambda: upscale_image(BLANK, (9, 7)), ValueError, "exceeds"),
        (lambda: downscale_image(BLANK, (9, 7)), ValueError, "exceeds"),
        (lambda: upscale_image(BLANK[0], (9, 9)), ValueError, "N, C"),
        (lambda: upscale_image(BLANK, (9, 9), "nearest"), ValueError, "nearest"),
        (lambda: compute_new_image_size((8,), (4, 4), (2, 2)), ValueError, "image"),
        (lambda: compute_new_image_size((8, 8), (4, 4), (0, 2)), ValueError, "stride"),
    ],
)
def test_bad_input(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_batch_of_tiles_with_one_missing() -> None:
    tiler = Tiler(4, 2)
    tiles = tiler.tile(torch.zeros(2, 1, 8, 8))
    with pytest.raises(TilingError, match=r"got 17 tiles.*18 \(2 × 9\)"):
        tiler.untile(tiles[1:])


# In models.


class Model(torch.nn.Module):
    """Cuts, convolves to a quarter of the resolution, merges: as anomalib's models."""

    def __init__(self, tiler: Tiler | None) -> None:
        super().__init__()
        self.tiler = tiler
        self.layer = torch.nn.Conv2d(3, 2, 4, stride=4)

    def forward(self, image: Any) -> Any:
        if self.tiler:
            image = self.tiler.tile(image)
        maps = self.layer(image)
        if self.tiler:
            maps = self.tiler.untile(maps)
        return maps


def trained(tiler: Tiler | None) -> Any:
    torch.manual_seed(0)
    return Model(tiler)


def test_a_model_sees_the_same_pixels_with_and_without_tiles() -> None:
    # A kernel as large as its stride never looks beyond a tile.
    image = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    for tiler in (Tiler(16, 8), Tiler(16), Tiler(16, 8, remove_border_count=4)):
        results, gradients = [], []
        for used in (tiler, None):
            model = trained(used)
            result = model(image)
            result.square().sum().backward()
            results.append(result)
            gradients.append(model.layer.weight.grad)
        torch.testing.assert_close(*results)
        # torch adds gradients up in another order, in float32
        torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_gradients(mode: str) -> None:
    tiler = Tiler((4, 3), (2, 2), mode=mode)
    image = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)

    def through(image: Any) -> Any:
        return tiler.untile(tiler.tile(image) ** 2)

    assert torch.autograd.gradcheck(through, (image,))


def pickled(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, pickled])
def test_copies_of_models(copied: Callable[[Any], Any]) -> None:
    model = trained(Tiler(16, 8))
    image = torch.rand(1, 3, 32, 32)
    expected = model(image)
    maps = model.layer(model.tiler.tile(image))
    other = copied(model)
    assert torch.equal(other.tiler.untile(maps), expected)  # it has the last call too
    assert other.tiler.input_h == 32
    assert torch.equal(other(image), expected)


def test_a_copy_is_on_its_own() -> None:
    tiler = Tiler(4)
    tiler.tile(torch.zeros(1, 1, 8, 8))
    other = copy.deepcopy(tiler)
    other.tile(torch.zeros(1, 1, 12, 12))
    assert (tiler.input_h, other.input_h) == (8, 12)
    pristine = pickled(Tiler(4))
    assert not hasattr(pristine, "input_h")


def test_a_copy_goes_on_with_the_random_tiles() -> None:
    tiler, image = Tiler(4), numbered(1, 1, 64, 64)
    first = tiler.tile(image, True)
    other = copy.deepcopy(tiler)
    assert torch.equal(other.untile(first), tiler.untile(first))
    assert torch.equal(tiler.tile(image, True), other.tile(image, True))
    assert not torch.equal(first, other.tile(image, True))


@pytest.mark.long
@pytest.mark.parametrize("size", [(32, 32), (30, 27)])
def test_export_for_any_batch(size: tuple[int, int]) -> None:
    model = trained(Tiler(16, 8)).eval()
    image = torch.rand(2, 3, *size)
    batch = ({0: torch.export.Dim("batch", min=1, max=64)},)
    program = torch.export.export(model, (image,), dynamic_shapes=batch).module()
    for count in (2, 5):
        image = torch.rand(count, 3, *size)
        assert torch.equal(program(image), model(image))


class Ensemble(Tiler):
    """A subclass that knows the image beforehand, as anomalib's ensemble has one."""

    def __init__(self, size: int) -> None:
        super().__init__(tile_size=4, stride=2)
        self.input_h, self.input_w = self.validate_size_type(size)
        self.resized_h, self.resized_w = compute_new_image_size(
            (self.input_h, self.input_w), (4, 4), (2, 2)
        )
        self.num_patches_h = self.num_patches_w = (self.resized_h - 4) // 2 + 1

    def tile(self, image: Any, use_random_tiling: bool = False) -> Any:
        tiles = super().tile(image, use_random_tiling)
        counts = (self.batch_size, self.num_patches_h, self.num_patches_w)
        return tiles.reshape(*counts, self.num_channels, 4, 4).permute(1, 2, 0, 3, 4, 5)

    def untile(self, tiles: Any, grid: Grid | None = None) -> Any:
        self.batch_size = tiles.shape[2]
        return super().untile(tiles.permute(2, 0, 1, 3, 4, 5).flatten(0, 2), grid)


def test_a_subclass_that_sets_the_attributes() -> None:
    image = numbered(3, 2, 7, 7)
    tiles = Ensemble(7).tile(image)
    assert tiles.shape == (3, 3, 3, 2, 4, 4)
    other = Ensemble(7)  # which never cut anything
    assert other.num_patches_h == 3
    assert same(other.untile(tiles), image)
    assert same(other.untile(tiles[:, :, :2]), image[:2])
    other.tile(image)
    assert same(other.untile(tiles[:, :, :1]), image[:1])
    assert other.batch_size == 1


# The callback.


class Callback:
    """anomalib's callback, as far as this package can see it."""

    def __init__(
        self,
        enable: bool = False,
        tile_size: Any = 256,
        stride: Any = None,
        remove_border_count: int = 0,
        mode: Any = "padding",
    ) -> None:
        self.enable, self.tile_size, self.stride = enable, tile_size, stride
        self.remove_border_count, self.mode = remove_border_count, mode

    def setup(self, trainer: Any, pl_module: Any, stage: str | None = None) -> None:
        raise NotImplementedError


@pytest.fixture
def anomalib(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("anomalib.callbacks")
    module.TilerConfigurationCallback = Callback  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "anomalib", ModuleType("anomalib"))
    monkeypatch.setitem(sys.modules, "anomalib.callbacks", module)
    monkeypatch.delitem(sys.modules, "reftiler.anomalib.callback", raising=False)


def lightning(**attributes: Any) -> Any:
    return SimpleNamespace(model=SimpleNamespace(**attributes))


@pytest.mark.usefixtures("anomalib")
def test_the_callback_sets_the_tiler() -> None:
    callback = tiler_configuration_callback(True, [8, 6], [4, 3], 1, "interpolation")
    assert isinstance(callback, Callback)
    module = lightning(tiler=None)
    callback.setup(None, module, stage="fit")
    want = Tiler([8, 6], [4, 3], 1, "interpolation")
    assert repr(module.model.tiler) == repr(want)
    tiler_configuration_callback().setup(None, module)
    assert repr(module.model.tiler) == repr(want)  # as it was
    callback = tiler_configuration_callback(enable=True)
    callback.setup(None, module)
    assert repr(module.model.tiler) == repr(Tiler(256))
    for other in (lightning(), SimpleNamespace()):
        with pytest.raises(ValueError, match="does not support tiling"):
            callback.setup(None, other)


def test_the_callback_alone_needs_anomalib(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("anomalib", "anomalib.callbacks"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "reftiler.anomalib.callback", raising=False)
    with pytest.raises(ImportError, match="needs anomalib: pip install"):
        tiler_configuration_callback()


@pytest.mark.long
def test_the_import_loads_no_anomalib() -> None:
    probe = (
        "import sys; from reftiler.anomalib import Tiler; "
        "print({n.partition('.')[0] for n in sys.modules} & "
        "{'anomalib', 'lightning', 'torchvision', 'omegaconf'})"
    )
    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"
