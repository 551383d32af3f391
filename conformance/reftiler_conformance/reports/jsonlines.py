"""The record of a run: a header, a line for each result, a footer that seals it.

A record without its footer is of a run that did not come to its end; readers refuse it.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from reftiler_conformance.protocol import Info
from reftiler_conformance.results import Report, Result, Status, exit_code

SCHEMA = "reftiler conformance record 1"


class RecordError(ValueError):
    """A file is no record of a complete run."""


class Writer:
    """
    Writes a record line by line, as the results come.

    Parameters
    ----------
    path
        The file; it is begun anew.
    report
        The run that is to be recorded; its results are not looked at.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self._digest, self._began = hashlib.sha256(), time.monotonic()
        self._results: list[Result] = []
        self._file = path.open("w", encoding="utf-8", newline="\n")
        header = {
            field.name: getattr(report, field.name)
            for field in fields(Report)
            if field.name not in ("results", "seconds", "complete")
        }
        header["subject"] = _subject(report.subject)
        self._line({"kind": "header", "schema": SCHEMA, **header})

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, result: Result) -> None:
        """Write a result, at once; its arrays are the counterexample's."""
        row = {f.name: getattr(result, f.name) for f in fields(Result)}
        del row["evidence"]
        row["status"] = result.status.value
        self._line({"kind": "result", **row})
        self._results.append(result)

    def close(self, *, complete: bool, seconds: float | None = None) -> None:
        """Write the footer, and close the file; ``seconds`` are since it was begun."""
        took = time.monotonic() - self._began
        self._line(
            {
                "kind": "footer",
                "count": len(self._results),
                "complete": complete,
                "seconds": took if seconds is None else seconds,
                "exit_code": exit_code(self._results) if complete else 3,
                "digest": self._digest.hexdigest(),
            }
        )
        self._file.close()

    def _line(self, row: dict[str, Any]) -> None:
        text = json.dumps(row) + "\n"
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
    """
    Read the record of a complete run.

    Raises
    ------
    RecordError
        If the file cannot be read, is no record, or is not complete.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{path} is no text: {error}") from error
    try:
        rows = [json.loads(line) for line in lines]
        kinds = [row["kind"] for row in rows]
        schema = rows[0]["schema"] if rows else None
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{path} is no record, or was cut off: {error}") from error
    if schema != SCHEMA:
        raise RecordError(f"{path} is no record of the schema {SCHEMA!r}")
    _check_whole(path, lines, rows, kinds)
    try:
        return _report(rows[0], rows[1:-1], rows[-1])
    except (TypeError, ValueError, KeyError) as error:
        raise RecordError(f"{path} holds what no record holds: {error}") from error


def _check_whole(
    path: Path, lines: list[str], rows: list[dict[str, Any]], kinds: list[str]
) -> None:
    """Refuse a record that is not all there."""
    if kinds[-1] != "footer":
        raise RecordError(f"{path} is not complete: it has no footer; run it again")
    footer, count = rows[-1], len(rows) - 2
    if kinds != ["header", *["result"] * count, "footer"]:
        raise RecordError(f"{path} is not one record: it has {kinds.count('header')}")
    if footer.get("count") != count:
        raise RecordError(
            f"{path} is not complete: it has {count} results, its footer says "
            f"{footer.get('count')}"
        )
    if footer.get("complete") is not True:
        raise RecordError(f"{path} is not complete: the run did not come to its end")
    digest = hashlib.sha256("".join(lines[:-1]).encode()).hexdigest()
    if footer.get("digest") != digest:
        raise RecordError(f"{path} was changed after it was written: run it again")


def _report(
    header: dict[str, Any], rows: list[dict[str, Any]], footer: dict[str, Any]
) -> Report:
    given = {k: v for k, v in header.items() if k not in ("kind", "schema")}
    subject = header["subject"]
    given["subject"] = Info(**{**subject, "devices": tuple(subject["devices"])})
    given["clauses"] = tuple(header["clauses"])
    return Report(
        **given,
        results=tuple(map(_result, rows)),
        seconds=footer["seconds"],
        complete=footer["complete"],
    )


def _result(row: dict[str, Any]) -> Result:
    given = {name: value for name, value in row.items() if name != "kind"}
    return Result(**{**given, "status": Status(row["status"])})


def _subject(info: Info) -> dict[str, Any]:
    found = asdict(info)
    return {**found, "features": sorted(info.claimed), "devices": list(info.devices)}
