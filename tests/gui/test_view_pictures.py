"""Pictures that are painted like images: what was resized, and what differs."""

import numpy as np
import pytest

from reftiler.errors import TilingError
from reftiler.io import resize
from reftiler_gui.model import image_pyramid
from reftiler_gui.model.colors import COLORS, pixel, signed
from reftiler_gui.model.image_pyramid import ImagePyramid, ResizedImage
from reftiler_gui.model.picture import DifferencePyramid, mean_halved

RNG = np.random.default_rng(0)
WHITE = pixel(COLORS["white"])


def test_a_resized_pixel_is_as_large_as_what_it_covers() -> None:
    image = RNG.integers(0, 256, (96, 128, 3), np.uint8)
    picture = ResizedImage(ImagePyramid(image), (24, 16))
    small = ImagePyramid(resize(image, (24, 16))).region(0, (0, 24), (0, 16))
    want = small.repeat(4, axis=0).repeat(8, axis=1)
    assert np.array_equal(picture.region(0, (0, 96), (0, 128)), want)
    assert np.array_equal(picture.region(0, (10, 50), (3, 77)), want[10:50, 3:77])


@pytest.mark.parametrize("place", [(0, 0), (63, 99), (31, 50), (64, 100)])
@pytest.mark.parametrize("value", [-3.0, 3.0, np.nan])
def test_a_single_difference_is_seen_at_every_zoom(
    place: tuple[int, int], value: float
) -> None:
    difference = np.zeros((65, 101), np.float32)
    difference[place] = value
    picture = DifferencePyramid(difference, 3)
    for zoom in (4, 1, 0.9, 0.5, 0.3, 0.1, 0.02):
        level = picture.level(zoom)
        assert zoom * 2**level >= 1 or picture.level_size(level) == (1, 1)
        height, width = picture.level_size(level)
        shown = picture.region(level, (0, height), (0, width))
        assert np.count_nonzero(shown != WHITE) == 1
        assert shown[place[0] >> level, place[1] >> level] == signed(
            np.array([[value]]), 3
        )


def test_of_two_differences_the_larger_stays() -> None:
    picture = DifferencePyramid(np.array([[1.0, -2.0], [0.5, 0.0]]), 2)
    assert picture.region(1, (0, 1), (0, 1)) == signed(np.array([[-2.0]]), 2)


def waves(side: int) -> np.ndarray:
    """Return waves, fine and coarse, that resizing must average."""
    place = np.arange(side)
    lines = np.sin(place / 3.1) + np.sin(place / 97)
    whole = np.rint(127 + 30 * (lines[:, np.newaxis] + lines))
    return np.asarray(whole, np.uint8)


@pytest.mark.parametrize("goal", [(64, 48), (256, 256)])
def test_a_large_image_is_resized_from_its_pyramid(
    monkeypatch: pytest.MonkeyPatch, goal: tuple[int, int]
) -> None:
    image = waves(2048)
    plain = ResizedImage(ImagePyramid(image), goal)
    monkeypatch.setattr(image_pyramid, "RESIZED_LIMIT", 2**20)
    large = ResizedImage(ImagePyramid(image), goal)
    assert plain.mean == 1 < large.mean
    off = np.abs(large.small.array.astype(int) - plain.small.array)
    assert off.mean() < 2
    assert large.size == plain.size


def test_an_enormous_image_is_resized_too() -> None:
    enormous = np.broadcast_to(np.uint8(7), (2**14, 2**13))
    picture = ResizedImage(ImagePyramid(enormous), (256, 256))
    assert picture.mean > 1
    assert picture.size == enormous.shape
    assert set(np.unique(picture.small.array)) == {7}


def test_a_level_between_is_built_in_bands() -> None:
    image = RNG.integers(0, 256, (2**13 + 3, 2**13 + 5), np.uint8)
    source = ImagePyramid(image)
    whole = source.reduced(1)
    assert np.array_equal(whole[:70], mean_halved(image[:140]))
    assert np.array_equal(whole[-70:], mean_halved(image[-139:]))
    assert whole.shape == source.level_size(1)


def test_to_an_enormous_size_nothing_is_resized() -> None:
    with pytest.raises(TilingError, match="resize it to less"):
        ResizedImage(ImagePyramid(np.zeros((9, 9), np.uint8)), (10**6, 10**6))
