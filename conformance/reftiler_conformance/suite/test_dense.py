"""Many tiles on every pixel, or many kinds of pixels: fast tilers go other ways there.

Small cases seldom lead into a fast tiler's main loop. These do, and are judged by
slices of numpy; what subjects are asked that are not exact, small cases ask too.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.crafted_tiles import chosen
from reftiler_conformance.slices import merge_by_slices

MEAN = ("merge:mean", "exact")

# With a border, with uneven starts, with gaps; and with most pixels left to one tile.
PLAIN = Case(
    size=(24, 26), tile=(6, 6), stride=(2, 2), channels=2, content="random", seed=1
)
BORDERED = replace(PLAIN, size=(26, 30), tile=(8, 8), border=(2, 2))
CLAMPED = replace(PLAIN, size=(12, 10), tile=(4, 4), stride=(1, 4), mode="clamp")
DROPPED = replace(PLAIN, size=(23, 25), mode="drop", fill=7)
UNEVEN = replace(PLAIN, size=(40, 41), tile=(9, 9), stride=(4, 4), mode="even")
SPARSE = replace(PLAIN, size=(42, 53), tile=(12, 12), stride=(10, 10))
STEEP = tuple(0.1 * n for n in range(1, 13))
LAST = replace(PLAIN, batch=2, channels=3, channels_last=True)

DENSE = (
    PLAIN,
    CLAMPED,
    UNEVEN,
    replace(UNEVEN, size=(40, 19)),  # steps of 3, 4 and 3
    # Ten tiles, then nine, equally far apart but not from each other.
    replace(PLAIN, size=(20, 79), tile=(8, 8), stride=(4, 4), mode="even"),
    replace(PLAIN, size=(24, 9), stride=(2, 3)),  # two tiles in a row
    replace(
        PLAIN, size=(24, 8), stride=(2, 4), pad_side="both"
    ),  # the same, cut on both sides
    replace(PLAIN, size=(25, 27), dtype="float64", pad_side="both"),
    replace(PLAIN, size=(60,), tile=(12,), stride=(1,), dtype="float64", channels=1),
    replace(PLAIN, size=(9, 10, 9), tile=(4, 4, 4), stride=(1, 2, 2), channels=1),
    # A line of tiles that is more than reftiler.torch merges at a time.
    replace(PLAIN, size=(300, 900), tile=(300, 60), stride=(300, 20), channels=1),
    # More values of tiles in a row than reftiler.torch converts at a time.
    replace(PLAIN, size=(64, 400), tile=(16, 64), stride=(16, 2), channels=1),
    replace(PLAIN, size=(170_000,), tile=(1000,), stride=(300,), channels=1),
)
BYTES = tuple(
    replace(PLAIN, tile=(side, side), stride=(stride, stride), dtype=dtype)
    for side, stride in ((6, 2), (8, 2), (12, 1))  # a count of 144 is too much for some
    for dtype in ("uint8", "int8")
)
WINDOWS = (
    replace(PLAIN, window="hann"),
    replace(PLAIN, window="hann", dtype="uint8"),
    replace(SPARSE, window="triangle", batch=2),
    replace(LAST, size=(25, 27), window="gaussian", pad_side="both"),
    replace(BORDERED, window="triangle", dtype="float64"),
    replace(DROPPED, window="hann", dtype="float64"),
    replace(
        PLAIN,
        size=(500, 500),
        tile=(300, 300),
        stride=(200, 200),
        window="hann",
    ),
    replace(PLAIN, size=(160, 240), tile=(40, 60), stride=(20, 15), window="triangle"),
    # More than reftiler.torch merges at a time, with sums of weights of their own.
    replace(
        PLAIN,
        size=(500, 1100),
        tile=(12, 12),
        stride=(10, 10),
        channels=1,
        window=(STEEP, STEEP),
    ),
)
EXTREMES = tuple(
    replace(case, merge=merge, dtype=dtype)
    for case in (PLAIN, UNEVEN, BORDERED, DROPPED, LAST)
    for merge, dtype in (("max", "float32"), ("max", "int16"), ("min", "uint64"))
)


def slices_agree(run: CaseRun, tiles: Array | None = None) -> None:
    """Fail unless the merge of the case's tiles, or of others, is the one by slices."""
    given = run.case.tiles() if tiles is None else tiles
    coming = run.untiling(given)
    want = merge_by_slices(run.case, given)
    got = coming().array
    run.keep(got, want)
    same_numbers(got, want)


@clause("MERGE-003", verb="untile", needs=MEAN, only=DENSE)
def test_sums_of_dense_tiles(run: CaseRun) -> None:
    """Where many tiles lie, sums go over them in ascending order."""
    slices_agree(run)


@clause("ROUND-003", verb="untile", needs=MEAN, only=BYTES)
def test_means_of_bytes(run: CaseRun) -> None:
    """Where many tiles lie, the mean of bytes is rounded to nearest, ties to even."""
    slices_agree(run)
    info = np.iinfo(run.case.dtype)
    slices_agree(run, chosen(run.case, range(info.max - 9, info.max + 1)))
    slices_agree(run, chosen(run.case, range(info.min, info.min + 9)))


@clause("WINDOW-001", verb="untile", needs=MEAN, only=WINDOWS)
def test_weights_of_dense_tiles(run: CaseRun) -> None:
    """Where many tiles lie, a weight is the product of one value for each axis."""
    slices_agree(run)


@clause(
    "BORDER-001",
    verb="untile",
    needs=MEAN,
    only=[
        BORDERED,
        replace(BORDERED, size=(27, 31), pad_side="both"),
        # No power of two among sides and strides.
        replace(
            BORDERED,
            size=(12, 29),
            tile=(5, 7),
            stride=(1, 3),
            border=(1, 1),
            channels=1,
        ),
        replace(BORDERED, channels_last=True),
        replace(LAST, size=(27, 31), tile=(8, 8), border=(2, 1), pad_side="both"),
    ],
)
def test_borders_of_dense_tiles(run: CaseRun) -> None:
    """Where many tiles lie, their borders do not take part."""
    slices_agree(run)


@clause(
    "MERGE-018",
    verb="untile",
    needs=MEAN,
    only=[
        DROPPED,
        replace(DROPPED, dtype="uint8"),
        replace(DROPPED, dtype="uint16", channels_last=True),
        # Gaps on the last of three axes only.
        replace(DROPPED, size=(8, 10, 9), tile=(4, 4, 4), stride=(2, 2, 2)),
        replace(DROPPED, tile=(8, 8), stride=(4, 3), border=(2, 2), fill=-1),
        replace(DROPPED, size=(41, 52), tile=(12, 12), stride=(10, 10), dtype="int64"),
    ],
)
def test_gaps_beside_dense_tiles(run: CaseRun) -> None:
    """Beside many tiles, pixels of no tile have the value of fill."""
    slices_agree(run)


@clause("MERGE-012", verb="untile", only=EXTREMES)
def test_extremes_of_dense_tiles(run: CaseRun) -> None:
    """Where many tiles lie, the largest or smallest value counts."""
    slices_agree(run)


@clause(
    "MERGE-022",
    verb="untile",
    needs=MEAN,
    only=[
        replace(PLAIN, batch=3),
        LAST,
        replace(LAST, dtype="uint8"),
        replace(LAST, size=(42, 53), tile=(12, 12), stride=(10, 10)),
    ],
)
def test_dense_tiles_of_a_batch(run: CaseRun) -> None:
    """Each image and each channel of a batch is merged by itself."""
    slices_agree(run)


@clause(
    "MERGE-007",
    verb="untile",
    needs=MEAN,
    only=[
        replace(PLAIN, dtype="int64"),
        replace(SPARSE, dtype="uint64", content="index"),
        replace(SPARSE, dtype="float64", window="hann"),
        replace(LAST, dtype="float64", window="hann"),
        replace(SPARSE, dtype="float64", window="hann", result="float32"),
        # With such weights w·v/w is not v, which float64 would show.
        replace(SPARSE, window=(STEEP, STEEP), result="float64"),
        replace(UNEVEN, dtype="float64", window="gaussian"),
    ],
)
def test_lone_beside_dense_tiles(run: CaseRun) -> None:
    """Beside pixels of many tiles, the value of a lone one is copied."""
    slices_agree(run)


@clause(
    "ROUND-006",
    verb="untile",
    needs=("merge:mean", "exact", "result"),
    only=[
        replace(PLAIN, result="uint8"),
        replace(PLAIN, dtype="int16", result="float16"),
        replace(SPARSE, dtype="uint8", result="float32"),
        replace(UNEVEN, merge="max", dtype="uint8", result="float16"),
        replace(DROPPED, dtype="float64", result="float32", window="hann"),
        replace(DROPPED, result="uint8", window="hann"),
        replace(DROPPED, result="uint8", window=(STEEP[:6], STEEP[:6])),
    ],
)
def test_dense_tiles_in_another_dtype(run: CaseRun) -> None:
    """Where many tiles lie, they are rounded once to the dtype of the result."""
    slices_agree(run)


@clause(
    "SCALE-007",
    verb="untile",
    needs=MEAN,
    only=[
        replace(BORDERED, scale=(Fraction(2),) * 2),
        replace(BORDERED, scale=(Fraction(1, 2),) * 2),
        replace(PLAIN, size=(26, 28), scale=(Fraction(3, 2),) * 2, window="hann"),
    ],
)
def test_dense_tiles_of_another_size(run: CaseRun) -> None:
    """Where many tiles lie, starts, tiles and borders are scaled."""
    slices_agree(run)


@clause(
    "INTERP-002",
    verb="untile",
    needs=MEAN,
    only=[
        replace(PLAIN, size=(25, 27), mode="interpolation"),
        replace(LAST, size=(25, 27), mode="interpolation", window="triangle"),
    ],
)
def test_shrinks_dense_tiles(run: CaseRun) -> None:
    """Where many tiles lie, the result is the frame's pixel after it."""
    slices_agree(run)


STARTS = np.random.default_rng(0).integers(0, (19, 21), (40, 2))
SCATTERED = replace(PLAIN, starts=tuple(map(tuple, STARTS.tolist())), fill=7)


@clause(
    "SCATTER-004",
    verb="untile",
    needs=MEAN,
    only=[
        SCATTERED,
        replace(SCATTERED, window="hann", border=(1, 1)),
        replace(SCATTERED, merge="max", dtype="uint8"),
    ],
)
def test_dense_scattered_tiles(run: CaseRun) -> None:
    """Where many scattered tiles lie, they are merged as others are."""
    slices_agree(run)
