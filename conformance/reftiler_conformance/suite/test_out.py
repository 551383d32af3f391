"""OUT: writing into a given array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_bits
from reftiler_conformance.draws import ANY
from reftiler_conformance.exchange import Answer

NEEDS = ("out", "untile")
Call = Callable[[Array | None], Answer]


def calls(run: CaseRun) -> tuple[tuple[str, Call], ...]:
    """Return the verbs that take an array to write into."""
    return (
        ("tile", lambda out: run.tile(out=out)),
        ("untile", lambda out: run.untile(out=out)),
    )


@clause("OUT-001", needs=NEEDS, layout=ANY, channels_last=ANY)
def test_written_and_returned(run: CaseRun) -> None:
    """The result is written into the given array, which is returned."""
    for verb, call in calls(run):
        new = call(None).array
        answer = call(np.full_like(new, 77))
        run.keep(answer.array, new)
        same_bits(answer.array, new)
        # On another device the array that the subject was given is a copy of ours.
        if run.device == "cpu" and not answer.given_back:
            raise Mismatch(f"{verb} returned another array than it was given")


@clause("OUT-002", needs=(*NEEDS, "refusals"), layout=ANY)
def test_must_fit(run: CaseRun) -> None:
    """An array of another shape or dtype than the result's is refused."""
    case = run.case
    other = np.dtype("int16" if case.dtype != "int16" else "int32")
    for (verb, call), shape in zip(
        calls(run), (case.cut_shape, case.shape), strict=True
    ):
        longer = np.zeros((*shape[:-1], shape[-1] + 1), case.numpy_dtype)
        one_more = np.zeros((1, *shape), case.numpy_dtype)
        for out in (longer, one_more, np.zeros(shape, other)):
            words = f"out is {out.dtype} {out.shape}, the result of {verb} {shape}"
            refused = _calling(call, out)
            run.refuses(refused, words)


def _calling(call: Call, out: Array) -> Callable[[], Answer]:
    return lambda: call(out)
