"""TILER: the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, WIDE, cases
from reftiler_conformance.features import WINDOWS, Features
from reftiler_conformance.memory_layouts import LAYOUTS
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Answer, Broken, Raised
from reftiler_conformance.slices import coverage_of
from reftiler_conformance.suite.earlier_calls import (
    Asked,
    fresh_number,
    grown,
    images_between,
    is_right,
    nearly,
    steady,
    with_other_settings,
)
from reftiler_conformance.suite.narrowed import ranks
from reftiler_conformance.suite.verbs import (
    Verb,
    call,
    first,
    input_of,
    needs_of,
    of_both,
)
from reftiler_conformance.testdata import chosen

# All settings, as far as they go together, and pixels that tell images apart.
ALL: dict[str, Any] = WIDE | {"content": ("random",)}
CROWDED = ranks(
    Case(size=(40,), tile=(8,), stride=(1,), dtype="float64"),
    Case(size=(40,), tile=(16,), stride=(4,), dtype="float64", seed=1),
)
FLAT = Case(size=(8, 8), tile=(4, 4), stride=(4, 4), channels=1, content="random")
ALSO = (
    FLAT,
    replace(FLAT, stride=(2, 2), dtype="float64", seed=1),
    replace(FLAT, channels=None),
    replace(FLAT, batch=1, seed=2),
    Case(size=(9,), tile=(4,), stride=(2,), dtype="int16", content="random"),
)
GAPS = ranks(Case(size=(5,), tile=(4,), stride=(4,)))
PADDED = ranks(
    Case(size=(9,), tile=(4,), stride=(3,), pad_mode="edge", content="random"),
    Case(size=(9,), tile=(4,), stride=(3,), mode="clamp", content="random"),
)
MANY = 0.5
"""The share of cases of checks that ask a subject many times for each."""


@of_both("TILER-003", also=ALSO, share=MANY, **ALL)
def test_forgets_arrays(run: CaseRun, verb: Verb) -> None:
    """An array gives its own result whatever array was given before."""
    case = run.case
    given = input_of(verb, case)
    if steady(run, lambda: call(run, verb, given)) is None:
        return
    asked = Asked(run, verb, case)
    if not asked.ask(given, "the first time"):
        return
    other = input_of(verb, replace(case, seed=case.seed + 1))
    for name, array in (
        ("a few pixels changed places", nearly(given, case.seed)),
        ("others changed places", nearly(given, case.seed + 1)),
        ("another array of the same shape", other),
        ("the first one again", given),
        ("that in the reverse order", np.ascontiguousarray(given[::-1])),
    ):
        if not asked.ask(array, f"wrong at the second time, after {name}"):
            return
    run.reopen()
    asked.ask(given, "another tiler of the same settings, later")


TWINS = {"float32": "int32", "float64": "int64", "float16": "int16", "int8": "uint8"}
"""Dtypes whose items can have the same bytes."""


@of_both("TILER-003", dtype=tuple(TWINS), layout=ANY, content=("index",), share=0.2)
def test_forgets_bytes_of_another_dtype(run: CaseRun, verb: Verb) -> None:
    """An array gives its own result after the same bytes in another dtype."""
    case = run.case
    twin = replace(case, dtype=TWINS[case.dtype])
    if not needs_of(verb, twin) <= run.features:
        raise Unsupported(f"{verb}:{twin.dtype}")
    for before, after in ((case, twin), (twin, case)):
        more = fresh_number()
        one, other = grown(before, more), grown(after, more)
        if not is_right(run, verb, one):
            return
        array = input_of(verb, one).view(other.numpy_dtype)
        run.reopen(other)
        if Asked(run, verb, other).ask(array, ""):
            continue
        if is_right(run, verb, grown(after, fresh_number())):
            raise Mismatch(f"{verb} of {after.dtype} goes by the same bytes of before")


def plain(verb: Verb) -> Cases:
    """Return what draws small cases without scale, to be varied."""

    def draws(features: Features) -> SearchStrategy[Case]:
        some = [rank for rank in (2, 1) if f"rank:{rank}" in features]
        few: dict[str, Any] = {"count": ("few",), "scale": ("",), "scatter": (False,)}
        dtypes = ("float32", "float64", "uint8", "int16")
        few["window"] = WINDOWS  # none that has the length of the tile
        asked = ALL | few | {"rank": some or ANY, "dtype": dtypes, "verb": verb}
        return cases(features, **asked)

    return draws


@of_both("TILER-003", draws=plain, also=(FLAT, *PADDED), share=0.1)
def test_forgets_settings(run: CaseRun, verb: Verb) -> None:
    """A tiler goes by its own settings, whatever tiler was used before."""
    for other in with_other_settings(run.case):
        more = fresh_number()
        before, fresh = grown(run.case, more), grown(other, fresh_number())
        after = replace(grown(other, more), size=before.size)
        asked = (before, after, fresh)
        if not all(needs_of(verb, case) <= run.features for case in asked):
            continue
        if verb == "untile" and any(map(is_uncovered, asked)):
            continue
        if not is_right(run, verb, before):
            continue
        # Wrong after another tiler, and right where there was none before.
        if not is_right(run, verb, after) and is_right(run, verb, fresh):
            message = f"{verb} goes by a tiler that was used before, {before}"
            raise Mismatch(f"{message}; {after}")


def is_uncovered(case: Case) -> bool:
    """Say whether pixels of a case lie in no tile and nothing fills them."""
    return case.fill is None and not coverage_of(case).all()


@clause("TILER-003", needs=["tile"], also=ALSO, share=MANY, **ALL | {"verb": "untile"})
def test_merges_after_other_sizes(run: CaseRun) -> None:
    """Both verbs do as before after images of other sizes, cut by the same tiler."""
    case = run.case
    if not needs_to_tile(case) <= run.features:
        raise Unsupported("both verbs for one case")
    image, tiles = case.image(), case.tiles()

    def merged() -> Answer:
        run.tile(image)
        return run.untile(tiles)

    if (want := steady(run, merged)) is None:
        return
    cut = run.tile(image).array.tobytes()
    for other in images_between(case, run.features):
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
    also=ALSO,
    share=MANY,
    **ALL | {"verb": "untile"},
)
def test_merges_cold(run: CaseRun) -> None:
    """Tiles are merged alike whether or not their image was cut before."""
    if not needs_to_tile(run.case) <= run.features:
        raise Unsupported("both verbs for one case")
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


@of_both("TILER-004", also=GAPS, share=MANY, **ALL)
def test_repeats_itself(run: CaseRun, verb: Verb) -> None:
    """The same array gives the same result, the twentieth time too."""
    if steady(run, lambda: call(run, verb), 20) is None:
        raise Mismatch("the same call gave another result another time")


@clause("TILER-004", verb="untile", needs=["merge:mean"], only=CROWDED)
def test_repeats_sums(run: CaseRun) -> None:
    """The same tiles give the same sums, which hang on the order of the tiles."""
    tiles = chosen(run.case, [1e16, 1.0, -1e16, 3.0, 0.1])
    for _ in range(3):
        if steady(run, lambda: run.untile(tiles)) is None:
            raise Mismatch("the same tiles gave another image another time")


WRITEABLE = [word for word in LAYOUTS if word not in ("read-only", "swapped")]
"""How an input lies that could be changed."""


ODD_VALUES = tuple(replace(case, content="special") for case in ALSO)


@of_both("TILER-005", also=ODD_VALUES, **ALL | {"content": ("random", "special")})
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
