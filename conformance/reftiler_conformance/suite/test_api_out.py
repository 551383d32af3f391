"""OUT: writing into a given array.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)


@api_clause("OUT-002")
def test_must_be_apart(api: Api) -> None:
    """An array that shares memory with the input, or cannot be written, is refused."""
    tiler = api.Tiler(4)
    for first in (0, 1, 36, 63):  # where the other array begins in the memory of one
        memory = api.array(np.zeros(200, np.uint8))
        image, tiles = memory[:64].reshape(8, 8), memory[first : first + 64]
        tiles = tiles.reshape(4, 4, 4)
        at = f" that begins {first} bytes later"
        refused(f"tile into its own image{at}", tiler.tile, image, out=tiles)
        refused(
            f"untile into its own tiles{at}", tiler.untile, tiles, (8, 8), out=image
        )
    every = api.array(np.zeros(128, np.uint8))
    image = every[::2].reshape(8, 8)
    tiler.tile(image, out=api.array(np.zeros((4, 4, 4), np.uint8)))


@api_clause("OUT-002")
def test_must_not_overlap_itself(api: Api) -> None:
    """An array of which two items lie in the same memory cannot hold a result."""
    tiler, image = api.Tiler(4), api.array(IMAGE.copy())
    tiles = api.array(np.zeros((4, 4, 4), np.uint8))
    for shape, call in (
        ((4, 4, 4), lambda out: tiler.tile(image, out=out)),
        ((8, 8), lambda out: tiler.untile(tiles, (8, 8), out=out)),
    ):
        memory = np.zeros(64, np.uint8)
        strides = (1,) * len(shape)
        laid = np.lib.stride_tricks.as_strided(memory, shape, strides)
        refused(f"an out {shape} whose items share memory", call, api.array(laid))
