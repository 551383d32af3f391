"""What is wrong in one setting or state is named by its own clause, and no other's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reftiler import Tiler
from reftiler_conformance import Case, Info, run
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.check import select
from reftiler_conformance.client import Local
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import features
from reftiler_conformance.peers.reftiler_own import Numpy, NumpyApi
from reftiler_conformance.results import Status
from reftiler_conformance.suite.wide import agrees

PLAIN = Case((13, 22), (8, 8), (4, 4), batch=2, channels=2, content="random")
EVERY = replace(PLAIN, border=(1, 1), window="hann")
DROP = replace(EVERY, mode="drop", fill=7)


class Forgetful:
    """Merges by the oracle, with some settings forgotten."""

    def __init__(self, **forgotten: Any) -> None:
        self.forgotten = forgotten

    def info(self) -> Info:
        return Info("forgetful", "1", features("*") - {"api", "out", "tile"})

    def open(self, case: Case, device: str) -> Any:
        self.case = replace(case, **self.forgotten)
        return self

    def untile(self, tiles: Any) -> Any:
        return merge_of(self.case, tiles)


@pytest.mark.parametrize(
    ("forgotten", "case", "clause"),
    [
        ({}, EVERY, ""),
        ({"window": "box"}, EVERY, "WINDOW-001"),
        ({"border": ()}, EVERY, "BORDER-001"),
        ({"border": ()}, replace(DROP, size=(9, 10)), "BORDER-003"),
        ({"merge": None}, replace(EVERY, window="box", merge="max"), "MERGE-012"),
        ({"merge": "min"}, replace(EVERY, window="box", merge="max"), "MERGE-012"),
        ({"fill": 0}, DROP, "MERGE-018"),
        ({"pad_side": "end"}, replace(EVERY, pad_side="both"), "MERGE-020"),
    ],
)
def test_the_setting_at_fault_is_named(
    forgotten: dict[str, Any], case: Case, clause: str
) -> None:
    subject = Forgetful(**forgotten)
    merging = CaseRun(case, Local(subject), subject.info().claimed)
    merging.reopen()
    found = ""
    try:
        agrees(merging, by="coarse")
    except Mismatch as error:
        found = error.clause
    assert found == clause


def tiler(
    answer: Callable[..., Any], verb: str = "tile", *, only_out: bool = False
) -> type[Tiler]:
    """Make a tiler of what it does with the right result, and with what it is given."""

    class Wrong(Tiler):
        pass

    def call(self: Any, given: Any, *more: Any, out: Any = None, **named: Any) -> Any:
        result = getattr(Tiler, verb)(self, given, *more, **named)
        if only_out:
            return result if out is None else answer(result, out)
        result = answer(self, given, result)
        if out is None:
            return result
        out[...] = result
        return out

    setattr(Wrong, verb, call)
    return Wrong


def keeps_to_one_size(self: Any, image: Any, tiles: Any) -> Any:
    if image.shape != vars(self).setdefault("first", image.shape):
        raise ValueError("of another size than before")
    return tiles


def is_narrow(self: Any, image: Any, tiles: Any) -> Any:
    if image.size > 16:  # that of the simplest case
        raise ValueError("too large")
    return tiles


def has_no_borders(self: Any, tiles: Any, image: Any) -> Any:
    if any(self.remove_border_count):
        raise RuntimeError("border")
    return image


SEEN: set[Any] = set()


def wavers(self: Any, image: Any, tiles: Any) -> Any:
    key = repr(self), image.tobytes()
    tiles = tiles * 0 if key in SEEN else tiles
    SEEN.add(key)
    return tiles


def wipes(self: Any, tiles: Any, image: Any) -> Any:
    tiles[...] = 0
    return image


def misreads_files(self: Any, image: Any, tiles: Any) -> Any:
    return tiles[::-1] if type(image) is np.memmap else tiles


def adds(result: Any, out: Any) -> Any:
    out += result
    return out


def forgets_strides(result: Any, out: Any) -> Any:
    out.reshape(-1)[...] = result.reshape(-1)
    return out


def refuses_strides(result: Any, out: Any) -> Any:
    if not out.flags.c_contiguous:
        raise ValueError("out is strided")
    return forgets_strides(result, out)


def is_off_by_one(result: Any, out: Any) -> Any:
    out[...] = result + 1
    return out


def fills_gaps(result: Any, out: Any) -> Any:
    length = out.strides[-1] // out.itemsize
    if not out.flags.c_contiguous:
        whole = (*out.shape, length), (*out.strides, out.itemsize)
        np.lib.stride_tricks.as_strided(out, *whole)[...] = 5
    out[...] = result
    return out


class Subject(Numpy):
    def __init__(self, kind: type[Tiler]) -> None:
        super().__init__()
        self.kind = kind

    def api(self, device: str) -> Any:
        api = NumpyApi()
        api.Tiler = self.kind
        return api


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "asked", "named"),
    [
        (tiler(keeps_to_one_size), "TILE-001", ["TILER-003"]),
        (tiler(is_narrow), "MERGE-007", []),
        (tiler(has_no_borders, "untile"), "TILER-003,OUT-003,SIZE-010", []),
        (tiler(wavers), "pieces_of_the_frame", ["TILER-004"]),
        (tiler(wipes, "untile"), "MERGE-007", ["TILER-005"]),
        (tiler(misreads_files), "TILE-004", ["TILE-004"]),
        (tiler(adds, only_out=True), "TILE-001", ["OUT-003"]),
        (tiler(lambda result, out: result, only_out=True), "TILE-001", ["OUT-001"]),
        (tiler(is_off_by_one, only_out=True), "TILE-001", ["OUT-001"]),
        (tiler(forgets_strides, only_out=True), "TILE-001", ["OUT-004"]),
        (tiler(refuses_strides, only_out=True), "TILE-001", ["OUT-004"]),
        (tiler(fills_gaps, only_out=True), "TILE-001", ["OUT-004"]),
    ],
)
def test_a_fault_is_named(kind: type[Tiler], asked: str, named: list[str]) -> None:
    found = run(Subject(kind), clauses=asked, examples=20)
    fine = (Status.PASSED, Status.UNSUPPORTED)
    assert any(result.status is Status.PASSED for result in found)
    told = [result.clause for result in found if result.status not in fine]
    assert told == named  # once, whichever check finds it, and nothing else


def puts_more_before(self: Any, image: Any, tiles: Any) -> Any:
    """Pad with the larger half before the image."""
    if self.pad_side == "end" or self.channels_last or image.ndim > self.rank + 1:
        return tiles
    space = tuple(range(-self.rank, 0))
    turned = Tiler.tile(self, np.flip(image, space))
    return np.flip(turned, (0, *space))


def cuts_fractions_off(self: Any, tiles: Any, image: Any) -> Any:
    if tiles.dtype != np.uint8 or self.merge in ("max", "min"):
        return image
    return np.trunc(Tiler.untile(self, tiles, image.shape, dtype="float64"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "name", "case"),
    [
        (
            tiler(puts_more_before),
            "row_by_row",  # LAYOUT-008
            Case((3, 4), (3, 3), (3, 3), channels=1, pad_side="both"),
        ),
        (
            tiler(cuts_fractions_off, "untile"),
            "untile_reads_any_memory",  # TILE-004
            Case((2, 3), (3, 2), (1, 1), dtype="uint8", content="random"),
        ),
        # What no tile covers is refused by every tiler, before and after others.
        (Tiler, "untile_forgets_settings", Case((5,), (3,), (2,), mode="drop")),
    ],
)
def test_the_fault_of_another_clause_does_not_accuse(
    kind: type[Tiler], name: str, case: Case
) -> None:
    subject = Subject(kind)
    (check,) = [check for check in select() if check.name == name]
    for seed in range(24):  # sizes hang on it
        asked = replace(case, seed=seed)
        asking = CaseRun(asked, Local(subject), subject.info().claimed)
        asking.reopen()
        check(asking)
