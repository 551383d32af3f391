"""OUT: writing into a given array."""

from __future__ import annotations

import numpy as np

from reftiler_conformance.probes import asks
from reftiler_conformance.probes.refusal import refused
from reftiler_conformance.protocol import Api

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)


@asks("OUT-001")
def is_returned(api: Api) -> None:
    """What is returned is the very array that was given."""
    tiler, image = api.Tiler(4), api.array(IMAGE.copy())
    tiles = api.array(np.zeros((4, 4, 4), np.uint8))
    assert tiler.tile(image, out=tiles) is tiles, "tile returned another array"
    assert (api.back(tiles) == api.back(tiler.tile(image))).all(), "tile wrote others"
    back = api.array(np.zeros((8, 8), np.uint8))
    assert tiler.untile(tiles, (8, 8), out=back) is back, "untile returned another"
    assert (api.back(back) == IMAGE).all(), "untile wrote other pixels"


@asks("OUT-002")
def must_be_apart(api: Api) -> None:
    """An array that shares memory with the input, or cannot be written, is refused."""
    tiler, memory = api.Tiler(4), api.array(np.zeros(100, np.uint8))
    image, tiles = memory[:64].reshape(8, 8), memory[36:].reshape(4, 4, 4)
    refused("tile into its own image", tiler.tile, image, out=tiles)
    refused("untile into its own tiles", tiler.untile, tiles, (8, 8), out=image)
    refused("tile into a list", tiler.tile, image, out=[])
    apart = api.array(np.zeros((4, 4, 4), np.uint8))
    if hasattr(apart, "flags"):  # tensors can always be written
        apart.flags.writeable = False
        refused("tile into what is read-only", tiler.tile, image, out=apart)
