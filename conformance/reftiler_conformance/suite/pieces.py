"""Many tiles cut at once, judged by slices of numpy."""

from __future__ import annotations

from dataclasses import replace

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.check import clause
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.features import PAD_MODES
from reftiler_conformance.slices import pieces_of
from reftiler_conformance.suite.test_dense import (
    CLAMPED,
    DROPPED,
    LAST,
    PLAIN,
    SPARSE,
    UNEVEN,
)


@clause("TILE-001", only=[PLAIN, LAST, CLAMPED, UNEVEN, SPARSE, DROPPED])
def test_dense_pieces(run: CaseRun) -> None:
    """Each of many tiles holds the frame's pixels from its start on."""
    pieces_agree(run)


# Neither axis fits, so that the padding leads both.
PADDED = replace(SPARSE, size=(43, 53), pad_side="both")


# A single pixel ahead of each.
HARDLY = replace(PADDED, size=(50, 40))


@clause(
    "PAD-005", only=[*(replace(PADDED, pad_mode=mode) for mode in PAD_MODES), HARDLY]
)
def test_pieces_of_a_padded_frame(run: CaseRun) -> None:
    """Padding on both sides of tiles that overlap."""
    pieces_agree(run)


def pieces_agree(run: CaseRun) -> None:
    """Fail unless the tiles of the case's image are the ones by slices."""
    image = run.case.image()
    coming = run.tiling(image)
    want = pieces_of(run.case, image)
    got = coming().array
    run.keep(got, want)
    same_numbers(got, want)
