"""VIEW: windows without a copy."""

from __future__ import annotations

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_numbers, same_shape
from reftiler_conformance.draws import ANY, wide
from reftiler_conformance.features import MODES
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.oracle.tiling import has_view
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import BEYOND, each, ranks, square
from reftiler_conformance.suite.verbs import refuses_case

VIEWED = ["view"]


@square("VIEW-001", share=0.5, needs=VIEWED, layout=ANY, mode=ANY)
@square(
    "VIEW-002",
    share=0.5,
    needs=[*VIEWED, "channels_last"],
    layout=ANY,
    channels_last=(True,),
)
def test_grid_before_tile(run: CaseRun) -> None:
    """The view has the axes of the grid, then those of a tile, channels last behind."""
    case = run.case
    space = (*case.grid.shape, *case.tile)
    shape = join(case.batch, case.channels, space, case.channels_last)
    same_shape(run.view().array, np.empty(shape))


# Pixels that belong to no tile are in no window.
DROPPED = each(
    ranks(Case((11,), (4,), (4,), mode="drop"), Case((67,), (4,), (3,), mode="drop")),
    seed=range(3),
)


@clause(
    "VIEW-003",
    needs=VIEWED,
    content=("random",),
    also=DROPPED,
    **wide("layout", "mode", "dtype"),
)
def test_windows_are_tiles(run: CaseRun) -> None:
    """Every window has the values of its tile, wherever the image lies in memory."""
    memory = ("C", "F", "sliced", "negative", "unaligned")[run.case.seed % 5]
    image = run.case.image()
    want = oracle.view(run.case.grid, image)
    try:
        got = run.view(image, memory).array
    except Unsupported:  # the library has no such arrays
        got = run.view(image).array
    run.keep(got, want)
    same_numbers(got.reshape(want.shape) if got.size == want.size else got, want)


@clause(
    "VIEW-004",
    share=0.5,
    needs=VIEWED,
    **wide("layout", "channels_last", "mode", "dtype"),
)
def test_shares_memory(run: CaseRun) -> None:
    """The view shares the image's memory, with whatever strides that lies there."""
    for memory in ("C", "F", "sliced"):
        if not run.view(memory=memory).shares:
            raise Mismatch(f"the view shares no memory with an image ({memory})")


NO_VIEWS = ranks(
    *each([Case((10,), (4,), (4,))], mode=("padding", "interpolation", "clamp")),
    Case(size=(9,), tile=(4,), stride=(3,), mode="even"),
    *each([Case((8,), (4,), (4,))], mode=MODES),
)


@square(
    "VIEW-006",
    needs=[*VIEWED, "refusals"],
    mode=ANY,
    fit=("exact", *BEYOND),
    pad_mode=ANY,
    also=NO_VIEWS,
)
def test_refuses_what_is_no_view(run: CaseRun) -> None:
    """Tiles that are padded, resampled or unevenly spaced have no view."""
    case = run.case
    if has_view(case.grid):
        run.view()
    else:
        why = f"{case.mode} of {case.size} in {case.tile} by {case.stride} is no view"
        refuses_case(run, "view", case, why)
