"""One case put to one subject: what a check asks, and what it compares.

A call that gave what is right is made again: into ``out``, and after another image.
What is wrong only then breaks the clauses of ``out`` and of what is remembered between
calls, not the one that the check asks about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.client import Local, Remote
from reftiler_conformance.compare import (
    SINGLE,
    Index,
    Mismatch,
    bits_differ,
    first_of,
    item,
    same_bits,
    same_merge,
    same_numbers,
)
from reftiler_conformance.expected import (
    expected_merge,
    expected_tiles,
    merge_of,
    tiles_of,
)
from reftiler_conformance.features import Features
from reftiler_conformance.memory_layouts import OutBuffer, with_values_for
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Answer, Broken, Died, Hung, Raised, Request

Judge = Callable[[Array], None]

SOME = 3  # of so many seeds one is for another image: TILER-003 has checks of its own
SMALL = 10_000  # pixels of an image up to which a larger one is cut in between


@dataclass(frozen=True)
class First:
    """The first item that differs: where, what came back, what is right."""

    index: Index
    got: str
    want: str
    bits: str = ""  # both items' bytes, where their texts are equal


@dataclass
class Evidence:
    """The arrays of a run: given last, come back, right, and where it is wrong."""

    image: Array | None = None
    tiles: Array | None = None
    got: Array | None = None
    want: Array | None = None
    mask: Array | None = None

    @property
    def pair(self) -> tuple[Array, Array] | None:
        """What came back and what is right, if both are there."""
        if self.got is None or self.want is None:
            return None
        return self.got, self.want

    @property
    def wrong(self) -> Array | None:
        """Where the result is wrong, to the check or to the bit; None if unknown."""
        if self.pair is None or self.pair[0].shape != self.pair[1].shape:
            return None
        got, want = self.pair
        if self.mask is not None and self.mask.shape == got.shape:
            return self.mask
        known = got.dtype == want.dtype and got.size
        return bits_differ(got, want) if known else None

    @property
    def first(self) -> First | None:
        """The first item that is wrong, if that is known."""
        wrong = self.wrong
        if self.pair is None or wrong is None or not wrong.any():
            return None
        index = first_of(wrong)
        got, want = (item(array, index) for array in self.pair)
        if got != want:
            return First(index, got, want)
        is_here, should_be = (_bits(array, index) for array in self.pair)
        bits = f"bits at {index}: {is_here}, should be {should_be}"
        return First(index, got, want, bits)


def _bits(array: Array, index: Index) -> str:
    """Return the bytes of one item, the most significant first where it is a number."""
    raw: bytes = array[index].tobytes()
    big = array.dtype.byteorder == ">" or array.dtype.kind not in "biufV"
    return "0x" + (raw if big else raw[::-1]).hex()


@dataclass
class CaseRun:
    """A case, opened at a subject; a check asks it and raises `Mismatch`."""

    case: Case
    client: Local | Remote
    features: Features
    device: str = "cpu"
    # What is asked besides: into an array that holds something, and after an image of
    # another size. Who knows of a fault there leaves it out.
    repeats: frozenset[str] = frozenset(("out", "another"))
    evidence: Evidence = field(default_factory=Evidence)
    printed: str = ""

    def reopen(self, case: Case | None = None) -> None:
        """Make a fresh session; for another case if one is given."""
        self.put(Request("open", text=repr(case or self.case), device=self.device))

    def tile(
        self,
        image: Array | None = None,
        *,
        memory: str = "C",
        out: OutBuffer | None = None,
    ) -> Answer:
        """Cut the case's image, or another, that lies in memory as `LAYOUTS` say."""
        return self._call("tile", image, memory, out)

    def untile(
        self,
        tiles: Array | None = None,
        *,
        memory: str = "C",
        out: OutBuffer | None = None,
    ) -> Answer:
        """Merge the case's tiles, or others."""
        return self._call("untile", tiles, memory, out)

    def view(self, image: Array | None = None, memory: str = "C") -> Answer:
        """Ask for the windows of the case's image, or of another."""
        return self._call("view", image, memory)

    def _call(
        self, verb: str, array: Array | None, memory: str, out: OutBuffer | None = None
    ) -> Answer:
        given = self._given(verb, array, memory)
        return self.put(Request(verb, array=given, memory=memory, out=out))

    def tile_another(self, image: Array) -> bool:
        """Let the same tiler cut an image of another size; say whether it can.

        Where the process ends, it is started anew: no fault of what is asked next.
        """
        text = "tile" if "untile:cold" in self.features else ""
        try:
            request = Request("tile_another", text=text, array=image)
            return bool(self.put(request).value)
        except (Hung, Died):
            self.reopen()
            return False

    def ask(self, verb: str, array: Array | None = None) -> Any:
        """Ask for ``grid``, ``save`` or ``touching``; return the value."""
        return self.put(Request(verb, array=array)).value

    def state_changed_by(self, call: Callable[[], Answer]) -> list[str]:
        """Return what of the state of the subject's process a call changes."""
        self.ask("watch")
        try:
            call()
        finally:
            changed: list[str] = self.ask("changes")
        return changed

    def api_check(self, clause_id: str, name: str) -> None:
        """Run a check of reftiler's API in the subject's process."""
        text = f"{clause_id} {name}"
        request = Request("api_check", text=text, device=self.device)
        if message := self.put(request).value:
            raise Mismatch(message)

    def tiles_agree(
        self,
        image: Array | None = None,
        *,
        by: Literal["bits", "numbers"] = "bits",
        memory: str = "C",
    ) -> Array:
        """Fail unless the tiles are the oracle's, by ``bits`` or by ``numbers``.

        So too in an ``out`` and after another image: else `Mismatch` names that clause.
        """
        given = self._given("tile", image, memory)
        usual = image is None and memory not in ("broadcast", "swapped")
        want = expected_tiles(self.case) if usual else tiles_of(self.case, given)
        judge = partial(same_bits if by == "bits" else same_numbers, want=want)
        return self._agrees(Request("tile", array=given, memory=memory), judge, want)

    def merge_agrees(
        self,
        tiles: Array | None = None,
        *,
        by: Literal["", "bits", "numbers", "bound", "coarse"] = "",
        where: Array | bool = True,
        memory: str = "C",
    ) -> Array:
        """Fail unless the merge is the oracle's, as `tiles_agree` does.

        ``bound``: within what the rounding of any order of summation may do;
        ``coarse``: of sums no finer than float32. By default ``exact`` subjects are
        judged by numbers, others within the bound, integers up to one off.
        """
        given = self._given("untile", tiles, memory)
        usual = tiles is None and memory not in ("broadcast", "swapped")
        want = expected_merge(self.case) if usual else merge_of(self.case, given)
        exact = "exact" in self.features
        half = 0.5 if exact or by == "bound" else 1.0
        by = by or ("numbers" if exact else "bound")
        judge: Judge
        if by == "bits":
            judge = partial(same_bits, want=want, nan="any", where=where)
        elif by == "numbers":
            judge = partial(same_numbers, want=want, where=where)
        else:
            judge = partial(
                same_merge,
                case=self.case,
                tiles=None if usual else given,
                half=half,
                least=SINGLE if by == "coarse" else 0.0,
                where=where,
            )
        return self._agrees(Request("untile", array=given, memory=memory), judge, want)

    def refuses(self, call: Callable[[], Answer], reason: str) -> Raised:
        """Fail unless a call raises."""
        try:
            answer = call()
        except Raised as error:
            return error
        got = answer.value
        self.keep(got if isinstance(got, np.ndarray) else None, None)
        raise Mismatch(f"gave a result, though {reason}")

    def keep(self, got: Array | None, want: Array | None) -> None:
        """Remember what came back and what is right, for the counterexample."""
        self.evidence.got, self.evidence.want = got, want

    def _given(self, verb: str, array: Array | None, memory: str) -> Array:
        """Return what a verb is given, and remember it for the counterexample."""
        if array is None:
            array = self.case.tiles() if verb == "untile" else self.case.image()
        given = with_values_for(array, memory)
        setattr(self.evidence, "tiles" if verb == "untile" else "image", given)
        return given

    def put(self, request: Request) -> Answer:
        """Put a request to the subject."""
        answer = self.client.answer(request)
        self.printed = self.printed or answer.printed
        return answer

    def _agrees(self, request: Request, judge: Judge, want: Array) -> Array:
        """Judge what comes of a request, and then what comes of it again."""
        answer = self.put(request)
        got = answer.array
        self.keep(got, want)
        judge(got)
        if self.repeats and answer.changed:
            raise Mismatch(f"{request.verb} changed its input", clause="TILER-005")
        again = _Repeats(self, request, got, judge)
        # A result of another dtype is another check's matter, and no out has it.
        if "out" in self.repeats & self.features and got.dtype == want.dtype:
            again.into_out()
        if "another" in self.repeats:
            again.after_another_image()
        return got


@dataclass
class _Repeats:
    """Who was asked, what, what came back, and what fails unless a result is right."""

    run: CaseRun
    request: Request
    got: Array
    judge: Judge

    def into_out(self) -> None:
        """Fail unless the result is right in an array that holds 77 (OUT)."""
        memory = "sliced" if self.run.case.seed % 2 else "C"
        fault = self._fault(self._out(memory))
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

    def _out(self, memory: str, value: int = 77) -> OutBuffer:
        return OutBuffer(self.got.shape, self.got.dtype, memory, value)

    def _clause_of_out(self, memory: str) -> str:
        """Return the clause of a wrong result: of strides, or of what out held."""
        if memory != "C" and not self._fault(self._out("C")):
            return "OUT-004"
        found = []
        for value in (77, 0):
            self.run.evidence.got = self.got
            self._fault(self._out("C", value))
            found.append(self.run.evidence.got.tobytes())
        return "OUT-001" if found[0] == found[1] else "OUT-003"

    def _fault_again(self, when: str) -> Mismatch | None:
        """Return what is wrong with the same call, and the clause that it breaks."""
        fault = self._fault()
        if fault is not None:
            self.run.reopen()  # to see if it hangs on what was asked before
            fault.clause = "TILER-004" if self._fault() else "TILER-003"
            fault.message = f"{self.request.verb} {when}: {fault.message}"
        return fault

    def _fault(self, out: OutBuffer | None = None) -> Mismatch | None:
        """Return what is wrong with the same call, which was right once."""
        run = self.run
        try:
            answer = run.put(replace(self.request, out=out))
        except Unsupported:
            if out is None:
                raise
            return None
        except Broken as error:
            if isinstance(error, Hung | Died):  # and its session with it
                run.reopen()
            return Mismatch(str(error))
        if fault := out and self._fault_of_out(answer, out):
            return fault
        again, got = answer.array, self.got
        if again.dtype != got.dtype or again.tobytes() != got.tobytes():
            try:
                self.judge(again)
            except Mismatch as fault:
                run.evidence.got = again
                return fault
        return None

    def _fault_of_out(self, answer: Answer, out: OutBuffer) -> Mismatch | None:
        if answer.spilled:
            return Mismatch("memory beside its items is written", clause="OUT-004")
        # On another device the array that the subject was given is a copy of ours.
        if self.run.device == "cpu" and not answer.given_back:
            clause = "" if out.memory != "C" else "OUT-001"
            return Mismatch("another array than out is returned", clause=clause)
        return None

    def _tiles_another(self) -> bool:
        """Let an image of another size be cut, if the subject claims to."""
        run, another = self.run, _of_another_size(self.run.case)
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


def _of_another_size(case: Case) -> Case:
    """Return a case with an image of another size, to be cut by the same tiler."""
    sides = zip(case.size, case.tile, case.stride, strict=True)
    size = tuple(t + s if n != t + s else t for n, t, s in sides)
    if case.seed % 2 and np.prod(case.shape) < SMALL:
        size = tuple(n + s for n, s in zip(case.size, case.stride, strict=True))
    return replace(
        case,
        size=size,
        batch=case.batch and (2 if case.batch == 1 else 1),
        seed=case.seed + 1,
        starts=None,
        random=None,
        scale=(),
    )
