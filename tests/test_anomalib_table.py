"""Every row of the table in `reftiler.anomalib`: what the drop-in does otherwise.

anomalib is not needed. What is expected stands here by hand, or is what
`reftiler.Tiler` makes of arrays.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import reftiler
from reftiler import Grid, TilingError
from reftiler.anomalib import (
    ImageUpscaleMode,
    Tiler,
    compute_new_image_size,
    upscale_image,
)
from tests.dropin import DTYPES, MODES, merged, numbered, plain, pooled, same


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_row_dtype(dtype: str, *, random: bool) -> None:
    image = numbered(1, 2, 6, 7, dtype=dtype)
    tiler = Tiler(4, 2)
    tiles = tiler.tile(image, random)
    assert tiles.dtype == image.dtype
    assert tiler.untile(tiles).dtype == image.dtype
    if not random:
        assert torch.equal(tiler.untile(tiles), image)


def test_row_dtype_means_of_integers_are_rounded() -> None:
    tiler = Tiler((1, 2), (1, 1))
    tiler.tile(torch.zeros(1, 1, 1, 3, dtype=torch.uint8))
    tiles = torch.tensor([[0, 3], [4, 9]], dtype=torch.uint8).reshape(2, 1, 1, 2)
    assert tiler.untile(tiles).flatten().tolist() == [0, 4, 9]  # (3 + 4) / 2 = 3.5
    yes = torch.tensor([[False, True], [False, False]]).reshape(2, 1, 1, 2)
    assert tiler.untile(yes).flatten().tolist() == [False, True, False]


def test_row_nan() -> None:
    image = numbered(1, 1, 6, 6)
    image[0, 0, 2, 3] = torch.nan
    image[0, 0, 4, 4] = torch.inf
    tiler = Tiler(4, 2)
    assert same(tiler.untile(tiler.tile(image)), image)


def test_row_stride_none() -> None:
    tiler = Tiler((4, 6))
    assert (tiler.stride_h, tiler.stride_w) == (4, 6)
    assert tiler.overlapping is False
    image = numbered(1, 1, 9, 9)
    assert same(tiler.tile(image), plain(image, (4, 6), (4, 6)))


def test_row_border_at_the_rim() -> None:
    image = numbered(1, 2, 10, 8)
    tiler = Tiler(6, 2, remove_border_count=2)
    assert same(tiler.untile(tiler.tile(image)), image)


def test_row_border_is_removed_between_tiles_alone() -> None:
    tiler = Tiler((3, 4), (1, 2), remove_border_count=1)
    tiler.tile(torch.zeros(1, 1, 3, 6))
    rows = torch.tensor([[1.0, 2, 3, 9], [9, 4, 5, 6]])
    whole = tiler.untile(rows[:, None, None].expand(2, 1, 3, 4))
    assert whole[0, 0].tolist() == [[1, 2, 3, 4, 5, 6]] * 3


@pytest.mark.parametrize("border", [2, 3, 9])
def test_row_border_that_leaves_gaps(border: int) -> None:
    with pytest.warns(UserWarning, match=rf"remove_border_count={border} .* \(1, 1\)"):
        tiler = Tiler(6, 4, remove_border_count=border)
    assert tiler.remove_border_count == border
    image = numbered(1, 1, 14, 10)
    tiles = tiler.tile(image)
    assert same(tiler.untile(tiles), image)
    noise = torch.rand(tiles.shape, generator=torch.Generator().manual_seed(0))
    expected = merged(noise, image.shape, 6, 4, remove_border_count=1)
    assert same(tiler.untile(noise), expected)


@pytest.mark.parametrize(
    ("size", "tile", "stride", "border", "removed"),
    [((15, 17), (7, 9), 4, 3, r"\(1, 2\)"), ((8, 8), 4, 4, 1, r"\(0, 0\)")],
)
def test_row_border_that_leaves_gaps_by_an_odd_number(
    size: Any, tile: Any, stride: int, border: int, removed: str
) -> None:
    with pytest.warns(UserWarning, match=removed) as caught:
        tiler = Tiler(tile, stride, remove_border_count=border)
    assert caught[0].filename == __file__
    image = numbered(1, 1, *size)
    assert same(tiler.untile(tiler.tile(image)), image)


def test_row_border_that_leaves_gaps_keeps_what_full_removal_would_show() -> None:
    with pytest.warns(UserWarning, match="without a tile"):
        tiler = Tiler((1, 10), (1, 8), remove_border_count=3)
    tiler.tile(torch.zeros(1, 1, 1, 26))
    tiles = torch.arange(30.0).reshape(3, 1, 1, 10)
    whole = tiler.untile(tiles).flatten()
    for number in range(3):
        inner = slice(8 * number + 3, 8 * number + 7)
        assert torch.equal(whole[inner], tiles[number, 0, 0, 3:7])
    # In a gap it is the pixel that lies deepest in its tile, here the last tile's.
    assert whole[17].item() == tiles[2, 0, 0, 1].item()


def test_no_warning_for_a_border_that_fits() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Tiler(8, 4, remove_border_count=2)
        Tiler((8, 6), (4, 2), remove_border_count=2)


@pytest.mark.parametrize(
    ("border", "scaled"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (12, 3)]
)
def test_row_border_of_maps(border: int, scaled: int) -> None:
    image = torch.zeros(1, 1, 48, 40)
    tiler = Tiler(32, 8, remove_border_count=border)
    maps = torch.rand(
        len(tiler.tile(image)), 2, 8, 8, generator=torch.Generator().manual_seed(0)
    )
    expected = merged(maps, (1, 1, 12, 10), 8, 2, remove_border_count=scaled)
    assert same(tiler.untile(maps), expected)


@pytest.mark.parametrize(
    ("size", "mode", "factors"),
    [
        ((24, 25), "padding", [4]),
        ((18, 19), "padding", [4]),
        ((17, 18), "padding", [2]),
        ((30, 31), "padding", [8]),
        ((40, 24), "padding", [1, 2, 4, 8, 1]),
        ((18, 22), "interpolation", [2]),
    ],
)
def test_row_maps_of_other_resolutions(
    size: tuple[int, int], mode: str, factors: list[int]
) -> None:
    tiler = Tiler(16, 8, mode=mode)
    tiles = tiler.tile(numbered(2, 1, *size))
    for factor in factors:
        maps, sides = pooled(tiles, factor), (16 // factor, 8 // factor)
        shape = (2, 1, *(-(-side // factor) for side in size))
        assert same(tiler.untile(maps), merged(maps, shape, *sides, mode))


@pytest.mark.parametrize(
    ("size", "tile", "stride", "border", "steps"),
    [
        ((24, 40), 16, 12, 1, (4, 4)),  # of the border a whole pixel is too much
        ((16, 16), 8, 4, 0, (2, 4)),
    ],
)
def test_maps_of_some_pixels(
    size: Any, tile: int, stride: int, border: int, steps: tuple[int, int]
) -> None:
    image, tiler = numbered(1, 1, *size), Tiler(tile, stride, border)
    some: Any = (..., *(slice(None, None, step) for step in steps))
    assert same(tiler.untile(tiler.tile(image)[some]), image[some])


def test_row_maps_lie_where_their_pixels_lie() -> None:
    image = numbered(1, 1, 22, 18)
    tiler = Tiler(8, 4)
    padded = upscale_image(image, (24, 20))
    assert same(
        tiler.untile(pooled(tiler.tile(image), 2)), pooled(padded, 2)[..., :11, :9]
    )


def test_maps_larger_than_their_tiles() -> None:
    image = numbered(1, 1, 5, 6)
    tiler = Tiler(4, 2)
    maps = tiler.tile(image).repeat_interleave(2, 2).repeat_interleave(2, 3)
    large = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert same(tiler.untile(maps), large)


@pytest.mark.parametrize("mode", MODES)
def test_row_stride_that_the_scale_makes_a_fraction(mode: str) -> None:
    tiler = Tiler((1, 10), (1, 5), mode=mode)
    tiler.tile(torch.zeros(1, 1, 1, 20))
    maps = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]).reshape(3, 1, 1, 3)
    with pytest.warns(
        UserWarning, match=r"next whole one.*stride \(now \(1, 5\)\)"
    ) as caught:
        whole = tiler.untile(maps)
    assert caught[0].filename == __file__
    # Starts 0, 1.5 and 3 become 0, 2 and 3.
    assert whole.flatten().tolist() == [1, 2, (3 + 4) / 2, (5 + 7) / 2, (6 + 8) / 2, 9]


def test_row_stride_that_the_scale_makes_a_fraction_is_cropped() -> None:
    tiler = Tiler((1, 10), (1, 5))
    tiler.tile(torch.zeros(1, 1, 1, 16))
    maps = torch.ones(3, 1, 1, 3)
    with pytest.warns(UserWarning, match="next whole one"):
        assert tiler.untile(maps).flatten().tolist() == [1] * 5  # ⌈16 · 3/10⌉


def test_one_tile_may_have_any_scale() -> None:
    tiler = Tiler(10, 3)
    tiler.tile(torch.zeros(2, 1, 10, 10))
    maps = numbered(2, 1, 3, 7)
    assert same(tiler.untile(maps), maps)


@pytest.mark.parametrize("size", [(9, 11), (10, 10), (13, 17)])
def test_row_interpolation_round_trip(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    tiler = Tiler(8, 5, mode=ImageUpscaleMode.INTERPOLATION)
    assert same(tiler.untile(tiler.tile(image)), image)


def test_row_random_tiles_where() -> None:
    image = numbered(1, 1, 9, 11) + 1  # no zero but in padding
    tiler = Tiler(4, 3)
    tiler.random_tile_count = 50
    tiles = tiler.tile(image, use_random_tiling=True)
    assert tiles.min() > 0
    assert [tuple(start) for start in tiler.grid.starts.tolist()] == [
        divmod(int(tile[0, 0, 0]) - 1, 11) for tile in tiles
    ]
    expected = reftiler.Tiler(4).random((9, 11), 50, 0).starts
    assert np.array_equal(tiler.grid.starts, expected)


def test_row_random_tiles_are_seeded() -> None:
    image = numbered(1, 1, 64, 64)

    def tiles(seed: int) -> tuple[Any, Any]:
        tiler = Tiler(8, seed=seed)
        return tiler.tile(image, True), tiler.tile(image, True)

    torch.manual_seed(1)
    first, second = tiles(5)
    torch.manual_seed(2)
    again = tiles(5)
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    assert not torch.equal(first, second)
    assert not torch.equal(first, tiles(6)[0])
    assert not torch.equal(second, tiles(6)[0])


def test_row_random_tiles_order() -> None:
    image = torch.stack([numbered(1, 9, 9), numbered(1, 9, 9) + 100])
    tiler = Tiler(4)
    tiler.random_tile_count = 3
    tiles = tiler.tile(image, True)
    assert tiles.shape == (6, 1, 4, 4)
    assert torch.equal(tiles[:3] + 100, tiles[3:])


def test_row_random_tiles_merging() -> None:
    image = numbered(2, 3, 9, 11) + 1
    tiler = Tiler(4)
    whole = tiler.untile(tiler.tile(image, True) * 1)
    covered = torch.from_numpy(tiler.grid.coverage() > 0)
    assert 0 < covered.sum() < 99
    assert torch.equal(whole, torch.where(covered, image, 0))
    assert (tiler.num_patches_h, tiler.num_patches_w) == (4, 1)
    assert (tiler.resized_h, tiler.pad_h) == (9, 0)


def test_row_random_tiles_merging_with_a_fill_and_all_over() -> None:
    image = numbered(1, 1, 9, 11) + 1
    tiler = Tiler(4, fill=float("nan"))
    whole = tiler.untile(tiler.tile(image, True))
    assert bool(whole.isnan().any())
    tiler.random_tile_count = 500
    assert torch.equal(tiler.untile(tiler.tile(image, True)), image)


def test_row_random_tiles_by_their_json_elsewhere() -> None:
    image = numbered(1, 1, 9, 11)
    tiler = Tiler(4, remove_border_count=0)
    tiles = tiler.tile(image, True)
    grid = Grid.from_json(tiler.grid.to_json())
    whole = Tiler(4).untile(tiles.clone(), grid)
    assert torch.equal(whole, tiler.untile(tiles))
    by_numpy = reftiler.Tiler.untile(grid.tiler, tiles.numpy(), (1, 1, 9, 11), grid)  # type: ignore[arg-type]
    assert np.array_equal(by_numpy, whole.numpy())


def test_row_random_tiles_of_maps() -> None:
    image = numbered(1, 1, 32, 48)
    tiler = Tiler(8)
    tiler.random_tile_count, tiler.random_tile_align = 300, 4
    tiles = tiler.tile(image, True)
    assert not (tiler.grid.starts % 4).any()
    assert torch.equal(tiler.untile(tiles[..., ::4, ::4]), image[..., ::4, ::4])
    tiler.random_tile_align = 1
    tiles = tiler.tile(image, True)
    with pytest.warns(UserWarning, match="random_tile_align"):
        assert tiler.untile(tiles[..., ::4, ::4]).shape == (1, 1, 8, 12)


def test_row_two_calls_of_tile() -> None:
    tiler = Tiler(4, 2)
    small, large = numbered(1, 3, 6, 6), numbered(2, 3, 9, 12)
    cut_small, cut_large = tiler.tile(small), tiler.tile(large)
    assert same(tiler.untile(cut_small * 1), small)
    assert same(tiler.untile(cut_large * 1), large)
    assert same(tiler.untile(cut_small[:, :1] * 1), small[:, :1])


def test_row_two_calls_of_tile_with_as_many_tiles() -> None:
    tiler = Tiler(4, 2)
    wide, high = numbered(1, 1, 6, 12), numbered(1, 1, 12, 6)
    cut_wide = tiler.tile(wide)
    grid = tiler.grid
    cut_high = tiler.tile(high)
    assert same(tiler.untile(cut_wide), wide)  # the very tensor
    assert same(tiler.untile(cut_high), high)
    assert same(tiler.untile(cut_high * 1), high)  # the latest
    assert same(tiler.untile(cut_wide * 1, grid), wide)  # as told


def test_row_two_calls_of_tile_ends_the_turn_of_what_was_merged() -> None:
    tiler, image = Tiler(4, 2), numbered(1, 1, 6, 6)
    cut = tiler.tile(image)
    for _ in range(2):
        assert same(tiler.untile(cut * 1), image)  # as many maps as there are
    tiler.tile(torch.zeros(1, 1, 8, 8))
    with pytest.raises(TilingError, match=r"got 4 tiles.*returned 9 \(1 × 9\)"):
        tiler.untile(cut * 1)
    assert same(tiler.untile(cut), image)


def test_row_two_calls_of_tile_keeps_a_few() -> None:
    tiler = Tiler(4)
    cut = [tiler.tile(torch.zeros(1, 1, 4, 4 * n)) for n in range(1, 100)]
    assert tiler.untile(cut[-8] * 1).shape == (1, 1, 4, 4 * 92)
    with pytest.raises(TilingError, match="got 91 tiles"):
        tiler.untile(cut[-9] * 1)


def test_row_two_calls_of_tile_waits_for_long() -> None:
    tiler, image = Tiler(4, 2), numbered(1, 1, 6, 6)
    cut = tiler.tile(image) * 1
    for _ in range(20):
        tiler.untile(tiler.tile(torch.zeros(1, 1, 8, 8)))
    assert same(tiler.untile(cut), image)


def test_row_threads_apart() -> None:
    tiler, steps, found = Tiler(4, 2), threading.Barrier(2), {}

    def work(size: tuple[int, int]) -> None:
        image = numbered(1, 1, *size)
        tiles = tiler.tile(image) * 1
        steps.wait()  # the other thread has cut as well
        found[size] = (same(tiler.untile(tiles), image), tiler.input_h)

    threads = [threading.Thread(target=work, args=(s,)) for s in [(6, 12), (12, 6)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {(6, 12): (True, 6), (12, 6): (True, 12)}


@pytest.mark.parametrize("random", [False, True])
def test_row_a_thread_that_never_cut_takes_the_last_call(*, random: bool) -> None:
    tiler, found = Tiler(4, 2), []
    tiles = tiler.tile(numbered(1, 1, 6, 12), random) * 1
    thread = threading.Thread(target=lambda: found.append(tiler.untile(tiles)))
    thread.start()
    thread.join()
    assert same(found[0], tiler.untile(tiles))


def test_row_untile_without_tile() -> None:
    tiler, image = Tiler(4, 2), numbered(2, 1, 6, 8)
    tiles = tiler.tile(image)
    with pytest.raises(ValueError, match="call tile first"):
        Tiler(4, 2).untile(tiles)
    assert same(Tiler(4, 2).untile(tiles, tiler.grid), image)
    text = tiler.grid.to_json()
    assert same(Tiler(4, 2).untile(tiles, Grid.from_json(text)), image)
    assert same(Tiler(4, 2).untile(tiles[:6], Grid.from_json(text)), image[:1])


def test_row_pad() -> None:
    tiler = Tiler(4, 3)
    tiler.tile(torch.zeros(1, 1, 8, 10))
    assert (tiler.pad_h, tiler.pad_w) == (2, 0)


@pytest.mark.parametrize(
    ("size", "error"),
    [
        ([4, 4, 4], ValueError),
        ([4], ValueError),
        ([], ValueError),
        (0, ValueError),
        (-4, ValueError),
        (4.0, TypeError),
        ([4.0, 4], TypeError),
        (True, TypeError),
        ("44", TypeError),
        (None, TypeError),
    ],
)
def test_row_sizes(size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="tile_size"):
        Tiler(size)
    if size is not None:
        with pytest.raises(error, match="stride"):
            Tiler(8, size)
    with pytest.raises(error, match="size"):
        Tiler.validate_size_type(size)


def test_row_images_smaller_than_a_tile() -> None:
    assert compute_new_image_size((2, 9), (4, 8), (2, 2)) == (4, 10)
    for size in [(3, 8), (8, 3)]:
        with pytest.raises(ValueError, match="larger than the image"):
            Tiler(4, 2).tile(torch.zeros(1, 1, *size))


def test_row_rounding() -> None:
    tiler = Tiler((1, 3), (1, 1))
    tiler.tile(torch.zeros(1, 1, 1, 5))
    tiles = torch.zeros(3, 1, 1, 3)
    tiles[0, ..., 2], tiles[1, ..., 1], tiles[2, ..., 0] = 2.0**24, 1.0, -(2.0**24)
    # A float32 sum would lose the 1.
    assert tiler.untile(tiles).flatten()[2].item() == np.float32(1 / 3)
