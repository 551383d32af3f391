"""Every fault: a class that spoils one step of the plain tiler."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TypeVar

from reftiler_conformance.faults.plain import Plain, PlainSubject

Kind = TypeVar("Kind", bound=type[Plain])


@dataclass(frozen=True)
class Fault:
    """
    A tiler that is wrong in one way.

    Parameters
    ----------
    session
        Its class; its name and its docstring are those of the fault.
    clause
        The clause that it breaks first of all.
    """

    session: type[Plain]
    clause: str

    @property
    def name(self) -> str:
        """What the fault is called."""
        return self.session.__name__

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return (self.session.__doc__ or "").strip()

    @property
    def subject(self) -> PlainSubject:
        """The subject that has the fault."""
        return PlainSubject(self.session)

    @cached_property
    def steps(self) -> frozenset[str]:
        """The steps of the plain tiler that the fault spoils."""
        own = self.session.__mro__[: self.session.__mro__.index(Plain)]
        return frozenset(step for kind in own for step in vars(kind))


_FOUND: dict[str, Fault] = {}


def fault(clause: str) -> Callable[[Kind], Kind]:
    """Put a class among the faults."""

    def register(session: Kind) -> Kind:
        found = Fault(session, clause)
        if found.name in _FOUND:
            raise ValueError(f"{found.name} is a fault already")
        _FOUND[found.name] = found
        return session

    return register


@cache
def faults() -> dict[str, Fault]:
    """Return all faults by name."""
    package = importlib.import_module("reftiler_conformance.faults.faulty")
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    return dict(_FOUND)
