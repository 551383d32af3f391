"""Laws that need no definition: what must hold whatever the pixels are."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler
from reftiler_conformance.compare import same_bits
from tests.cases import Case, MergeCase
from tests.strategies import NUMBERS, SMALL, SWAPPED, cases, merges

COVERING = ("padding", "interpolation", "clamp", "even")
SMALL_SWAPPED = tuple(name for name in SWAPPED if np.dtype(name).itemsize <= 4)


@given(cases(dtypes=SMALL + SMALL_SWAPPED, merge=True, scatter=False, modes=COVERING))
def test_there_and_back(case: Case) -> None:
    tiler, image = case.tiler(Tiler), case.image()
    got = tiler.untile(tiler.tile(image), case.shape)
    same_bits(got, image, nan="any")


@given(cases(dtypes=("int64", "uint64", "float64"), scatter=False, modes=COVERING))
def test_there_and_back_without_overlap_for_wide_types(case: Case) -> None:
    case = replace(case, settings=replace(case.settings, stride=case.settings.tile))
    tiler, image = case.tiler(Tiler), case.image()
    got = tiler.untile(tiler.tile(image), case.shape)
    covered_once = tiler.grid(case.size).coverage() == 1
    if case.settings.channels_last and case.channels is not None:
        covered_once = covered_once[..., None]
    where = np.broadcast_to(covered_once, image.shape)
    assert where.any()
    same_bits(got[where], image[where], nan="any")


@given(cases(dtypes=SMALL, merge=True, scatter=False, modes=("drop",)))
def test_there_and_back_where_drop_has_tiles(case: Case) -> None:
    case = replace(case, settings=replace(case.settings, fill=0))
    tiler, image = case.tiler(Tiler), case.image()
    covered = tiler.grid(case.size).coverage() > 0
    if case.settings.channels_last and case.channels is not None:
        covered = covered[..., None]
    covered = np.broadcast_to(covered, image.shape)
    got = tiler.untile(tiler.tile(image), case.shape)
    same_bits(got, np.where(covered, image, np.zeros((), image.dtype)), nan="any")


@given(cases(merge=True))
def test_coverage_is_the_sum_of_the_slices(case: Case) -> None:
    """Independent of the definition: where no border is removed."""
    if case.grid(case.tiler(Tiler)).axes[0].resampled:
        return
    case = replace(case, settings=replace(case.settings, border=()))
    grid = case.grid(case.tiler(Tiler))
    count = np.zeros(case.size, int)
    for k in range(len(grid)):
        count[grid.slices(k)] += 1
    assert grid.coverage().tolist() == count.tolist()
    assert grid.uncovered == int((count == 0).sum())


@given(cases(merge=True, dtypes=SMALL))
def test_coverage_is_what_untile_does(case: Case) -> None:
    """A tile takes part where its mark is seen in the result."""
    settings = replace(
        case.settings, window="box", merge="max", fill=0, nan="propagate"
    )
    case = replace(case, settings=settings, batch=None, channels=None)
    tiler = case.tiler(Tiler)
    grid = case.grid(tiler)
    count = np.zeros(case.size, int)
    for k in range(len(grid)):
        tiles = np.zeros((len(grid), *tiler.tile_size), np.uint8)
        tiles[k] = 1
        count += tiler.untile(tiles, case.size, grid)
    assert grid.coverage().tolist() == count.tolist()


@given(cases(dtypes=NUMBERS, merge=True))
def test_a_batch_is_its_images(case: Case) -> None:
    """Cutting N images at once is cutting each; every image has the same grid."""
    case = replace(case, batch=3, channels=2, settings=replace(case.settings, fill=0))
    tiler, images = case.tiler(Tiler), case.image()
    grid = case.grid(tiler)
    tiles = tiler.tile(images, grid=grid)
    single = [tiler.tile(image, grid=grid) for image in images]
    same_bits(tiles, np.concatenate(single))
    whole = tiler.untile(tiles, case.shape, grid)
    alone = [tiler.untile(part, case.shape[1:], grid) for part in single]
    same_bits(whole, np.stack(alone), nan="any")


@given(cases(dtypes=NUMBERS, merge=True))
def test_channels_do_not_meet(case: Case) -> None:
    case = replace(
        case, batch=None, channels=3, settings=replace(case.settings, fill=0)
    )
    tiler, image = case.tiler(Tiler), case.image()
    grid, last = case.grid(tiler), case.settings.channels_last
    tiles = tiler.tile(image, grid=grid)
    whole = tiler.untile(tiles, case.shape, grid)
    for c in range(3):
        plane = image[..., c] if last else image[c]
        some = tiler.tile(plane, grid=grid)
        same_bits(np.ascontiguousarray(tiles[..., c] if last else tiles[:, c]), some)
        alone = tiler.untile(some, case.size, grid)
        same_bits(
            np.ascontiguousarray(whole[..., c] if last else whole[c]), alone, nan="any"
        )


@given(cases(merge=True, dtypes=NUMBERS))
def test_channels_last_is_the_same_moved(case: Case) -> None:
    case = replace(case, batch=2, channels=3)
    first = replace(case, settings=replace(case.settings, channels_last=False, fill=0))
    last = replace(case, settings=replace(case.settings, channels_last=True, fill=0))
    image = first.image()
    moved = np.moveaxis(image, 1, -1)
    one, other = first.tiler(Tiler), last.tiler(Tiler)
    tiles = one.tile(image, grid=first.grid(one))
    swapped = other.tile(moved, grid=last.grid(other))
    same_bits(np.ascontiguousarray(np.moveaxis(swapped, -1, 1)), tiles)
    whole = one.untile(tiles, first.shape, first.grid(one))
    back = other.untile(swapped, last.shape, last.grid(other))
    same_bits(np.ascontiguousarray(np.moveaxis(back, -1, 1)), whole, nan="any")


@given(
    cases(dtypes=("uint8", "int16", "float16", "bool", "float32")),
    st.sampled_from(["float64", "complex128"]),
)
def test_tile_commutes_with_widening(case: Case, wide: str) -> None:
    if case.content in ("bits", "special"):  # a NaN may change when it is widened
        case = replace(case, content="random")
    case = replace(case, settings=replace(case.settings, pad_value=0))
    tiler, image = case.tiler(Tiler), case.image()
    grid = case.grid(tiler)
    got = tiler.tile(image.astype(wide), grid=grid)
    same_bits(got, tiler.tile(image, grid=grid).astype(wide))


@given(merges(dtypes=tuple(n for n in SMALL if n != "bool"), convert=False))
def test_the_mean_lies_between_the_extremes(merge: MergeCase) -> None:
    content = "index" if merge.case.content == "index" else "random"
    settings = replace(merge.case.settings, nan="propagate")
    case = replace(merge.case, content=content, settings=settings)
    merge = replace(merge, case=case)
    results = []
    for how in ("min", "mean", "max"):
        window = case.settings.window if how == "mean" else "box"
        tiler = replace(case, settings=replace(case.settings, merge=how, window=window))
        own = tiler.tiler(Tiler)
        grid, scale = tiler.grid(own), merge.scale_argument()
        results.append(own.untile(merge.tiles(), case.shape, grid, **scale))
    low, mean, high = results
    filled = np.isnan(mean.astype(float)) & np.isnan(low.astype(float))
    assert (filled | ((low <= mean) & (mean <= high))).all()


@given(merges(scaled=False), st.randoms(use_true_random=False))
def test_the_order_of_tiles_is_free_where_sums_are_exact(
    merge: MergeCase, shuffler: Any
) -> None:
    """Whole numbers of few bits: any order of scattered tiles gives the same."""
    settings = replace(merge.case.settings, window="triangle", merge="mean", fill=0)
    case = replace(merge.case, settings=settings, dtype="int16", batch=None)
    starts = tuple(case.oracle_grid.starts)
    case = replace(case, starts=starts, selection=None)
    if any(t > n for t, n in zip(settings.tile, case.size, strict=True)) or any(
        s + t > n
        for start in case.oracle_grid.starts
        for s, t, n in zip(start, settings.tile, case.size, strict=True)
    ):
        return
    merge = replace(merge, case=case, scale=())
    tiler, tiles = case.tiler(Tiler), merge.tiles()
    order = list(range(len(tiles)))
    shuffler.shuffle(order)
    moved = tiler.scatter(case.size, [case.oracle_grid.starts[k] for k in order])
    want = tiler.untile(tiles, case.shape, case.grid(tiler))
    same_bits(tiler.untile(tiles[order], case.shape, moved), want)


def test_float_sums_go_in_ascending_order() -> None:
    """1e16 + 1 is 1e16, so each order of three tiles has a sum of its own."""
    tiler = Tiler([1])
    grid = tiler.scatter((1,), [[0], [0], [0]])
    for numbers, mean in [
        ([1e16, -1e16, 3.0], 1.0),
        ([1e16, 3.0, -1e16], 4 / 3),
        ([1.0, 1e16, -1e16], 0.0),
        ([1e16, 1.0, -1e16], 0.0),
    ]:
        tiles = np.array(numbers)[:, None]
        assert tiler.untile(tiles, (1,), grid).tolist() == [mean]


@given(merges())
def test_twice_is_the_same_and_so_is_a_thread(merge: MergeCase) -> None:
    if merge.result is not None:
        merge = replace(merge, result=None)
        settings = replace(merge.case.settings, fill=0)
        merge = replace(merge, case=replace(merge.case, settings=settings))
    case, tiler = merge.case, merge.case.tiler(Tiler)
    grid, tiles = case.grid(tiler), merge.tiles()

    def once(_: int) -> bytes:
        result = tiler.untile(tiles, case.shape, grid, **merge.scale_argument())
        assert result.size > 0
        return bytes(result.tobytes())

    with ThreadPoolExecutor(4) as pool:
        results = set(pool.map(once, range(4)))
    assert len(results | {once(0)}) == 1


@given(merges(dtypes=("float32", "float16"), convert=False))
def test_tiles_that_agree_merge_to_what_they_agree_on(merge: MergeCase) -> None:
    case, value = merge.case, np.float16(0.1)
    tiles = np.full(merge.tiles().shape, value, case.dtype)
    case = replace(case, settings=replace(case.settings, fill=0.0999755859375))
    tiler = case.tiler(Tiler)
    grid = case.grid(tiler)
    got = tiler.untile(tiles, case.shape, grid, **merge.scale_argument())
    assert got.size > 0
    assert (got == value).all()
    assert math.isclose(float(value), 0.1, rel_tol=1e-3)
