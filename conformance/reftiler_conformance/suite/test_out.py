"""OUT: writing into a given array."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from typing import Any

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, name_of, same_bits
from reftiler_conformance.draws import WIDE
from reftiler_conformance.memory_layouts import OutBuffer
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Answer, Raised
from reftiler_conformance.suite.narrowed import ranks
from reftiler_conformance.suite.verbs import Verb, call, first, of_both

STRIDED = ("F", "sliced", "negative", "unaligned")
VALUES = (77.0, 0.0, 1.0)
"""What ``out`` holds; NaN too where the dtype has it, which no sum gets rid of."""

ALSO = (
    *ranks(Case(size=(9,), tile=(4,), stride=(2,), content="random")),
    Case(size=(7, 9), tile=(4, 4), stride=(4, 4), channels=1, content="random"),
    Case(size=(9,), tile=(4,), stride=(4,), mode="drop", fill=5, content="random"),
    Case(size=(9,), tile=(4,), stride=(2,), merge="max", dtype="uint8", seed=1),
    Case(size=(9,), tile=(5,), stride=(2,), merge="min", window="box", seed=2),
    Case(size=(12,), tile=(6,), stride=(2,), border=(1,), window="hann", seed=3),
    Case(size=(9,), tile=(4,), stride=(4,), starts=((0,), (5,)), fill=3, seed=4),
)
"""Of these some have pixels in no tile, which are easily left as they were."""
ASKED: dict[str, Any] = WIDE | {"needs": ["out"], "also": ALSO, "share": 0.5}


def into(
    run: CaseRun, verb: Verb, new: Array, memory: str = "C", value: float = 77
) -> Answer:
    """Ask for the same result as before, in an array that holds a value."""
    return call(run, verb, out=OutBuffer(new.shape, new.dtype, memory, value))


def fault(run: CaseRun, got: Array, new: Array, verb: Verb) -> Mismatch | None:
    """Return in what a result differs from that in an array of the subject's own."""
    run.keep(got, new)
    try:
        same_bits(got, new, nan="any" if verb == "untile" else "bits")
    except Mismatch as error:
        return error
    return None


def same_items(array: Array, value: float) -> bool:
    """Say whether all items are as they were."""
    before, _ = OutBuffer(array.shape, array.dtype, "C", value).make()
    return array.tobytes() == before.tobytes()


@of_both("OUT-001", **ASKED)
@of_both("OUT-003", **ASKED)
def test_writes_into_out(run: CaseRun, verb: Verb) -> None:
    """The result is written into the given array, whatever that held, and returned."""
    new = first(lambda: call(run, verb)).array
    values = (*VALUES, nan) if new.dtype.kind in "fc" else VALUES
    answers = [into(run, verb, new, value=value) for value in values]
    # On another device the array that the subject was given is a copy of ours.
    if run.device == "cpu" and not all(answer.given_back for answer in answers):
        message = f"{verb} returned another array than it was given"
        raise Mismatch(message, clause="OUT-001")
    found = {value: a.array for value, a in zip(values, answers, strict=True)}
    untouched = all(same_items(array, value) for value, array in found.items())
    held = len({array.tobytes() for array in found.values()}) > 1
    clause_id = "OUT-003" if held and not untouched else "OUT-001"
    for value, got in found.items():
        if (wrong := fault(run, got, new, verb)) is not None:
            message = f"{verb} into an out that held {value}: {wrong}"
            raise Mismatch(message, wrong.mask, clause_id)


@of_both("OUT-004", **ASKED)
def test_writes_any_strides(run: CaseRun, verb: Verb) -> None:
    """Arrays of any strides are written, and nothing beside them."""
    new = first(lambda: call(run, verb)).array
    plain = into(run, verb, new)
    if fault(run, plain.array, new, verb) is not None:
        return  # it is wrong in a contiguous array too: OUT-001 or OUT-003
    for memory in STRIDED:
        what = f"{verb} into an out that is {memory}"
        try:
            answer = into(run, verb, new, memory)
        except Unsupported:
            continue  # the library has no such arrays
        except Raised as error:
            raise Mismatch(f"{what}: {error}") from error
        if answer.spilled:
            raise Mismatch(f"{what} wrote beside its items")
        if plain.given_back and not answer.given_back:
            raise Mismatch(f"{what} returned another array")
        if (wrong := fault(run, answer.array, new, verb)) is not None:
            raise Mismatch(f"{what}: {wrong}", wrong.mask)


def unfit(right: OutBuffer, case: Case) -> Iterator[OutBuffer]:
    """Return arrays of another shape, dtype or memory than the result's."""
    shape, dtype = right.shape, right.dtype
    shapes = [(*shape[:-1], shape[-1] + 1), (1, *shape), (*shape, 1), shape[::-1]]
    shapes += [(int(np.prod(shape)),), case.shape, (*shape[:-1], shape[-1] - 1)]
    yield from (OutBuffer(s, dtype) for s in shapes if s != shape and 0 not in s)
    for name in ("uint8", "int8", "int16", "uint16", "float16", "float32", "float64"):
        if np.dtype(name) != dtype:
            yield OutBuffer(shape, np.dtype(name))
    if dtype.byteorder in "=<>" and dtype.kind in "iuf" and dtype.itemsize > 1:
        yield OutBuffer(shape, dtype.newbyteorder("S"))
    yield OutBuffer(shape, dtype, "read-only")


@of_both("OUT-002", **ASKED | {"needs": ["out", "refusals"], "share": 0.3})
def test_refuses_an_unfit_out(run: CaseRun, verb: Verb) -> None:
    """An array of another shape or dtype, or that is read-only, is refused."""
    new = first(lambda: call(run, verb)).array
    for out in unfit(OutBuffer(new.shape, new.dtype), run.case):
        swapped = not np.dtype(out.dtype).isnative
        # Tensors are never read-only, nor in another byte order.
        if "tile:>f4" not in run.features and (swapped or out.memory == "read-only"):
            continue
        what = f"{name_of(np.dtype(out.dtype))} {out.shape} {out.memory}"
        reason = f"out is {what}, the result of {verb} {new.dtype} {new.shape}"
        run.refuses(lambda: call(run, verb, out=out), reason)  # noqa: B023
