"""Failures that the conformance kit wrote down: counterexamples and records of runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reftiler_gui.model.array_types import Array

if TYPE_CHECKING:
    from reftiler_conformance.results import Result


_MISSING = (
    'failed cases are read by the conformance kit: pip install "reftiler[conformance]"'
)
_ARRAYS = ("got", "want", "image", "tiles", "mask")


@dataclass(frozen=True, eq=False)
class PlaneStack:
    """An array as a stack of pictures."""

    # shape (P, H, W): bool or float64. The array's last two axes are rows and columns,
    # the others count planes; of less than two axes it is one row
    stack: Array
    shape: tuple[int, ...]  # the array's
    dtype: str  # the name of the array's dtype

    @classmethod
    def of(cls, values: Array, dtype: str = "") -> PlaneStack:
        """Stack the planes of an array of real numbers."""
        whole = np.atleast_2d(values)
        stack = whole.reshape(math.prod(whole.shape[:-2]), *whole.shape[-2:])
        if stack.dtype != bool:
            stack = stack.astype(np.float64)
        return cls(stack, values.shape, dtype or values.dtype.name)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest finite value; 0 and 1 if there is none."""
        finite = self.stack[np.isfinite(self.stack)]
        if not finite.size:
            return 0.0, 1.0
        return float(finite.min()), float(finite.max())

    def place(self, index: tuple[int, ...]) -> tuple[int, int, int]:
        """Return the plane, row and column of an item of the array."""
        full = (0,) * (2 - len(index)) + tuple(index)
        lead = self.shape[:-2]
        plane = int(np.ravel_multi_index(full[:-2], lead)) if lead else 0
        return plane, full[-2], full[-1]

    def label(self, plane: int) -> str:
        """Return a plane's index among the array's leading axes: ``[2, 0]``."""
        lead = self.shape[:-2]
        if not lead:
            return ""
        return f"[{', '.join(map(str, map(int, np.unravel_index(plane, lead))))}]"


@dataclass(frozen=True, eq=False)
class Failure:
    """A check that did not pass."""

    clause: str
    check: str
    level: str
    device: str
    status: str
    words: str  # what is wrong
    text: str  # what the clause says
    case: str  # the smallest case that fails
    replay: str  # the command that asks again
    first: tuple[int, ...] | None = None  # the index of the first item that differs
    got_item: str = ""
    want_item: str = ""
    # ``got``, ``want``, ``difference``, ``image``, ``tiles``, ``mask``: what there is
    arrays: dict[str, PlaneStack] = field(default_factory=dict)
    # the counterexample, where this is the line of a record: `open` reads it
    file: Path | None = None

    def open(self) -> tuple[Failure, str]:
        """Return this failure with its arrays, and a sentence if that fails."""
        if self.file is None:
            return self, ""
        opened = CaseFile.open(self.file)
        return (opened.failures or (self,))[0], opened.words


@dataclass(frozen=True, eq=False)
class CaseFile:
    """A counterexample or a record."""

    path: Path
    title: str = ""  # who was asked, by which specification
    failures: tuple[Failure, ...] = ()  # what did not pass, in the file's order
    words: str = ""  # why it cannot be shown; empty if it can

    @classmethod
    def open(cls, path: Path) -> CaseFile:
        """Open a file, told apart by its content; what is wrong is in `words`."""
        try:
            return _opened(path)
        except ImportError as error:
            return cls(path, words=f"{_MISSING} ({error})")
        except OSError as error:
            return cls(path, words=f"{path} cannot be read: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - damaged files raise anything
            words = str(error) or type(error).__name__
            named = words if str(path) in words else f"{path} cannot be read: {words}"
            return cls(path, words=named)


def _opened(path: Path) -> CaseFile:
    from reftiler_conformance import (  # noqa: PLC0415 - may be missing
        counterexample,
        jsonlines,
    )
    from reftiler_conformance.report import verdict  # noqa: PLC0415
    from reftiler_conformance.results import Status  # noqa: PLC0415

    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed or path.suffix.lower() == ".npz":
        found = counterexample.read(path)
        who = f"{found.subject} {found.subject_version}".strip() or path.stem
        title = f"{who}, specification {found.spec_version}"
        failure = _without_arrays(found.result, found.replay)
        failure = replace(failure, arrays=_pictures(found.arrays))
        if first := found.first:
            failure = replace(
                failure, first=first.index, got_item=first.got, want_item=first.want
            )
        return CaseFile(path, title, (failure,))
    report = jsonlines.read(path)
    title = f"{report.subject.name} {report.subject.version} {verdict(report).message}"
    failures = []
    for result in report.results:
        if result.status not in (Status.PASSED, Status.UNSUPPORTED, Status.NOT_RUN):
            command = counterexample.replay_command(result, report)
            name = result.counterexample
            failure = _without_arrays(result, command)
            failures.append(replace(failure, file=path.parent / name if name else None))
    return CaseFile(path, title, tuple(failures))


def _without_arrays(result: Result, replay: str) -> Failure:
    from reftiler_conformance.clauses import all_clauses  # noqa: PLC0415
    from reftiler_conformance.counterexample import message_of  # noqa: PLC0415

    clause = all_clauses().get(result.clause)
    return Failure(
        *(result.clause, result.check, result.level, result.device),
        status=result.status.value.replace("_", " "),
        words=message_of(result),
        text=clause.text if clause else "",
        case=result.case,
        replay=replay,
    )


def _pictures(arrays: dict[str, Array]) -> dict[str, PlaneStack]:
    """Return the arrays of numbers, and how far ``got`` is from ``want``."""
    from reftiler_conformance.compare import name_of  # noqa: PLC0415
    from reftiler_conformance.oracle import BFLOAT16  # noqa: PLC0415
    from reftiler_conformance.slices import values  # noqa: PLC0415

    pictures = {}
    for name in _ARRAYS:
        array = arrays.get(name)
        if array is None or not array.size:
            continue
        if array.dtype.kind in "biuf" or array.dtype == BFLOAT16:
            numbers = array if array.dtype == bool else values(array)
            pictures[name] = PlaneStack.of(numbers, name_of(array.dtype))
    got, want = pictures.get("got"), pictures.get("want")
    if got is not None and want is not None and got.shape == want.shape:
        left, right = got.stack.astype(np.float64), want.stack.astype(np.float64)
        with np.errstate(all="ignore"):
            change = np.where(left == right, 0, left - right)
        change[np.isnan(left) & np.isnan(right)] = 0  # NaN in both does not differ
        pictures["difference"] = PlaneStack.of(change.reshape(got.shape))
    return pictures
