"""Random starts: the generator, and the starts made of its words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Grid, Tiler
from reftiler_conformance.oracle import Settings, random_starts, words

SEEDS = (
    st.sampled_from([0, 1, 2**64 - 1, 2**64, 2**127, 2**128 - 1])
    | st.integers(0, 100)
    | st.integers(0, 2**128 - 1)
)
SPAN = st.tuples(st.integers(1, 9), st.integers(0, 2**40), st.integers(1, 5))


@given(SEEDS)
def test_the_words_are_numpys(seed: int) -> None:
    stream = words(seed)
    mine = [next(stream) for _ in range(11)]
    theirs = np.random.Philox(key=seed).random_raw(11)
    assert mine == [int(word) for word in theirs]


@given(st.lists(SPAN, min_size=1, max_size=3), st.integers(1, 12), SEEDS)
def test_starts_are_those_of_the_words(spans: Any, count: int, seed: int) -> None:
    tile, rooms, align = zip(*spans, strict=True)
    size = tuple(map(sum, zip(tile, rooms, strict=True)))
    grid = Tiler(tile).random(size, count, seed, align)
    want = random_starts(Settings(tile, tile), size, count, seed, align)
    assert grid.starts.tolist() == [list(start) for start in want]
    assert grid.starts.dtype == np.int64
    assert (grid.is_irregular, len(grid), grid.shape) == (True, count, (count,))
    assert Grid.from_json(grid.to_json()) == grid


def test_literal_starts_that_no_version_may_change() -> None:
    grid = Tiler(32).random((100, 70), 4, 0)
    # 69 and 39 choices of the first words of Philox(key=0)
    raw = np.random.Philox(key=0).random_raw(8)
    want = [int(u) * n >> 64 for u, n in zip(raw, [69, 39] * 4, strict=True)]
    assert grid.starts.ravel().tolist() == want
    assert grid.starts.tolist() == [[0, 9], [7, 22], [34, 10], [65, 38]]
    assert Tiler(32).random((100, 70), 4, 0, align=1) == grid
    # Every start is possible, and the ends too.
    starts = Tiler([3]).random([8], 400, 7).starts
    assert sorted(set(starts.ravel().tolist())) == [0, 1, 2, 3, 4, 5]
    aligned = Tiler([3]).random([8], 400, 7, align=2).starts
    assert sorted(set(aligned.ravel().tolist())) == [0, 2, 4]


def test_starts_inside_that_no_version_may_change() -> None:
    mask = np.zeros((100, 70))
    mask[[5, 60], [8, 66]] = 1, np.nan
    grid = Tiler(32).random((100, 70), 6, 0, inside=mask)
    assert grid == Tiler(32).random((100, 70), 6, 0, inside=mask, share=1 / 3)
    want = [[7, 22], [19, 36], [37, 35], [9, 22], [59, 29], [1, 8]]
    assert grid.starts.tolist() == want


def test_tiles_inside_lie_all_around_a_marked_pixel() -> None:
    mask = np.arange(12) == 6
    grid = Tiler([3]).random([12], 900, 7, inside=mask, share=1)
    starts, counts = np.unique(grid.starts, return_counts=True)
    assert starts.tolist() == [4, 5, 6]
    assert counts.min() > 250
    some = Tiler([3]).random([12], 900, 7, inside=mask, share=Fraction(1, 2))
    assert 450 <= len(some.touching(mask)) < 650
    assert len(np.unique(some.starts)) == 10
    first = Tiler([3]).random([12], 90, 7, inside=mask, share=Fraction(1, 2))
    assert first.starts.tolist() == some.starts[:90].tolist()


def test_one_tile_is_inside_as_often_as_many_are() -> None:
    mask = np.arange(100) == 50
    hits = [
        len(Tiler([3]).random([100], 1, seed, inside=mask, share=0.25).touching(mask))
        for seed in range(400)
    ]
    assert 70 < sum(hits) < 150  # a quarter, and 3 of 98 by chance
