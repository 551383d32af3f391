"""Failures that are known: a list that excuses them, and does not let them rot.

A list is a YAML file. An entry needs a clause, a witness and a reason::

    - clause: MERGE-001
      device: cuda                # optional: elsewhere it must pass
      check: mean                 # optional: the clause's other checks must pass
      witness: "Case(size=(3, 3), tile=(2, 2), stride=(1, 1))"
      reason: the last tile wins where tiles overlap
      issue: https://example.org/tiler/issues/7      # optional
      expires: 2027-06-01         # optional: the last day on which it counts

The witness, a case as the kit prints it, takes the place of the search: it is the
same on every run. If it passes, the entry is stale, and that is a failure.
"""

from __future__ import annotations

import datetime
import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from reftiler.errors import TilingError
from reftiler.yaml_io import read_yaml
from reftiler_conformance.cases import parse
from reftiler_conformance.clauses import clauses


class KnownError(ValueError):
    """An entry of the list of known failures is not as it must be."""


@dataclass(frozen=True)
class Known:
    """
    A failure that is known.

    Parameters
    ----------
    clause, witness, reason
        What fails, the case that shows it, and why.
    device, check
        Where, and in which of the clause's checks; None means everywhere and in all.
    issue
        Where it is discussed.
    expires
        The last day on which the entry counts.
    where
        The file and the entry, for messages.
    """

    clause: str
    witness: str
    reason: str
    device: str | None = None
    check: str | None = None
    issue: str | None = None
    expires: datetime.date | None = None
    where: str = ""


def matching(
    entries: Iterable[Known], clause: str, device: str, check: str | None = None
) -> list[Known]:
    """Return the entries that speak of a clause on a device, and of a check."""
    return [
        entry
        for entry in entries
        if entry.clause == clause
        and entry.device in (None, device)
        and (check is None or entry.check in (None, check))
    ]


def load(path: Path, today: datetime.date | None = None) -> list[Known]:
    """
    Read a list of known failures.

    Parameters
    ----------
    path
        The YAML file.
    today
        The day on which entries must not have expired; None means this day.

    Raises
    ------
    KnownError
        If the file cannot be read, or an entry is illegal, names no clause of the
        specification, has expired or says what another one says.
    """
    found: list[Known] = []
    for number, entry in enumerate(_entries(path), 1):
        where = f"{path}, entry {number}"
        known = _known(entry, where)
        _check_day(known, today or datetime.date.today())
        for other in found:
            if _excuses(known) == _excuses(other):
                raise KnownError(
                    f"{where} says what {other.where} says: {known.clause} with "
                    f"{known.witness}; remove one"
                )
        found.append(known)
    return found


def _excuses(known: Known) -> tuple[str, str | None, str | None, str]:
    return known.clause, known.device, known.check, repr(parse(known.witness))


class _Loader(yaml.SafeLoader):
    """Refuses a mapping that has a key twice, where PyYAML takes the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        counts = Counter(str(key.value) for key, _ in node.value)
        for name, count in counts.items():
            if count > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"{name!r} stands twice in one entry: does a '-' miss?",
                    problem_mark=node.start_mark,
                )
        return super().construct_mapping(node, deep)


def _entries(path: Path) -> list[Any]:
    try:
        found = read_yaml(path, _Loader)
    except OSError as error:
        raise KnownError(f"{path} cannot be read: {error.strerror}") from error
    except TilingError as error:
        raise KnownError(str(error)) from error
    if found is None:
        return []
    if not isinstance(found, list):
        raise KnownError(
            f"{path} must hold a list of known failures, it holds "
            f"{_kind(found)}: begin each entry with '- clause:'"
        )
    return found


def _known(entry: Any, where: str) -> Known:
    if not isinstance(entry, Mapping):
        raise KnownError(
            f"{where} must be a mapping with clause, witness and reason, it is "
            f"{_kind(entry)}"
        )
    names = [field.name for field in fields(Known) if field.name != "where"]
    if strangers := sorted(str(key) for key in entry if key not in names):
        raise KnownError(
            f"{where} has {', '.join(strangers)}, which means nothing: an entry may "
            f"have {', '.join(names)}"
        )
    for name in ("clause", "witness", "reason"):
        if entry.get(name) is None:
            raise KnownError(f"{where} has no {name}: every entry needs one")
    return Known(
        clause=_clause(entry, where),
        witness=_witness(entry, where),
        reason=_text(entry, "reason", where),
        device=_maybe(entry, "device", where),
        check=_maybe(entry, "check", where),
        issue=_issue(entry, where),
        expires=_day(entry.get("expires"), where),
        where=where,
    )


def _text(entry: Mapping[str, Any], name: str, where: str) -> str:
    value = entry[name]
    if not isinstance(value, str) or not value.strip():
        raise KnownError(
            f"{where}: {name} must be words, it is {value!r}: put it in quotes"
        )
    return value.strip()


def _maybe(entry: Mapping[str, Any], name: str, where: str) -> str | None:
    return None if entry.get(name) is None else _text(entry, name, where)


def _clause(entry: Mapping[str, Any], where: str) -> str:
    name = _text(entry, "clause", where)
    if name in clauses():
        return name
    near = difflib.get_close_matches(name, clauses(), n=3)
    hint = f"do you mean {' or '.join(near)}?" if near else "ids are such as TILE-001"
    raise KnownError(f"{where}: {name} is no clause of the specification: {hint}")


def _witness(entry: Mapping[str, Any], where: str) -> str:
    text = _text(entry, "witness", where)
    try:
        parse(text)
    except ValueError as error:
        raise KnownError(
            f"{where}: witness must be a case as the kit prints it, such as "
            f"'Case(size=(4, 4), tile=(2, 2), stride=(2, 2))': {error}"
        ) from error
    return text


def _issue(entry: Mapping[str, Any], where: str) -> str | None:
    url = _maybe(entry, "issue", where)
    if url is not None and not url.startswith(("https://", "http://")):
        raise KnownError(
            f"{where}: issue must be an address that begins with https://, "
            f"it is {url!r}"
        )
    return url


def _day(value: Any, where: str) -> datetime.date | None:
    if value is None or type(value) is datetime.date:
        return value
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise KnownError(
            f"{where}: expires must be a day such as 2027-06-01, it is {value!r}"
        ) from None


def _check_day(known: Known, today: datetime.date) -> None:
    if known.expires is not None and known.expires < today:
        raise KnownError(
            f"{known.where}: {known.clause} was excused until {known.expires}, and it "
            f"is {today}: mend the tiler, or give a later day and the reason"
        )


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return f"{type(value).__name__} {value!r}"
