"""A call that gave what is right, made again: into ``out``, and after another image.

What is wrong only then breaks the clauses of ``out`` and of what is remembered between
calls, not the one that the check asks about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.memory_layouts import OutBuffer
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Broken, Died, Hung, Raised, Request

if TYPE_CHECKING:
    from reftiler_conformance.case_run import CaseRun

Judge = Callable[[Array], None]

SOME = 3
"""Of so many seeds one is for another image: TILER-003 has checks of its own."""

SMALL = 10_000
"""Pixels of an image up to which a larger one is cut in between."""


@dataclass
class Repeats:
    """Who was asked, what, what came back, and what fails unless a result is right."""

    run: CaseRun
    request: Request
    got: Array
    judge: Judge

    def into_out(self) -> None:
        """Fail unless the result is right in an array that holds 77 (OUT)."""
        memory = "sliced" if self.run.case.seed % 2 else "C"
        fault = self._fault_in_out(memory, 77)
        if fault is None:
            return
        if again := self._fault_again("called again"):
            raise again
        fault.clause = fault.clause or self._clause_of_out(memory)
        kind = "a strided out" if memory != "C" else "an out"
        fault.message = f"{self.request.verb} into {kind} of 77s: {fault.message}"
        raise fault

    def after_another_image(self) -> None:
        """Fail unless the result is right after an image of another size (TILER)."""
        if self.run.case.seed % SOME or not self._tiles_another():
            return
        if fault := self._fault_again("after an image of another size was tiled"):
            raise fault

    def _fault_in_out(self, memory: str, value: int) -> Mismatch | None:
        """Return what is wrong with a result in an `OutBuffer`."""
        out = OutBuffer(self.got.shape, self.got.dtype, memory, value)
        try:
            answer = self.run.put(replace(self.request, out=out))
        except Unsupported:
            return None
        except Broken as error:
            return self._broken(error)
        if answer.spilled:
            return Mismatch("memory beside its items is written", clause="OUT-004")
        # On another device the array that the subject was given is a copy of ours.
        if self.run.device == "cpu" and not answer.given_back:
            clause = "" if memory != "C" else "OUT-001"
            return Mismatch("another array than out is returned", clause=clause)
        return self._fault(answer.array)

    def _clause_of_out(self, memory: str) -> str:
        """Return the clause of a wrong result: of strides, or of what out held."""
        if memory != "C" and not self._fault_in_out("C", 77):
            return "OUT-004"
        found = []
        for value in (77, 0):
            self.run.evidence.got = self.got
            self._fault_in_out("C", value)
            found.append(self.run.evidence.got.tobytes())
        return "OUT-001" if found[0] == found[1] else "OUT-003"

    def _fault_again(self, when: str) -> Mismatch | None:
        """Return what is wrong with the same call, which was right once."""
        fault = self._fault_of_call()
        if fault is not None:
            self.run.reopen()  # to see if it hangs on what was asked before
            fault.clause = "TILER-004" if self._fault_of_call() else "TILER-003"
            fault.message = f"{self.request.verb} {when}: {fault.message}"
        return fault

    def _fault_of_call(self) -> Mismatch | None:
        try:
            return self._fault(self.run.put(self.request).array)
        except Broken as error:
            return self._broken(error)

    def _fault(self, again: Array) -> Mismatch | None:
        if again.dtype == self.got.dtype and again.tobytes() == self.got.tobytes():
            return None
        try:
            self.judge(again)
        except Mismatch as fault:
            self.run.evidence.got = again
            return fault
        return None

    def _broken(self, error: Broken) -> Mismatch:
        if isinstance(error, Hung | Died):  # and its session with it
            self.run.reopen()
        return Mismatch(str(error))

    def _tiles_another(self) -> bool:
        """Let an image of another size be cut, if the subject claims to."""
        run, another = self.run, image_of_another_size(self.run.case)
        if not {"untile", *needs_to_tile(another)} <= run.features:
            return False
        try:
            return run.tile_another(another.image())
        except Unsupported:
            return False
        except Raised as error:
            refusal = error
        try:
            run.reopen(another)
            run.put(Request("tile", array=another.image()))
        except (Broken, Unsupported):  # whatever was asked before
            run.reopen()
            return False
        raise Mismatch(
            f"after another image, one that a fresh tiler takes {refusal}",
            clause="TILER-003",
        )


def image_of_another_size(case: Case) -> Case:
    """Return a case with an image of another size, to be cut by the same tiler."""
    sides = zip(case.size, case.tile, case.stride, strict=True)
    small = tuple(t + s if n != t + s else t for n, t, s in sides)
    large = tuple(n + s for n, s in zip(case.size, case.stride, strict=True))
    larger = case.seed % 2 and np.prod(case.shape) < SMALL
    return replace(
        case,
        size=large if larger else small,
        batch=case.batch and (2 if case.batch == 1 else 1),
        seed=case.seed + 1,
        starts=None,
        random=None,
        scale=(),
    )
