"""The smallest case that fails: described, and kept as a file that others open."""

from __future__ import annotations

import io
import json
import lzma
import re
import shlex
import textwrap
import zipfile
import zlib
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.atomic import atomic_write
from reftiler.json_io import read_bytes
from reftiler_conformance.case_run import Evidence, First
from reftiler_conformance.cases import Array
from reftiler_conformance.clauses import all_clauses
from reftiler_conformance.compare import name_of
from reftiler_conformance.jsonlines import result_of, row_of
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.slices import values

SCHEMA = "reftiler counterexample 2"
_WHO = ("subject", "subject_version", "spec_version", "replay")
MAX_BYTES = 2**28  # of the arrays of a case, which are small
LONG_CASE = 400  # such a case is shown in the command alone
_MAX_ITEMS, _WIDTH = 64, 88  # of arrays shown whole, and next to each other
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
_BAD_CONTENT = (ValueError, TypeError, KeyError, RuntimeError, EOFError, MemoryError)


class CounterexampleError(ValueError):
    """A file is no counterexample."""


@dataclass(frozen=True, eq=False)
class Counterexample:
    """What a subject got wrong, with all that is needed to see it again."""

    result: Result
    subject: str
    subject_version: str
    spec_version: str
    replay: str

    @property
    def arrays(self) -> dict[str, Array]:
        """What was given, what came back, what is right, and where it is wrong."""
        found = vars(self.result.evidence or Evidence())
        return {name: array for name, array in found.items() if array is not None}

    @property
    def first(self) -> First | None:
        """The first item that differs, if the results can be held side by side."""
        return (self.result.evidence or Evidence()).first


def message_of(result: Result) -> str:
    """Return the sentence that says how it went, as it can be printed."""
    return printable(result.message)


def printable(text: str, length: int = 1000) -> str:
    """Return a subject's text in one line, without what no terminal or file takes."""
    text = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return text if len(text) <= length else f"{text[:length]} …"


def replay_command(result: Result, report: Report) -> str:
    """Return the command that puts a result's case to the subject again."""
    words = ["reftiler", "conform", report.name or report.subject.name]
    words += ["--clauses", result.check]  # which may have found another clause broken
    if len(report.subject.devices) > 1:
        words += ["--device", result.device]
    if report.python:
        words += ["--python", report.python]
    plain = not re.search(r'["$`\\!]', result.case)
    case = f'"{result.case}"' if plain else shlex.quote(result.case)
    return f"{shlex.join(words)} --replay {case}"


def describe(
    result: Result,
    report: Report | None = None,
    *,
    item_id: str = "",
    same: str = "",
    width: int = 88,
) -> str:
    """Describe a failure: the clause, the case, the first difference, how to replay.

    ``same`` names clauses of probably the same fault; ``width`` is that of prose: what
    is to be copied is never broken.
    """
    clause = all_clauses().get(result.clause)
    meaning = f": {clause.meaning}" if clause else ""
    level = " (SHOULD)" if result.level != "MUST" else ""
    status = f"{result.status.value.replace('_', ' ')}, {result.check}"
    replays = report and result.case and clause  # the simplest case is of no clause
    replay = replay_command(result, report) if report and replays else ""
    lines = [
        f"{result.clause}{level}{meaning}",
        f"{status} on {result.device}: {message_of(result)}",
        f"probably the same: {same}" if same else "",
    ]
    title, message, others = (
        textwrap.fill(line, width - 2, subsequent_indent="  ") for line in lines
    )
    rest = [
        message,
        result.case if len(result.case) < LONG_CASE or not replay else "",
        *_arrays(result.evidence or Evidence()),
        f"replay: {replay}" if replay else "",
        f"replay: pytest {shlex.quote(item_id)}" if item_id else "",
        f"arrays: {result.counterexample}" if result.counterexample else "",
        others,
    ]
    return "\n".join([title, textwrap.indent("\n".join(filter(None, rest)), "  ")])


def _arrays(found: Evidence) -> list[str]:
    """Return lines that show what came back and, if there is room beside, is right."""
    if found.got is None:
        return []
    left = _shown("got", found.got)
    if found.want is None:
        return left
    right = _shown("want", found.want)
    bits = found.first.bits if found.first else ""
    room = max(map(len, left)) + 4
    if room + max(map(len, right)) > _WIDTH:
        return [*left, *right, bits]
    pairs = zip_longest(left, right, fillvalue="")
    return [*(f"{one:<{room}}{other}".rstrip() for one, other in pairs), bits]


def _shown(name: str, array: Array) -> list[str]:
    """Return the lines that show an array; of a large one, its corners."""
    title = f"{name}: {name_of(array.dtype)} {array.shape}"
    plain = values(array) if array.dtype == BFLOAT16 else array
    width = max((len(str(number)) for number in plain.flat[:_MAX_ITEMS]), default=0)
    text = np.array2string(
        plain,
        threshold=_MAX_ITEMS,
        max_line_width=10**6,
        formatter={"float_kind": lambda number: str(number).rjust(width)},
    )
    return [title, *text.splitlines()]


def kept(result: Result, report: Report, folder: Path) -> Result:
    """Write the arrays of a case that failed; return the result with the path."""
    if result.status is not Status.FAILED or result.evidence is None:
        return result
    path = write(result, report, folder_of(report.name, folder))
    return replace(result, counterexample=str(path.relative_to(folder)))


def folder_of(name: str, folder: Path) -> Path:
    """Return the folder of a subject's counterexamples."""
    return folder / "counterexamples" / file_name(name)


def file_name(name: str) -> str:
    """Return a name as a file may be called."""
    return re.sub(r"[^\w.-]", "-", name)


def write(result: Result, report: Report, folder: Path) -> Path:
    """Write a counterexample, whole or not at all: the same failure, the same bytes."""
    stem = file_name(f"{result.clause}-{result.check}-{result.device}")
    path = folder / f"{stem}.npz"
    found = result.evidence or Evidence()
    who = (report.subject.name, report.subject.version, report.spec_version)
    result = replace(result, seconds=0.0, evidence=replace(found, mask=found.wrong))
    content = _packed(Counterexample(result, *who, replay_command(result, report)))
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(path, content)
    return path


def read(path: Path) -> Counterexample:
    """Read a counterexample, or raise `CounterexampleError`."""
    try:
        return _unpacked(_read_arrays(path))
    except OSError as error:
        why = error.strerror or error
        raise CounterexampleError(f"{path} cannot be read: {why}") from error
    except (*_BAD_CONTENT, *_BAD_ZIP) as error:
        raise CounterexampleError(f"{path} is no counterexample: {error}") from error


def _packed(example: Counterexample) -> bytes:
    """Return the file: its arrays, and the rest as JSON in ``meta``."""
    arrays: dict[str, Any] = example.arrays
    meta = row_of(example.result) | {name: getattr(example, name) for name in _WHO}
    meta["schema"] = SCHEMA
    meta["first"] = vars(example.first) if example.first else None
    meta["bfloat16"] = [name for name in arrays if arrays[name].dtype == BFLOAT16]
    arrays |= {name: arrays[name]["bfloat16"] for name in meta["bfloat16"]}
    stream = io.BytesIO()  # in which numpy dates all files 1980
    np.savez_compressed(stream, **arrays | {"meta": np.array(json.dumps(meta))})
    return stream.getvalue()


def _read_arrays(path: Path) -> dict[str, Array]:
    """Read the arrays of a .npz that does not ask for too much."""
    content = io.BytesIO(read_bytes(path, MAX_BYTES))
    with zipfile.ZipFile(content) as file:
        size = sum(member.file_size for member in file.infolist())
    if size > MAX_BYTES:
        raise ValueError(f"it asks for {size:,} bytes, more than {MAX_BYTES:,}")
    content.seek(0)  # numpy tells the format by the first bytes
    with np.load(content, allow_pickle=False) as held:
        found = dict(held)
    if others := [name for name, a in found.items() if not isinstance(a, np.ndarray)]:
        raise ValueError(f"it holds {', '.join(others)}, which are no arrays")
    return found


def _unpacked(held: dict[str, Array]) -> Counterexample:
    meta = json.loads(str(held.pop("meta")[()]))
    if meta["schema"] != SCHEMA:
        raise ValueError(f"its schema is {meta['schema']!r}, not {SCHEMA!r}")
    for name in meta["bfloat16"]:
        held[name] = held[name].astype("<u2", copy=False).view(BFLOAT16)
    who = {name: str(meta[name]) for name in _WHO}
    return Counterexample(result_of(meta, evidence=Evidence(**held)), **who)
