"""LAYOUT: the axes of arrays."""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused


@api_clause("LAYOUT-004")
def test_ranks_of_images(api: Api) -> None:
    """An image of rank below R, or above R + 2, is refused by tile and by view."""
    for sides in ([4], [4, 4], [4, 4, 4]):
        tiler, rank = api.Tiler(sides), len(sides)
        for shape in ((8,) * (rank - 1), (1, 1, 1, *[8] * rank)):
            image = api.array(np.zeros(shape, np.float32))
            for verb in (tiler.tile, tiler.view):
                refused(f"an image {shape} for rank {rank}", verb, image)


@api_clause("LAYOUT-005")
def test_nothing(api: Api) -> None:
    """Images and tiles with no entries along an axis are refused."""
    for last in (False, True):
        tiler = api.Tiler(4, channels_last=last)
        images = [(0, 8, 8, 2), (1, 8, 8, 0), (8, 8, 0)]
        tiles = [(0, 4, 4, 2), (4, 4, 4, 0)]
        for shape in images if last else [(0, 2, 8, 8), (1, 0, 8, 8), (0, 8, 8)]:
            image = api.array(np.zeros(shape, np.float32))
            for verb in (tiler.tile, tiler.view):
                refused(f"an image {shape}", verb, image)
        for shape in tiles if last else [(0, 2, 4, 4), (4, 0, 4, 4)]:
            given = api.array(np.zeros(shape, np.float32))
            refused(f"tiles {shape}", tiler.untile, given, (8, 8))


@api_clause("LAYOUT-009")
def test_shape_of_the_image(api: Api) -> None:
    """Untile takes the image's shape: R to R + 2 positive ints."""
    tiler = api.Tiler((4, 3))
    tiles = api.array(np.arange(4 * 12, dtype=np.float32).reshape(4, 4, 3))
    for shape in ((8, 6), [8, 6], (3, 8, 6), (1, 3, 8, 6)):
        found = api.back(tiler.untile(tiles, shape)).shape
        assert found[-2:] == (8, 6), f"the shape {shape} gave {found}"
    lengths = ((), (8,), (48,), (1, 1, 3, 8, 6))
    sizes = ((0, 8, 6), (0, 3, 8, 6), (8, 0), (-8, 6), (8.0, 6))
    for bad in (*lengths, *sizes):
        refused(f"the shape {bad}", tiler.untile, tiles, bad)
    behind = api.Tiler((4, 3), channels_last=True)
    found = api.back(behind.untile(tiles, (1, 8, 6, 3))).shape
    assert found == (1, 8, 6), f"channels last, the shape became {found}"


@api_clause("LAYOUT-010")
def test_number_of_tiles(api: Api) -> None:
    """There are as many tiles as the shape's images have."""
    tiler = api.Tiler(4)
    for count, shape in (
        (3, (8, 8)),
        (8, (8, 8)),
        (4, (2, 1, 8, 8)),
        (8, (2, 8, 8)),
        (8, (3, 8, 8)),
    ):
        tiles = api.array(np.zeros((count, 4, 4), np.float32))
        refused(f"{count} tiles for {shape}", tiler.untile, tiles, shape)
    grid = api.Tiler(4, fill=0).scatter((8, 8), [(0, 0), (4, 4)])
    for count in (1, 3, 4):
        tiles = api.array(np.zeros((count, 4, 4), np.float32))
        what = f"{count} tiles for two starts"
        refused(what, api.Tiler(4, fill=0).untile, tiles, (8, 8), grid)
    for count, shape in ((4, (8, 8)), (8, (2, 1, 8, 8)), (4, (1, 3, 8, 8))):
        tiles = api.array(np.zeros((count, 4, 4), np.float32))
        found = api.back(tiler.untile(tiles, shape)).shape
        want = (*shape[:-3], 8, 8)
        assert found == want, f"{count} tiles for {shape} became {found}"


@api_clause("LAYOUT-011")
def test_channels_of_the_tiles(api: Api) -> None:
    """The channels of the result are the tiles', as the table says."""
    table = [
        ((8, 8), (4, 4, 4), (8, 8)),
        ((8, 8), (4, 2, 4, 4), (2, 8, 8)),
        ((3, 8, 8), (4, 4, 4), (8, 8)),
        ((3, 8, 8), (4, 2, 4, 4), (2, 8, 8)),
        ((2, 3, 8, 8), (8, 4, 4), (2, 8, 8)),
        ((2, 3, 8, 8), (8, 5, 4, 4), (2, 5, 8, 8)),
    ]
    behind = [
        ((8, 8), (4, 4, 4), (8, 8)),
        ((8, 8), (4, 4, 4, 2), (8, 8, 2)),
        ((8, 8, 3), (4, 4, 4), (8, 8)),
        ((8, 8, 3), (4, 4, 4, 2), (8, 8, 2)),
        ((2, 8, 8, 3), (8, 4, 4), (2, 8, 8)),
        ((2, 8, 8, 3), (8, 4, 4, 5), (2, 8, 8, 5)),
    ]
    for last, rows in ((False, table), (True, behind)):
        tiler, words = api.Tiler(4, channels_last=last), ", channels last," * last
        for shape, tiles, want in rows:
            given = api.array(np.zeros(tiles, np.float32))
            found = api.back(tiler.untile(given, shape)).shape
            assert found == want, f"tiles {tiles} of {shape}{words} became {found}"


@api_clause("LAYOUT-012")
def test_ranks_of_tiles(api: Api) -> None:
    """Tiles have one axis more than the image's space, or two."""
    for shape in ((4, 4), (4,), (4, 1, 1, 4, 4), (1, 4, 1, 4, 4)):
        tiles = api.array(np.zeros(shape, np.float32))
        for image in ((8, 8), (1, 1, 8, 8)):
            what = f"tiles {shape} for rank 2"
            refused(what, api.Tiler(4).untile, tiles, image)
