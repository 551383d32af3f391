"""SIZE: tile, stride, overlap."""

from __future__ import annotations

from dataclasses import replace

from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY
from reftiler_conformance.lines import square
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial


@check("SIZE-001", needs=["unequal"], rank=(2, 3))
def in_the_order_of_axes(trial: Trial) -> None:
    """The sides of a tile have the order of the image's axes."""
    shape = trial.tile().array.shape
    if shape[-trial.case.rank :] != trial.case.tile:
        raise Mismatch(f"tiles are {shape}, should be of {trial.case.tile}")


@square("SIZE-008", needs=["refusals"])
def refuses_strides_that_lose_pixels(trial: Trial) -> None:
    """A stride larger than the tile is refused."""
    stride = tuple(side + 1 for side in trial.case.tile)
    size = tuple(3 * side + 1 for side in trial.case.tile)
    case = replace(trial.case, size=size, stride=stride)
    refuses_case(trial, "tile", case, "the stride is larger than the tile")


@square("SIZE-009", needs=["refusals"], layout=ANY)
def refuses_images_of_nothing(trial: Trial) -> None:
    """An image with an axis of length 0 is refused."""
    size, axis = list(trial.case.size), trial.case.seed % trial.case.rank
    size[axis] = 0
    case = replace(trial.case, size=tuple(size))
    refuses_case(trial, "tile", case, "an axis is empty")
