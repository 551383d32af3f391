"""Mutants that were read, and the reason why each changes no result."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reftiler_conformance.mutation.mutants import Mutant


class Readings:
    """
    The list of mutants that were read: a file of reasons, each above its mutants.

    A line that begins with ``##`` is a reason; every other is a mutant's name, until
    the next reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reasons: dict[str, str] = {}
        why = ""
        text = path.read_text("utf-8") if path.exists() else ""
        for line in text.splitlines():
            if line.startswith("## "):
                why = line[3:]
            elif line and not line.startswith("#"):
                self.reasons[line] = why

    def stale(self, made: Iterable[Mutant]) -> list[str]:
        """Return the names on the list that no mutant has any more."""
        names = {mutant.name for mutant in made}
        return [name for name in self.reasons if name not in names]
