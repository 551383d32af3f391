"""VIEW: windows without a copy."""

from __future__ import annotations

from reftiler_conformance import definition
from reftiler_conformance.cases import Case, Sizes
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.definition.layout import join
from reftiler_conformance.definition.pixels import has_view
from reftiler_conformance.draws import ANY
from reftiler_conformance.lines import BEYOND, ranks, square
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.trial import Trial

VIEWED = ["view"]


def shape_of(trial: Trial) -> Sizes:
    """Return the shape that the case's view has."""
    case = trial.case
    space = (*case.plan.shape, *case.tile)
    return join(case.batch, case.channels, space, case.channels_last)


def same_shape(trial: Trial) -> None:
    """Fail unless the view has its shape."""
    shape, want = trial.view().array.shape, shape_of(trial)
    if shape != want:
        raise Mismatch(f"the shape is {shape}, should be {want}")


@square("VIEW-001", needs=VIEWED, layout=ANY, mode=ANY)
def grid_before_tile(trial: Trial) -> None:
    """The view has the axes of the grid, then those of a tile."""
    same_shape(trial)


@square("VIEW-002", needs=[*VIEWED, "channels_last"], layout=ANY, channels_last=(True,))
def channels_behind(trial: Trial) -> None:
    """With channels last they come behind the tile."""
    same_shape(trial)


@square("VIEW-003", needs=VIEWED, layout=ANY)
def windows_are_tiles(trial: Trial) -> None:
    """Every window has the values of its tile."""
    case = trial.case
    got, want = trial.view().array, definition.view(case.plan, case.image())
    trial.keep(got, want)
    same_numbers(got.reshape(want.shape) if got.size == want.size else got, want)


@square("VIEW-003", needs=VIEWED, mode=("drop",), fit=("longer",))
def windows_of_drop(trial: Trial) -> None:
    """Pixels that belong to no tile are in no window."""
    windows_are_tiles(trial)


@square("VIEW-004", needs=VIEWED, layout=ANY, channels_last=ANY)
def shares_memory(trial: Trial) -> None:
    """The view shares the image's memory."""
    if not trial.view().shares:
        raise Mismatch("the view shares no memory with the image")


NO_VIEWS = ranks(
    Case(size=(10,), tile=(4,), stride=(4,)),
    Case(size=(10,), tile=(4,), stride=(4,), mode="interpolation"),
    Case(size=(10,), tile=(4,), stride=(4,), mode="clamp"),
    Case(size=(9,), tile=(4,), stride=(3,), mode="even"),
)


@square("VIEW-006", needs=["view", "refusals"], mode=ANY, fit=BEYOND, also=NO_VIEWS)
def refuses_what_is_no_view(trial: Trial) -> None:
    """Tiles that are padded, resampled or unevenly spaced have no view."""
    case = trial.case
    if has_view(case.plan):
        trial.view()
    else:
        why = f"{case.mode} of {case.size} in {case.tile} by {case.stride} is no view"
        refuses_case(trial, "view", case, why)
