"""Cases that once showed a fault, in this project or in another: asked before any draw.

``corpus.json`` holds for each the clause, the recipe, the verb, the digest of the bytes
that are right, and where it comes from. The digests freeze what the definition says: if
it ever says something else, the kit stops.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from reftiler_conformance.cases import Array, Case, parse
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile


@dataclass(frozen=True)
class Entry:
    """
    A case and what is right.

    Parameters
    ----------
    clause, check
        Which it shows broken, and the check that asks it.
    verb
        ``tile``, ``untile`` (of the case's own tiles) or ``trip`` (both).
    case
        The recipe.
    digest
        SHA-256 of the dtype, the shape and the bytes of the result.
    origin
        Where the fault was found.
    """

    clause: str
    check: str
    verb: str
    case: str
    digest: str
    origin: str


@cache
def entries() -> tuple[Entry, ...]:
    """Return the whole corpus."""
    file = resources.files("reftiler_conformance") / "corpus" / "corpus.json"
    return tuple(Entry(**entry) for entry in json.loads(file.read_text("utf-8")))


def cases(clause: str, check: str, claimed: Features) -> Iterator[Case]:
    """Return the cases of a check that a subject of these features can be asked."""
    for entry in entries():
        if (entry.clause, entry.check) != (clause, check):
            continue
        case = parse(entry.case)
        needs = needs_to_untile(case) if entry.verb != "tile" else frozenset()
        if entry.verb != "untile":
            needs |= needs_to_tile(case)
        if needs <= claimed:
            yield case


def result(verb: str, case: Case) -> Array:
    """Return what the definition says of a case."""
    return expected_merge(case) if verb == "untile" else expected_tiles(case)


def digest(array: Array) -> str:
    """Return the digest of an array's dtype, shape and bytes."""
    head = f"{array.dtype.str}{array.dtype.descr}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def entry(clause: str, check: str, verb: str, case: Case, origin: str) -> Entry:
    """Return a case as an entry, with what the definition now says frozen."""
    return Entry(clause, check, verb, repr(case), digest(result(verb, case)), origin)


def write(path: Path, found: tuple[Entry, ...]) -> None:
    """Write a corpus: an entry for each fault, one line for each field."""
    lines = [asdict(one) for one in found]
    text = json.dumps(lines, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
