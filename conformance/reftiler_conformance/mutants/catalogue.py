"""Every mutant: a function that replaces one of the oracle's, or a session."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, ClassVar, TypeVar

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features, features
from reftiler_conformance.mutants.tilers import Array, Patch, Patched, Reference
from reftiler_conformance.protocol import Info, Unsupported

Made = TypeVar("Made", bound=Callable[..., Any])
When = Callable[[Case], bool]

LACKING = ("api", "tile:bfloat16", "untile:bfloat16")
"""What no mutant claims: numpy has no bfloat16, and classes have mutants of their own
among the broken APIs of the tests."""


class Session:
    """
    One case's tiler, sound as it stands; mutants replace a step.

    It refuses what the reference refuses, then answers as the reference does, or the
    oracle where functions of it are replaced.
    """

    checked: ClassVar[bool] = True
    """Whether the reference is asked first, to refuse."""

    def __init__(
        self, case: Case, memory: dict[Any, Any], patches: tuple[Patch, ...] = ()
    ) -> None:
        self.case, self.memory = case, memory
        self.reference = Reference(case) if self.checked else None
        seen = self.read(case)
        self.tiler: Any = Patched(seen, patches) if patches else Reference(seen)

    def read(self, case: Case) -> Case:
        """Return what the case is taken for."""
        return case

    def refuse(self, verb: str, array: Array, out: Array | None = None) -> None:
        """Raise what the reference raises."""
        if self.reference is None:
            return
        if out is None:
            getattr(self.reference, verb)(array)
            return
        held = out.copy()
        getattr(self.reference, verb)(array, out=out)
        np.copyto(out, held)

    def tile(self, image: Array, out: Array | None = None) -> Array:
        """Cut an image."""
        self.refuse("tile", image, out)
        return self.give(self.cut(image), out)

    def cut(self, image: Array) -> Array:
        """Return the tiles of an image."""
        found: Array = self.tiler.tile(image)
        return found

    def tile_another(self, image: Array) -> Array:
        """Cut an image of another size."""
        self.refuse("tile_another", image)
        found: Array = self.tiler.tile_another(image)
        return found

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        """Merge tiles."""
        self.refuse("untile", tiles, out)
        return self.give(self.merge(tiles), out)

    def merge(self, tiles: Array) -> Array:
        """Return the image of tiles."""
        found: Array = self.tiler.untile(tiles)
        return found.copy()

    def give(self, result: Array, out: Array | None) -> Array:
        """Return a result, in ``out`` if there is one."""
        if out is None:
            return result.copy() if not result.flags.writeable else result
        np.copyto(out, result, casting="unsafe")
        return out

    def view(self, image: Array) -> Array:
        """Show the windows of an image."""
        return Reference(self.case).view(image)

    def grid(self) -> dict[str, Any]:
        """Say where the tiles lie."""
        return dict(self.tiler.grid())

    def touching(self, mask: Array) -> Array:
        """Say which tiles hold a marked pixel."""
        self.refuse("touching", mask)
        found: Array = self.tiler.touching(mask)
        return found

    def save(self) -> str:
        """Return the JSON of the grid."""
        return Reference(self.case).save()


class Unchecked(Session):
    """A session that takes what the reference refuses."""

    checked = False


@dataclass(frozen=True)
class Mutant:
    """
    A tiler that is wrong in one way: a subject.

    Parameters
    ----------
    name, sentence
        What it is called, and what is wrong.
    clause, also
        The clause that it breaks, and others that may be named as well.
    session, patches
        Its class, and the functions of the oracle that it replaces.
    when
        In which cases it is wrong.
    """

    name: str
    sentence: str
    clause: str
    also: tuple[str, ...] = ()
    session: type[Session] = Session
    patches: tuple[Patch, ...] = ()
    when: When = lambda case: True

    def subject(self) -> MutantSubject:
        """Return the mutant with a fresh memory."""
        return MutantSubject(self)


class MutantSubject:
    """A mutant, and what it remembers of earlier sessions."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.memory: dict[Any, Any] = {}

    def info(self) -> Info:
        """Claim what the reference can do."""
        return Info(self.mutant.name, "1", claimed())

    def open(self, case: Case, device: str) -> Session:
        """Make a tiler for a case; there is no bfloat16 in numpy."""
        if "bfloat16" in (case.dtype, case.result):
            raise Unsupported("bfloat16")
        if not self.mutant.when(case):
            return Session(case, {}, _PLAIN if self.mutant.patches else ())
        return self.mutant.session(case, self.memory, self.mutant.patches)


@cache
def claimed() -> Features:
    """Return what mutants claim."""
    return features("*") - {*LACKING}


_FOUND: dict[str, Mutant] = {}


def mutant(
    clause: str, owner: Any = None, name: str = "", *, also: Iterable[str] = ()
) -> Callable[[Made], Made]:
    """
    Make a function a mutant: it replaces one of the oracle's, or a session's method.

    Parameters
    ----------
    clause
        The clause that it breaks.
    owner, name
        The module or class of the oracle, or the class of sessions, and what is
        replaced there. A mutant that replaces more is itself a class of sessions.
    also
        Clauses that may be named instead.
    """

    def register(made: Made) -> Made:
        session: type[Session] = Session
        patches: tuple[Patch, ...] = ()
        if isinstance(made, type):
            session = made
        elif isinstance(owner, type) and issubclass(owner, Session):
            session = type(made.__name__, (owner,), {name: made})
        else:
            patches = _patches(owner, name, made)
        sentence = (made.__doc__ or "").strip()
        _add(Mutant(made.__name__, sentence, clause, tuple(also), session, patches))
        return made

    return register


SETTINGS = {
    "with a window": ("WINDOW-001",),
    "beside a border": ("BORDER-001", "BORDER-002", "BORDER-003", "BORDER-004"),
    "of batches": ("MERGE-022",),
    "of channels last": ("MERGE-022",),
}
"""The clauses of what a mutant may be narrowed to."""


def narrowed(
    made: Callable[..., Any], where: str, when: When, clause: str = ""
) -> None:
    """
    Add a mutant that does what another does in some cases alone.

    What is wrong beside one setting alone may be named by that setting's clause.
    """
    whole = _FOUND[made.__name__]
    suffix = "".join(c if c.isalnum() else "_" for c in where)
    _add(
        replace(
            whole,
            name=f"{whole.name}_{suffix}",
            sentence=f"{whole.sentence.removesuffix('.')}, {where} alone.",
            clause=clause or whole.clause,
            also=(*whole.also, *SETTINGS.get(where, ())),
            when=when,
        )
    )


def in_mode(mode: str) -> When:
    """Say of a case whether its tiles are fitted in a mode."""
    return lambda case: case.mode == mode


def of_dtype(dtype: str) -> When:
    """Say of a case whether its pixels are of a dtype."""
    return lambda case: case.dtype == dtype


def _add(found: Mutant) -> None:
    if found.name in _FOUND:
        raise ValueError(f"{found.name} is a mutant already")
    _FOUND[found.name] = found


def _modules() -> list[Any]:
    """Return the oracle's modules; they import functions from each other."""
    stem = oracle.__name__
    return [m for n, m in sys.modules.items() if n == stem or n.startswith(stem + ".")]


def _patches(owner: object, name: str, wrong: Any) -> tuple[Patch, ...]:
    """Return what replaces a function wherever the oracle uses it."""
    right = getattr(owner, name)
    owners = [owner] if isinstance(owner, type) else _modules()
    wrong = property(wrong) if isinstance(right, property) else wrong
    places = [(o, n) for o in owners for n, v in vars(o).items() if v is right]
    return (*((o, n, wrong) for o, n in places), *_fresh_caches(right))


def _fresh_caches(right: object = None) -> Iterator[Patch]:
    """Return caches of a mutant's own: what it works out is not for the judge."""
    fresh: dict[int, Any] = {}
    for module in _modules():
        for name, value in vars(module).items():
            if hasattr(value, "cache_clear") and value is not right:
                new = fresh.setdefault(id(value), lru_cache(64)(value.__wrapped__))
                yield module, name, new


_PLAIN = tuple(_fresh_caches())
"""Patches that replace nothing: the sound oracle."""

SOUND = (
    Mutant("reference", "The reference as it is.", ""),
    Mutant("oracle", "The oracle as it is.", "", patches=_PLAIN),
)


@cache
def mutants() -> dict[str, Mutant]:
    """Return all mutants by name."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name.rpartition(".")[2].startswith("wrong_"):
            importlib.import_module(module.name)
    return dict(_FOUND)
