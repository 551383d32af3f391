"""Steps of sessions that several mutants replace in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.narrowings import When
from reftiler_conformance.mutants.tilers import Array, Session, reference

Step = Callable[..., Any]


def taken_for(when: When, **settings: Any) -> Step:
    """Return a step that takes some cases for those of other settings."""
    return lambda self, case: replace(case, **settings) if when(case) else case


def refusing(when: Callable[[Any, Any], bool]) -> Step:
    """Return a step that refuses some of what it reads."""

    def step(self: Session, given: Any) -> Any:
        if when(self, given):
            raise ValueError("this is refused")
        return given

    return step


def anyway(verb: str, **settings: Any) -> Step:
    """Return a call that is answered by other settings where it is refused."""

    def step(self: Session, array: Array, out: Array | None = None) -> Array:
        try:
            found: Array = getattr(Session, verb)(self, array, out)
        except ValueError:
            other = reference(replace(self.case, **settings))
            found = getattr(other, verb)(array)
        return found

    return step


def opened_anyway(repair: Callable[[Case], Case]) -> Step:
    """Return a step that repairs the cases that are refused."""

    def step(self: Session, case: Case) -> Case:
        try:
            reference(case)
        except ValueError:
            return repair(case)
        return case

    return step


def of_kinds(kinds: str, alter: Callable[[Array], Array]) -> Step:
    """Return a step that alters arrays of some kinds in the machine's byte order."""

    def step(self: Session, array: Array) -> Array:
        altered = array.dtype.kind in kinds and array.dtype.isnative
        with np.errstate(all="ignore"):
            return alter(array) if altered else array

    return step


def aliasing(verb: str) -> Step:
    """Return a step that returns its input where that is one whole tile."""

    def step(self: Session, array: Array, out: Array | None = None) -> Array:
        found: Array = getattr(Session, verb)(self, array, out)
        same = (found.size, found.dtype) == (array.size, array.dtype)
        whole = same and out is None and self.case.tile == self.case.size
        return array.reshape(found.shape) if whole else found

    return step


def as_scratch(self: Session, array: Array) -> Array:
    """Return a copy of an array, whose own memory is used for scratch."""
    held = array.copy()
    if array.flags.writeable:
        array[...] = np.zeros((), array.dtype)
    return held


def channel_axes(case: Case, tiles: Array) -> tuple[int, ...]:
    """Return the axis of the channels of tiles, if they have any."""
    return (-1 if case.channels_last else 1,) * (tiles.ndim == case.rank + 2)


def first_axis(case: Case, tiles: Array) -> int:
    """Return the first spatial axis of tiles."""
    return 1 if case.channels_last else tiles.ndim - case.rank


def regrouped(tiles: Array, groups: int) -> Array:
    """Return tiles by their number in their group, then by group."""
    stacks = tiles.reshape(groups, -1, *tiles.shape[1:])
    return stacks.swapaxes(0, 1).reshape(tiles.shape)
