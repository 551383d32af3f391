"""Wrong tiles and wrong images are named by the clause that they break."""

import doctest
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reftiler.testing
from reftiler import Tiler
from reftiler.testing import assert_tiles_equal, assert_untiles

Array = Any
RNG = np.random.default_rng(0)
IMAGE = RNG.random((2, 3, 8, 9), np.float32) + 1


def cut(image: Array = IMAGE, **settings: Any) -> Array:
    return Tiler(4, 3, **settings).tile(image)


def by_column(tiles: Array) -> Array:
    return tiles.reshape(2, 3, 3, *tiles.shape[1:]).swapaxes(1, 2).reshape(tiles.shape)


def by_tile(tiles: Array) -> Array:
    return tiles.reshape(2, 9, *tiles.shape[1:]).swapaxes(0, 1).reshape(tiles.shape)


def with_first(tiles: Array, value: Any) -> Array:
    changed = tiles.copy()
    changed[0, 0, 0, 0] = value
    return changed


STRETCHED = IMAGE[..., np.arange(10) * 8 // 10, :][..., np.arange(10) * 8 // 10]
WRONG_TILES: dict[str, tuple[Array, dict[str, Any]]] = {
    "TYPE-002": (cut().astype(np.float64), {}),
    "LAYOUT-006": (cut().reshape(2, 9, 3, 4, 4), {}),
    "LAYOUT-007": (by_tile(cut()), {}),
    "LAYOUT-008": (by_column(cut()), {}),
    "GRID-002": (cut(mode="drop"), {}),
    "GRID-003": (cut(), {"mode": "interpolation"}),
    "GRID-004": (cut(mode="even"), {"mode": "clamp"}),
    "GRID-005": (cut(mode="clamp"), {"mode": "even"}),
    "GRID-006": (cut(), {"mode": "drop"}),
    "PAD-001": (cut(pad_side="both"), {}),
    "PAD-002": (cut(), {"pad_side": "both"}),
    "PAD-004": (cut(pad_value=7), {}),
    "PAD-006": (cut(), {"pad_mode": "edge"}),
    "PAD-007": (cut(pad_mode="edge"), {"pad_mode": "wrap"}),
    "PAD-008": (cut(pad_mode="reflect"), {"pad_mode": "symmetric"}),
    "PAD-009": (cut(pad_mode="symmetric"), {"pad_mode": "reflect"}),
    "INTERP-001": (cut(STRETCHED), {"mode": "interpolation"}),
    "TILE-001": (with_first(cut(), 77), {}),
    "TILE-002": (cut(IMAGE.astype(np.float16)).astype(np.float32), {}),
}


@pytest.mark.parametrize("clause", WRONG_TILES)
def test_wrong_tiles_are_named(clause: str) -> None:
    tiles, settings = WRONG_TILES[clause]
    with pytest.raises(AssertionError, match=f"^{clause}: "):
        assert_tiles_equal(tiles, IMAGE, tile_size=4, stride=3, **settings)


@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even", "drop"])
def test_right_tiles_and_images_pass(mode: str) -> None:
    settings: Any = {"tile_size": (4, 5), "stride": 3, "mode": mode, "fill": 0}
    tiler = Tiler(**settings)
    assert_tiles_equal(tiler.tile, IMAGE, **settings)
    tiles = RNG.random(tiler.tile(IMAGE).shape)
    tiles[0], tiles[1, 0, 0] = np.nan, -0.0
    merged = tiler.untile(tiles, IMAGE.shape)
    assert_untiles(merged, tiles, IMAGE.shape, **settings)
    assert_untiles(lambda _: merged, tiles, IMAGE.shape, **settings)


def test_bits_count() -> None:
    with pytest.raises(AssertionError, match=r"^TILE-002: .*got 0.0, want -0.0"):
        assert_tiles_equal([[0.0, 1.0]], [-0.0, 1.0], tile_size=[2])


def test_a_difference_is_placed() -> None:
    wrong = cut(IMAGE[0])
    wrong[4, 1, 1, 2] = 9
    with pytest.raises(AssertionError, match=r"\[4, 1, 1, 2\]: .* pixel \(4, 5\)"):
        assert_tiles_equal(wrong, IMAGE[0], tile_size=4, stride=3)
    wrong = cut(IMAGE[0])
    wrong[-1, 0, -1, -1] = 9
    with pytest.raises(AssertionError, match=r"^PAD-004: .* padding"):
        assert_tiles_equal(wrong, IMAGE[0], tile_size=4, stride=3)


def overlap_add(
    tiles: Array,
    dtype: Any = np.float64,
    divide: Callable[[Array, Array], Array] = np.divide,
    weights: Array = 1,
) -> Array:
    """Merge tiles (K, t) of stride 3 as others do, without a copy of lone pixels."""
    k, t = tiles.shape
    total, count = np.zeros((2, 3 * (k - 1) + t), dtype)
    for i, tile in enumerate(tiles):
        total[3 * i : 3 * i + t] += np.multiply(tile, weights, dtype=dtype)
        count[3 * i : 3 * i + t] += np.asarray(weights, dtype)
    return divide(total, count)


def with_term(total: Array, count: Array) -> Array:
    return np.where(count > 1, total / (count + 1e-8), total)


def last_wins(tiles: Array) -> Array:
    merged = np.zeros(3 * (len(tiles) - 1) + tiles.shape[1], tiles.dtype)
    for i, tile in enumerate(tiles):
        merged[3 * i : 3 * i + len(tile)] = tile
    return merged


def zero_is_empty(tiles: Array) -> Array:
    count = overlap_add(tiles != 0, divide=lambda total, _: np.maximum(total, 1))
    return overlap_add(tiles, divide=lambda total, _: total / count)


def halves(tiles: Array) -> Array:
    merged = np.full(3 * (len(tiles) - 1) + tiles.shape[1], np.nan)
    for i, tile in enumerate(tiles):
        part = merged[3 * i : 3 * i + len(tile)]
        part[:] = np.where(np.isnan(part), tile, (part + tile) / 2)
    return merged


FLOATS = RNG.random((5, 8)) + 1
BYTES = RNG.integers(0, 256, (5, 8), np.uint8)
GAPPY = np.where(FLOATS < 1.3, 0, FLOATS)
HOLEY = np.where(FLOATS < 1.1, np.nan, FLOATS)
SIGNED = np.where(FLOATS < 1.8, -0.0, FLOATS)
CORNER = np.where(np.indices((5, 8)).sum(0) == 0, -0.0, FLOATS)
RAMP = [0.1, 0.3, 0.7, 1, 0.9, 0.6, 0.3, 0.1]
UNEVEN = FLOATS * np.array([[1, 1e16, -1e16, 1, 1e16]]).T
LARGE = FLOATS * 300
SINGLE = (FLOATS * np.array([[1, 1e8, -1e8, 1, 1e8]]).T).astype(np.float32)
TIES = np.full((5, 8), 1 + 2**-11 + 2**-30)


def right(tiles: Array = FLOATS, **settings: Any) -> Array:
    return Tiler([8], [3], **settings).untile(tiles, (20,))


NO_RIM = np.pad(right(remove_border_count=1)[1:-1], 1)
# A wrong image, the tiles that it was made of, and the settings.
WRONG_IMAGES: list[tuple[str, Array, Array, dict[str, Any]]] = [
    ("TYPE-006", overlap_add(SINGLE), SINGLE, {}),
    ("LAYOUT-010", right()[None], FLOATS, {}),
    ("LAYOUT-011", right()[:-1], FLOATS, {}),
    ("MERGE-020", np.append(right(), 0.0), FLOATS, {}),
    ("MERGE-001", last_wins(FLOATS), FLOATS, {}),
    ("MERGE-001", halves(FLOATS), FLOATS, {}),
    ("MERGE-001", overlap_add(FLOATS, divide=lambda t, _: t), FLOATS, {}),
    ("MERGE-001", right(merge="max"), FLOATS, {}),
    ("MERGE-002", overlap_add(SINGLE, np.float32), SINGLE, {}),
    ("MERGE-003", right(UNEVEN[::-1, ::-1])[::-1], UNEVEN, {}),
    ("MERGE-003", overlap_add(SIGNED), SIGNED, {}),
    ("MERGE-005", overlap_add(FLOATS, divide=with_term), FLOATS, {}),
    ("MERGE-007", overlap_add(CORNER), CORNER, {}),
    ("MERGE-007", overlap_add(FLOATS, weights=RAMP), FLOATS, {"window": [RAMP]}),
    ("MERGE-008", np.nan_to_num(right(HOLEY)), HOLEY, {}),
    ("MERGE-008", right(np.nan_to_num(HOLEY)), HOLEY, {}),
    ("MERGE-009", zero_is_empty(GAPPY), GAPPY, {}),
    ("MERGE-012", right(merge="max"), FLOATS, {"merge": "min"}),
    ("ROUND-002", right(TIES).astype("f4").astype("f2"), TIES, {"dtype": "f2"}),
    ("ROUND-003", overlap_add(BYTES).astype("u1"), BYTES, {}),
    ("ROUND-003", np.floor(overlap_add(BYTES) + 0.5).astype("u1"), BYTES, {}),
    (
        "ROUND-004",
        right(LARGE).round().astype(int).astype("u1"),
        LARGE,
        {"dtype": "u1"},
    ),
    ("BORDER-001", right(), FLOATS, {"remove_border_count": 1}),
    ("BORDER-002", NO_RIM, FLOATS, {"remove_border_count": 1}),
    ("WINDOW-004", right(window="hann"), FLOATS, {}),
    ("WINDOW-005", right(), FLOATS, {"window": "triangle"}),
    ("WINDOW-006", right(window="gaussian"), FLOATS, {"window": "hann"}),
    ("WINDOW-007", overlap_add(FLOATS, weights=RAMP), FLOATS, {"window": "gaussian"}),
]


@pytest.mark.parametrize(("clause", "merged", "tiles", "settings"), WRONG_IMAGES)
def test_wrong_images_are_named(
    clause: str, merged: Array, tiles: Array, settings: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match=f"^{clause}: "):
        assert_untiles(merged, tiles, (20,), tile_size=[8], stride=[3], **settings)


@pytest.mark.parametrize("clause", ["LAYOUT-007", "LAYOUT-008"])
def test_tiles_in_another_order_are_named(clause: str) -> None:
    tiles = RNG.random((2, 2, 3, 4, 4))  # of 2 images of 2 by 3 tiles
    order = {"LAYOUT-007": (1, 2, 0, 3, 4), "LAYOUT-008": (0, 2, 1, 3, 4)}[clause]
    given = tiles.transpose(order).reshape(12, 4, 4)
    merged = Tiler(4).untile(tiles.reshape(12, 4, 4), (2, 1, 8, 12))
    with pytest.raises(AssertionError, match=f"^{clause}: "):
        assert_untiles(merged, given, (2, 1, 8, 12), tile_size=4)


def test_a_tolerance_allows_for_rounding() -> None:
    single = overlap_add(SINGLE, np.float32)
    assert_untiles(single, SINGLE, (20,), tile_size=[8], stride=[3], atol=10)
    with pytest.raises(AssertionError, match=r"^MERGE-001"):
        assert_untiles(
            last_wins(SINGLE), SINGLE, (20,), tile_size=[8], stride=[3], atol=10
        )


def test_tensors_are_taken() -> None:
    torch = pytest.importorskip("torch")
    image = torch.from_numpy(IMAGE).requires_grad_()
    tiles = torch.from_numpy(cut())
    assert_tiles_equal(tiles, image, tile_size=4, stride=3)
    assert_untiles(image, tiles, image.shape, tile_size=4, stride=3)


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(TypeError, match="tiles must be an array"):
        assert_tiles_equal(None, IMAGE, tile_size=4)
    with pytest.raises(reftiler.TilingError, match="stride"):
        assert_tiles_equal(cut(), IMAGE, tile_size=4, stride=5)


def test_examples_run() -> None:
    found = doctest.testmod(reftiler.testing)
    assert found.attempted >= 6
    assert not found.failed
