"""The benchmark's arithmetic: medians, ratios, limits, what grows. Nothing is timed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reftiler.bench import words
from reftiler.bench.growth import SWEEPS, Growth, Sweep
from reftiler.bench.limits import HostLimit, bound, pieces, raw, whole_words
from reftiler.bench.results import Outcome, Score, Timing, score, scores
from reftiler.bench.workloads import QUICK, WORKLOADS, Workload, noise

TINY = Workload("tiny", (2, 1, 8, 8), 4, 2)


def outcome(work: Workload = TINY, **medians: float) -> Outcome:
    names = {"out": "reftiler out=", "twin": "reftiler.torch"}
    timings = {names.get(k, k): Timing([v]) for k, v in medians.items()}
    return Outcome(work, {"tile": timings, "untile": dict(timings)})


def test_median_and_spread() -> None:
    timing = Timing([5.0, 1.0, 2.0, 3.0, 100.0])
    assert timing.median == 3
    assert timing.spread == pytest.approx((5 - 2) / 2 / 3)
    assert math.isnan(Timing().median)
    assert math.isnan(Timing([1.0]).spread)


def test_ratios() -> None:
    made = outcome(limit=2.0, reftiler=3.0, kornia=12.0)
    assert made.ratio("tile", "kornia", "reftiler") == 4
    assert math.isnan(made.ratio("tile", "kornia", "anomalib"))
    assert made.base("tile") == "reftiler"
    assert words.compared(made, "tile", "kornia") == 4
    assert math.isnan(words.compared(made, "tile", "limit"))


def test_peers_are_compared_with_the_twin_if_it_is_here() -> None:
    made = outcome(limit=2.0, reftiler=3.0, twin=6.0, kornia=12.0)
    assert made.base("tile") == "reftiler.torch"
    assert words.compared(made, "tile", "kornia") == 2


def test_scores_are_geometric_means() -> None:
    both = [outcome(limit=1.0, out=2.0, kornia=4.0, reftiler=1.0)]
    both += [outcome(limit=1.0, out=8.0, kornia=9.0, reftiler=1.0)]
    found = score(both, "tile", "reftiler out=", "limit")
    assert found is not None
    assert found.mean == pytest.approx(4)
    assert found == Score("tile", "reftiler out=", "limit", found.mean, 2, 8, 2)
    assert score(both, "tile", "anomalib", "reftiler") is None
    both[0].timings["tile"]["kornia"].marks.add("no NaN")
    both[1].timings["tile"]["kornia"].marks.add("no mean")
    same = score(both, "tile", "kornia", "reftiler")
    assert same is not None
    assert (same.mean, same.count) == (4, 1)  # the other was not the same work
    against = {(one.verb, one.name): one.base for one in scores(both)}
    assert against == {
        ("tile", "reftiler out="): "limit",
        ("tile", "kornia"): "reftiler",
        ("untile", "reftiler out="): "limit",
        ("untile", "kornia"): "reftiler",
    }
    assert "4.00 times the limit" in words.sentence(found)


def test_reftiler_with_a_mark_or_a_failure_is_wrong() -> None:
    made = outcome(reftiler=1.0, kornia=1.0)
    made.timings["tile"]["kornia"].marks.add("wrong")
    assert not list(made.wrong())
    made.timings["tile"]["reftiler"].marks.add("wrong")
    made.timings["untile"]["reftiler"] = Timing(reason="failed: ValueError: no")
    assert list(made.wrong()) == [
        "reftiler, tile, tiny: wrong",
        "reftiler, untile, tiny: failed: ValueError: no",
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [(123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.004, "0.00"), (math.nan, "")],
)
def test_three_digits(number: float, text: str) -> None:
    assert words.digits(number) == text


def test_the_workloads_are_those_of_the_goals() -> None:
    assert [work.title for work in WORKLOADS] == [
        "1×3×1024² 256/256",
        "1×3×1024² 256/128",
        "8×3×1024² 256/64",
        "1×3×4096² 512/256",
        "1×3×4096² 64/32",
        "1×1×2048² 100/37",
        "1×3×4096² 256/128 uint8",
        "1×1×256³ 64/32",
        "1×3×1024² 256/128 hann",
        "1×3×1024² 256/128 border 16",
    ]
    assert set(QUICK) < {work.name for work in WORKLOADS}


def test_sizes_of_a_workload() -> None:
    assert TINY.tiles_shape == (18, 1, 4, 4)
    assert (TINY.pixels, TINY.values, TINY.bytes) == (128, 288, 1152)
    most = max(work.bytes for work in WORKLOADS)
    most = max(most, *(work.bytes for sweep in SWEEPS for work in sweep.works))
    assert most < 1.2e9  # six times this fits a machine of 8 GB


def test_noise_is_the_same_each_time() -> None:
    for dtype in ("float32", "uint8"):
        one, other = noise((3, 4), dtype), noise((3, 4), dtype)
        assert one.dtype == dtype
        assert np.array_equal(one, other)
        assert not np.array_equal(one, noise((3, 4), dtype, seed=1))


@pytest.mark.parametrize("length", [0, 1, 7, 8, 1000])
@pytest.mark.parametrize("count", [1, 3, 16])
def test_pieces_cover_a_length(length: int, count: int) -> None:
    parts = pieces(length, count)
    assert len(parts) <= count
    covered = [i for part in parts for i in range(part.start, part.stop)]
    assert covered == list(range(length))


def test_the_limit_moves_every_byte() -> None:
    limit = HostLimit(3)
    tiles, image = noise((5, 1, 1000, 999), "uint8"), noise((1, 1, 7, 9), "float32")
    out = np.zeros_like(tiles)
    bound(limit, "tile", tiles, image, out)()
    assert np.array_equal(out, tiles)
    merged = np.zeros_like(image)
    bound(limit, "untile", tiles, image, merged)()
    assert np.array_equal(merged, image)


def test_words_leave_the_rest() -> None:
    data = raw(np.arange(19, dtype=np.uint8))
    assert whole_words(data).nbytes == 16
    assert len(raw(np.zeros((2, 3), np.float32))) == 24


def test_growth_per_what_grows() -> None:
    works = (TINY, Workload("wide", (4, 1, 8, 8), 4, 2))
    sweep = Sweep("batch", "images", "pixel", works, (2, 4))
    grown = Growth(
        sweep, (outcome(works[0], reftiler=1.0), outcome(works[1], reftiler=3.0))
    )
    at, costs = zip(*grown.costs("tile", "reftiler"), strict=True)
    assert at == (2, 4)
    assert costs == pytest.approx((1e9 / 128, 3e9 / 256))
    assert grown.slack("tile", "reftiler") == pytest.approx(1.5)
    assert math.isnan(grown.slack("tile", "kornia"))


def test_sweeps_grow() -> None:
    for sweep in SWEEPS:
        assert list(sweep.at) == sorted(set(sweep.at))
        assert len(sweep.works) == len(sweep.at)
        assert sweep.divisor(sweep.works[0]) > 0
    sizes = SWEEPS[0].works
    assert [work.size[0] for work in sizes] == [1024, 2048, 4096, 8192]
