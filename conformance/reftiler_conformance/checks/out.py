"""OUT: writing into a given array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reftiler_conformance.cases import Array
from reftiler_conformance.compare import Mismatch, same_bits
from reftiler_conformance.draws import ANY
from reftiler_conformance.exchange import Answer
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

NEEDS = ("out", "untile")
Call = Callable[[Array | None], Answer]


def calls(trial: Trial) -> tuple[tuple[str, Call], ...]:
    """Return the verbs that take an array to write into."""
    return (
        ("tile", lambda out: trial.tile(out=out)),
        ("untile", lambda out: trial.untile(out=out)),
    )


@check("OUT-001", needs=NEEDS, layout=ANY, channels_last=ANY)
def written_and_returned(trial: Trial) -> None:
    """The result is written into the given array, which is returned."""
    for verb, call in calls(trial):
        new = call(None).array
        answer = call(np.full_like(new, 77))
        trial.keep(answer.array, new)
        same_bits(answer.array, new)
        # On another device the array that the subject was given is a copy of ours.
        if trial.device == "cpu" and not answer.given_back:
            raise Mismatch(f"{verb} returned another array than it was given")


@check("OUT-002", needs=(*NEEDS, "refusals"), layout=ANY)
def must_fit(trial: Trial) -> None:
    """An array of another shape or dtype than the result's is refused."""
    case = trial.case
    other = np.dtype("int16" if case.dtype != "int16" else "int32")
    for (verb, call), shape in zip(
        calls(trial), (case.cut_shape, case.shape), strict=True
    ):
        longer = np.zeros((*shape[:-1], shape[-1] + 1), case.numpy_dtype)
        one_more = np.zeros((1, *shape), case.numpy_dtype)
        for out in (longer, one_more, np.zeros(shape, other)):
            words = f"out is {out.dtype} {out.shape}, the result of {verb} {shape}"
            refused = _calling(call, out)
            trial.refuses(refused, words)


def _calling(call: Call, out: Array) -> Callable[[], Answer]:
    return lambda: call(out)
