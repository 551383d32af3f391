"""TILE-004: how the input lies in memory."""

from __future__ import annotations

from typing import Any

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import WIDE
from reftiler_conformance.features import NUMBERS, ODD
from reftiler_conformance.memory_layouts import LAYOUTS, with_values_for
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Raised
from reftiler_conformance.suite.verbs import Verb, agrees, input_of, of_both

LAID = tuple(word for word in LAYOUTS if word not in ("C", "swapped"))
"""Another byte order is another dtype: TYPE-002 and TYPE-008."""

ALSO = (
    Case(size=(6, 8), tile=(3, 4), stride=(3, 4)),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, seed=1),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), batch=2, channels=3, seed=2),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, channels_last=True),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, dtype="uint8", seed=4),
    Case(size=(4, 6, 5), tile=(2, 2, 2), stride=(2, 2, 2), channels=2, seed=3),
    *(
        Case(size=(6, 8), tile=(3, 4), stride=(3, 4), dtype=name, content="random")
        for name in (*NUMBERS, *ODD)
    ),
)
ALL: dict[str, Any] = WIDE | {"content": ("random",)}


@of_both("TILE-004", also=ALSO, share=0.5, **ALL)
def test_reads_any_memory(run: CaseRun, verb: Verb) -> None:
    """How the input lies in memory does not matter, only its values."""
    repeats, run.repeats = run.repeats, frozenset()
    given = input_of(verb, run.case)
    if _fault(run, verb, given) is not None:
        return  # it is wrong in the usual memory too
    # One of them is asked for out and other sizes too.
    usual = LAID[run.case.seed % len(LAID)]
    for memory in LAID:
        run.repeats = repeats if memory == usual else frozenset()
        error = _fault(run, verb, given, memory)
        run.repeats = frozenset()
        # These values may be wrong in the usual memory too.
        if error is None or _fault(run, verb, with_values_for(given, memory)):
            continue
        message = f"{verb} of an input that is {memory}: {error}"
        mask = getattr(error, "mask", None)
        raise Mismatch(message, mask, getattr(error, "clause", "")) from error


def _fault(
    run: CaseRun, verb: Verb, given: Array, memory: str = "C"
) -> Mismatch | Raised | None:
    """Return what is wrong; nothing if the library has no such arrays."""
    try:
        agrees(run, verb, memory=memory, **{NAMES[verb]: given})
    except Unsupported:
        return None
    except (Mismatch, Raised) as error:
        return error
    return None


NAMES: dict[Verb, str] = {"tile": "image", "untile": "tiles"}
