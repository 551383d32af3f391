"""TILE: cutting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_bits, same_numbers
from reftiler_conformance.draws import ANY, FLOATS
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import ODD, Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import alike, line, ranks, square

COLOURED = ((None, 3), (1, 2), (None, 1), (1, 1), (None, None))
MERGING = ("border", "window:", "merge:max", "merge:min", "fill")


@line("TILE-001", layout=COLOURED)
def test_pieces_of_the_frame(run: CaseRun) -> None:
    """A tile holds the frame's pixels from its start on, of all channels."""
    run.tiles_agree(by="numbers")


@line("TILE-002", dtype=ANY, content=("bits", "special"))
def test_moves_bits(run: CaseRun) -> None:
    """Every pixel has the image's bytes."""
    want = expected_tiles(run.case)
    got = run.tile().array
    run.keep(got, want)
    if got.dtype == want.dtype:
        same_bits(got, want)
    elif run.case.dtype not in ODD:  # TYPE-002's; the numbers must be there
        same_numbers(got, want)


SPECIAL = tuple(
    case
    for dtype in FLOATS
    for case in ranks(
        Case(size=(40,), tile=(9,), stride=(9,), dtype=dtype, content="special")
    )
)


@line("TILE-002", dtype=FLOATS, content=("bits", "special"), also=SPECIAL)
def test_moves_floats(run: CaseRun) -> None:
    """The bytes of NaN and of −0.0 are moved as they are."""
    test_moves_bits(run)


@clause("TILE-002", only=SPECIAL)
def test_moves_payloads(run: CaseRun) -> None:
    """The sign and the payload of a NaN are moved as they are."""
    case = run.case
    ones = np.full(case.image().nbytes, 0xFF, np.uint8)
    image = ones.view(case.numpy_dtype).reshape(case.shape)
    want = oracle.tile(case.grid, image)
    got = run.tile(image).array
    run.keep(got, want)
    if got.dtype == want.dtype:  # another dtype is TYPE-002's
        same_bits(got, want)


TURNED = (
    Case(size=(6, 8), tile=(3, 4), stride=(3, 4)),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), batch=2, channels=3),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, channels_last=True),
    Case(size=(4, 6, 5), tile=(2, 2, 2), stride=(2, 2, 2), channels=2),
)


@clause("TILE-004", only=TURNED)
def test_any_order_of_an_image(run: CaseRun) -> None:
    """The order of the image in memory does not matter, only its values."""
    image, want = run.case.image(), expected_tiles(run.case)
    got = run.tile(np.asfortranarray(image)).array
    run.keep(got, want)
    same_numbers(got, want)


@clause("TILE-004", verb="untile", only=TURNED)
def test_any_order_of_tiles(run: CaseRun) -> None:
    """The order of the tiles in memory does not matter, only their values."""
    run.merge_agrees(np.asfortranarray(run.case.tiles()))


@square("TILE-003", layout=ANY, mode=ANY, fit=("exact", "longer"), channels_last=ANY)
def test_new_and_contiguous(run: CaseRun) -> None:
    """The tiles are contiguous and share no memory with the image."""
    answer = run.tile()
    if answer.shares:
        raise Mismatch("the tiles share memory with the image")
    if not answer.contiguous:
        raise Mismatch("the tiles are not contiguous in C order")


def _whole(features: Features) -> SearchStrategy[Case]:
    """Draw images that are one tile."""
    draw = alike(layout=ANY, channels_last=ANY)
    return draw(features).map(lambda case: replace(case, size=case.tile))


@clause("TILE-003", needs=["tile"], draws=_whole)
def test_new_even_if_whole(run: CaseRun) -> None:
    """One tile that is the whole image is a copy as well."""
    test_new_and_contiguous(run)


def merged(features: Features) -> SearchStrategy[Case]:
    """Draw cases whose merging differs from the plain one."""
    if not any(name.startswith(MERGING) for name in features):
        raise Unsupported(" or ".join(MERGING))
    return alike(window=ANY, merge=ANY, border=ANY, fill=ANY)(features)


@clause("TILE-007", needs=["tile"], draws=merged)
def test_merging_is_no_cutting(run: CaseRun) -> None:
    """Border removal, window, merge and fill do not change the tiles."""
    got = run.tile().array
    plain = replace(run.case, window="box", merge=None, border=(), fill=None)
    run.reopen(plain)
    want = run.tile().array
    run.keep(got, want)
    same_numbers(got, want)
