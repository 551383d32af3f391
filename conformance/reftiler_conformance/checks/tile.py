"""TILE: cutting."""

from __future__ import annotations

from dataclasses import replace

from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.compare import Mismatch, same_bits, same_numbers
from reftiler_conformance.draws import ANY, FLOATS
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import ODD, Features
from reftiler_conformance.lines import alike, line, square
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

COLOURED = ((None, 3), (1, 2), (None, 1), (1, 1), (None, None))
MERGING = ("border", "window:", "merge:max", "merge:min", "fill")


@line("TILE-001", layout=COLOURED)
def pieces_of_the_frame(trial: Trial) -> None:
    """A tile holds the frame's pixels from its start on, of all channels."""
    trial.tiles_agree(by="numbers")


@line("TILE-002", dtype=ANY, content=("bits", "special"))
def moves_bits(trial: Trial) -> None:
    """Every pixel has the image's bytes."""
    want = expected_tiles(trial.case)
    got = trial.tile().array
    trial.keep(got, want)
    if got.dtype == want.dtype:
        same_bits(got, want)
    elif trial.case.dtype not in ODD:  # TYPE-002's; the numbers must be there
        same_numbers(got, want)


@line("TILE-002", dtype=FLOATS, content=("bits", "special"))
def moves_floats(trial: Trial) -> None:
    """The bytes of NaN and of −0.0 are moved as they are."""
    moves_bits(trial)


@square("TILE-003", layout=ANY, mode=ANY, fit=("exact", "longer"), channels_last=ANY)
def new_and_contiguous(trial: Trial) -> None:
    """The tiles are contiguous and share no memory with the image."""
    answer = trial.tile()
    if answer.shares:
        raise Mismatch("the tiles share memory with the image")
    if not answer.contiguous:
        raise Mismatch("the tiles are not contiguous in C order")


def _whole(features: Features) -> SearchStrategy[Case]:
    """Draw images that are one tile."""
    draw = alike(layout=ANY, channels_last=ANY)
    return draw(features).map(lambda case: replace(case, size=case.tile))


@check("TILE-003", needs=["tile"], draws=_whole)
def new_even_if_whole(trial: Trial) -> None:
    """One tile that is the whole image is a copy as well."""
    new_and_contiguous(trial)


def merged(features: Features) -> SearchStrategy[Case]:
    """Draw cases whose merging differs from the plain one."""
    if not any(name.startswith(MERGING) for name in features):
        raise Unsupported(" or ".join(MERGING))
    return alike(window=ANY, merge=ANY, border=ANY, fill=ANY)(features)


@check("TILE-007", needs=["tile"], draws=merged)
def merging_is_no_cutting(trial: Trial) -> None:
    """Border removal, window, merge and fill do not change the tiles."""
    got = trial.tile().array
    plain = replace(trial.case, window="box", merge=None, border=(), fill=None)
    trial.reopen(plain)
    want = trial.tile().array
    trial.keep(got, want)
    same_numbers(got, want)
