"""TYPE: dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Array, Case, as_dtype
from reftiler_conformance.compare import (
    Mismatch,
    same_dtype,
    same_numbers,
    values,
)
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED, Features
from reftiler_conformance.lines import alike, square
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.refused import refuses_array, refuses_case
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial


def cut(trial: Trial) -> Iterator[Array]:
    """Return the case's tiles, and its windows from subjects that show them."""
    yield trial.tile().array
    if "view" in trial.features:
        yield trial.view().array


@square("TYPE-001", dtype=ANY)
def takes_fixed_sizes(trial: Trial) -> None:
    """Every dtype of a fixed size gives tiles."""
    for tiles in cut(trial):
        if tiles.size != np.prod(trial.case.cut_shape):
            raise Mismatch(f"the tiles of {trial.case.dtype} are {tiles.shape}")


@square("TYPE-001", dtype=ODD)
def takes_what_is_no_number(trial: Trial) -> None:
    """Complex numbers, dates, strings and records give tiles."""
    takes_fixed_sizes(trial)


EACH = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))
MERGED = tuple(replace(EACH, dtype=dtype) for dtype in (*NUMBERS, *SWAPPED))
MOVED = (*MERGED, *(replace(EACH, dtype=dtype) for dtype in ODD))


@square("TYPE-002", dtype=ANY, also=MOVED)
def keeps_the_dtype(trial: Trial) -> None:
    """Tiles have the dtype of the image, its byte order included."""
    for tiles in cut(trial):
        same_dtype(tiles, trial.case.numpy_dtype)


@square("TYPE-002", dtype=SWAPPED)
def keeps_the_byte_order(trial: Trial) -> None:
    """Tiles have the byte order of the image."""
    keeps_the_dtype(trial)


@square("TYPE-004", verb="untile", overlap=("none",), dtype=NUMBERS, also=MERGED)
def takes_numbers(trial: Trial) -> None:
    """Bool, integers and floats are merged."""
    merged = trial.untile().array
    if merged.size != np.prod(trial.case.shape):
        raise Mismatch(f"the merge of {trial.case.dtype} is {merged.shape}")


@square("TYPE-005", needs=["refusals"], verb="untile")
def refuses_what_is_no_number(trial: Trial) -> None:
    """Complex tiles are refused."""
    tiles = trial.case.tiles().astype("complex64")
    refuses_array(trial, "untile", tiles, "complex64 cannot be merged")


@square(
    "TYPE-006",
    verb="untile",
    overlap=("none",),
    dtype=(*NUMBERS, *SWAPPED),
    also=MERGED,
)
def keeps_the_tiles_dtype(trial: Trial) -> None:
    """The result has the dtype of the tiles, its byte order included."""
    same_dtype(trial.untile().array, trial.case.numpy_dtype)


def named(features: Features) -> SearchStrategy[Case]:
    """Draw merges into another dtype; into bool only of bool (TYPE-007)."""
    draw = alike(verb="untile", overlap=("none",), dtype=ANY, result=NUMBERS)
    return draw(features).filter(
        lambda case: (
            f"untile:{case.result}" in features
            and (case.result != "bool" or case.dtype == "bool")
        )
    )


@check("TYPE-006", needs=["untile", "result"], draws=named)
def gives_the_named_dtype(trial: Trial) -> None:
    """The result has the dtype that is asked for."""
    same_dtype(trial.untile().array, trial.case.result_dtype)


@square(
    "TYPE-007",
    needs=["refusals", "result", "untile:bool"],
    verb="untile",
    dtype=NUMBERS[1:],
)
def refuses_bool_of_numbers(trial: Trial) -> None:
    """Numbers are not merged into bool."""
    case = replace(trial.case, result="bool")
    refuses_case(trial, "untile", case, f"{case.dtype} is no bool")


@square("TYPE-008", verb="untile", dtype=SWAPPED, content=("random",))
def byte_order_is_no_value(trial: Trial) -> None:
    """Tiles in another byte order merge as the same numbers."""
    case = trial.case
    native = as_dtype(case.dtype).newbyteorder("=")
    if f"untile:{native.name}" not in trial.features:
        raise Unsupported(f"untile:{native.name}")
    got = trial.untile().array
    trial.reopen(replace(case, dtype=native.name))
    want = trial.untile(case.tiles().astype(native)).array
    trial.keep(got, want)
    same_numbers(values(got), values(want))
