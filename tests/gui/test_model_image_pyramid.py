"""Pixels by region and level: exact at every level, mapped, never through a copy."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from reftiler import TilingError
from reftiler.io import ReadOptions, open_image, write_image
from reftiler_gui.model.file_pixels import FilePixels
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.picture import largest_halved, mean_halved
from reftiler_gui.model.steps import finish

RNG = np.random.default_rng(0)


def parts(pixels: NDArray[np.uint32]) -> NDArray[Any]:
    """Return alpha, red, green and blue."""
    shifts = np.array([24, 16, 8, 0], np.uint32)
    return (pixels[..., np.newaxis] >> shifts) & 255


class TestRegion:
    @pytest.mark.parametrize("channels", [None, 1, 3])
    def test_bytes_are_shown_as_they_are(self, channels: int | None) -> None:
        shape = (9, 7) if channels is None else (9, 7, channels)
        image = RNG.integers(0, 256, shape, np.uint8)
        shown = parts(ImagePyramid(image).region(0, (2, 8), (1, 6)))
        want = np.broadcast_to(image.reshape(9, 7, -1)[2:8, 1:6], (6, 5, 3))
        assert (shown[..., 0] == 255).all()
        assert (shown[..., 1:] == want).all()

    def test_alpha_is_multiplied_in(self) -> None:
        image = np.array([[[200, 100, 0, 255], [200, 100, 50, 51]]], np.uint8)
        source = ImagePyramid(image, alpha=True)
        assert source.has_alpha
        assert parts(source.region(0, (0, 1), (0, 2))).tolist() == [
            [[255, 200, 100, 0], [51, 40, 20, 10]]
        ]

    def test_a_fourth_channel_is_alpha_only_where_it_is_said(
        self, tmp_path: Path
    ) -> None:
        image = RNG.integers(0, 256, (9, 7, 4), np.uint8)
        np.save(tmp_path / "nir.npy", image)
        write_image(tmp_path / "alpha.png", image)
        shown = ImagePyramid.open(tmp_path / "nir.npy")
        pixels = parts(shown.region(0, (0, 9), (0, 7)))
        assert not shown.has_alpha
        assert (pixels[..., 0] == 255).all()
        assert (pixels[..., 1:] == image[..., :3]).all()
        assert ImagePyramid.open(tmp_path / "alpha.png").has_alpha

    @pytest.mark.parametrize(
        ("values", "limits", "shown"),
        [
            (np.array([1000, 2000, 3000], np.uint16), (1000, 3000), [0, 128, 255]),
            (np.array([7.0, 7.0]), (7, 8), [0, 0]),
            (
                np.array([0, 0.5, 1, np.nan, np.inf, -np.inf], np.float32),
                (0, 1),
                [0, 128, 255, 0, 255, 0],
            ),
        ],
        ids=["uint16", "even", "odd"],
    )
    def test_the_range_of_the_data_is_shown(
        self, values: NDArray[Any], limits: tuple[float, float], shown: list[int]
    ) -> None:
        source = ImagePyramid(values[np.newaxis])
        assert (source.low, source.high) == limits
        pixels = parts(source.region(0, (0, 1), (0, values.size)))
        assert pixels[0, :, 1].tolist() == shown

    def test_bools_are_black_and_white_and_their_means_grey(self) -> None:
        image = np.zeros((512, 512), dtype=bool)
        image[:, ::2] = True
        source = ImagePyramid(image)
        assert parts(source.region(0, (0, 1), (0, 2)))[0, :, 1].tolist() == [255, 0]
        finish(source.build())
        assert parts(source.region(1, (0, 1), (0, 2)))[0, :, 1].tolist() == [128, 128]
        assert source.value(0, 0) == (True,)

    def test_byte_order_does_not_show(self) -> None:
        image = RNG.integers(0, 60000, (20, 20), np.uint16)
        shown = [
            ImagePyramid(image.astype(order)).region(0, (0, 20), (0, 20))
            for order in ("<u2", ">u2")
        ]
        assert (shown[0] == shown[1]).all()

    def test_what_is_no_picture_is_refused(self) -> None:
        for array in (np.zeros(3), np.zeros((0, 3)), np.zeros((2, 2), complex)):
            with pytest.raises(TilingError, match="not a picture"):
                ImagePyramid(array)

    def test_values_are_the_images_own(self) -> None:
        source = ImagePyramid(np.arange(24, dtype=np.uint16).reshape(2, 4, 3))
        assert source.value(1, 2) == (18, 19, 20)
        assert source.value(2, 0) is None
        assert source.value(0, -1) is None


class TestLevels:
    @pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32"])
    @pytest.mark.parametrize("shape", [(8, 6), (7, 5, 3), (1, 9)])
    def test_a_half_is_the_mean_of_four(
        self, dtype: str, shape: tuple[int, ...]
    ) -> None:
        image = RNG.integers(0, 120, shape).astype(dtype)
        half = mean_halved(image)
        padded = np.pad(
            image.astype(float),
            [(0, shape[0] % 2), (0, shape[1] % 2)] + [(0, 0)] * (len(shape) - 2),
            mode="edge",
        )
        means = sum(padded[i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
        assert half.dtype == image.dtype
        assert np.abs(half - means).max() <= (0 if dtype == "float32" else 0.5)

    def test_extremes_do_not_overflow(self) -> None:
        for dtype in (np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.uint64):
            limit = np.iinfo(dtype).max
            assert mean_halved(np.full((2, 2), limit, dtype))[0, 0] == float(limit)

    def test_single_pixels_are_shown_until_a_level_is_built(self) -> None:
        image = RNG.integers(0, 256, (600, 500), np.uint8)
        source = ImagePyramid(image)
        assert source.levels == 4
        assert not source.ready(2)
        before = parts(source.region(2, (0, 150), (0, 125)))[..., 1]
        assert (before == image[::4, ::4]).all()
        shares = list(source.build())
        assert shares[-1] == 1.0
        after = parts(source.region(2, (0, 150), (0, 125)))[..., 1]
        assert source.ready(2)
        assert (after == mean_halved(mean_halved(image))).all()

    def test_a_cancelled_build_can_be_taken_up_again(self) -> None:
        source = ImagePyramid(np.full((4096, 2048), 9, np.uint8))
        work = source.build()
        next(work)
        work.close()
        assert not source.ready(1)
        finish(source.build())
        assert all(source.ready(level) for level in range(source.levels))

    def test_the_level_has_pixels_no_larger_than_the_screens(self) -> None:
        source = ImagePyramid(np.zeros((4096, 4096), np.uint8))
        zooms = (8, 1, 0.9, 0.5, 0.3, 0.25, 0.001)
        assert [source.level(zoom) for zoom in zooms] == [0, 0, 0, 1, 1, 2, 5]

    def test_large_images_keep_no_first_level(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("reftiler_gui.model.image_pyramid._LARGE", 1000)
        image = RNG.integers(0, 256, (517, 611, 3), np.uint8)
        source = ImagePyramid(image)
        assert source.ready(1)
        assert not source.ready(2)
        whole = parts(source.region(1, (0, 259), (0, 306)))[..., 1:]
        assert (whole == mean_halved(image)).all()
        finish(source.build())
        quarter = parts(source.region(2, (0, 130), (0, 153)))[..., 1:]
        assert (quarter == mean_halved(mean_halved(image))).all()


class TestOpening:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = partial(open_image, whole=1000)
        monkeypatch.setattr("reftiler_gui.model.image_pyramid.open_image", opened)

    def test_plain_files_are_mapped(self, tmp_path: Path) -> None:
        image = RNG.integers(0, 60000, (40, 30, 3)).astype(np.uint16)
        np.save(tmp_path / "a.npy", image)
        tifffile.imwrite(tmp_path / "b.tif", image, photometric="rgb")
        tifffile.imwrite(tmp_path / "c.tif", image, photometric="rgb", byteorder=">")
        for name in ("a.npy", "b.tif", "c.tif"):
            source = ImagePyramid.open(tmp_path / name)
            on_disk = isinstance(source.array, FilePixels)
            assert on_disk == (name != "c.tif"), name  # in other byte order
            assert (np.asarray(source.array) == image).all()
            assert source.value(3, 4) == tuple(image[3, 4].tolist())

    @pytest.mark.parametrize("shape", [(40, 30, 3), (40, 30)])
    def test_pixels_of_a_file_are_read_as_those_of_an_array(
        self, tmp_path: Path, shape: tuple[int, ...]
    ) -> None:
        image = RNG.integers(0, 60000, shape).astype(np.uint16)
        np.save(tmp_path / "a.npy", image)
        pixels = ImagePyramid.open(tmp_path / "a.npy").array
        assert isinstance(pixels, FilePixels)
        for index in (
            np.s_[3, 4],
            np.s_[-1, -30],
            np.s_[5],
            np.s_[2:40:7, 3:29:5],
            np.s_[35:99, :],
            np.s_[:, 7],
            np.s_[4:4, 2:9],
            np.s_[4:9, 9:2],
            np.s_[3:9, 4:8, ...] if len(shape) == 2 else np.s_[3:9, 4:8, 1],
        ):
            assert np.array_equal(pixels[index], image[index]), index
        for index in (np.s_[40, 0], np.s_[0, 30]):
            with pytest.raises(IndexError):
                pixels[index]

    @pytest.mark.parametrize("page", [None, 2])
    def test_channels_first_and_stacks_are_not_copied(
        self, tmp_path: Path, page: int | None
    ) -> None:
        stored = RNG.integers(0, 60000, (3, 40, 50)).astype(np.uint16)
        np.save(tmp_path / "a.npy", stored)
        axes = "CYX" if page is None else "KYX"
        source = ImagePyramid.open(tmp_path / "a.npy", ReadOptions(page, axes=axes))
        want = stored.transpose(1, 2, 0) if page is None else stored[page]
        assert isinstance(source.array, FilePixels)
        assert source.value(3, 4) == tuple(np.ravel(want[3, 4]).tolist())
        for index in (np.s_[:], np.s_[5:30:3, 7:40], np.s_[4:9, 3]):
            assert np.array_equal(source.array[index], want[index])
        assert (source.reduced(0) == want).all()

    def test_other_files_are_read(self, tmp_path: Path) -> None:
        image = RNG.integers(0, 256, (60, 50), np.uint8)
        for name in ("a.png", "b.tif"):  # the TIFF is compressed
            write_image(tmp_path / name, image)
            source = ImagePyramid.open(tmp_path / name)
            assert isinstance(source.array, np.ndarray)
            assert (source.array == image).all()
        np.save(tmp_path / "small.npy", image[:10])
        small = ImagePyramid.open(tmp_path / "small.npy")
        assert isinstance(small.array, np.ndarray)

    def test_damaged_files_have_a_sentence(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.zeros((90, 90), np.uint8))
        whole = (tmp_path / "a.npy").read_bytes()
        contents = {
            "cut.npy": whole[:2000],
            "objects.npy": whole.replace(b"|u1", b"|O "),
            "empty.png": b"",
            "text.png": b"no picture" * 500,
            "cut.tif": b"II*\0" + bytes(3000),
        }
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(TilingError, match=f"cannot read .*{name}"):
                ImagePyramid.open(tmp_path / name)
        with pytest.raises(TilingError, match=r"cannot read .*gone.png: No such file"):
            ImagePyramid.open(tmp_path / "gone.png")


def test_a_huge_mapped_image_is_shown_at_once_and_takes_no_memory(
    tmp_path: Path,
) -> None:
    path = tmp_path / "huge.npy"  # a sparse file: it takes no room on the disk either
    np.lib.format.open_memmap(path, "w+", np.uint8, (16384, 16384, 3)).flush()
    before = own_megabytes()
    source = ImagePyramid.open(path)
    level = source.level(800 / 16384)
    height, width = source.level_size(level)
    fit = source.region(level, (0, height), (0, width))
    near = source.region(0, (8000, 8800), (8000, 9280))
    assert isinstance(source.array, FilePixels)
    assert (fit.shape, near.shape) == ((1024, 1024), (800, 1280))
    assert own_megabytes() - before < 60


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_open_file_may_be_cut_short(tmp_path: Path, order: str) -> None:
    """Were it mapped, the first pixel read would end the process."""
    path = tmp_path / "large.npy"
    image = RNG.integers(0, 256, (4096, 4096), np.uint8)
    np.save(path, np.asarray(image, order=order))  # type: ignore[call-overload]
    opened = partial(open_image, whole=1000)
    with patch("reftiler_gui.model.image_pyramid.open_image", opened):
        source = ImagePyramid.open(path)
    path.write_bytes(b"")
    shown = source.region(0, (4000, 4096), (4000, 4096))
    if order == "F":  # it was copied
        assert source.value(4095, 4095) == (image[4095, 4095],)
        return
    assert (shown == 0xFF000000).all()
    assert source.value(4095, 4095) is None
    with pytest.raises(TilingError, match="F5"):
        source.reduced(3)


def own_megabytes() -> float:
    """Return the memory that this process shares with no other; 0 if nobody knows."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    parts = [line.split()[1] for line in lines if line.startswith("Private")]
    return sum(map(int, parts)) / 1024


class TestMask:
    @pytest.mark.parametrize("shape", [(8, 8), (7, 5), (1, 3)])
    def test_a_half_is_marked_if_one_of_four_is(self, shape: tuple[int, int]) -> None:
        mask = RNG.random(shape) < 0.2
        padded = np.pad(mask, [(0, shape[0] % 2), (0, shape[1] % 2)])
        want = (
            padded[::2, ::2]
            | padded[1::2, ::2]
            | padded[::2, 1::2]
            | padded[1::2, 1::2]
        )
        assert (largest_halved(mask) == want).all()

    @pytest.mark.parametrize("zoom", [1.0, 0.9, 0.5, 0.33, 0.195, 0.01, 3.0])
    def test_no_pixel_vanishes_at_any_zoom(self, zoom: float) -> None:
        size = 512
        for row, column in RNG.integers(0, size, (40, 2)).tolist():
            mask = np.zeros((size, size), dtype=np.uint8)
            mask[row, column] = 255
            side = int(np.ceil(size * zoom)) + 1
            shown = MaskPyramid(mask).view(0, 0, zoom, side, side)
            y, x = np.nonzero(shown)
            assert y.size, (row, column)
            assert np.abs(y - (row + 0.5) * zoom).max() <= max(2.5, zoom)
            assert np.abs(x - (column + 0.5) * zoom).max() <= max(2.5, zoom)

    def test_beyond_the_image_nothing_is_marked(self) -> None:
        source = MaskPyramid(np.ones((4, 4), dtype=bool))
        shown = source.view(-2, -3, 1, 8, 9)
        assert shown[2:6, 3:7].all()
        assert shown.sum() == source.area == 16

    def test_enlarged_it_is_the_image_pixel_by_pixel(self) -> None:
        mask = RNG.random((5, 6)) < 0.5
        shown = MaskPyramid(mask).view(0, 0, 4, 20, 24)
        assert (shown == mask.repeat(4, 0).repeat(4, 1)).all()
