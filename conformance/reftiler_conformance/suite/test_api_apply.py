"""APPLY: tile by tile.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api, Unsupported

Array = npt.NDArray[Any]
Model = Callable[[Array], Any]

TILE, STRIDE = (4, 4), (4, 2)
# Sizes at which all positions are whole at half the resolution.
SETTINGS: tuple[tuple[tuple[int, int], dict[str, Any]], ...] = (
    ((10, 8), {"window": "hann"}),
    ((10, 8), {"mode": "clamp", "merge": "max"}),
    ((10, 8), {"mode": "interpolation"}),
    ((10, 8), {"mode": "drop", "fill": 7, "window": "triangle"}),
    ((11, 8), {"pad_side": "both", "pad_mode": "reflect"}),
    ((10, 8), {"channels_last": True, "merge": "min"}),
)


def halved(tiles: Array) -> Array:
    """Return every second pixel of tiles, channels ahead."""
    return tiles[..., ::2, ::2]


MODELS: dict[str, Model] = {
    "identity": lambda tiles: tiles,
    "more channels": lambda tiles: np.stack([tiles, -tiles], 1).reshape(
        len(tiles), -1, *TILE
    ),
    "half the resolution": halved,
    "twice the resolution": lambda tiles: tiles.repeat(2, -1).repeat(2, -2),
    "float64": lambda tiles: tiles.astype(np.float64) / 3,
    "uint8": lambda tiles: (np.abs(tiles) * 60).astype(np.uint8),
    "a dict of arrays": lambda tiles: {"map": tiles, "low": [halved(tiles), -tiles]},
    "a tuple": lambda tiles: (tiles * 2, (tiles > 0).astype(np.int16)),
}
"""Models of tiles (B, *T) or (B, C, *T), each of which treats a tile by itself."""


def of_arrays(api: Api, model: Model, last: bool) -> Model:
    """Return a model of the subject's arrays, whose channels may come last."""

    def called(tiles: Any) -> Any:
        given = api.back(tiles)
        last_here = last and given.ndim == 4
        found = model(np.moveaxis(given, -1, 1) if last_here else given)
        return _mapped(lambda leaf: api.array(_turned(leaf, last)), found)

    return called


def _turned(leaf: Array, last: bool) -> Array:
    turned = np.moveaxis(leaf, 1, -1) if last and leaf.ndim == 4 else leaf
    return np.ascontiguousarray(turned)


def _mapped(call: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _mapped(call, leaf) for key, leaf in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(call, leaf) for leaf in tree)
    return call(tree)


def tilers(api: Api) -> list[tuple[Any, Array, Any]]:
    """Return tilers, each with an image of its own layout and a grid or none."""
    rng, found = np.random.default_rng(1), []
    layouts: tuple[tuple[int, ...], ...] = ((), (2,), (2, 3))
    for i, (size, settings) in enumerate(SETTINGS):
        tiler, leading = api.Tiler(TILE, STRIDE, **settings), layouts[i % 3]
        image = rng.standard_normal((*leading, *size)).astype(np.float32)
        if settings.get("channels_last") and leading:
            image = np.ascontiguousarray(np.moveaxis(image, -3, -1))
        found.append((tiler, image, None))
    filled = api.Tiler(TILE, STRIDE, fill=0)
    scattered = filled.scatter((10, 8), [(6, 0), (0, 4), (6, 0), (2, 2), (4, 0)])
    found.append((filled, rng.standard_normal((10, 8)).astype(np.float32), scattered))
    return found


def applied(tiler: Any, **given: Any) -> Any:
    """Apply a model; arguments have names, since their order differs."""
    if not hasattr(tiler, "apply"):
        raise Unsupported("apply")
    return tiler.apply(**given)


@api_clause("APPLY-001")
def test_bits_of_untile(api: Api) -> None:
    """Every batch size gives what untiling the model's results gives."""
    for tiler, image, grid in tilers(api):
        given = api.array(image)
        tiles = tiler.tile(given, grid=grid)

        def untiled(leaf: Any) -> Any:
            return _told(api, tiler.untile(leaf, image.shape, grid))  # noqa: B023

        calls = [of_arrays(api, m, tiler.channels_last) for m in MODELS.values()]
        wanted = [_mapped(untiled, call(tiles)) for call in calls]
        for size in range(1, len(tiles) + 2):
            # Each model has its turn: all of them with all sizes would take long.
            for i in {size % len(calls), -size % 5}:
                options = {"model": calls[i], "batch_size": size, "grid": grid}
                found = applied(tiler, image=given, **options)
                got = _mapped(lambda leaf: _told(api, leaf), found)
                assert got == wanted[i], (
                    f"batches of {size} of {len(tiles)} tiles, {[*MODELS][i]}: apply "
                    f"gives other results than untile, with {tiler}"
                )


def _told(api: Api, array: Any) -> tuple[Any, ...]:
    """Return all that is compared of an array."""
    found = api.back(array)
    return str(found.dtype), found.shape, found.tobytes()


@api_clause("APPLY-002")
def test_every_tile_once(api: Api) -> None:
    """The model sees every tile once, in order, in batches of the size."""
    for tiler, image, grid in tilers(api):
        given = api.array(image)
        tiles = api.back(tiler.tile(given, grid=grid)).copy()
        for size in range(1, len(tiles) + 2):
            seen: list[Array] = []

            def model(batch: Any) -> Any:
                seen.append(api.back(batch).copy())  # noqa: B023
                return batch

            applied(tiler, image=given, model=model, batch_size=size, grid=grid)
            lengths, rest = [len(batch) for batch in seen], len(tiles) % size
            want = [size] * (len(tiles) // size) + [rest] * (rest > 0)
            assert lengths == want, (
                f"batches of {size} of {len(tiles)} tiles have {lengths}, not {want}"
            )
            same = np.concatenate(seen).tobytes() == tiles.tobytes()
            assert same, f"the model sees other tiles, or in another order, than {size}"


def orders(count: int) -> dict[str, list[int]]:
    """Return orders in which tiles arrive."""
    shuffled = np.random.default_rng(count).permutation(count).tolist()
    ascending = list(range(count))
    odd_first = [*ascending[1::2], *ascending[::2]]
    ways = {"ascending": ascending, "descending": ascending[::-1]}
    return ways | {"odd first": odd_first, "shuffled": shuffled}


@api_clause("APPLY-003")
def test_in_whatever_order(api: Api) -> None:
    """A streaming merger gives the bits of untile in whatever order tiles arrive."""
    merger = getattr(api, "Merger", None)
    if merger is None:
        raise Unsupported("a streaming merger")
    for tiler, image, grid in tilers(api):
        tiles = tiler.tile(api.array(image), grid=grid)
        # Values that do not agree where tiles overlap, and whose sums hang on order.
        values = np.random.default_rng(2).standard_normal(tuple(tiles.shape)) * 1e9
        tiles = api.array(values.astype(np.float32))
        want = _told(api, tiler.untile(tiles, image.shape, grid))
        for how, order in orders(len(tiles)).items():
            for step in (1, 3, len(tiles)):
                form = {"tile_shape": tuple(tiles.shape[1:]), "tile_dtype": tiles.dtype}
                merging = merger(tiler, image.shape, None, grid=grid, **form)
                for i in range(0, len(order), step):
                    merging.add(order[i : i + step], tiles[order[i : i + step]])
                got = _told(api, merging.finish())
                assert got == want, f"tiles that arrive {how} merge otherwise: {tiler}"
