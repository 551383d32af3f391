"""Every mutant: a function that replaces one of the oracle's, or a session."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, TypeVar

from reftiler_conformance import cases, oracle
from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features, features
from reftiler_conformance.mutants.narrowings import NARROWED, WHERE, When
from reftiler_conformance.mutants.tilers import Patch, Session
from reftiler_conformance.protocol import Info, Unsupported

Made = TypeVar("Made", bound=Callable[..., Any])

LACKING = ("api", "tile:bfloat16", "untile:bfloat16")
"""What no mutant claims: numpy has no bfloat16, and classes have mutants of their own
among the broken APIs of the tests."""


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

    def narrowed(self, where: str) -> Mutant:
        """Return a mutant that is wrong in the same way in some cases alone."""
        when, also = WHERE[where]
        return replace(
            self,
            name=f"{self.name}_{where.replace(' ', '_')}",
            sentence=f"{self.sentence.removesuffix('.')}, {where} alone.",
            also=(*self.also, *also),
            when=when,
        )


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


def mutant(owner: Any = None, step: str = "") -> Callable[[Made], Made]:
    """
    Make a function a mutant, by its name; one that replaces more is a `Session`.

    Its docstring names the clause that it breaks, or several of which one may be
    named, and says what is wrong: ``"GRID-004/GRID-005: The last tile is missing."``

    Parameters
    ----------
    owner, step
        The module or class of the oracle, or the class of sessions, and the function
        that is replaced there.
    """

    def register(made: Made) -> Made:
        _add(made.__name__, made.__doc__ or "", owner, step, made)
        return made

    return register


def mutants_of(owner: Any, step: str) -> Callable[..., None]:
    """
    Make many mutants that replace the same step, two arguments for each.

    The first is the name and what a docstring would say, in one line:
    ``"clamp_drops, GRID-004: The last tile is missing."`` The second replaces the step.
    """

    def register(*lines: str | Callable[..., Any]) -> None:
        for line, made in zip(lines[::2], lines[1::2], strict=True):
            assert isinstance(line, str)
            assert callable(made)
            name, _, text = line.partition(", ")
            _add(name, text, owner, step, made)

    return register


_FOUND: dict[str, Mutant] = {}


def _add(name: str, text: str, owner: Any, step: str, made: Callable[..., Any]) -> None:
    if name in _FOUND:
        raise ValueError(f"{name} is a mutant already")
    named, _, sentence = text.strip().partition(": ")
    clause, *also = named.split("/")
    found = Mutant(name, sentence, clause, tuple(also))
    if isinstance(made, type) and issubclass(made, Session):
        found = replace(found, session=made)
    elif isinstance(owner, type) and issubclass(owner, Session):
        found = replace(found, session=type(name, (owner,), {step: made}))
    else:
        found = replace(found, patches=_patches(owner, step, made))
    _FOUND[name] = found


def _modules() -> list[Any]:
    """Return the modules that use the oracle's functions to tile a case."""
    stem = oracle.__name__
    own = [m for n, m in sys.modules.items() if n == stem or n.startswith(stem + ".")]
    return [cases, *own]


def _patches(owner: object, step: str, wrong: Any) -> tuple[Patch, ...]:
    """Return what replaces a function wherever it is used."""
    right = getattr(owner, step)
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
    found = dict(_FOUND)
    for name, everywhere in NARROWED.items():
        narrow = [_FOUND[name].narrowed(where) for where in everywhere]
        found |= {mutant.name: mutant for mutant in narrow}
    return found
