"""Mutants of the modules of a package; cosmic-ray makes them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import cached_property
from pathlib import Path

# Types are never evaluated, what remembers results changes none, and whether equal
# numbers are one object is Python's affair.
SKIPPED = ("core/ReplaceBinaryOperator_BitOr", "core/RemoveDecorator")
IDENTITY = ("_Is", "_IsNot")


@dataclass(frozen=True)
class Mutant:
    """
    One change of one module.

    Parameters
    ----------
    module, path
        The module's name and file.
    operator, occurrence
        What changes, in cosmic-ray's words, and which of the places where it could.
    row, column
        Where, counted from 1 and from 0.
    """

    module: str
    path: Path
    operator: str
    occurrence: int
    row: int
    column: int

    @cached_property
    def source(self) -> str:
        """The whole module as it became."""
        from cosmic_ray.mutating import mutate_code  # noqa: PLC0415 - it may be missing
        from cosmic_ray.plugins import get_operator  # noqa: PLC0415

        before = self.path.read_text("utf-8")
        found = mutate_code(before, get_operator(self.operator)(), self.occurrence)
        assert found is not None, f"{self} changes nothing"
        return str(found)

    @cached_property
    def changed(self) -> list[str]:
        """The lines that went, each after a ``-``, and came, after a ``+``."""
        before = self.path.read_text("utf-8").splitlines()
        lines = unified_diff(before, self.source.splitlines(), n=0, lineterm="")
        return [line for line in list(lines)[2:] if line[0] in "+-"]

    @property
    def name(self) -> str:
        """The file, and the line as it became, on one line."""
        added = [line[1:] for line in self.changed if line[0] == "+"]
        return f"{self.path.name}: {' '.join(' '.join(added).split())}"

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.path.name}:{self.row}"

    def compiles(self) -> bool:
        """Say whether it is a program at all."""
        try:
            compile(self.source, str(self.path), "exec")
        except SyntaxError:
            return False
        return True


def mutants(package: Path, spared: Sequence[str] = ()) -> Iterator[Mutant]:
    """Go over all mutants of the modules in a folder, but for those that are spared."""
    for path in sorted(package.glob("*.py")):
        if path.name not in spared:
            module = f"{package.parent.name}.{package.name}.{path.stem}"
            yield from _of(module, path)


def _of(module: str, path: Path) -> Iterator[Mutant]:
    from cosmic_ray.ast import ast_nodes, get_ast  # noqa: PLC0415 - it may be missing
    from cosmic_ray.plugins import get_operator, operator_names  # noqa: PLC0415

    text = path.read_text("utf-8")
    nodes, lines = list(ast_nodes(get_ast(text))), text.splitlines()
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments() or name.startswith(SKIPPED) or name.endswith(IDENTITY):
            continue
        starts = [s for node in nodes for s, _ in kind().mutation_positions(node)]
        for occurrence, (row, column) in enumerate(starts):
            if not _lax(name, lines[row - 1][:column]):
                yield Mutant(module, path, name, occurrence, row, column)


def _lax(operator: str, before: str) -> bool:
    """Say whether a mutant only lets zip be lax: lengths that are alike stay so."""
    return operator == "core/ReplaceTrueWithFalse" and before.endswith("strict=")


def one_of_each(found: Iterable[Mutant], seed: int) -> list[Mutant]:
    """Return one mutant of each place and kind of operator, drawn from its likes."""
    alike: dict[tuple[str, str, int, int], list[Mutant]] = {}
    for one in found:
        kind = "_".join(one.operator.split("_")[:2])
        alike.setdefault((one.module, kind, one.row, one.column), []).append(one)
    draw = random.Random(seed)
    return [draw.choice(likes) for _, likes in sorted(alike.items())]
