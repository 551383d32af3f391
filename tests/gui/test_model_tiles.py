"""Tiles as the viewer reads them: those of the library, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from reftiler import Tiler
from reftiler.errors import TilingError
from reftiler.padding import PAD_MODES
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.tiles import ImageTiles
from tests.gui.windows import known

RNG = np.random.default_rng(0)
SIZE = (53, 71)
FITTED = [
    *({"pad_mode": mode, "pad_side": "both"} for mode in PAD_MODES),
    *({"mode": mode} for mode in ("interpolation", "clamp", "even", "drop")),
]


def loaded(image: np.ndarray, mask: np.ndarray | None = None) -> LoadedImage:
    found = None if mask is None else MaskPyramid(mask)
    return LoadedImage(ImageItem("x"), ImagePyramid(image), found, "")


@pytest.mark.parametrize("settings", FITTED, ids=str)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_tile_is_the_librarys(
    settings: dict[str, str], channels: tuple[int, ...]
) -> None:
    tiler = Tiler((16, 20), (9, 12), remove_border_count=2, pad_value=7, **settings)  # type: ignore[arg-type]
    image = RNG.integers(0, 2**16, (*SIZE, *channels)).astype(np.uint16)
    mask = RNG.random(SIZE) < 0.1
    view = GridLookup(tiler.grid(SIZE))
    tiles = ImageTiles(loaded(image, mask), view)
    plain = Tiler((16, 20), (9, 12), channels_last=True, pad_value=7, **settings)  # type: ignore[arg-type]
    want = plain.tile(image)
    for k in range(len(view)):
        got = tiles.pixels(k)
        assert got.dtype == want.dtype
        assert np.array_equal(got, want[k])
        marked = tiles.mask(k)
        rows, columns = tiles.coordinates(k)
        inside = np.zeros((16, 20), bool)
        inside[np.ix_((rows >= 0) & (rows < 53), (columns >= 0) & (columns < 71))] = 1
        for (top, bottom), (left, right) in tiles.padding(k):
            assert not inside[top:bottom, left:right].any()
            inside[top:bottom, left:right] = True
        assert inside.all()
        assert marked is not None
        here = np.ix_(rows.clip(0, 52), columns.clip(0, 70))
        shown = tiles.coverage(k) > 0
        assert np.array_equal(marked.array[shown], mask[here][shown])


def test_random_tiles_are_the_librarys() -> None:
    tiler = Tiler((16, 20), channels_last=True)
    image = RNG.random((*SIZE, 4), np.float32)
    grid = tiler.random(SIZE, 9, 3)
    tiles = ImageTiles(loaded(image), GridLookup(grid))
    want = tiler.tile(image, grid=grid)
    assert all(np.array_equal(tiles.pixels(k), want[k]) for k in range(9))
    assert tiles.mask(0) is None


def test_labels_of_a_mask_keep_their_numbers() -> None:
    labels = np.zeros(SIZE, np.uint8)
    labels[2:5, 3:6], labels[40:44, 60:66] = 3, 7
    view = GridLookup(Tiler((16, 20), (16, 20)).grid(SIZE))
    whole = LoadedImage(ImageItem("x"), ImagePyramid(labels), MaskPyramid(labels), "")
    tile = known(ImageTiles(whole, view).mask(11))
    assert tile.labels == (3, 7)
    assert tile.label_at(40 - 32, 60 - 60) == 7
    assert tile.counts == (0, 24)


def test_what_a_merge_reads_is_the_border_and_padding_less() -> None:
    tiler = Tiler((16, 20), (9, 12), remove_border_count=2, pad_side="both")
    tiles = ImageTiles(loaded(np.zeros(SIZE)), GridLookup(tiler.grid(SIZE)))
    assert tiles.merged_part(8) == ((2, 14), (2, 18))
    first = tiles.merged_part(0)
    assert (first[0][1], first[1][1]) == (14, 18)
    assert (first[0][0], first[1][0]) == tuple(pad[0] for pad in tiles.view.padding)


def test_a_pad_value_that_the_image_cannot_hold_is_refused() -> None:
    view = GridLookup(Tiler((16, 20), (9, 12), pad_value=300).grid(SIZE))
    with pytest.raises(TilingError, match="pad_value"):
        ImageTiles(loaded(np.zeros(SIZE, np.uint8)), view)
