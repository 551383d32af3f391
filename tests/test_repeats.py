"""Comparisons are repeated into ``out`` and after another image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reftiler_conformance import Case, Info, oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.client import Local
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.features import features

Array = npt.NDArray[Any]
CLAIMED = features("*")
CASES = [
    Case((7, 6), (4, 3), (3, 2), channels=2, dtype=dtype, seed=seed)
    for seed, dtype in enumerate(("float32", "uint8", "float64", "int16"))
]


class Oracle:
    """A session that is right: the oracle's, which also writes into ``out``."""

    def __init__(self, case: Case) -> None:
        self.case, self.size = case, case.size

    def tile(self, image: Array, out: Array | None = None) -> Array:
        return self.given(oracle.tile(self.case.grid, image), out)

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        case = self.case
        return self.given(oracle.untile(case.grid, tiles, case.shape), out)

    def given(self, result: Array, out: Array | None) -> Array:
        if out is None:
            return result
        out[...] = result
        return out

    def tile_another(self, image: Array) -> None:
        self.size = image.shape[1:]


def adds(result: Array, out: Array) -> Array:
    out += result
    return out


def leaves_the_last(result: Array, out: Array) -> Array:
    out[..., :-1] = result[..., :-1]
    return out


def fills_gaps(result: Array, out: Array) -> Array:
    length = out.strides[-1] // out.itemsize
    if not out.flags.c_contiguous:
        whole = (*out.shape, length), (*out.strides, out.itemsize)
        np.lib.stride_tricks.as_strided(out, *whole)[...] = 5
    out[...] = result
    return out


def refuses_strides(result: Array, out: Array) -> Array:
    if not out.flags.c_contiguous:
        raise ValueError("out is strided")
    return forgets_strides(result, out)


def forgets_strides(result: Array, out: Array) -> Array:
    out.reshape(-1)[...] = result.reshape(-1)
    return out


def returns_another(result: Array, out: Array) -> Array:
    return result


def wrong_in_out(result: Array, out: Array) -> Array:
    out[...] = result + 1
    return out


def writing(write: Callable[[Array, Array], Array]) -> type[Oracle]:
    """Return sessions that write into ``out`` in a way of their own."""

    class Writes(Oracle):
        def given(self, result: Array, out: Array | None) -> Array:
            return result if out is None else write(result, out)

    return Writes


class LastSize(Oracle):
    def given(self, result: Array, out: Array | None) -> Array:
        return super().given(result if self.size == self.case.size else result * 0, out)


class OneSize(Oracle):
    def tile_another(self, image: Array) -> None:
        raise ValueError("of another size than before")

    def tile(self, image: Array, out: Array | None = None) -> Array:
        if image.shape[1:] != self.size:
            self.tile_another(image)
        return super().tile(image, out)


class Counts(Oracle):
    calls = 0

    def given(self, result: Array, out: Array | None) -> Array:
        self.calls += 1
        return super().given(result if self.calls == 1 else result * 0, out)


class Wavers(Oracle):
    def given(self, result: Array, out: Array | None) -> Array:
        Counts.calls += 1
        return super().given(result if Counts.calls == 1 else result * 0, out)


class Wipes(Oracle):
    def tile(self, image: Array, out: Array | None = None) -> Array:
        result = super().tile(image, out)
        image[...] = 0
        return result

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        result = super().untile(tiles, out)
        tiles[...] = 0
        return result


class Subject:
    def __init__(self, session: Callable[[Case], Oracle]) -> None:
        self.session = session

    def info(self) -> Info:
        return Info("oracle", "1", CLAIMED)

    def open(self, case: Case, device: str) -> Any:
        return self.session(case)


def blamed(session: Callable[[Case], Oracle], case: Case, verb: str) -> str:
    """Return the clause that a comparison of one verb blames, if any."""
    Counts.calls = 0
    run = CaseRun(case, Local(Subject(session)), CLAIMED)
    run.reopen()
    try:
        run.tiles_agree() if verb == "tile" else run.merge_agrees()
    except Mismatch as fault:
        return fault.clause or "the check's"
    return ""


@pytest.mark.parametrize(
    ("session", "clauses"),
    [
        (Oracle, [""]),
        (writing(adds), ["OUT-003"]),
        (writing(leaves_the_last), ["OUT-003"]),
        (writing(fills_gaps), ["", "OUT-004"]),
        (writing(refuses_strides), ["", "OUT-004"]),
        (writing(forgets_strides), ["", "OUT-004"]),
        (writing(returns_another), ["OUT-001"]),
        (writing(wrong_in_out), ["OUT-001"]),
        (LastSize, ["TILER-003", "", ""]),
        (Counts, ["TILER-003"]),
        (Wavers, ["TILER-004"]),
        (Wipes, ["TILER-005"]),
    ],
)
@pytest.mark.parametrize("verb", ["tile", "untile"])
def test_what_is_blamed(session: type[Oracle], clauses: list[str], verb: str) -> None:
    """Strided arrays are given for every second seed, other images for every third."""
    found = [blamed(session, case, verb) for case in CASES]
    assert found == (clauses * len(CASES))[: len(CASES)]


def test_a_size_that_is_refused_after_another() -> None:
    """A tiler of one size only is no fault; one that keeps to its first size is."""

    def fresh(case: Case) -> Oracle:
        return OneSize(case)

    assert blamed(fresh, CASES[0], "untile") == "TILER-003"

    def narrow(case: Case) -> Oracle:
        session = OneSize(case)
        session.size = CASES[0].size
        return session

    assert blamed(narrow, CASES[0], "untile") == ""
