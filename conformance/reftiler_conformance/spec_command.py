"""``reftiler spec``: the clauses of the specification."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from textwrap import fill
from typing import Annotated

import typer

from reftiler.cli.console import UsageError, stdout
from reftiler.errors import TilingError, count
from reftiler_conformance.clauses import (
    Clause,
    all_clauses,
    families,
    guide_path,
    spec_path,
    spec_version,
)

_ID = re.compile(r"[A-Za-z]+-\d+")
_WIDTH = 88


def spec(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORDS",
            help="Ids (MERGE-007), families (MERGE), or words that clauses hold; the "
            "families by default.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print clauses of the specification.

    Ids and families choose clauses; of these, or of all, those are printed that hold
    every other word.

    [bold]Examples[/]

    reftiler spec
    reftiler spec MERGE-007
    reftiler spec RANDOM seed
    reftiler spec infinities --json

    Exit codes: 0 printed, 1 no clause holds the words, 2 the call was wrong.
    """
    if not words and not as_json:
        _show_families()
        return
    found = _found(words or ())
    if not found:
        raise TilingError(f"no clause holds {' '.join(words or ())}: see reftiler spec")
    if as_json:
        typer.echo(json.dumps([asdict(clause) for clause in found], indent=1))
        return
    for place, clause in enumerate(found):
        if place:
            stdout.print()
        head = f"{clause.level}, profile {clause.profile}, since {clause.since}"
        stdout.print(f"[bold]{clause.id}[/] ({head})")
        width = min(_WIDTH, stdout.width)
        stdout.print(fill(clause.text, width), markup=False, soft_wrap=True)


def _found(words: Sequence[str]) -> list[Clause]:
    """Return the chosen clauses, in the order of the specification."""
    known = all_clauses()
    chosen: set[str] = set()
    others: list[str] = []
    for word in words:
        if word.upper() in families():
            chosen |= {name for name in known if known[name].family == word.upper()}
        elif _ID.fullmatch(word):
            chosen.add(_known_id(word.upper(), known))
        else:
            others.append(word.casefold())
    return [
        clause
        for name, clause in known.items()
        if (name in chosen or len(others) == len(words))
        and all(word in clause.text.casefold() for word in others)
    ]


def _known_id(given: str, known: Iterable[str]) -> str:
    """Return an id as the specification writes it: MERGE-7 is MERGE-007."""
    family, _, number = given.partition("-")
    name = f"{family}-{int(number):03}"
    if name not in known:
        near = get_close_matches(name, [*known, *families()], n=3, cutoff=0.5)
        hint = f"near it are {', '.join(near)}; " if near else ""
        raise UsageError(f"there is no clause {given}: {hint}see reftiler spec")
    return name


def _show_families() -> None:
    """List the families, and where the whole text and the adapters' guide lie."""
    known = list(all_clauses().values())
    total = count(len(known), "clause")
    stdout.print(f"Specification {spec_version()}: [bold]{total}[/]", end="\n\n")
    for name, title in families().items():
        size = sum(clause.family == name for clause in known)
        stdout.print(f"{name:<9}{size:>3}  {title}".rstrip(), markup=False)
    stdout.print()
    for path in (spec_path(), guide_path()):
        stdout.print(str(path), markup=False, soft_wrap=True)
