"""SIZE: tile, stride, overlap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, WIDE
from reftiler_conformance.features import NUMBERS
from reftiler_conformance.rpc import Raised
from reftiler_conformance.suite.narrowed import each, square
from reftiler_conformance.suite.verbs import (
    Verb,
    agrees,
    needs_of,
    of_both,
    refuses_case,
)
from reftiler_conformance.suite.wide import is_right


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


FOUR = each([Case((2, 2, 2, 3), (2,) * 4, (2,) * 4)], channels=(None, 1))


@of_both("SIZE-010", share=0.5, also=FOUR, **WIDE | {"rank": (4,), "dtype": NUMBERS})
def test_any_rank_4(run: CaseRun, verb: Verb) -> None:
    """Images of four spatial axes are cut, and tiles of four merged, as others are."""
    try:
        agrees(run, verb)
    except (Mismatch, Raised) as error:
        flat = _flatter(run.case)
        claimed = needs_of(verb, flat) <= run.features
        right = not claimed or is_right(run, flat, lambda other: agrees(other, verb))
        # What is wrong of three axes too is another clause's.
        if getattr(error, "clause", "") or right:
            raise


def _flatter(case: Case) -> Case:
    """Return a case without its last spatial axis."""
    names = ["size", "tile", "stride", "border", "scale"]
    names += [] if isinstance(case.window, str) else ["window"]
    sides: dict[str, Any] = {name: getattr(case, name)[:3] for name in names}
    starts = case.starts and tuple(start[:3] for start in case.starts)
    return replace(case, starts=starts, **sides)
