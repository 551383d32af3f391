"""MERGE: the mean of tiles, their maximum and minimum, padding, gaps and fill."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import (
    SINGLE,
    Mismatch,
    same_merge,
    same_numbers,
    same_shape,
)
from reftiler_conformance.draws import ANY, FLOATS, INTEGERS, WIDE, wide
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import MODES, NUMBERS, WINDOWS
from reftiler_conformance.needs import needs_to_untile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.slices import coverage_of, pixels_read, values
from reftiler_conformance.suite.narrowed import COMBINED_MERGES, each, gaps, ranks
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import (
    EVERY,
    PLACES,
    agrees,
    blaming,
    exact_division,
)
from reftiler_conformance.testdata import chosen, held, whole_tiles

MEAN = ["merge:mean"]
EXACT = [*MEAN, "exact"]
RANDOM = ("random",)
WITHOUT_FILL = EVERY | {"fill": (False,)}
"""The fill is another clause."""
WITHOUT_WINDOWS = EVERY | {"window": ("box",)}
IN_DOUBLES = PLACES | wide("border") | {"dtype": ("float64",)}
SCALED = IN_DOUBLES | wide("scale")

CROWDED = ranks(Case(size=(12,), tile=(4,), stride=(1,)))
# More tiles on a pixel than a byte counts.
MANY = (
    *ranks(Case(size=(1,), tile=(1,), stride=(1,), starts=((0,),) * 257)),
    Case(size=(513,), tile=(257,), stride=(1,)),
    Case(size=(33, 33), tile=(17, 17), stride=(1, 1), channels=1),
)
NEIGHBOURS = ranks(Case(size=(8,), tile=(5,), stride=(3,)))


@clause(
    "MERGE-001",
    needs=MEAN,
    dtype=(*FLOATS, "uint8", "int16", "int32"),
    content=RANDOM,
    also=each((*CROWDED, *MANY), content=RANDOM),
    **WITHOUT_FILL,
)
def test_the_mean(run: CaseRun) -> None:
    """A pixel of several tiles is their weighted mean."""
    case = run.case
    # Zeros are another clause: in a byte they would come often.
    tiles = chosen(case, range(1, 256)) if case.dtype == "uint8" else case.tiles()
    several = coverage_of(case) > 1
    try:
        agrees(run, lambda c: tiles if c is case else c.tiles(), where=several)
    except Mismatch as error:
        if error.clause or run.evidence.got is None:
            raise
        # Finer roundings are other clauses, and so is a term in the divisor: MERGE-005.
        least = 2.0**-27 if case.dtype == "float64" else SINGLE
        got = run.evidence.got
        same_merge(got, case, tiles, half=1.0, least=least, where=several)


ALL = WIDE | {"verb": "untile", "overlap": ("some",), "window": WINDOWS}


@clause("MERGE-001", share=1.5, also=COMBINED_MERGES, **ALL)
def test_every_setting(run: CaseRun) -> None:
    """With every setting at once, a merge is what the formula says."""
    agrees(run, by="coarse")


# Sizes at which a fast tiler may go another way: 2^n, 2^n ± 1, primes, many tiles. Of
# each axis the tile, the stride, and how many tiles fit.
Axis = tuple[int, int, int]
SIZES: tuple[tuple[Axis, ...], ...] = (
    ((4, 2, 17),),
    ((8, 4, 17), (8, 4, 2)),
    ((4, 2, 9), (4, 2, 9), (4, 2, 3)),
    ((6, 2, 600),),  # more than 512 tiles, three on a pixel
    ((4, 1, 24), (4, 1, 24)),
    ((257, 1, 270),),  # more tiles on a pixel than a byte counts
    ((17, 1, 18), (17, 1, 17)),
    ((1024, 512, 3),),
    ((1021, 397, 4),),
    ((65537, 32768, 2),),
    ((64, 32, 5), (64, 32, 4)),
    ((127, 64, 3), (129, 61, 3)),
    ((31, 30, 9), (33, 17, 11)),
    ((257, 128, 2), (255, 101, 3)),  # more than 2^16 pixels
    ((1024, 512, 2), (8, 5, 3)),
    ((3, 2, 2), (1021, 509, 3)),
    ((17, 8, 3), (31, 16, 3), (16, 15, 2)),
    ((5, 3, 3), (64, 32, 2), (65, 33, 2)),
)


def real(number: int, varied: bool) -> Case:
    """Return a case of a size: filled exactly, or with a rest and other settings."""
    axes = SIZES[number]
    tile, stride, _ = zip(*axes, strict=True)
    case = Case(
        size=tuple(t + (n - 1) * s + s // 2 * varied for t, s, n in axes),
        tile=tile,
        stride=stride,
        channels=None if len(axes) == 1 else 1,
        window="box" if number % 2 else "hann",
        dtype="float64",  # in which the order of sums shows
        content="random",
    )
    if not varied:
        return case
    mode = MODES[number % 5]
    return replace(
        case,
        channels=(1, 3, 65, 2)[number % 4 if number < 6 else number % 2],
        channels_last=number % 3 == 1,
        mode=mode,
        window="box" if number % 4 else "triangle",
        merge=(None, None, "max", "min")[number % 4],
        border=tuple((t - s) // 2 for t, s, _ in axes) if number % 3 else (),
        fill=7 if mode == "drop" else None,
        dtype=("float32", "float64", "uint8", "uint16")[number // 3 % 4],
    )


LARGE = [real(number, varied) for number in range(18) for varied in (False, True)]
# For tilers that claim squares, one dtype, and no window.
SIMPLE = each(
    [
        replace(real(number, False), window="box", mode="clamp", dtype="float32")
        for number in (0, 4, 7, 9, 10)
    ],
    channels=(None, 1),
)


@clause("MERGE-003", verb="untile", only=[*LARGE, *SIMPLE])
def test_sizes_of_real_life(run: CaseRun) -> None:
    """However many tiles there are, and however long, they are merged by the rule."""
    agrees(run, by="" if "exact" in run.features else "coarse")


SIXTY_FOUR = ("int64", "uint64")


@clause(
    "MERGE-002",
    needs=EXACT,
    dtype=tuple(n for n in NUMBERS if n not in ("bool", "float64")),
    result=("float64",),
    content=RANDOM,
    also=each(
        CROWDED, dtype=(*SIXTY_FOUR, "float32"), content=RANDOM, result=("float64",)
    ),
    **PLACES,
)
def test_in_float64(run: CaseRun) -> None:
    """Values and sums are float64; a 64-bit integer is first rounded to it."""
    two = coverage_of(run.case) == 2  # which have but one order
    agrees(run, by="numbers", where=two)


@clause(
    "MERGE-002",
    needs=EXACT,
    dtype=SIXTY_FOUR,
    also=each(CROWDED, dtype=SIXTY_FOUR),
    **PLACES,
)
def test_large_integers(run: CaseRun) -> None:
    """Sums of 64-bit integers are float64 where the result is an integer too."""
    most = int(np.iinfo(run.case.dtype).max)
    numbers = [1, 3, 2**53 + 1, 2**53 + 3, 2**54 - 1, 2**60 + 129, most // 2, most]
    if run.case.dtype == "int64":
        numbers += [-n for n in numbers]
    tiles = chosen(run.case, numbers)
    run.merge_agrees(tiles, by="numbers", where=coverage_of(run.case) == 2)


UNLIKE = [1e16, 1.0, -1e16, 3.0, -1.0, 1e-3]


@clause(
    "MERGE-003",
    needs=EXACT,
    also=each(CROWDED, dtype=("float64",), seed=(0, 1)),
    **SCALED,
)
def test_in_order(run: CaseRun) -> None:
    """Sums start from -0.0 and go over the tiles in ascending order."""
    numbers = [-0.0] if run.case.seed % 3 == 0 else UNLIKE
    where = exact_division(run.case)
    agrees(run, lambda case: chosen(case, numbers), by="numbers", where=where)


@clause(
    "MERGE-004",
    needs=EXACT,
    window=("triangle", "hann"),
    content=RANDOM,
    also=ranks(
        Case((14,), (4,), (2,), window="triangle", dtype="float64", content="random")
    ),
    **IN_DOUBLES,
)
def test_products_are_rounded(run: CaseRun) -> None:
    """A product is rounded before it is added, never fused with the addition."""
    # Two have but one order.
    where = (coverage_of(run.case) == 2) & exact_division(run.case)
    agrees(run, by="numbers", where=where)


@clause(
    "MERGE-005",
    needs=MEAN,
    window=("box", "triangle", "hann"),
    **SCALED | {"rank": (2, 1)},
)
def test_one_division(run: CaseRun) -> None:
    """There is one division, and no term is added to the divisor."""
    # Of small whole numbers the sums are exact in any order.
    agrees(run, lambda case: chosen(case, range(1, 100)))


@clause("MERGE-006", needs=EXACT, **IN_DOUBLES)
def test_box_is_not_multiplied(run: CaseRun) -> None:
    """With the box window nothing is multiplied."""
    # Where numbers end, a factor shows; sums of these are exact in any order.
    step = 5e-324 if run.case.seed % 2 else 2.0**1019
    tiles = chosen(run.case, [step * n for n in range(1, 16)])
    with blaming(run):
        run.merge_agrees(tiles, by="numbers", where=exact_division(run.case))


# What a weight or a division would change.
WEIGHED = [
    replace(case, window=window, dtype=dtype, content=content)
    for window, dtype, content in (
        ("hann", "float64", "random"),
        ("triangle", "float32", "special"),
        ("box", "int64", "bits"),
        ("box", "uint64", "bits"),
    )
    for case in NEIGHBOURS
]


@clause(
    "MERGE-007",
    dtype=NUMBERS,
    content=("random", "bits", "special"),
    also=WEIGHED,
    **EVERY | {"overlap": ANY, "merge": ANY},
)
def test_a_lone_tile_is_copied(run: CaseRun) -> None:
    """A pixel of one tile is that tile's value, whatever its weight."""
    agrees(run, by="numbers", where=coverage_of(run.case) == 1)


@clause("MERGE-008", needs=MEAN, dtype=FLOATS, **WITHOUT_FILL)
def test_nan_is_never_masked(run: CaseRun) -> None:
    """A mean with NaN is NaN, and infinities follow IEEE 754."""
    tiles = chosen(run.case, [0, 1, 2, 3, math.nan, math.inf, -math.inf])
    with blaming(run):
        got, want = run.untile(tiles).array, merge_of(run.case, tiles)
        run.keep(got, want)
        same_numbers(beyond(got), beyond(want), where=coverage_of(run.case) > 1)


def beyond(array: Array) -> Array:
    """Return an array with 0 for what is finite."""
    numbers = values(array)
    return np.where(np.isfinite(numbers), 0.0, numbers)


OMITTING = WITHOUT_FILL | {"nan": ("omit",)}


@clause(
    "MERGE-032",
    needs=EXACT,
    dtype=FLOATS,
    also=each(
        (*CROWDED, *NEIGHBOURS),
        nan=["omit"],
        dtype=["float64", "float32"],
        window=["box", "hann"],
    ),
    **OMITTING,
)
@clause(
    "MERGE-033",
    needs=EXACT,
    dtype=FLOATS,
    also=each(NEIGHBOURS, nan=["omit"], seed=[0, 1]),
    **OMITTING | {"fill": ANY},
)
def test_nan_is_left_out(run: CaseRun) -> None:
    """A mean is that of the numbers; of NaN alone it is NaN."""
    odd = [math.nan, math.nan, math.nan, math.inf, -0.0]
    few = [*odd[:3], 7.0] if run.case.seed % 2 else [*odd, 1.0, 2.0, 3.0, 0.1]
    agrees(run, lambda case: chosen(case, few), by="numbers")


@clause("MERGE-034", verb="untile", needs=["refusals", "nan:omit"])
def test_only_a_mean_leaves_nan_out(run: CaseRun) -> None:
    """nan="omit" is refused for merges that are no mean."""
    for merge in (*EXTREMES, *ENDS, "center", "vote"):
        dtype = "uint8" if merge == "vote" else run.case.dtype
        case = replace(run.case, merge=merge, nan="omit", dtype=dtype)
        if needs_to_untile(case) <= run.features:
            refuses_case(run, "untile", case, f"{merge} leaves no NaN out")


@clause(
    "MERGE-009",
    dtype=("float32", "float64", "float16", "bfloat16", "uint8", "int16"),
    also=each(CROWDED, fill=(7,), seed=(1,)),
    **EVERY | {"merge": ANY},
)
def test_zeros_take_part(run: CaseRun) -> None:
    """A tile of zeros takes part like any other, and so does one of the fill."""
    case = run.case
    sign = 1 if case.dtype == "uint8" or case.seed % 2 else -1
    fill = case.fill if case.fill is not None and math.isfinite(case.fill) else 0
    tiles = whole_tiles(case, [fill if case.seed % 3 == 0 else 0, sign * 64])
    with blaming(run):
        got = run.untile(tiles).array
        run.keep(got, merge_of(case, tiles))
        same_merge(got, case, tiles, half=1.0, least=SINGLE)


@clause("MERGE-010", share=0.5, needs=["merge:any"], dtype=("bool",), **WITHOUT_WINDOWS)
def test_any_tile_says_so(run: CaseRun) -> None:
    """Bool tiles are merged by max if nothing else is said."""
    agrees(run, by="numbers")


@clause("MERGE-011", verb="untile", needs=[*MEAN, "refusals"], dtype=("bool",))
def test_bools_have_no_mean(run: CaseRun) -> None:
    """The mean of bool tiles is refused, whatever dtype= says."""
    case = replace(run.case, merge="mean")
    refuses_case(run, "untile", case, "bools have no mean")
    if {"result", "untile:float32"} <= run.features:
        wide = replace(case, result="float32")
        refuses_case(run, "untile", wide, "bools have no mean, as float32 neither")


EXTREMES = ("max", "min")


@clause(
    "MERGE-012",
    merge=EXTREMES,
    dtype=FLOATS,
    also=each(CROWDED, merge=EXTREMES, dtype=("float32", "float64")),
    **WITHOUT_WINDOWS,
)
@clause(
    "MERGE-013",
    merge=EXTREMES,
    dtype=INTEGERS,
    also=each(
        CROWDED, merge=EXTREMES, dtype=(*SIXTY_FOUR, "int32", "uint32"), seed=(1,)
    ),
    **WITHOUT_WINDOWS,
)
def test_extremes(run: CaseRun) -> None:
    """Of floats, -0.0 is less than +0.0, and NaN wins; integers are exact."""
    numbers = [0.0, -0.0, 0.0, -0.0, 1, -1, 2, math.nan, math.inf, -math.inf]
    if run.case.dtype in INTEGERS:
        info = np.iinfo(run.case.dtype)
        low, high = int(info.min), int(info.max)
        # Near each other, if seen as floats.
        near = [2**24, 2**24 + 1, high - 1, high, 2**53, 2**53 + 1, low, low + 1, -1, 0]
        numbers = [n for n in near if low <= n <= high]
    several = coverage_of(run.case) > 1
    agrees(run, lambda case: chosen(case, numbers), by="numbers", where=several)


ENDS = ("first", "last")
# Scattered tiles of unlike sides, in an order that is none of places.
SCATTERED = Case(
    size=(8, 12),
    tile=(4, 7),
    stride=(4, 7),
    channels=2,
    starts=((4, 5), (0, 0), (3, 2), (4, 4), (0, 5), (4, 0), (3, 2)),
)
PLACED = EVERY | {"window": ("box",), "content": ("random", "special")}


@clause(
    "MERGE-024",
    merge=ENDS,
    dtype=NUMBERS,
    also=each((*CROWDED, SCATTERED), merge=ENDS, dtype=("float32", "int64")),
    **PLACED,
)
@clause(
    "MERGE-025",
    merge=("center",),
    dtype=NUMBERS,
    also=each((*CROWDED, *NEIGHBOURS, SCATTERED), merge=("center",), content=RANDOM),
    **PLACED,
)
def test_the_place_decides(run: CaseRun) -> None:
    """A pixel is that of the first, the last or the nearest tile."""
    agrees(run, by="numbers")


@clause(
    "MERGE-026",
    merge=(*ENDS, "center"),
    dtype=("int64", "uint64", "float64", "float32", "float16"),
    content=("bits", "special"),
    also=each(
        CROWDED, merge=(*ENDS, "center"), dtype=("int64", "float64"), content=["bits"]
    ),
    **PLACES | wide("border", "fill"),
)
def test_what_is_taken_is_copied(run: CaseRun) -> None:
    """What the place decides is copied, NaN and integers of 64 bits included."""
    several = coverage_of(run.case) > 1
    tiles = run.case.tiles()
    if run.case.dtype in FLOATS:
        tiles = chosen(run.case, [math.nan, -0.0, 0.0, math.inf, 1.0])
    run.merge_agrees(tiles, by="numbers", where=several)


def spared(case: Case) -> Array:
    """Return tiles of NaN, but where one tile is that the merge takes a number of."""
    other = 5.0 if case.nan == "omit" else math.nan
    tiles = chosen(case, [math.nan, math.nan, other]).copy()
    merge = "first" if case.nan == "omit" else case.merge
    places = np.arange(tiles.size).reshape(tiles.shape)
    plain = replace(case, merge=merge, nan="propagate", dtype="int64", result=None)
    taken = merge_of(plain, places)
    tiles.flat[taken] = 5.0
    return tiles


@clause(
    "MERGE-026",
    needs=["result"],
    merge=(*ENDS, "center"),
    dtype=("float32", "float64"),
    result=INTEGERS,
    also=each(CROWDED, merge=(*ENDS, "center"), dtype=["float32"], result=["uint8"]),
    **PLACES,
)
@clause(
    "MERGE-032",
    needs=[*MEAN, "result"],
    nan=("omit",),
    dtype=("float32", "float64"),
    result=INTEGERS,
    also=each(CROWDED, nan=["omit"], dtype=["float32"], result=["uint8"]),
    **PLACES,
)
def test_nan_that_is_not_taken_is_no_reason(run: CaseRun) -> None:
    """A NaN that the merge does not take does not matter to an integer result."""
    run.merge_agrees(spared(run.case), by="numbers")


LABELS = ("uint8", "int8", "int16", "uint16", "int32", "int64", "uint64", "bool")


def labels_of(case: Case) -> Array:
    """Return tiles of a few labels, so that many are alike and many sums are equal."""
    if case.dtype == "bool":
        return case.tiles()
    low, high = (int(n) for n in (np.iinfo(case.dtype).min, np.iinfo(case.dtype).max))
    near = [low, low + 1, high - 1, high] if case.seed % 3 == 0 else []
    return chosen(case, [n for n in (1, 2, 3, -1, *near) if low <= n <= high])


VOTED = EVERY | {"merge": ("vote",), "fill": (False,)}


@clause(
    "MERGE-028",
    dtype=LABELS,
    also=each((*CROWDED, SCATTERED, *MANY[-2:]), merge=("vote",), dtype=("uint8",)),
    **VOTED | {"window": ("box",)},
)
@clause(
    "MERGE-028",
    dtype=LABELS,
    also=each((*CROWDED, SCATTERED), merge=["vote"], dtype=["int32"], window=["hann"]),
    **VOTED | {"window": ("triangle", "hann", "gaussian", "custom")},
)
def test_the_vote(run: CaseRun) -> None:
    """The label of the largest sum of weights wins, and of several the lowest."""
    agrees(run, labels_of, by="numbers")


@clause(
    "MERGE-029",
    dtype=("int64", "uint64", "int8", "int32"),
    also=each(CROWDED, merge=("vote",), dtype=("int64", "uint64", "int8"), seed=(0, 1)),
    **PLACES | {"merge": ("vote",)},
)
def test_labels_are_exact(run: CaseRun) -> None:
    """Labels are compared exactly, negative ones and those of 64 bits included."""
    info = np.iinfo(run.case.dtype)
    near = [-2, -1, 0, 1, 2**53, 2**53 + 1, 2**62, 2**62 + 1, 2**63, 2**63 + 1]
    labels = [n for n in near if int(info.min) <= n <= int(info.max)]
    few = labels[-4:] if run.case.seed % 2 else labels[:3]
    several = coverage_of(run.case) > 1
    run.merge_agrees(chosen(run.case, few), by="numbers", where=several)


VOTE = ["merge:vote", "refusals"]


@clause("MERGE-030", verb="untile", needs=VOTE, dtype=FLOATS)
def test_floats_are_no_labels(run: CaseRun) -> None:
    """Float tiles are not merged by vote, whatever they hold."""
    case = replace(run.case, merge="vote", content="index")
    refuses_case(run, "untile", case, "floats are no labels")


NARROWING = {
    "int64": ("uint8", "int32", "uint64", "float64", "float32"),
    "uint8": ("int8", "bool"),
    "int16": ("uint16", "float16", "uint64"),
    "uint32": ("int32", "float32", "uint16"),
}


@clause("MERGE-031", verb="untile", needs=[*VOTE, "result"], dtype=tuple(NARROWING))
def test_labels_keep_their_range(run: CaseRun) -> None:
    """A dtype= that does not hold every label of the tiles' dtype is refused."""
    for result in NARROWING[run.case.dtype]:
        case = replace(run.case, merge="vote", result=result)
        if f"untile:{result}" in run.features:
            refuses_case(run, "untile", case, f"{result} does not hold every label")


CUSTOM = Case(size=(2,), tile=(2,), stride=(2,), window=((1.0, 2.0),))
WEIGHING = WINDOWS[1:]


@clause(
    "MERGE-014",
    verb="untile",
    needs=["refusals"],
    window=(*WEIGHING, "custom"),
    also=[CUSTOM],
)
@clause(
    "MERGE-027",
    verb="untile",
    needs=["refusals"],
    window=(*WEIGHING, "custom"),
    also=[replace(CUSTOM, dtype="uint8")],
)
@clause(
    "MERGE-015",
    verb="untile",
    needs=["refusals", "merge:any"],
    dtype=("bool",),
    window=WEIGHING,
)
def test_windows_need_a_mean(run: CaseRun) -> None:
    """A window is refused where nothing is weighed, and for bools without a merge."""
    unweighed = (*EXTREMES, *ENDS, "center")
    claimed = [m for m in unweighed if f"merge:{m}" in run.features]
    merges = [None] if run.case.dtype == "bool" else claimed
    if not merges:
        raise Unsupported("a merge without weights")
    for merge in merges:
        case = replace(run.case, merge=merge)
        refuses_case(run, "untile", case, f"a merge by {merge} takes no window")


GAPS = wide("layout", "channels_last", "window", "border", "scale", "merge")


@clause("MERGE-016", needs=["refusals"], verb="untile", draws=gaps, **GAPS)
def test_gaps_are_an_error(run: CaseRun) -> None:
    """Without a fill, pixels of no tile are an error."""
    run.refuses(run.untile, "pixels are in no tile and there is no fill")


@clause("MERGE-017", needs=["refusals"], verb="untile", draws=gaps)
def test_gaps_are_counted(run: CaseRun) -> None:
    """The error about pixels of no tile says how many there are."""
    error = run.refuses(run.untile, "pixels are in no tile and there is no fill")
    count = str(int((coverage_of(run.case) == 0).sum()))
    if count not in re.findall(r"\d+", str(error)):
        raise Mismatch(f"does not say that {count} pixels are in no tile: {error}")


@clause(
    "MERGE-018",
    needs=["fill"],
    verb="untile",
    draws=gaps,
    fill=(True,),
    also=each(
        ranks(Case(size=(11,), tile=(4,), stride=(4,), mode="drop", fill=0.1)),
        dtype=("float16", "float32", "float64"),
    ),
    **GAPS | wide("dtype", "result"),
)
def test_gaps_are_filled(run: CaseRun) -> None:
    """Pixels of no tile have the value of fill."""
    agrees(run, by="numbers", where=coverage_of(run.case) == 0)


@clause(
    "MERGE-020",
    share=0.6,
    verb="untile",
    fit=("longer", "short"),
    overlap=("none",),
    also=ranks(Case(size=(6,), tile=(4,), stride=(4,), pad_side="both")),
    **wide("layout", "channels_last", "pad_side", "pad_mode"),
)
def test_padding_is_cut_off(run: CaseRun) -> None:
    """The result holds the pixels of the image, and none of the padding."""
    run.merge_agrees(by="numbers")


PADDED = WITHOUT_FILL | {
    "overlap": ("none", "some"),
    "fit": ("longer", "short"),
    "mode": ("padding", "interpolation"),
    "scatter": (False,),
    "merge": ANY,
}


@clause(
    "MERGE-023",
    dtype=tuple(n for n in NUMBERS if n != "bool"),
    result=(None, *FLOATS, *INTEGERS),
    also=each(
        ranks(Case(size=(7,), tile=(4,), stride=(2,))),
        merge=("mean", "max"),
        result=(None, "uint8"),
    ),
    **PADDED,
)
def test_padding_spoils_nothing(run: CaseRun) -> None:
    """What tiles hold of the padding changes nothing, NaN included."""
    unchanged_by(run, ~pixels_read(replace(run.case, border=())))


def unchanged_by(run: CaseRun, there: Array) -> None:
    """Fail if a merge changes with what the tiles hold in pixels, shaped (K, *T)."""
    case, tiles = run.case, chosen(run.case, range(1, 9))
    with blaming(run):
        merged = run.untile(tiles).array
        again = run.untile(spoilt(case, tiles, there)).array
        run.keep(again, merged)
        same_numbers(again, merged)


def spoilt(case: Case, tiles: Array, there: Array) -> Array:
    """Return tiles that hold NaN, an infinity or an extreme in some pixels."""
    poisons: tuple[float, ...] = (math.nan, math.inf, -math.inf)
    if case.dtype in INTEGERS:
        poisons = (int(np.iinfo(case.dtype).max), int(np.iinfo(case.dtype).min))
    poison = held(poisons, case.dtype)[case.seed % len(poisons)]
    there = np.tile(there, (case.batch or 1, *[1] * case.rank))
    if case.depth is not None:
        there = there[..., None] if case.channels_last else there[:, None]
    found = tiles.copy()
    found[np.broadcast_to(there, tiles.shape)] = poison
    return found


@clause(
    "MERGE-021",
    share=0.5,
    also=each([Case(size=(4, 4), tile=(4, 4), stride=(4, 4))], merge=(None, "max")),
    **EVERY | {"overlap": ("none", "some"), "merge": ANY, "dtype": ANY},
)
def test_the_result_is_new(run: CaseRun) -> None:
    """The result is contiguous and shares no memory with the tiles."""
    with blaming(run):
        answer = run.untile()
    if not answer.contiguous:
        raise Mismatch("the result is not contiguous")
    if answer.shares:
        raise Mismatch("the result shares memory with the tiles")


SEVERAL = {"layout": ((1, 2), (2, 1), (3, 2), (None, 3)), "maps": ("same",)}


@clause("MERGE-022", dtype=(*FLOATS, "uint8"), merge=ANY, **WITHOUT_FILL | SEVERAL)
def test_each_by_itself(run: CaseRun) -> None:
    """Each image and each channel has the result that it would have alone."""
    case = run.case
    odd = [math.nan, math.inf] if case.dtype in FLOATS else []
    tiles = chosen(case, [*odd, *range(1, 9)])
    with blaming(run):
        got, want = run.untile(tiles).array, merge_of(case, tiles)
        run.keep(got, want)
        same_shape(got, want)
    axis = -1 if case.channels_last else -case.rank - 1
    stacks = tiles.reshape(case.batch or 1, -1, *tiles.shape[1:])
    together = got if case.batch else got[None]
    run.reopen(replace(case, batch=case.batch and 1, channels=1))
    for n, c in product(range(case.batch or 1), range(case.channels or 1)):
        one = together[n].take(c, axis)
        alone = run.untile(stacks[n].take([c], axis)).array
        if alone.size != one.size:
            raise Mismatch(f"alone the shape is {alone.shape}")
        same_numbers(one, alone.reshape(one.shape))
