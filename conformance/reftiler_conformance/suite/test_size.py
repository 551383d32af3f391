"""SIZE: tile, stride, overlap."""

from __future__ import annotations

from dataclasses import replace

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY
from reftiler_conformance.suite.narrowed import square
from reftiler_conformance.suite.refused import refuses_case


@clause("SIZE-001", needs=["unequal"], rank=(2, 3))
def test_in_the_order_of_axes(run: CaseRun) -> None:
    """The sides of a tile have the order of the image's axes."""
    shape = run.tile().array.shape
    if shape[-run.case.rank :] != run.case.tile:
        raise Mismatch(f"tiles are {shape}, should be of {run.case.tile}")


@square("SIZE-008", needs=["refusals"])
def test_refuses_strides_that_lose_pixels(run: CaseRun) -> None:
    """A stride larger than the tile is refused."""
    stride = tuple(side + 1 for side in run.case.tile)
    size = tuple(3 * side + 1 for side in run.case.tile)
    case = replace(run.case, size=size, stride=stride)
    refuses_case(run, "tile", case, "the stride is larger than the tile")


@square("SIZE-009", needs=["refusals"], layout=ANY)
def test_refuses_images_of_nothing(run: CaseRun) -> None:
    """An image with an axis of length 0 is refused."""
    size, axis = list(run.case.size), run.case.seed % run.case.rank
    size[axis] = 0
    case = replace(run.case, size=tuple(size))
    refuses_case(run, "tile", case, "an axis is empty")
