"""The record of a run: a header, a line for each result, a footer that seals it.

A record without its footer is of a run that did not come to its end; `read` refuses it.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from reftiler_conformance.protocol import Info
from reftiler_conformance.results import Report, Result, Status

SCHEMA = "reftiler conformance record 2"
_REPORT = tuple(field.name for field in fields(Report) if field.name != "results")
_RESULT = tuple(field.name for field in fields(Result) if field.name != "evidence")


class RecordError(ValueError):
    """A file is no record of a complete run."""


class Writer:
    """Writes a record line by line, as the results come."""

    def __init__(self, path: Path, report: Report) -> None:
        self._digest, self._began = hashlib.sha256(), time.monotonic()
        self._report, self._results = report, list[Result]()
        self._file = path.open("w", encoding="utf-8", newline="\n")
        header = {name: getattr(report, name) for name in _REPORT}
        header["subject"] = asdict(report.subject)
        self._line({"kind": "header", "schema": SCHEMA, **header})

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, result: Result) -> None:
        """Write a result, at once; its arrays are the counterexample's."""
        self._line({"kind": "result", **row_of(result)})
        self._results.append(result)

    def close(self, *, complete: bool, **known_at_the_end: Any) -> None:
        """Write the footer, with more fields of `Report`, and close the file."""
        found = replace(self._report, results=tuple(self._results), complete=complete)
        footer = {
            "kind": "footer",
            "seconds": time.monotonic() - self._began,
            **known_at_the_end,
            "count": len(self._results),
            "complete": complete,
            "exit_code": found.exit_code,
            "digest": self._digest.hexdigest(),
        }
        self._line(footer)
        self._file.close()

    def _line(self, row: dict[str, Any]) -> None:
        text = json.dumps(row, default=sorted) + "\n"  # sets of features
        self._digest.update(text.encode())
        self._file.write(text)
        self._file.flush()


def write(report: Report, path: Path) -> None:
    """Write the record of a run that is over."""
    with Writer(path, report) as out:
        for result in report.results:
            out.add(result)
        out.close(complete=report.complete, seconds=report.seconds)


def read(path: Path) -> Report:
    """Read the record of a complete run, or raise `RecordError`."""
    try:
        return _report(path.read_text(encoding="utf-8").splitlines(keepends=True))
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RecordError(f"{path} is no complete record: {error}") from error


def row_of(result: Result) -> dict[str, Any]:
    """Return a result as JSON holds it: all but its arrays."""
    row = {name: getattr(result, name) for name in _RESULT}
    return {**row, "status": result.status.value}


def result_of(row: dict[str, Any], **more: Any) -> Result:
    """Return the result that a row holds; raises TypeError or ValueError."""
    given = {name: row[name] for name in _RESULT if name in row}
    given["status"] = Status(given["status"])
    for name in ("clause", "check", "level", "device", "case"):
        if not isinstance(given[name], str):
            raise TypeError(f"its {name} is no text")
    return Result(**given, **more)


def _report(lines: list[str]) -> Report:
    """Put a report together; what the footer says of a field counts."""
    rows = [json.loads(line) for line in lines]
    schema = rows[0].get("schema") if rows else None
    if schema != SCHEMA:
        raise ValueError(f"its schema is {schema!r}, not {SCHEMA!r}: run it again")
    if fault := _fault(lines, rows):
        raise ValueError(fault)
    found = {**rows[0], **rows[-1]}
    given = {name: _tuple(found[name]) for name in _REPORT if name in found}
    given["subject"] = Info(**{n: _tuple(v) for n, v in found["subject"].items()})
    return Report(**given, results=tuple(map(result_of, rows[1:-1])))


def _fault(lines: list[str], rows: list[dict[str, Any]]) -> str:
    """Say why a record is not all there; nothing if it is."""
    kinds, footer, count = [row["kind"] for row in rows], rows[-1], len(rows) - 2
    if kinds[-1] != "footer":
        return "it has no footer, for the run was cut short: run it again"
    if kinds != ["header", *["result"] * count, "footer"]:
        return f"it is not one record, but has {kinds.count('header')} headers"
    if footer["count"] != count:
        return f"it has {count} results, and its footer says {footer['count']}"
    if footer["complete"] is not True:
        return "the run did not come to its end"
    if footer["digest"] != hashlib.sha256("".join(lines[:-1]).encode()).hexdigest():
        return "it was changed after it was written: run it again"
    return ""


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
