"""TILER: the value."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, WIDE, cases
from reftiler_conformance.features import MODES, PAD_MODES, WINDOWS, Features
from reftiler_conformance.memory_layouts import LAYOUTS
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Answer, Broken, Raised
from reftiler_conformance.slices import coverage_of
from reftiler_conformance.suite.narrowed import each, ranks
from reftiler_conformance.suite.verbs import (
    Verb,
    agrees,
    call,
    first,
    input_of,
    needs_of,
    of_both,
)
from reftiler_conformance.suite.wide import is_right

# All settings, as far as they go together, and pixels that tell images apart.
ALL: dict[str, Any] = WIDE | {"content": ("random",)}
MERGED = ALL | {"verb": "untile"}
FLAT = Case(size=(8, 8), tile=(4, 4), stride=(4, 4), channels=1, content="random")
ALSO = (
    FLAT,
    replace(FLAT, stride=(2, 2), dtype="float64", seed=1),
    replace(FLAT, channels=None),
    replace(FLAT, batch=1, seed=2),
    Case(size=(9,), tile=(4,), stride=(2,), dtype="int16", content="random"),
)
PADDED = ranks(
    Case(size=(9,), tile=(4,), stride=(3,), pad_mode="edge", content="random"),
    Case(size=(9,), tile=(4,), stride=(3,), mode="clamp", content="random"),
)
# Pixels of no data; sums that hang on the order of many tiles.
REPEATED = ranks(
    Case(size=(5,), tile=(4,), stride=(4,)),
    *each(
        [Case((40,), (8,), (1,)), Case((40,), (16,), (4,), seed=1)],
        dtype=["float64"],
        content=["random"],
    ),
)
MANY = 0.5
"""The share of cases of checks that ask a subject many times for each."""


TWINS = {"float32": "int32", "float64": "int64", "uint8": "int8", "int16": "uint16"}
"""Of a dtype one whose items can have the same bytes, and which knows no NaN."""


def is_right_again(
    run: CaseRun, verb: Verb, given: Array, right: dict[bytes, bytes], then: str
) -> bool:
    """
    Say whether an answer is right, and remember it by the question.

    It fails if the answer is wrong as only memory can make it: it is the right one to
    an earlier question, or the same question was answered rightly before.
    """
    question = _bytes(given)
    run.keep(None, None)
    try:
        right[question] = _bytes(agrees(run, verb, given))
    except (Mismatch, Raised) as error:
        got = run.evidence.got
        if question not in right:
            then = f"the answer is that to an earlier {verb}"
            telling = got is not None and len({*_items(got)}) > 4
            if got is None or not telling or _bytes(got) not in right.values():
                return False
        message = f"{verb} remembers: {then}: {error}"
        raise Mismatch(message, clause="TILER-003") from error
    return True


def _bytes(array: Array) -> bytes:
    return f"{array.dtype.descr}{array.shape}".encode() + array.tobytes()


def _items(array: Array) -> list[bytes]:
    """Return the bytes of each item, which tell zeros and NaNs apart."""
    items = np.frombuffer(array.tobytes(), f"V{array.dtype.itemsize}")
    return [item.tobytes() for item in items]


def nearly(array: Array, seed: int) -> Array:
    """
    Return an array that differs in two pixels only.

    The first, the last and the corner pixels are the same, the sum too: two others
    change places, if there are two that differ.
    """
    found, items = array.copy(), _items(array)
    inner = np.ones(array.shape, bool)
    inner[np.ix_(*[[0, -1]] * array.ndim)] = False
    order = np.random.default_rng(seed).permutation(np.flatnonzero(inner)).tolist()
    for one, other in itertools.pairwise(order):
        if items[one] != items[other]:
            found.flat[[one, other]] = array.flat[[other, one]]
            break
    return found


def grown(case: Case, more: int) -> Case:
    """Return a case with larger tiles and a larger image, on one axis if it may."""
    sides = case.rank if len(set(case.tile)) == 1 else 1
    size, tile, stride = list(case.size), list(case.tile), list(case.stride)
    for axis in range(sides):
        steps = max(0, size[axis] - tile[axis]) // stride[axis]
        size[axis] += more * (steps + 1)
        tile[axis] += more
        stride[axis] += more
    return replace(case, size=tuple(size), tile=tuple(tile), stride=tuple(stride))


def with_other_settings(case: Case) -> Iterator[Case]:
    """Return cases of the same sizes that differ in one setting."""
    free = all(t - s > 1 for t, s in zip(case.tile, case.stride, strict=True))
    values: dict[str, tuple[Any, ...]] = {
        "stride": (tuple(max(1, s - 1) for s in case.stride),),
        "border": ((1,) * case.rank if free else (), ()),
        "pad_value": (0, 1),
        "fill": (0, 1),
        "mode": MODES,
        "pad_mode": PAD_MODES,
        "pad_side": ("end", "both"),
        "window": ("box", "hann", "triangle"),
        "merge": (None, "max", "min"),
        "result": (None, "float64"),
        "dtype": (TWINS.get(case.dtype, "float32"),),
    }
    for name, choices in values.items():
        for value in choices:
            other = replace(case, **{name: value})
            if repr(other) != repr(case) and _has_grid(other):
                yield other


def _has_grid(case: Case) -> bool:
    try:
        return bool(case.grid.starts)
    except ValueError:
        return False


def steady(run: CaseRun, ask: Callable[[], Answer], times: int = 5) -> bytes | None:
    """Return what the same call gives; None if it varies, which is TILER-004."""
    run.reopen()
    found = {first(ask).array.tobytes()}
    run.reopen()
    for _ in range(times):
        try:
            found.add(ask().array.tobytes())
        except Raised:
            return None
    return found.pop() if len(found) == 1 else None


def images_between(case: Case, claimed: Features) -> list[Array]:
    """Return images of other sizes and batches that the tiler of a case can cut."""
    bare = replace(case, starts=None, random=None, scale=(), seed=case.seed + 1)
    sides = list(zip(case.size, case.tile, case.stride, strict=True))
    sizes = (
        case.tile,
        tuple(n - 1 if n > t else n + 1 for n, t, _ in sides),  # often as many tiles
        tuple(n + (i == 0) * s for i, (n, _, s) in enumerate(sides)),
        tuple(n + 2 * s for n, _, s in sides),
    )
    found = [replace(bare, size=size) for size in sizes]
    if case.batch is not None:
        found.append(replace(bare, batch=case.batch + 1))
    return [
        other.image()
        for other in found
        if other.shape != case.shape and needs_to_tile(other) <= claimed
    ]


@of_both("TILER-003", also=ALSO, share=MANY, **ALL)
def test_forgets_arrays(run: CaseRun, verb: Verb) -> None:
    """An array gives its own result whatever array was given before."""
    case = run.case
    given = input_of(verb, case)
    if steady(run, lambda: call(run, verb, given)) is None:
        return
    once = replace(run, repeats=frozenset())
    right: dict[bytes, bytes] = {}
    for then, array in (
        ("at first", given),
        ("a few pixels changed places", nearly(given, case.seed)),
        ("others changed places", nearly(given, case.seed + 1)),
        ("another array", input_of(verb, replace(case, seed=case.seed + 1))),
        ("the first one again, after others", given),
        ("that in the reverse order", np.ascontiguousarray(given[::-1])),
    ):
        if not is_right_again(once, verb, array, right, then):
            return
    run.reopen()
    is_right_again(once, verb, given, right, "another tiler of these settings, later")


def plain(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw small cases without scale, to be varied."""
    few = {"count": ("few",), "scale": ("",), "scatter": (False,)}
    some = tuple(rank for rank in (2, 1) if f"rank:{rank}" in features)
    # No window that has the length of the tile.
    varied = {"rank": some or ANY, "window": WINDOWS, "dtype": tuple(TWINS)}
    return cases(features, **ALL | few | varied | asked)


@of_both("TILER-003", draws=plain, also=(FLAT, *PADDED), share=0.1)
def test_forgets_settings(run: CaseRun, verb: Verb) -> None:
    """A tiler goes by its own settings, whatever tiler was used before."""
    for number, other in enumerate(with_other_settings(run.case), run.case.seed):
        more = 1 + 2 * number % 24  # sizes that were not asked just before
        before, fresh = grown(run.case, more), grown(other, more + 1)
        after = replace(grown(other, more), size=before.size)
        asked = (before, after, fresh)
        if not all(needs_of(verb, case) <= run.features for case in asked):
            continue
        if verb == "untile" and any(map(is_uncovered, asked)):
            continue
        if not is_right(run, before, partial(agrees, verb=verb)):
            continue
        given = input_of(verb, after)
        if after.dtype != before.dtype:  # its array has the same bytes
            given = input_of(verb, before).view(after.numpy_dtype)
        wrong = not is_right(run, after, partial(agrees, verb=verb, array=given))
        # Wrong after another tiler, and right where there was none before.
        if wrong and is_right(run, fresh, partial(agrees, verb=verb)):
            message = f"{verb} goes by a tiler that was used before, {before}"
            raise Mismatch(f"{message}; {after}")


def is_uncovered(case: Case) -> bool:
    """Say whether pixels of a case lie in no tile and nothing fills them."""
    return case.fill is None and not coverage_of(case).all()


def tiled_too(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases whose image can be cut and whose tiles can be merged."""
    drawn = cases(features, **asked)
    return drawn.filter(lambda case: needs_to_tile(case) <= features)


@clause("TILER-003", needs=["tile"], draws=tiled_too, also=ALSO, share=MANY, **MERGED)
def test_merges_after_other_sizes(run: CaseRun) -> None:
    """Both verbs do as before after images of other sizes, cut by the same tiler."""
    image, tiles = run.case.image(), run.case.tiles()

    def merged() -> Answer:
        run.tile(image)
        return run.untile(tiles)

    if (want := steady(run, merged)) is None:
        return
    cut = run.tile(image).array.tobytes()
    for other in images_between(run.case, run.features):
        try:
            if not run.tile_another(other):
                raise Unsupported("an image of another size by the same tiler")
        except Raised:
            continue  # whether it may be refused is asked by every comparison
        between = f"after an image {other.shape}"
        _is_again(run, "untile", want, between)
        _is_again(run, "tile", cut, between)


def _is_again(run: CaseRun, verb: Verb, want: bytes, when: str) -> None:
    """Fail unless a call gives the bytes that it gave before."""
    try:
        same = call(run, verb).array.tobytes() == want
    except Broken as error:
        raise Mismatch(f"{verb}, {when}: {error}") from error
    if not same:
        raise Mismatch(f"{verb} gives another result {when}")


@clause(
    "TILER-003",
    needs=["tile", "untile:cold"],
    draws=tiled_too,
    also=ALSO,
    share=MANY,
    **MERGED,
)
def test_merges_cold(run: CaseRun) -> None:
    """Tiles are merged alike whether or not their image was cut before."""
    try:
        run.untile()
    except Raised as error:
        run.reopen()
        first(run.tile)
        first(run.untile)
        raise Mismatch(f"untile works only after tile: {error}") from error
    if (want := steady(run, run.untile)) is None:
        return
    first(run.tile)
    _is_again(run, "untile", want, "after the image was cut")


@of_both("TILER-004", also=REPEATED, share=MANY, **ALL)
def test_repeats_itself(run: CaseRun, verb: Verb) -> None:
    """The same array gives the same result, the twentieth time too."""
    if steady(run, lambda: call(run, verb), 20) is None:
        raise Mismatch("the same call gave another result another time")


WRITEABLE = [word for word in LAYOUTS if word not in ("read-only", "swapped")]
"""How an input lies that could be changed."""
SPECIAL = each(ALSO, content=["special"])


@of_both("TILER-005", also=SPECIAL, **ALL | {"content": ("random", "special")})
def test_leaves_its_input(run: CaseRun, verb: Verb) -> None:
    """A call leaves its input as it was, however it lies in memory."""
    for memory in ("C", WRITEABLE[run.case.seed % len(WRITEABLE)]):
        if first(lambda: call(run, verb, memory=memory)).changed:  # noqa: B023
            raise Mismatch(f"{verb} changed its input")


@clause("TILER-005", needs=["view"], layout=ANY, channels_last=ANY)
def test_view_leaves_its_input(run: CaseRun) -> None:
    """A view leaves the image as it was."""
    if first(run.view).changed:
        raise Mismatch("view changed its input")


@of_both("TILER-008", also=ALSO, share=0.2, **WIDE)
def test_leaves_the_process(run: CaseRun, verb: Verb) -> None:
    """A call leaves error handling, generators, filters and threads as they were."""
    first(lambda: call(run, verb))  # what is imported then may add to it
    if changed := run.state_changed_by(lambda: call(run, verb)):
        raise Mismatch(f"{verb} changed {', '.join(changed)}")
