"""Known failures: a list that excuses them, and does not let them rot.

In Python it is ``{"MERGE-001": "float32 sums"}``. A file is YAML; an entry needs a
clause, a witness and a reason::

    - clause: MERGE-001
      device: cuda                # optional: elsewhere it must pass
      check: the_mean             # optional: the clause's other checks must pass
      witness: "Case(size=(3, 3), tile=(2, 2), stride=(1, 1))"
      reason: the last tile wins where tiles overlap
      issue: https://example.org/tiler/issues/7      # optional
      expires: 2027-06-01         # optional: the last day on which it counts

The witness, a case as the kit prints it, takes the place of the search: it is the
same on every run. An entry whose clause passes is stale, and that is a failure.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from reftiler.errors import TilingError
from reftiler.yaml_io import read_yaml
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.check import checks, nearest
from reftiler_conformance.clauses import all_clauses


class KnownError(ValueError):
    """An entry of the list of known failures is not as it must be."""


@dataclass(frozen=True)
class Known:
    """A failure that is known; None means every device, and all the clause's checks."""

    clause: str
    witness: str  # the case that shows it
    reason: str
    device: str | None = None
    check: str | None = None
    issue: str | None = None
    expires: datetime.date | None = None  # the last day on which it counts


def matching(
    entries: Iterable[Known], clause: str, device: str, check: str
) -> list[Known]:
    """Return the entries that speak of a clause on a device, and of a check."""
    return [
        entry
        for entry in entries
        if entry.clause == clause
        and entry.device in (None, device)
        and entry.check in (None, check)
    ]


def load(
    known: Path | str | Mapping[str, str] | None, today: datetime.date | None = None
) -> tuple[Known, ...]:
    """Return the known failures of a YAML file or a mapping; or raise `KnownError`."""
    if known is None:
        return ()
    if isinstance(known, Mapping):
        given = {f"known[{c!r}]": {"clause": c, "reason": w} for c, w in known.items()}
        return tuple(_known(entry, where) for where, entry in given.items())
    found: list[Known] = []
    for number, entry in enumerate(_entries(Path(known)), 1):
        where = f"{known}, entry {number}"
        one = _known(entry, where, needs=("clause", "witness", "reason"))
        if one.expires is not None and one.expires < (today or datetime.date.today()):
            raise KnownError(
                f"{where}: {one.clause} was excused until {one.expires}: mend the "
                "tiler, or give a later day and the reason"
            )
        if (key := _key(one)) in (keys := [*map(_key, found)]):
            raise KnownError(
                f"{where} says what entry {keys.index(key) + 1} says: {one.clause} "
                f"with {one.witness}; remove one"
            )
        found.append(one)
    return tuple(found)


def _key(known: Known) -> tuple[Any, ...]:
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
    if not isinstance(found, list | None):
        raise KnownError(
            f"{path} must hold a list of known failures, it holds "
            f"{type(found).__name__} {found!r:.60}: begin each entry with '- clause:'"
        )
    return found or []


def _known(
    entry: Any, where: str, needs: Sequence[str] = ("clause", "reason")
) -> Known:
    """Return an entry; raise `KnownError` if it is not as it must be."""
    for fault in _faults(entry, needs):
        raise KnownError(f"{where} {fault}")
    given = {"witness": "", **{name: v for name, v in entry.items() if v is not None}}
    words: Any = {n: v.strip() for n, v in given.items() if n != "expires"}
    return Known(**words, expires=_day(given.get("expires")))


def _faults(entry: Any, needs: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with an entry; what follows the first may raise."""
    names = [field.name for field in fields(Known)]
    if not isinstance(entry, Mapping):
        yield f"must be a mapping with clause, witness and reason, it is {entry!r}"
    if strangers := sorted(str(key) for key in entry if key not in names):
        yield (
            f"has {', '.join(strangers)}, which means nothing: an entry may have "
            + ", ".join(names)
        )
    for name in needs:
        if entry.get(name) is None:
            yield f"has no {name}: every entry needs one"
    for name, value in entry.items():
        words = isinstance(value, str) and value.strip()
        if value is not None and name != "expires" and not words:
            yield f"has a {name} that must be words, it is {value!r}: put it in quotes"
    clause, check, issue = (entry.get(n) for n in ("clause", "check", "issue"))
    if clause not in all_clauses():
        yield f"names {clause}, which is no clause: {nearest(clause, all_clauses())}"
    named = [check.name for check in checks() if check.clause == clause]
    if check not in (None, *named):
        yield f"names {check}: {clause} has no check {check}, only {', '.join(named)}"
    if not (issue or "https://").startswith(("https://", "http://")):
        yield f"has an issue that is no address that begins with https://: {issue!r}"
    try:
        _day(entry.get("expires"))
    except (TypeError, ValueError):
        yield f"expires must be a day such as 2027-06-01, it is {entry['expires']!r}"
    try:
        parse(entry.get("witness") or repr(Case((1,), (1,), (1,))))
    except ValueError as error:
        yield (
            "has a witness that must be a case as the kit prints it, such as "
            f"'Case(size=(4, 4), tile=(2, 2), stride=(2, 2))': {error}"
        )


def _day(value: Any) -> datetime.date | None:
    if value is None or type(value) is datetime.date:
        return value
    return datetime.date.fromisoformat(value)
