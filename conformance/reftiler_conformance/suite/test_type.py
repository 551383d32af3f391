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
    same_bits,
    same_dtype,
    same_numbers,
)
from reftiler_conformance.draws import ANY, WIDE
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED, Features
from reftiler_conformance.memory_layouts import with_values_for
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.slices import values
from reftiler_conformance.suite.narrowed import alike, square
from reftiler_conformance.suite.refused import refuses_array, refuses_case


def cut(run: CaseRun) -> Iterator[Array]:
    """Return the case's tiles, and its windows from subjects that show them."""
    yield run.tile().array
    if "view" in run.features:
        yield run.view().array


EACH = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))
MERGED = tuple(replace(EACH, dtype=dtype) for dtype in (*NUMBERS, *SWAPPED))
MOVED = (
    *MERGED,
    *(replace(EACH, dtype=dtype, content="random") for dtype in ODD),
)


@square("TYPE-001", dtype=ANY, also=MOVED)
def test_takes_fixed_sizes(run: CaseRun) -> None:
    """Every dtype of a fixed size gives tiles."""
    for tiles in cut(run):
        if tiles.size != np.prod(run.case.cut_shape):
            raise Mismatch(f"the tiles of {run.case.dtype} are {tiles.shape}")
    if run.case.dtype in ODD:  # no other check asks for the values of all of these
        same_bits(run.tile().array, expected_tiles(run.case))


@square("TYPE-002", dtype=ANY, also=MOVED)
def test_keeps_the_dtype(run: CaseRun) -> None:
    """Tiles have the dtype of the image, its byte order included."""
    for tiles in cut(run):
        same_dtype(tiles, run.case.numpy_dtype)


IN_ANY_ORDER = tuple(
    f"{verb}:{dtype}" for verb in ("tile", "untile") for dtype in SWAPPED
)
"""Who takes all these takes every dtype in the other byte order."""


@clause("TYPE-002", needs=IN_ANY_ORDER, share=0.5, **WIDE)
def test_keeps_any_byte_order(run: CaseRun) -> None:
    """Tiles have the byte order of the image, whatever its dtype."""
    want = with_values_for(run.case.image(), "swapped").dtype
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


@clause(
    "TYPE-008",
    needs=IN_ANY_ORDER,
    share=0.5,
    **WIDE | {"verb": "untile", "dtype": NUMBERS},
)
def test_byte_order_is_no_value(run: CaseRun) -> None:
    """Tiles in another byte order merge as the same numbers."""
    want = run.untile().array
    got = run.untile(memory="swapped").array
    run.keep(got, want)
    same_numbers(values(got), values(want))


@square("TYPE-008", verb="untile", dtype=SWAPPED, content=("random",))
def test_a_byte_order_is_no_value(run: CaseRun) -> None:
    """Tiles in a byte order that the tiler claims merge as the same numbers."""
    case = run.case
    native = as_dtype(case.dtype).newbyteorder("=")
    if f"untile:{native.name}" not in run.features:
        raise Unsupported(f"untile:{native.name}")
    got = run.untile().array
    run.reopen(replace(case, dtype=native.name))
    want = run.untile(case.tiles().astype(native)).array
    run.keep(got, want)
    same_numbers(values(got), values(want))
