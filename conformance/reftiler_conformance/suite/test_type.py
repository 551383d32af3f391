"""TYPE: dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case, as_dtype
from reftiler_conformance.check import clause
from reftiler_conformance.compare import (
    Mismatch,
    same_dtype,
    same_numbers,
    values,
)
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED, Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import alike, square
from reftiler_conformance.suite.refused import refuses_array, refuses_case


def cut(run: CaseRun) -> Iterator[Array]:
    """Return the case's tiles, and its windows from subjects that show them."""
    yield run.tile().array
    if "view" in run.features:
        yield run.view().array


@square("TYPE-001", dtype=ANY)
def test_takes_fixed_sizes(run: CaseRun) -> None:
    """Every dtype of a fixed size gives tiles."""
    for tiles in cut(run):
        if tiles.size != np.prod(run.case.cut_shape):
            raise Mismatch(f"the tiles of {run.case.dtype} are {tiles.shape}")


@square("TYPE-001", dtype=ODD)
def test_takes_what_is_no_number(run: CaseRun) -> None:
    """Complex numbers, dates, strings and records give tiles."""
    test_takes_fixed_sizes(run)


EACH = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))
MERGED = tuple(replace(EACH, dtype=dtype) for dtype in (*NUMBERS, *SWAPPED))
MOVED = (*MERGED, *(replace(EACH, dtype=dtype) for dtype in ODD))


@square("TYPE-002", dtype=ANY, also=MOVED)
def test_keeps_the_dtype(run: CaseRun) -> None:
    """Tiles have the dtype of the image, its byte order included."""
    for tiles in cut(run):
        same_dtype(tiles, run.case.numpy_dtype)


@square("TYPE-002", dtype=SWAPPED)
def test_keeps_the_byte_order(run: CaseRun) -> None:
    """Tiles have the byte order of the image."""
    test_keeps_the_dtype(run)


@square("TYPE-004", verb="untile", overlap=("none",), dtype=NUMBERS, also=MERGED)
def test_takes_numbers(run: CaseRun) -> None:
    """Bool, integers and floats are merged."""
    merged = run.untile().array
    if merged.size != np.prod(run.case.shape):
        raise Mismatch(f"the merge of {run.case.dtype} is {merged.shape}")


@square("TYPE-005", needs=["refusals"], verb="untile")
def test_refuses_what_is_no_number(run: CaseRun) -> None:
    """Complex tiles are refused."""
    tiles = run.case.tiles().astype("complex64")
    refuses_array(run, "untile", tiles, "complex64 cannot be merged")


@square(
    "TYPE-006",
    verb="untile",
    overlap=("none",),
    dtype=(*NUMBERS, *SWAPPED),
    also=MERGED,
)
def test_keeps_the_tiles_dtype(run: CaseRun) -> None:
    """The result has the dtype of the tiles, its byte order included."""
    same_dtype(run.untile().array, run.case.numpy_dtype)


def named(features: Features) -> SearchStrategy[Case]:
    """Draw merges into another dtype; into bool only of bool (TYPE-007)."""
    draw = alike(verb="untile", overlap=("none",), dtype=ANY, result=NUMBERS)
    return draw(features).filter(
        lambda case: (
            f"untile:{case.result}" in features
            and (case.result != "bool" or case.dtype == "bool")
        )
    )


@clause("TYPE-006", needs=["untile", "result"], draws=named)
def test_gives_the_named_dtype(run: CaseRun) -> None:
    """The result has the dtype that is asked for."""
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


@square("TYPE-008", verb="untile", dtype=SWAPPED, content=("random",))
def test_byte_order_is_no_value(run: CaseRun) -> None:
    """Tiles in another byte order merge as the same numbers."""
    case = run.case
    native = as_dtype(case.dtype).newbyteorder("=")
    if f"untile:{native.name}" not in run.features:
        raise Unsupported(f"untile:{native.name}")
    got = run.untile().array
    run.reopen(replace(case, dtype=native.name))
    want = run.untile(case.tiles().astype(native)).array
    run.keep(got, want)
    same_numbers(values(got), values(want))
