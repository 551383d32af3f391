"""VIEW: windows without a copy."""

from __future__ import annotations

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, Sizes
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.draws import ANY
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.oracle.tiling import has_view
from reftiler_conformance.suite.narrowed import BEYOND, ranks, square
from reftiler_conformance.suite.refused import refuses_case

VIEWED = ["view"]


def shape_of(run: CaseRun) -> Sizes:
    """Return the shape that the case's view has."""
    case = run.case
    space = (*case.grid.shape, *case.tile)
    return join(case.batch, case.channels, space, case.channels_last)


def same_shape(run: CaseRun) -> None:
    """Fail unless the view has its shape."""
    shape, want = run.view().array.shape, shape_of(run)
    if shape != want:
        raise Mismatch(f"the shape is {shape}, should be {want}")


@square("VIEW-001", needs=VIEWED, layout=ANY, mode=ANY)
def test_grid_before_tile(run: CaseRun) -> None:
    """The view has the axes of the grid, then those of a tile."""
    same_shape(run)


@square("VIEW-002", needs=[*VIEWED, "channels_last"], layout=ANY, channels_last=(True,))
def test_channels_behind(run: CaseRun) -> None:
    """With channels last they come behind the tile."""
    same_shape(run)


@square("VIEW-003", needs=VIEWED, layout=ANY)
def test_windows_are_tiles(run: CaseRun) -> None:
    """Every window has the values of its tile."""
    case = run.case
    got, want = run.view().array, oracle.view(case.grid, case.image())
    run.keep(got, want)
    same_numbers(got.reshape(want.shape) if got.size == want.size else got, want)


@square("VIEW-003", needs=VIEWED, mode=("drop",), fit=("longer",))
def test_windows_of_drop(run: CaseRun) -> None:
    """Pixels that belong to no tile are in no window."""
    test_windows_are_tiles(run)


@square("VIEW-004", needs=VIEWED, layout=ANY, channels_last=ANY)
def test_shares_memory(run: CaseRun) -> None:
    """The view shares the image's memory."""
    if not run.view().shares:
        raise Mismatch("the view shares no memory with the image")


NO_VIEWS = ranks(
    Case(size=(10,), tile=(4,), stride=(4,)),
    Case(size=(10,), tile=(4,), stride=(4,), mode="interpolation"),
    Case(size=(10,), tile=(4,), stride=(4,), mode="clamp"),
    Case(size=(9,), tile=(4,), stride=(3,), mode="even"),
)


@square("VIEW-006", needs=["view", "refusals"], mode=ANY, fit=BEYOND, also=NO_VIEWS)
def test_refuses_what_is_no_view(run: CaseRun) -> None:
    """Tiles that are padded, resampled or unevenly spaced have no view."""
    case = run.case
    if has_view(case.grid):
        run.view()
    else:
        why = f"{case.mode} of {case.size} in {case.tile} by {case.stride} is no view"
        refuses_case(run, "view", case, why)
