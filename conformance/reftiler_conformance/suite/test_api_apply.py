"""APPLY: tile by tile.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api, Unsupported

Array = npt.NDArray[Any]

SIDE = 4  # no number of channels
SETTINGS: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((10, 8), {"window": "hann"}),
    ((2, 10, 8), {"mode": "clamp", "merge": "max"}),
    ((2, 3, 10, 8), {"mode": "interpolation"}),
    ((10, 8), {"mode": "drop", "fill": 7, "window": "triangle"}),
    ((2, 11, 8), {"pad_side": "both", "pad_mode": "reflect"}),
    ((2, 10, 8, 3), {"channels_last": True, "merge": "min"}),
    ((10, 8), {"fill": 0}),
)
"""Shapes of images, and settings: all positions are whole at half the resolution."""
STARTS = [(6, 0), (0, 4), (6, 0), (2, 2), (4, 0)]


def tilers(api: Api) -> Iterator[tuple[Any, Array, Any]]:
    """Return tilers, each with an image and a grid or none; the last is scattered."""
    rng = np.random.default_rng(1)
    for shape, settings in SETTINGS:
        tiler = api.Tiler(SIDE, (4, 2), **settings)
        grid = tiler.scatter(shape, STARTS) if settings == {"fill": 0} else None
        yield tiler, rng.standard_normal(shape).astype(np.float32), grid


def halved(tiles: Array) -> Array:
    """Return every second pixel of tiles."""
    return tiles[:, ::2, ::2] if tiles.shape[1] == SIDE else tiles[..., ::2, ::2]


def doubled(tiles: Array) -> Array:
    """Return every pixel of tiles four times."""
    rows = tiles.shape.index(SIDE, 1)
    return tiles.repeat(2, rows).repeat(2, rows + 1)


def joined(tiles: Array) -> Array:
    """Return tiles of twice as many channels."""
    if tiles.ndim == 3:
        return np.stack([tiles, -tiles], 1)
    return np.concatenate([tiles, -tiles], -1 if tiles.shape[1] == SIDE else 1)


MODELS: tuple[Callable[[Array], Any], ...] = (
    lambda tiles: tiles,
    joined,
    halved,
    doubled,
    lambda tiles: tiles.astype(np.float64) / 3,
    lambda tiles: (np.abs(tiles) * 60).astype(np.uint8),
    lambda tiles: {"map": tiles, "low": [halved(tiles), -tiles]},
    lambda tiles: (tiles * 2, (tiles > 0).astype(np.int16)),
)
"""Models that treat a tile by itself, and answer with arrays or trees of them."""


def _mapped(call: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _mapped(call, leaf) for key, leaf in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(call, leaf) for leaf in tree)
    return call(tree)


def told(api: Api, array: Any) -> tuple[Any, ...]:
    """Return all that is compared of an array."""
    found = api.back(array)
    return str(found.dtype), found.shape, found.tobytes()


def batches(api: Api) -> Iterator[tuple[Any, Any, Any, Any, int]]:
    """Return tilers, images, grids or none and their tiles, with every batch size."""
    if not hasattr(api.Tiler, "apply"):
        raise Unsupported("apply")
    for tiler, image, grid in tilers(api):
        given = api.array(image)
        tiles = tiler.tile(given, grid=grid)
        for size in range(1, len(tiles) + 2):
            yield tiler, given, grid, tiles, size


@api_clause("APPLY-001")
def test_bits_of_untile(api: Api) -> None:
    """Every batch size gives what untiling the model's results gives."""
    for number, (tiler, image, grid, tiles, size) in enumerate(batches(api)):
        # Each model has its turn: all of them with all sizes would take long.
        of_arrays = MODELS[number % len(MODELS)]

        def model(batch: Any) -> Any:
            found = of_arrays(api.back(batch))  # noqa: B023
            return _mapped(lambda leaf: api.array(np.ascontiguousarray(leaf)), found)

        def untiled(leaf: Any) -> Any:
            return told(api, tiler.untile(leaf, tuple(image.shape), grid))  # noqa: B023

        # Arguments have names, since their order differs.
        found = tiler.apply(model=model, image=image, batch_size=size, grid=grid)
        got = _mapped(lambda leaf: told(api, leaf), found)
        message = f"model {number % len(MODELS)}, batches of {size}, with {tiler}"
        assert got == _mapped(untiled, model(tiles)), f"apply is not untile: {message}"


@api_clause("APPLY-002")
def test_every_tile_once(api: Api) -> None:
    """The model sees every tile once, in order, in batches of the size."""
    for tiler, image, grid, tiles, size in batches(api):
        seen: list[Array] = []

        def model(batch: Any) -> Any:
            seen.append(api.back(batch).copy())  # noqa: B023
            return batch

        tiler.apply(model=model, image=image, batch_size=size, grid=grid)
        lengths, rest = [len(batch) for batch in seen], len(tiles) % size
        want = [size] * (len(tiles) // size) + [rest] * (rest > 0)
        assert lengths == want, f"batches of {size} have {lengths}, not {want}"
        same = np.concatenate(seen).tobytes() == api.back(tiles).tobytes()
        assert same, f"the model sees other tiles, or in another order, than {size}"


@api_clause("APPLY-003")
def test_in_whatever_order(api: Api) -> None:
    """A streaming merger gives the bits of untile in whatever order tiles arrive."""
    merger = getattr(api, "Merger", None)
    if merger is None:
        raise Unsupported("a streaming merger")
    rng = np.random.default_rng(2)
    for tiler, image, grid in tilers(api):
        tiles = tiler.tile(api.array(image), grid=grid)
        # Values that do not agree where tiles overlap, and whose sums hang on order.
        values = rng.standard_normal(tuple(tiles.shape)) * 1e9
        tiles = api.array(values.astype(np.float32))
        want = told(api, tiler.untile(tiles, image.shape, grid))
        count = list(range(len(tiles)))
        shuffled = rng.permutation(count).tolist()
        orders = count, count[::-1], [*count[1::2], *count[::2]], shuffled
        for order, step in product(orders, (1, 3, len(tiles))):
            form = {"tile_shape": tuple(tiles.shape[1:]), "tile_dtype": tiles.dtype}
            merging = merger(tiler, image.shape, None, grid=grid, **form)
            for i in range(0, len(order), step):
                merging.add(order[i : i + step], tiles[order[i : i + step]])
            got = told(api, merging.finish())
            assert got == want, f"tiles that arrive as {order} merge otherwise: {tiler}"


@api_clause("APPLY-004")
def test_told_where_its_tiles_lie(api: Api) -> None:
    """A model that asks for them is given the numbers and boxes of its tiles."""
    for tiler, image, grid, tiles, size in batches(api):
        seen: list[list[Array]] = []

        def model(batch: Any, indices: Any, boxes: Any) -> Any:
            seen.append([api.back(array) for array in (indices, boxes)])  # noqa: B023
            assert len(batch) == len(indices) == len(boxes), "a tile has no number"
            return batch

        tiler.apply(model, image, batch_size=size, grid=grid, indices=True)
        indices, boxes = (np.concatenate(part) for part in zip(*seen, strict=True))
        assert np.array_equal(indices, np.arange(len(tiles))), f"numbers are {indices}"
        shape, last = tuple(image.shape), tiler.channels_last
        plan = (
            tiler.grid(shape[-3:-1] if last else shape[-2:]) if grid is None else grid
        )
        want = np.tile(plan.boxes, (len(tiles) // len(plan), 1, 1))
        assert np.array_equal(boxes, want), f"boxes differ from the grid's: {tiler}"


@api_clause("APPLY-005")
def test_marked_tiles_alone(api: Api) -> None:
    """With a mask the model sees the tiles that hold a marked pixel, and no other."""
    for tiler, image, grid, tiles, size in batches(api):
        if tiler.fill is None:
            continue
        shape = image.shape[:-1] if tiler.channels_last else image.shape
        plan = tiler.grid(shape[-2:]) if grid is None else grid
        mask = np.zeros(tuple(shape[-2:]), np.uint8)
        mask[1, 1] = mask[7, 1] = 3
        marked = plan.touching(mask)
        assert 0 < len(marked) < len(plan), "the mask marks all tiles, or none"
        seen: list[Array] = []

        def model(batch: Any, indices: Any, boxes: Any) -> Any:
            seen.append(api.back(indices))  # noqa: B023
            same = told(api, batch) == told(api, tiles[indices])  # noqa: B023
            assert same, f"the tiles {indices} are not those of their numbers"
            return batch

        named = {"batch_size": size, "indices": True}
        got = tiler.apply(model, image, grid=grid, where=mask, **named)
        numbers = np.concatenate(seen)
        assert np.array_equal(numbers, marked), f"{numbers} are seen, not {marked}"
        some = plan.select(marked)
        want = tiler.untile(tiler.tile(image, grid=some), tuple(image.shape), some)
        assert told(api, got) == told(api, want), f"not as of a selection: {tiler}"
        for bad in (mask * 0, mask[1:]):
            try:
                tiler.apply(lambda t: t, image, grid=grid, where=bad)
            except ValueError:
                continue
            raise AssertionError(f"a mask {bad.shape} that marks {bad.sum()} was taken")
