"""Many tiles cut at once, judged by slices of numpy."""

from __future__ import annotations

from dataclasses import replace

from reftiler_conformance.checks.dense import (
    CLAMPED,
    DROPPED,
    LAST,
    PLAIN,
    SPARSE,
    UNEVEN,
)
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.features import PAD_MODES
from reftiler_conformance.registry import check
from reftiler_conformance.slices import pieces_of
from reftiler_conformance.trial import Trial


@check("TILE-001", only=[PLAIN, LAST, CLAMPED, UNEVEN, SPARSE, DROPPED])
def dense_pieces(trial: Trial) -> None:
    """Each of many tiles holds the frame's pixels from its start on."""
    pieces_agree(trial)


# Neither axis fits, so that the padding leads both.
PADDED = replace(SPARSE, size=(43, 53), pad_side="both")


# A single pixel ahead of each.
HARDLY = replace(PADDED, size=(50, 40))


@check(
    "PAD-005", only=[*(replace(PADDED, pad_mode=mode) for mode in PAD_MODES), HARDLY]
)
def pieces_of_a_padded_frame(trial: Trial) -> None:
    """Padding on both sides of tiles that overlap."""
    pieces_agree(trial)


def pieces_agree(trial: Trial) -> None:
    """Fail unless the tiles of the case's image are the ones by slices."""
    image = trial.case.image()
    coming = trial.tiling(image)
    want = pieces_of(trial.case, image)
    got = coming().array
    trial.keep(got, want)
    same_numbers(got, want)
