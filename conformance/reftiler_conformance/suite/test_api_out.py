"""OUT: writing into a given array."""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)
WRONG = (
    ((1, 8, 8), "uint8"),
    ((4, 16), "uint8"),
    ((16, 4), "uint8"),
    ((8, 8), "float32"),
    ((4, 4, 4), "float32"),
)


@api_clause("OUT-001")
def test_is_returned(api: Api) -> None:
    """What is returned is the very array that was given."""
    tiler, image = api.Tiler(4), api.array(IMAGE.copy())
    tiles = api.array(np.zeros((4, 4, 4), np.uint8))
    assert tiler.tile(image, out=tiles) is tiles, "tile returned another array"
    assert (api.back(tiles) == api.back(tiler.tile(image))).all(), "tile wrote others"
    back = api.array(np.zeros((8, 8), np.uint8))
    assert tiler.untile(tiles, (8, 8), out=back) is back, "untile returned another"
    assert (api.back(back) == IMAGE).all(), "untile wrote other pixels"
    wide = api.array(np.zeros((4, 4, 9), np.uint8))[..., 1::2]
    assert tiler.tile(image, out=wide) is wide, "tile returned another strided array"
    assert (api.back(wide) == api.back(tiles)).all(), "tile wrote beside the strides"
    wide = api.array(np.zeros((8, 17), np.uint8))[..., 1::2]
    assert tiler.untile(tiles, (8, 8), out=wide) is wide, "untile returned another"
    assert (api.back(wide) == IMAGE).all(), "untile wrote beside the strides"


@api_clause("OUT-002")
def test_must_be_apart(api: Api) -> None:
    """An array that shares memory with the input, or cannot be written, is refused."""
    tiler, memory = api.Tiler(4), api.array(np.zeros(100, np.uint8))
    image, tiles = memory[:64].reshape(8, 8), memory[36:].reshape(4, 4, 4)
    refused("tile into its own image", tiler.tile, image, out=tiles)
    refused("untile into its own tiles", tiler.untile, tiles, (8, 8), out=image)
    refused("tile into a list", tiler.tile, image, out=[])
    refused("untile into a list", tiler.untile, tiles, (8, 8), out=[])
    tiles = api.array(np.zeros((4, 4, 4), np.uint8))
    for shape, dtype in WRONG:
        out, what = api.array(np.zeros(shape, dtype)), f"into {dtype} {shape}"
        refused(f"tile {what}", tiler.tile, image, out=out)
        refused(f"untile {what}", tiler.untile, tiles, (8, 8), out=out)
    if hasattr(tiles, "flags"):  # tensors can always be written
        out = np.zeros((8, 8), np.uint8)
        out.flags.writeable = tiles.flags.writeable = False
        refused("tile into what is read-only", tiler.tile, image, out=tiles)
        refused("untile into what is read-only", tiler.untile, tiles, (8, 8), out=out)
