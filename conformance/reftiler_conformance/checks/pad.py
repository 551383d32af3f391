"""PAD: extending the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, same_numbers, values
from reftiler_conformance.definition.grid import Pixel
from reftiler_conformance.draws import ANY
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import PAD_MODES, Features
from reftiler_conformance.lines import BEYOND, alike, along, line, ranks, square
from reftiler_conformance.places import cut, inside, numbered, origins, windows
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import Cases, check
from reftiler_conformance.trial import Trial

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
def at_the_end(trial: Trial) -> None:
    """The first tile begins with the image."""
    _begins(trial, (0,) * trial.case.rank)


@line("PAD-002", fit=BEYOND, pad_side=("both",))
def on_both_sides(trial: Trial) -> None:
    """The smaller half of the padding comes before the image."""
    _begins(trial, tuple(-before for before in trial.case.plan.before))


def _begins(trial: Trial, want: Pixel) -> None:
    first = origins(trial)[0]
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
def before_cutting(trial: Trial) -> None:
    """Tiles are pieces of the padded image, which one large tile shows."""
    case, image = trial.case, numbered(trial.case)
    tiles = cut(trial, image)
    side = (max(case.plan.frame),) * case.rank
    large = replace(case, tile=side, stride=side)
    trial.reopen(large)
    whole = cut(trial, image, large)[0]
    _same_pieces(trial, tiles, windows(whole, case.plan.starts, case.tile))


@line("PAD-004", fit=BEYOND, also=CORNERS)
def with_zeros(trial: Trial) -> None:
    """A pixel outside the image is 0 if nothing is said."""
    outside_agrees(trial)


def sevens(features: Features) -> SearchStrategy[Case]:
    """Draw images that are padded with 7."""
    drawn = along(fit=BEYOND)(features)
    return drawn.map(lambda case: replace(case, pad_value=7))


@check(
    "PAD-004",
    needs=["tile", "pad_value"],
    draws=sevens,
    also=[replace(case, pad_value=7) for case in CORNERS],
)
def with_a_constant(trial: Trial) -> None:
    """A pixel outside the image is the pad value."""
    outside_agrees(trial)


def outside_agrees(trial: Trial) -> None:
    """Fail unless the pixels outside the image are the definition's."""
    want = expected_tiles(trial.case)
    got = trial.tile().array
    trial.keep(got, want)
    same_numbers(got, want, where=~inside(trial.case))


def evenly(pad_modes: tuple[str, ...]) -> Cases:
    """Return what draws cases in which both halves of the padding are alike."""

    def drawn(features: Features) -> SearchStrategy[Case]:
        draw = along(fit=BEYOND, pad_mode=pad_modes, pad_side=ANY)
        return draw(features).map(_even)

    return drawn


def _even(case: Case) -> Case:
    halves = [line.before == line.after for line in case.plan.lines]
    return case if all(halves) else replace(case, pad_side="end")


@check(
    "PAD-005",
    needs=["tile"],
    draws=evenly(PAD_MODES[1:]),
    also=sum(AROUND.values(), ()),
)
def as_numpy_pads(trial: Trial) -> None:
    """Padding is numpy's, on every axis and for every length."""
    case, image = trial.case, numbered(trial.case)
    widths = [(line.before, line.after) for line in case.plan.lines]
    space = values(image).reshape(case.size)
    frame = np.pad(space, widths, case.pad_mode)  # type: ignore[call-overload]
    want = windows(frame, case.plan.starts, case.tile)
    _same_pieces(trial, cut(trial, image), want)


def _same_pieces(trial: Trial, got: Array, want: Array) -> None:
    trial.keep(got, want)
    same_numbers(got, want)


@check("PAD-006", needs=["tile"], draws=evenly(("edge",)), also=AROUND["edge"])
def edge(trial: Trial) -> None:
    """Padding repeats the image's edge."""
    trial.tiles_agree(by="numbers")


@check("PAD-007", needs=["tile"], draws=evenly(("wrap",)), also=AROUND["wrap"])
def wrap(trial: Trial) -> None:
    """Padding begins the image again."""
    trial.tiles_agree(by="numbers")


@check(
    "PAD-008", needs=["tile"], draws=evenly(("symmetric",)), also=AROUND["symmetric"]
)
def symmetric(trial: Trial) -> None:
    """Padding mirrors the image, its edge pixel included."""
    trial.tiles_agree(by="numbers")


@check("PAD-009", needs=["tile"], draws=evenly(("reflect",)), also=AROUND["reflect"])
def reflect(trial: Trial) -> None:
    """Padding mirrors the image about its edge pixel; a lone pixel is repeated."""
    trial.tiles_agree(by="numbers")


@square(
    "PAD-010",
    needs=["tile", "refusals", "pad_value", "mode:padding", "pad:constant"],
    dtype=("uint8", "int32"),
)
def refuses_values_that_it_need_not(trial: Trial) -> None:
    """A pad value that the dtype cannot hold is refused by every image."""
    case = replace(trial.case, mode="padding", pad_value=0.5)
    refuses_case(trial, "tile", case, f"{case.dtype} cannot hold the pad value 0.5")


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


@check("PAD-011", needs=["tile"], draws=elsewhere)
def only_pads(trial: Trial) -> None:
    """Without padding its settings change nothing."""
    got = trial.tile().array
    plain = replace(trial.case, pad_mode="constant", pad_side="end", pad_value=0)
    trial.reopen(plain)
    want = trial.tile().array
    trial.keep(got, want)
    same_numbers(got, want)
