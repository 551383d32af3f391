"""Failures that the conformance kit wrote down: counterexamples and records of runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.plane_stack import PlaneStack

if TYPE_CHECKING:
    from reftiler_conformance.counterexample import Counterexample
    from reftiler_conformance.results import Report, Result

__all__ = ["CaseFile", "Failure"]

Array: TypeAlias = NDArray[Any]

_MISSING = (
    'failed cases are read by the conformance kit: pip install "reftiler[conformance]"'
)
_ARRAYS = ("got", "want", "image", "tiles", "mask")


@dataclass(frozen=True, eq=False)
class Failure:
    """
    A check that did not pass.

    Attributes
    ----------
    clause, check, level, device, status : str
        What was asked, where, and how it went.
    words : str
        What is wrong.
    text : str
        What the clause says.
    case : str
        The smallest case that fails.
    replay : str
        The command that asks again.
    first : tuple of int, or None
        The index of the first item that differs.
    got_item, want_item : str
        What stands there, and what should.
    arrays : dict of PlaneStack
        Of ``got``, ``want``, ``difference``, ``image``, ``tiles`` and ``mask`` those
        that there are.
    file : Path or None
        The counterexample, where this is the line of a record: `open` reads it.
    """

    clause: str
    check: str
    level: str
    device: str
    status: str
    words: str
    text: str
    case: str
    replay: str
    first: tuple[int, ...] | None = None
    got_item: str = ""
    want_item: str = ""
    arrays: dict[str, PlaneStack] = field(default_factory=dict)
    file: Path | None = None

    def open(self) -> tuple[Failure, str]:
        """Return this failure with its arrays, and a sentence if that fails."""
        if self.file is None:
            return self, ""
        opened = CaseFile.open(self.file)
        return (opened.failures or (self,))[0], opened.words


@dataclass(frozen=True, eq=False)
class CaseFile:
    """
    A counterexample or a record.

    Attributes
    ----------
    path : Path
        The file.
    title : str
        Who was asked, by which specification.
    failures : tuple of Failure
        What did not pass, in the file's order.
    words : str
        Why it cannot be shown; empty if it can.
    """

    path: Path
    title: str = ""
    failures: tuple[Failure, ...] = ()
    words: str = ""

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

    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed or path.suffix.lower() == ".npz":
        found = counterexample.read(path)
        who = f"{found.subject} {found.subject_version}".strip() or path.stem
        title = f"{who}, specification {found.spec_version}"
        return CaseFile(path, title, (_failure(found),))
    report = jsonlines.read(path)
    return CaseFile(path, _title(report), tuple(_listed(path, report)))


def _title(report: Report) -> str:
    from reftiler_conformance.report import verdict  # noqa: PLC0415

    subject = report.subject
    return f"{subject.name} {subject.version} {verdict(report).message}"


def _failure(found: Counterexample) -> Failure:
    failure, first = _line(found.result, found.replay), found.first
    return replace(
        failure,
        first=None if first is None else first.index,
        got_item="" if first is None else first.got,
        want_item="" if first is None else first.want,
        arrays=_pictures(found.arrays),
    )


def _listed(path: Path, report: Report) -> list[Failure]:
    from reftiler_conformance.counterexample import replay_command  # noqa: PLC0415
    from reftiler_conformance.results import Status  # noqa: PLC0415

    quiet = (Status.PASSED, Status.UNSUPPORTED, Status.NOT_RUN)
    return [
        replace(
            _line(result, replay_command(result, report)),
            file=path.parent / result.counterexample if result.counterexample else None,
        )
        for result in report.results
        if result.status not in quiet
    ]


def _line(result: Result, replay: str) -> Failure:
    from reftiler_conformance.clauses import all_clauses  # noqa: PLC0415
    from reftiler_conformance.counterexample import message_of  # noqa: PLC0415

    clause = all_clauses().get(result.clause)
    return Failure(
        result.clause,
        result.check,
        result.level,
        result.device,
        result.status.value.replace("_", " "),
        message_of(result),
        clause.text if clause else "",
        result.case,
        replay,
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
        pictures["difference"] = PlaneStack.of(
            _difference(got.stack, want.stack, got.shape)
        )
    return pictures


def _difference(got: Array, want: Array, shape: tuple[int, ...]) -> Array:
    """Subtract; what is equal, or no number in both, does not differ."""
    left, right = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(all="ignore"):
        change = np.where(left == right, 0, left - right)
    change[np.isnan(left) & np.isnan(right)] = 0
    return np.asarray(change.reshape(shape))
