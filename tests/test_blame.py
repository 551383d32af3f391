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

EVERY = Case(
    size=(13, 22),
    tile=(8, 8),
    stride=(4, 4),
    batch=2,
    channels=2,
    border=(1, 1),
    window="hann",
    content="random",
)
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
        ({"border": ()}, DROP, "BORDER-001"),
        ({"border": ()}, replace(DROP, size=(9, 10)), "BORDER-003"),
        ({"merge": None}, replace(EVERY, window="box", merge="max"), "MERGE-012"),
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


FIRST: dict[Any, str] = {}


class FirstPadMode(Tiler):
    """Pads as the first tiler of the same sizes, but for constants."""

    def tile(self, image: Any, **given: Any) -> Any:
        key = self.tile_size, self.stride, image.shape
        first = FIRST.setdefault(key, self.pad_mode)
        if "constant" in (first, self.pad_mode) or first == self.pad_mode:
            return super().tile(image, **given)
        names = ("stride", "mode", "pad_value", "pad_side", "channels_last")
        settings = {name: getattr(self, name) for name in names}
        return Tiler(self.tile_size, **settings, pad_mode=first).tile(image)


class NoBorders(Tiler):
    def untile(self, *given: Any, **named: Any) -> Any:
        if any(self.remove_border_count):
            raise RuntimeError("border")
        return super().untile(*given, **named)


class OneSize(Tiler):
    """Cuts images of the size of its first one alone."""

    def tile(self, image: Any, **named: Any) -> Any:
        if image.shape != vars(self).setdefault("first", image.shape):
            raise ValueError("of another size than before")
        return super().tile(image, **named)


class Narrow(Tiler):
    """Cuts no image that is larger than the simplest one, which is no fault."""

    def tile(self, image: Any, **named: Any) -> Any:
        if image.size > 16:
            raise ValueError("too large")
        return super().tile(image, **named)


SEEN: set[Any] = set()


class Wavers(Tiler):
    """Cuts an image into nothing that it has cut before."""

    def tile(self, image: Any, **named: Any) -> Any:
        result, key = super().tile(image, **named), (repr(self), image.tobytes())
        if key in SEEN:
            result[...] = 0
        SEEN.add(key)
        return result


class Wipes(Tiler):
    def untile(self, tiles: Any, *given: Any, **named: Any) -> Any:
        result = super().untile(tiles, *given, **named)
        tiles[...] = 0
        return result


def writing(write: Callable[[Any, Any], Any]) -> type[Tiler]:
    """Return a tiler that gives tiles into ``out`` in a way of its own."""

    class Writes(Tiler):
        def tile(self, image: Any, *, out: Any = None, **named: Any) -> Any:
            result = super().tile(image, **named)
            return result if out is None else write(result, out)

    return Writes


def adds(result: Any, out: Any) -> Any:
    out += result
    return out


def is_off_by_one(result: Any, out: Any) -> Any:
    out[...] = result + 1
    return out


def forgets_strides(result: Any, out: Any) -> Any:
    out.reshape(-1)[...] = result.reshape(-1)
    return out


def refuses_strides(result: Any, out: Any) -> Any:
    if not out.flags.c_contiguous:
        raise ValueError("out is strided")
    return forgets_strides(result, out)


def fills_gaps(result: Any, out: Any) -> Any:
    length = out.strides[-1] // out.itemsize
    if not out.flags.c_contiguous:
        whole = (*out.shape, length), (*out.strides, out.itemsize)
        np.lib.stride_tricks.as_strided(out, *whole)[...] = 5
    out[...] = result
    return out


class NoFiles(Tiler):
    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(image[::-1] if type(image) is np.memmap else image, **named)


class FrontHeavy(Tiler):
    """Puts the larger half of the padding before the image."""

    def tile(self, image: Any, **named: Any) -> Any:
        if self.pad_side == "end" or self.channels_last or image.ndim > self.rank + 1:
            return super().tile(image, **named)
        space = tuple(range(-self.rank, 0))
        return np.flip(super().tile(np.flip(image, space), **named), (0, *space)).copy()


class CutsOff(Tiler):
    """Cuts the fractions of means of bytes off."""

    def untile(self, tiles: Any, *given: Any, out: Any = None, **named: Any) -> Any:
        whole = tiles.dtype != np.uint8 or self.merge in ("max", "min")
        if whole or named.get("dtype") is not None:
            return super().untile(tiles, *given, out=out, **named)
        mean = super().untile(tiles, *given, **named | {"dtype": "float64"})
        out = np.empty(mean.shape, np.uint8) if out is None else out
        out[...] = np.trunc(mean)
        return out


class Subject(Numpy):
    def __init__(self, tiler: type[Tiler]) -> None:
        super().__init__()
        self.tiler = tiler

    def api(self, device: str) -> Any:
        api = NumpyApi()
        api.Tiler = self.tiler
        return api


@pytest.mark.parametrize(
    ("tiler", "asked", "named"),
    [
        (FirstPadMode, "TILER-003", {"TILER-003"}),
        (NoBorders, "TILER-003,OUT-003,SIZE-010", set()),
        (OneSize, "TILE-001", {"TILER-003"}),
        (Narrow, "MERGE-007", set()),
        (Wavers, "pieces_of_the_frame", {"TILER-004"}),
        (Wipes, "MERGE-007", {"TILER-005"}),
        (writing(adds), "TILE-001", {"OUT-003"}),
        (writing(is_off_by_one), "TILE-001", {"OUT-001"}),
        (writing(lambda result, out: result), "TILE-001", {"OUT-001"}),
        (writing(forgets_strides), "TILE-001", {"OUT-004"}),
        (writing(refuses_strides), "TILE-001", {"OUT-004"}),
        (writing(fills_gaps), "TILE-001", {"OUT-004"}),
        (NoFiles, "TILE-004", {"TILE-004"}),
        (FrontHeavy, "PAD-001,PAD-002,LAYOUT-008", {"PAD-002"}),
        (CutsOff, "ROUND-003,TILE-004", {"ROUND-003"}),
    ],
)
def test_a_fault_is_named(tiler: type[Tiler], asked: str, named: set[str]) -> None:
    found = run(Subject(tiler), clauses=asked, examples=20)
    fine = (Status.PASSED, Status.UNSUPPORTED)
    assert any(result.status is Status.PASSED for result in found)
    assert {r.clause for r in found if r.status not in fine} == named


def test_gaps_of_other_settings_do_not_accuse() -> None:
    """What no tile covers is refused by every tiler, before and after others."""
    case = Case((5,), (3,), (2,), mode="drop")
    (check,) = [c for c in select(["TILER-003"]) if c.name == "untile_forgets_settings"]
    merging = CaseRun(case, Local(subject := Numpy()), subject.info().claimed)
    for _ in range(24):  # sizes grow by another number each time
        merging.reopen()
        check(merging)
