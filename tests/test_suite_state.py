"""Checks of what is remembered, of ``out`` and of memory name their own clause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reftiler import Tiler
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import select
from reftiler_conformance.client import Local
from reftiler_conformance.evaluate import Options, evaluate
from reftiler_conformance.peers.reftiler_own import Numpy, NumpyApi
from reftiler_conformance.results import Status

FIRST: dict[Any, str] = {}
NAMES = ("tile_size", "stride", "mode", "pad_value", "pad_side", "channels_last")


class FirstPadMode(Tiler):
    """Pads as the first tiler of the same sizes, but for constants."""

    def tile(self, image: Any, **given: Any) -> Any:
        key = self.tile_size, self.stride, image.shape
        first = FIRST.setdefault(key, self.pad_mode)
        if "constant" in (first, self.pad_mode) or first == self.pad_mode:
            return super().tile(image, **given)
        settings = {name: getattr(self, name) for name in NAMES}
        return Tiler(**settings, pad_mode=first).tile(image)


class NoBorders(Tiler):
    def untile(self, *given: Any, **named: Any) -> Any:
        if any(self.remove_border_count):
            raise RuntimeError("border")
        return super().untile(*given, **named)


class WritesInARow(Tiler):
    def untile(self, *given: Any, out: Any = None, **named: Any) -> Any:
        result = super().untile(*given, **named)
        if out is None:
            return result
        out.reshape(-1)[...] = result.reshape(-1)
        return out


class ReturnsAnother(Tiler):
    def tile(self, image: Any, *, out: Any = None, **named: Any) -> Any:
        wrong = out is not None and not out.flags.c_contiguous
        out = np.ascontiguousarray(out) if wrong else out
        return super().tile(image, out=out, **named)


class NoFiles(Tiler):
    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(image[::-1] if type(image) is np.memmap else image, **named)


class Needy(Tiler):
    """Untiles what it has tiled alone."""

    def tile(self, image: Any, **named: Any) -> Any:
        object.__setattr__(self, "ready", True)
        return super().tile(image, **named)

    def untile(self, *given: Any, **named: Any) -> Any:
        if not hasattr(self, "ready"):
            raise RuntimeError("nothing was tiled")
        return super().untile(*given, **named)


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
        (FirstPadMode, ["TILER"], {"TILER-003"}),
        (NoBorders, ["TILER", "OUT", "SIZE-010"], set()),
        (WritesInARow, ["OUT-001", "OUT-003", "OUT-004"], {"OUT-004"}),
        (ReturnsAnother, ["OUT-001", "OUT-003", "OUT-004", "SIZE-010"], {"OUT-004"}),
        (NoFiles, ["TILE-004"], {"TILE-004"}),
        (FrontHeavy, ["PAD-001", "PAD-002"], {"PAD-002"}),
        (CutsOff, ["ROUND-003"], {"ROUND-003"}),
        (Needy, ["TILER-003", "TILER-004", "TILER-005"], {"TILER-003"}),
    ],
)
def test_a_fault_is_named(
    tiler: type[Tiler], asked: list[str], named: set[str]
) -> None:
    subject = Subject(tiler)
    client, info = Local(subject), subject.info()
    options = Options(examples=20)
    found = [
        result
        for check in select(asked)
        if "api" not in check.needs
        for result in evaluate(check, client, info, "cpu", options)
    ]
    fine = (Status.PASSED, Status.UNSUPPORTED)
    assert any(result.status is Status.PASSED for result in found)
    assert {r.clause for r in found if r.status not in fine} == named


@pytest.mark.parametrize(
    ("tiler", "clause", "name", "case"),
    [
        (
            FrontHeavy,
            "LAYOUT-008",
            "row_by_row",
            Case((3, 4), (3, 3), (3, 3), channels=1, pad_side="both"),
        ),
        (
            CutsOff,
            "TILE-004",
            "untile_reads_any_memory",
            Case((2, 3), (3, 2), (1, 1), dtype="uint8", content="random"),
        ),
    ],
)
def test_the_fault_of_another_clause_does_not_accuse(
    tiler: type[Tiler], clause: str, name: str, case: Case
) -> None:
    subject = Subject(tiler)
    (check,) = [check for check in select([clause]) if check.name == name]
    run = CaseRun(case, Local(subject), subject.info().claimed)
    run.reopen()
    check(run)


def test_gaps_of_other_settings_do_not_accuse() -> None:
    """What no tile covers is refused by every tiler, before and after others."""
    case = Case((5,), (3,), (2,), mode="drop")
    (check,) = [c for c in select(["TILER-003"]) if c.name == "untile_forgets_settings"]
    client = Local(subject := Numpy())
    for seed in range(12):  # sizes grow by another number each time
        run = CaseRun(replace(case, seed=seed), client, subject.info().claimed)
        run.reopen()
        check(run)
