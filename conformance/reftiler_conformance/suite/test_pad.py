"""PAD: extending the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.compare import Mismatch, same_numbers, values
from reftiler_conformance.draws import ANY
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import PAD_MODES, Features
from reftiler_conformance.oracle.grid import Pixel
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import (
    BEYOND,
    alike,
    along,
    line,
    ranks,
    square,
)
from reftiler_conformance.suite.positions import cut, inside, numbered, origins, windows
from reftiler_conformance.suite.refused import refuses_case

OTHER_MODES = ("interpolation", "clamp", "even", "drop")

# A lone pixel of the image in the last tile.
ENDING = {
    mode: ranks(Case(size=(9,), tile=(4,), stride=(4,), pad_mode=mode))
    for mode in PAD_MODES[1:]
}
# More padding than image, on both sides: it goes there and back more than once.
AROUND = {
    mode: ranks(
        Case(size=(3,), tile=(15,), stride=(15,), pad_mode=mode, pad_side="both")
    )
    for mode in PAD_MODES[1:]
}
CORNERS = (
    Case(size=(3, 5), tile=(4, 4), stride=(4, 4)),
    Case(size=(9, 9), tile=(4, 4), stride=(4, 4), channels=1),
)


@line("PAD-001", fit=BEYOND, pad_side=("end",))
def test_at_the_end(run: CaseRun) -> None:
    """The first tile begins with the image."""
    _begins(run, (0,) * run.case.rank)


@line("PAD-002", fit=BEYOND, pad_side=("both",))
def test_on_both_sides(run: CaseRun) -> None:
    """The smaller half of the padding comes before the image."""
    _begins(run, tuple(-before for before in run.case.grid.before))


def _begins(run: CaseRun, want: Pixel) -> None:
    first = origins(run)[0]
    if first != want:
        raise Mismatch(f"the first tile begins at {first}, should at {want}")


@line(
    "PAD-003",
    needs=["short"],
    fit=BEYOND,
    pad_mode=ANY,
    pad_side=("end",),
    also=sum(ENDING.values(), ()),
)
def test_before_cutting(run: CaseRun) -> None:
    """Tiles are pieces of the padded image, which one large tile shows."""
    case, image = run.case, numbered(run.case)
    tiles = cut(run, image)
    side = (max(case.grid.frame),) * case.rank
    large = replace(case, tile=side, stride=side)
    run.reopen(large)
    whole = cut(run, image, large)[0]
    _same_pieces(run, tiles, windows(whole, case.grid.starts, case.tile))


@line("PAD-004", fit=BEYOND, also=CORNERS)
def test_with_zeros(run: CaseRun) -> None:
    """A pixel outside the image is 0 if nothing is said."""
    outside_agrees(run)


def sevens(features: Features) -> SearchStrategy[Case]:
    """Draw images that are padded with 7."""
    drawn = along(fit=BEYOND)(features)
    return drawn.map(lambda case: replace(case, pad_value=7))


@clause(
    "PAD-004",
    needs=["tile", "pad_value"],
    draws=sevens,
    also=[replace(case, pad_value=7) for case in CORNERS],
)
def test_with_a_constant(run: CaseRun) -> None:
    """A pixel outside the image is the pad value."""
    outside_agrees(run)


def outside_agrees(run: CaseRun) -> None:
    """Fail unless the pixels outside the image are the definition's."""
    want = expected_tiles(run.case)
    got = run.tile().array
    run.keep(got, want)
    same_numbers(got, want, where=~inside(run.case))


def evenly(pad_modes: tuple[str, ...]) -> Cases:
    """Return what draws cases in which both halves of the padding are alike."""

    def drawn(features: Features) -> SearchStrategy[Case]:
        draw = along(fit=BEYOND, pad_mode=pad_modes, pad_side=ANY)
        return draw(features).map(_even)

    return drawn


def _even(case: Case) -> Case:
    halves = [line.before == line.after for line in case.grid.axes]
    return case if all(halves) else replace(case, pad_side="end")


@clause(
    "PAD-005",
    needs=["tile"],
    draws=evenly(PAD_MODES[1:]),
    also=sum(AROUND.values(), ()),
)
def test_as_numpy_pads(run: CaseRun) -> None:
    """Padding is numpy's, on every axis and for every length."""
    case, image = run.case, numbered(run.case)
    widths = [(line.before, line.after) for line in case.grid.axes]
    space = values(image).reshape(case.size)
    frame = np.pad(space, widths, case.pad_mode)  # type: ignore[call-overload]
    want = windows(frame, case.grid.starts, case.tile)
    _same_pieces(run, cut(run, image), want)


def _same_pieces(run: CaseRun, got: Array, want: Array) -> None:
    run.keep(got, want)
    same_numbers(got, want)


@clause("PAD-006", needs=["tile"], draws=evenly(("edge",)), also=AROUND["edge"])
def test_edge(run: CaseRun) -> None:
    """Padding repeats the image's edge."""
    run.tiles_agree(by="numbers")


@clause("PAD-007", needs=["tile"], draws=evenly(("wrap",)), also=AROUND["wrap"])
def test_wrap(run: CaseRun) -> None:
    """Padding begins the image again."""
    run.tiles_agree(by="numbers")


@clause(
    "PAD-008", needs=["tile"], draws=evenly(("symmetric",)), also=AROUND["symmetric"]
)
def test_symmetric(run: CaseRun) -> None:
    """Padding mirrors the image, its edge pixel included."""
    run.tiles_agree(by="numbers")


@clause("PAD-009", needs=["tile"], draws=evenly(("reflect",)), also=AROUND["reflect"])
def test_reflect(run: CaseRun) -> None:
    """Padding mirrors the image about its edge pixel; a lone pixel is repeated."""
    run.tiles_agree(by="numbers")


@square(
    "PAD-010",
    needs=["tile", "refusals", "pad_value", "mode:padding", "pad:constant"],
    dtype=("uint8", "int32"),
)
def test_refuses_values_that_it_need_not(run: CaseRun) -> None:
    """A pad value that the dtype cannot hold is refused by every image."""
    case = replace(run.case, mode="padding", pad_value=0.5)
    refuses_case(run, "tile", case, f"{case.dtype} cannot hold the pad value 0.5")


def elsewhere(features: Features) -> SearchStrategy[Case]:
    """Draw cases in modes without padding, and scattered ones, that set padding."""
    settings = {f"pad:{mode}" for mode in PAD_MODES[1:]} | {
        "pad_value",
        "pad_side:both",
    }
    if not settings & features:
        raise Unsupported(" or ".join(sorted(settings)))
    draw = alike(fit=BEYOND, mode=OTHER_MODES, pad_mode=ANY, pad_side=ANY, scatter=ANY)
    odd = st.sampled_from([0.5, 7] if "pad_value" in features else [0])
    return draw(features).flatmap(
        lambda case: odd.map(lambda value: replace(case, pad_value=value))
    )


@clause("PAD-011", needs=["tile"], draws=elsewhere)
def test_only_pads(run: CaseRun) -> None:
    """Without padding its settings change nothing."""
    got = run.tile().array
    plain = replace(run.case, pad_mode="constant", pad_side="end", pad_value=0)
    run.reopen(plain)
    want = run.tile().array
    run.keep(got, want)
    same_numbers(got, want)
