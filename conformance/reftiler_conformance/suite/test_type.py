"""TYPE: dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case, as_dtype
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_bits, same_dtype, same_numbers
from reftiler_conformance.draws import ANY, WIDE, cases
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED, Features
from reftiler_conformance.memory_layouts import with_values_for
from reftiler_conformance.oracle.tiling import has_view
from reftiler_conformance.slices import values
from reftiler_conformance.suite.narrowed import each, square
from reftiler_conformance.suite.verbs import first, refuses_array, refuses_case

EACH = [Case(size=(4, 4), tile=(2, 2), stride=(2, 2))]
MERGED = each(EACH, dtype=(*NUMBERS, *SWAPPED))
MOVED = (*MERGED, *each(EACH, dtype=ODD, content=["random"]))


def cut(run: CaseRun) -> Iterator[Array]:
    """Return the case's tiles, and its windows from subjects that show them."""
    yield run.tile().array
    if "view" in run.features and has_view(run.case.grid):
        yield run.view().array


@square("TYPE-001", dtype=ANY, also=MOVED)
def test_takes_fixed_sizes(run: CaseRun) -> None:
    """Every dtype of a fixed size gives tiles."""
    for tiles in cut(run):
        if tiles.size != np.prod(run.case.cut_shape):
            raise Mismatch(f"the tiles of {run.case.dtype} are {tiles.shape}")
    if run.case.dtype in ODD:  # no other check asks for the values of all of these
        same_bits(run.tile().array, expected_tiles(run.case))


@clause("TYPE-002", also=MOVED, **WIDE)
def test_keeps_the_dtype(run: CaseRun) -> None:
    """Tiles have the dtype of the image, its byte order included."""
    case = run.case
    first(run.tile)  # what is raised breaks the clause of a setting
    for tiles in cut(run):
        same_dtype(tiles, case.numpy_dtype)
    if {f"tile:{dtype}" for dtype in SWAPPED} <= run.features:  # and so all others
        want = with_values_for(case.image(), "swapped").dtype
        same_dtype(run.tile(memory="swapped").array, want)


@square("TYPE-004", verb="untile", overlap=("none",), dtype=NUMBERS, also=MERGED)
def test_takes_numbers(run: CaseRun) -> None:
    """Bool, integers and floats are merged."""
    merged = run.untile().array
    if merged.size != np.prod(run.case.shape):
        raise Mismatch(f"the merge of {run.case.dtype} is {merged.shape}")


@square("TYPE-005", needs=["refusals"], verb="untile")
def test_refuses_what_is_no_number(run: CaseRun) -> None:
    """Complex tiles, dates and strings are refused."""
    for dtype in ("complex64", "complex128", "datetime64[s]", "S3"):
        tiles = np.zeros(run.case.tiles_shape, dtype)
        refuses_array(run, "untile", tiles, f"{dtype} cannot be merged")


@square(
    "TYPE-006",
    verb="untile",
    overlap=("none",),
    dtype=(*NUMBERS, *SWAPPED),
    result=(*[None] * 6, *NUMBERS),
    also=MERGED,
)
def test_keeps_the_tiles_dtype(run: CaseRun) -> None:
    """The result has the dtype that is asked for, or the tiles', byte order too."""
    same_dtype(run.untile().array, run.case.result_dtype)


@square(
    "TYPE-007",
    needs=["refusals", "result", "untile:bool"],
    verb="untile",
    dtype=NUMBERS[1:],
)
def test_refuses_bool_of_numbers(run: CaseRun) -> None:
    """Numbers are not merged into bool."""
    case = replace(run.case, result="bool")
    refuses_case(run, "untile", case, f"{case.dtype} is no bool")


def swappable(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw tiles that can be merged in the other byte order too."""
    both = [
        d for d in SWAPPED if f"untile:{as_dtype(d).newbyteorder().name}" in features
    ]
    # Who takes all of these takes every dtype in the other byte order.
    every = NUMBERS if {f"untile:{d}" for d in SWAPPED} <= features else ()
    return cases(features, **asked | {"dtype": (*both, *every) or SWAPPED})


@clause("TYPE-008", draws=swappable, share=0.5, **WIDE | {"verb": "untile"})
def test_byte_order_is_no_value(run: CaseRun) -> None:
    """Tiles in another byte order merge as the same numbers."""
    want = first(run.untile).array
    got = run.untile(memory="swapped").array
    run.keep(got, want)
    same_numbers(values(got), values(want))
