"""The smallest case that fails, kept as a file that others open, and told in words."""

from __future__ import annotations

import io
import json
import lzma
import re
import shlex
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler.atomic import atomic_write
from reftiler.json_io import read_bytes
from reftiler_conformance.case_run import Evidence
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.clauses import clauses, spec_version
from reftiler_conformance.difference import First, first_of, mask_of
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.reports import arrays
from reftiler_conformance.results import Report, Result

Array = npt.NDArray[Any]

SCHEMA = "reftiler counterexample 1"
_OTHER = ("bfloat16", "first")
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
_MAX_BYTES = 2**28  # of the arrays of a case, which are small
ARRAYS = ("image", "tiles", "got", "want", "mask")


class CounterexampleError(ValueError):
    """A file is no counterexample."""


@dataclass(frozen=True, eq=False)
class Counterexample:
    """
    What a subject got wrong, with all that is needed to see it again.

    Parameters
    ----------
    clause, check, level, device, status, words
        As in the result.
    case
        The recipe, as text.
    subject, subject_version, spec_version
        Who was asked, and by which specification.
    replay
        The command that asks again.
    first
        The first item that differs, if the results can be held side by side.
    image, tiles, got, want
        What was given, what came back, and what is right; None if there is no such.
    mask
        Where ``got`` is wrong.
    """

    clause: str
    check: str
    level: str
    device: str
    status: str
    words: str
    case: str
    subject: str
    subject_version: str
    spec_version: str
    replay: str
    first: First | None = None
    image: Array | None = None
    tiles: Array | None = None
    got: Array | None = None
    want: Array | None = None
    mask: Array | None = None

    @classmethod
    def of(cls, result: Result, report: Report | None = None) -> Counterexample:
        """Return the counterexample of a result; ``report`` says who was asked."""
        found = result.evidence or Evidence()
        mask = mask_of(found)
        return cls(
            result.clause,
            result.check,
            result.level,
            result.device,
            result.status.value,
            result.words,
            result.case,
            report.subject.name if report else "",
            report.subject.version if report else "",
            report.spec_version if report else spec_version(),
            replay_command(result, report) if report else "",
            first_of(found, mask),
            found.image,
            found.tiles,
            found.got,
            found.want,
            mask,
        )

    @property
    def recipe(self) -> Case:
        """The case itself."""
        return parse(self.case)

    @property
    def sentence(self) -> str:
        """What the clause says."""
        clause = clauses().get(self.clause)
        return clause.text if clause else ""


def replay_command(result: Result, report: Report) -> str:
    """Return the command that puts a result's case to the subject again."""
    words = ["reftiler", "conform", report.name or report.subject.name]
    words += ["--clauses", result.clause, "--device", result.device]
    if report.python:
        words += ["--python", report.python]
    plain = not re.search(r'["$`\\!]', result.case)
    case = f'"{result.case}"' if plain else shlex.quote(result.case)
    return f"{shlex.join(words)} --replay {case}"


def describe(found: Counterexample | Result, report: Report | None = None) -> str:
    """
    Tell a failure in a few lines: the clause, the case, the arrays, the command.

    Parameters
    ----------
    found
        A counterexample, or a result.
    report
        The run that a result is of, for the command; needs no results yet.
    """
    if isinstance(found, Result):
        found = Counterexample.of(found, report)
    status = found.status.replace("_", " ")
    lines = [
        f"{found.clause} {found.check} on {found.device}: {status}",
        f"{found.level}: {found.sentence}" if found.sentence else "",
        found.words,
        _told(found.first),
        found.case,
        *shown(found),
        f"replay: {found.replay}" if found.replay else "",
    ]
    return "\n".join(line for line in lines if line)


def shown(found: Counterexample) -> list[str]:
    """Return the lines that show what came back and what is right."""
    first = found.first.index if found.first else None
    if found.got is None:
        return []
    if found.want is None:
        return [f"got: {found.got.dtype} {found.got.shape}", *arrays.drawn(found.got)]
    return arrays.side_by_side(("got", "want"), (found.got, found.want), first)


def write(result: Result, report: Report, folder: Path) -> Path:
    """
    Write the counterexample of a result into a folder, whole or not at all.

    Returns
    -------
    Path
        ``<clause>-<check>-<device>.npz``; the same failure gives the same bytes.
    """
    example = Counterexample.of(result, report)
    stem = f"{result.clause}-{result.check}-{result.device}"
    path = folder / (re.sub(r"[^A-Za-z0-9._-]+", "_", stem) + ".npz")
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(path, _packed(example))
    return path


def read(path: Path) -> Counterexample:
    """
    Read a counterexample.

    Raises
    ------
    CounterexampleError
        If the file cannot be read or holds something else.
    """
    try:
        held = _read_arrays(path)
    except OSError as error:
        words = error.strerror or str(error)
        raise CounterexampleError(f"{path} cannot be read: {words}") from error
    except (ValueError, RuntimeError, EOFError, MemoryError, *_DAMAGED) as error:
        words = f"{path} is no .npz of plain arrays: {error}"
        raise CounterexampleError(words) from error
    try:
        return _unpacked(held)
    except (KeyError, TypeError, ValueError) as error:
        raise CounterexampleError(f"{path} is no counterexample: {error}") from error


def _read_arrays(path: Path) -> dict[str, Array]:
    """Read the arrays of a .npz, once their sizes are known to be what they say."""
    from reftiler.io.npy import read_header  # noqa: PLC0415 - slow to import

    with zipfile.ZipFile(io.BytesIO(read_bytes(path, _MAX_BYTES))) as file:
        members = file.infolist()
        size = sum(member.file_size for member in members)
        if size > _MAX_BYTES:
            raise ValueError(f"it asks for {size:,} bytes, more than {_MAX_BYTES:,}")
        held = {}
        for member in members:
            with file.open(member) as stream:
                header = read_header(stream)
                if header.size != member.file_size - stream.tell():
                    raise ValueError(f"{member.filename} is not as long as it says")
            with file.open(member) as stream:
                array = np.lib.format.read_array(stream, allow_pickle=False)
            held[member.filename.removesuffix(".npy")] = array
    return held


def _packed(example: Counterexample) -> bytes:
    meta = {"schema": SCHEMA, "bfloat16": []} | {
        name: value
        for name, value in vars(example).items()
        if name not in ARRAYS and name != "first"
    }
    meta["first"] = None if example.first is None else vars(example.first)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ARRAYS:
            array = getattr(example, name)
            if array is None:
                continue
            if array.dtype == BFLOAT16:  # its own bits, which any program reads
                array = array["bfloat16"]
                meta["bfloat16"].append(name)
            _add(file, name, array)
        _add(file, "meta", np.array(json.dumps(meta, ensure_ascii=False)))
    return stream.getvalue()


def _add(file: zipfile.ZipFile, name: str, array: Array) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: the same bytes every time
    entry.compress_type = zipfile.ZIP_DEFLATED
    with file.open(entry, "w") as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)


def _unpacked(held: dict[str, Array]) -> Counterexample:
    if "meta" not in held:
        raise ValueError("it has no meta")
    meta = json.loads(str(held.pop("meta")[()]))
    if not isinstance(meta, dict) or meta.pop("schema", None) != SCHEMA:
        raise ValueError(f"its meta is not of the schema {SCHEMA!r}")
    wrong = [n for n, v in meta.items() if n not in _OTHER and type(v) is not str]
    if wrong:
        raise ValueError(f"its {', '.join(wrong)} should be text")
    for name in meta.pop("bfloat16"):
        held[name] = held[name].astype("<u2", copy=False).view(BFLOAT16)
    if first := meta["first"]:
        meta["first"] = First(**{**first, "index": tuple(first["index"])})
    return Counterexample(**(meta | held))


def _told(first: First | None) -> str:
    """Say what the numbers do not: that only their bits differ."""
    if first is None or first.got != first.want:
        return ""
    return f"bits at {first.index}: {first.got_bits}, should be {first.want_bits}"
