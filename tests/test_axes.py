"""Arrays as pictures: what their axes are, and which channels are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from reftiler import TilingError
from reftiler.io import open_image
from reftiler.io.axes import picture_axes, resolve_axes
from reftiler.io.info import ReadOptions
from reftiler_conformance.compare import same_bits

IMAGE = np.arange(30 * 20 * 5, dtype=np.uint16).reshape(30, 20, 5)


def shown(array: NDArray[Any], names: str, **options: Any) -> NDArray[Any]:
    """Read a whole picture, and check that a part of it is that part."""
    shape, read = picture_axes(
        names, array.shape, ReadOptions(**options), array.__getitem__
    )
    whole = np.asarray(read(tuple(slice(0, size) for size in shape)))
    assert whole.shape == shape
    part = (slice(2, 9), slice(5, 20), slice(shape[-1] // 2, shape[-1]))[: len(shape)]
    same_bits(np.array(read(part)), whole[part])
    return whole.copy()


@pytest.mark.parametrize(
    ("names", "order"),
    [
        ("YXC", (0, 1, 2)),
        ("cyx", (2, 0, 1)),
        ("SXY", (2, 1, 0)),
        ("TYZXC", (None, 0, None, 1, 2)),
        ("CTYX", (2, None, 0, 1)),
    ],
)
def test_channels_come_last(names: str, order: tuple[int | None, ...]) -> None:
    axes = [axis for axis in order if axis is not None]
    array = IMAGE.transpose(axes)
    for axis, one in enumerate(order):
        array = array if one is not None else np.expand_dims(array, axis)
    same_bits(shown(array, names), IMAGE)
    same_bits(shown(array, names, channels=(3, 0, 3)), IMAGE[..., [3, 0, 3]])
    same_bits(shown(array, names, channels=(2,)), IMAGE[..., 2])


def test_a_single_channel_stays_where_it_is_last() -> None:
    one = IMAGE[..., :1]
    same_bits(shown(one, "YXC"), one)
    same_bits(shown(one.transpose(2, 0, 1), "CYX"), one[..., 0])
    same_bits(shown(one[..., 0], "YX", channels=(0,)), one[..., 0])
    same_bits(shown(IMAGE[None], "SYXC"), IMAGE)


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        ("ZYX", {}, "not one picture: axes ZYX"),
        ("YXZ", {}, "not one picture"),
        ("YYX", {}, "not one picture"),
        ("TCX", {}, "not one picture"),
        ("YXC", {"channels": (0, 5)}, "5 channels, 0 to 4, got 5"),
        ("YXC", {"channels": (-1,)}, "got -1"),
        ("YXC", {"channels": ()}, "got none"),
    ],
)
def test_what_is_no_picture_is_refused(
    names: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(TilingError, match=words):
        picture_axes(names, IMAGE.shape, ReadOptions(**options), IMAGE.__getitem__)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((64, 80), "YX"),
        ((3, 80), "YX"),
        ((64, 80, 3), "YXC"),
        ((64, 80, 1), "YXC"),
        ((2, 80, 3), "YXC"),
        ((64, 80, 32), "YXC"),
        ((8, 8, 8), "YXC"),
    ],
)
def test_channels_are_last_where_nothing_speaks_against_it(
    shape: tuple[int, ...], axes: str
) -> None:
    assert resolve_axes(shape, ReadOptions()) == axes


@pytest.mark.parametrize(
    "shape", [(3, 64, 80), (1, 64, 80), (4, 8, 9), (10, 64, 80), (500, 64, 80)]
)
def test_what_looks_channels_first_is_asked_about(shape: tuple[int, ...]) -> None:
    with pytest.raises(TilingError, match="--axes CYX"):
        resolve_axes(shape, ReadOptions())
    assert resolve_axes(shape, ReadOptions(axes="cyx")) == "CYX"
    assert resolve_axes(shape, ReadOptions(axes="YXC")) == "YXC"
    channels_first = ReadOptions(axes="CYX")  # a mask beside such an image has none
    assert resolve_axes(shape[1:], channels_first) == "YX"


@pytest.mark.parametrize("axes", ["", "YXQ", "YXY", "CY", "TCZYX", "x" * 999])
def test_axes_must_fit(axes: str) -> None:
    with pytest.raises(TilingError, match="axes") as caught:
        resolve_axes((3, 64, 80), ReadOptions(axes=axes))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((64, 80), "YX"),
        ((1, 64, 80), "CYX"),
        ((3, 64, 80), "CYX"),
        ((64, 80, 3), "YXC"),
        ((64, 80, 14), "YXC"),
        ((512, 512, 200), "YXC"),
        ((9, 64, 64), "KYX"),
        ((500, 64, 64), "KYX"),
        ((9, 64, 64, 3), "KYXC"),
        ((9, 3, 64, 64), "KCYX"),
    ],
)
def test_axes_are_guessed_where_that_is_asked_for(
    shape: tuple[int, ...], axes: str
) -> None:
    assert resolve_axes(shape, ReadOptions(guess=True)) == axes


def test_a_page_picks_an_image_of_a_stack() -> None:
    stack = np.arange(3 * 2 * 30 * 20).reshape(3, 2, 30, 20)
    for page in range(6):
        same_bits(shown(stack, "TZYX", page=page), stack[page // 2, page % 2])
    same_bits(shown(stack, "KCYX", page=2), stack[2].transpose(1, 2, 0))
    same_bits(shown(stack, "TZYX", guess=True), stack[0, 0])
    for page in (6, -1):
        with pytest.raises(TilingError, match=f"6 images, 0 to 5.*no page {page}"):
            shown(stack, "TZYX", page=page)


def test_what_was_guessed_is_said(tmp_path: Path) -> None:
    for shape, words in (((3, 64, 80), "CYX"), ((7, 64, 64), "KYX"), ((64, 80), "")):
        np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
        info = open_image(tmp_path / "a.npy", ReadOptions(guess=True)).info
        assert [words in note for note in info.notes] == [True] * bool(words)
        assert info.pages == (7 if words == "KYX" else 1)
