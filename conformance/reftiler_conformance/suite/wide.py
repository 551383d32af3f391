"""Cases with every setting at once, and by which of them a merge is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from reftiler_conformance.case_run import CaseRun, Evidence
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import wide
from reftiler_conformance.expected import merge_of
from reftiler_conformance.needs import needs_to_untile
from reftiler_conformance.oracle import ScaledGrid
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Broken, Raised
from reftiler_conformance.slices import coverage_of, values, weight_sums

CLAUSE_OF_MERGE = {
    "max": "MERGE-012",
    "min": "MERGE-012",
    "first": "MERGE-024",
    "last": "MERGE-024",
    "center": "MERGE-025",
    "vote": "MERGE-028",
}
"""The clause of each merge but the mean."""

Tiles = Callable[[Case], Array]

WHERE = ("layout", "channels_last", "count", "fit", "mode", "pad_side", "scatter")
PLACES: dict[str, Any] = {
    "verb": "untile",
    "overlap": ("some",),
    **wide(*WHERE, "uncovered"),
}
"""Asks for tiles that overlap, wherever they may lie."""

EVERY: dict[str, Any] = PLACES | wide("border", "fill", "scale", "window", "maps")
"""Asks for all that does not change what a value is."""


def agrees(
    run: CaseRun,
    tiles: Tiles = Case.tiles,
    *,
    by: Any = "",
    where: Array | bool = True,
    first: str = "",
) -> None:
    """Fail unless the merge of a case's tiles is right, `blaming` what is at fault."""
    with blaming(run, tiles, first):
        run.merge_agrees(tiles(run.case), by=by, where=where)


@contextmanager
def blaming(
    run: CaseRun, tiles: Tiles = Case.tiles, first: str = "", other: str = "MERGE-001"
) -> Iterator[None]:
    """
    Name the clause of the setting that is at fault, if something is wrong.

    What is wrong by no more than roundings breaks the check's own clause. What is wrong
    beyond that breaks the clause of a setting without which the merge is right:
    of ``first``, or of the first one in `_without`; if no setting is at fault, of
    ``other``, where plain tiles are merged wrongly too.
    """
    try:
        yield
    except (Mismatch, Raised) as error:
        mask = getattr(error, "mask", None)
        clause = getattr(error, "clause", "") or _blamed(run, mask, tiles, first)
        if clause == "MERGE-001":  # no setting is at fault
            clause = other
        if clause:
            raise Mismatch(str(error), mask, clause) from error
        raise


def exact_division(case: Case) -> Array:
    """Say where several tiles lie and the divisor is a power of two.

    There the division is exact, so that how it is done is another clause.
    """
    found: Array = np.frexp(weight_sums(case))[0] == 0.5
    return found & (coverage_of(case) > 1)


def _blamed(run: CaseRun, mask: Array | None, tiles: Tiles, first: str) -> str:
    """Return the clause of the setting that matters; "" for the check's own."""
    case, evidence = run.case, run.evidence
    scaled = ScaledGrid(case.grid, case.scales)
    shape = join(case.batch, case.depth, scaled.size, case.channels_last)
    if mask is not None and mask.shape != shape:
        mask = None
    if merge_is_right(run, case, tiles):
        return ""
    if mask is not None and not (mask & (coverage_of(case) > 0)).any():
        kept = merge_of(replace(case, border=()), tiles(case))
        differs = np.asarray(evidence.got != kept)
        if not any(case.border) or differs[mask].any():
            return "MERGE-018"
    matters = [
        (name, clause)
        for name, clause, neutral in _without(case, mask)
        if repr(other := replace(case, **neutral)) != repr(case)
        and merge_is_right(run, other, tiles)
    ]
    names = [name for name, _ in matters]
    if {"window", "scale"} <= {*names}:
        return "WINDOW-009"
    converted = case.result is not None and _nearly(evidence)
    compared = case.merge in (None, "max", "min")
    if "merge" in names and compared and (converted or case.numpy_dtype.kind in "iu"):
        return "MERGE-013"
    matters.sort(key=lambda entry: entry[0] != first)
    if matters:
        return matters[0][1]
    plain = replace(case, dtype="float32", result=None, content="random")
    claimed = needs_to_untile(plain) <= run.features
    of_merge = CLAUSE_OF_MERGE.get(case.merge or "mean", "MERGE-001")
    return of_merge if claimed and not merge_is_right(run, plain) else ""


def _nearly(evidence: Evidence) -> bool:
    """Say whether what came back is right if seen as float32."""
    got, want = evidence.got, evidence.want
    if got is None or want is None or got.shape != want.shape:
        return False
    return np.allclose(values(got), values(want), rtol=1e-6, atol=0, equal_nan=True)


def merge_is_right(run: CaseRun, case: Case, tiles: Tiles = Case.tiles) -> bool:
    """Say whether the merge of a case is right but for roundings."""
    return needs_to_untile(case) <= run.features and is_right(
        run, case, lambda other: other.merge_agrees(tiles(case), by="coarse")
    )


def is_right(run: CaseRun, case: Case, ask: Callable[[CaseRun], object]) -> bool:
    """Say whether a subject does right what is asked of another case."""
    other = replace(run, case=case, evidence=Evidence(), repeats=frozenset())
    try:
        other.reopen()
        ask(other)
    except (Mismatch, Broken, Unsupported, ValueError):  # a grid that cannot be, too
        return False
    return True


def _without(
    case: Case, mask: Array | None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return the settings of a case: name, clause, and what is neutral instead."""
    scaled = "SCALE-008" if mask is None else "SCALE-007"  # of another shape, or not
    if case.mode == "interpolation" and case.starts is None:
        scaled = "SCALE-009"
    rounded = "ROUND-004" if case.result_dtype.kind in "iu" else "ROUND-001"
    one = {"batch": case.batch and 1, "channels": case.channels and 1}
    yield "fill", "MERGE-009", {"fill": None}
    yield "scale", scaled, {"scale": ()}
    yield "border", _clause_of_border(case, mask), {"border": ()}
    yield "window", "WINDOW-001", {"window": "box"}
    clause = CLAUSE_OF_MERGE.get(case.merge or "mean", "MERGE-012")
    yield "merge", clause, {"merge": None}
    yield "result", rounded, {"result": None}
    yield "maps", "LAYOUT-011", {"maps": "same"}
    yield "layout", "MERGE-022", one
    if any(case.context):
        yield "context", "CONTEXT-004", {"context": ()}
    if case.selection is not None:
        yield "select", "SELECT-003", {"selection": None}
    if case.starts is not None:
        # Where tiles no longer overlap, more is gone than that they are scattered.
        if _most(replace(case, starts=None)) >= min(2, _most(case)):
            yield "scatter", "SCATTER-004", {"starts": None}
    elif case.mode in ("padding", "interpolation"):
        clause = "MERGE-020" if case.mode == "padding" else "INTERP-002"
        yield "mode", clause, {"size": case.grid.frame}


def _most(case: Case) -> int:
    """Return how many tiles lie in one pixel; none where the scale does not fit."""
    try:
        return int(coverage_of(case).max())
    except ValueError:
        return 0


def _clause_of_border(case: Case, mask: Array | None) -> str:
    if not any(case.border):
        return ""
    if case.starts is not None:
        return "BORDER-004"
    beyond = np.zeros((), bool) if mask is None else mask & ~rim(case)
    if case.mode == "drop":  # of which the high side of the last tiles may be lost
        kept = coverage_of(replace(case, border=())) > 0
        if not (beyond & ~(kept & (coverage_of(case) == 0))).any():
            return "BORDER-003"
    return "BORDER-001" if mask is None or beyond.any() else "BORDER-002"


def rim(case: Case) -> Array:
    """Say which pixels of the result lie as near to its edge as the border is wide."""
    found = np.ones(coverage_of(case).shape, bool)
    first = spatial_axis(case)
    inner: list[slice] = [slice(None)] * found.ndim
    for axis, (r, scale) in enumerate(zip(case.borders, case.scales, strict=True)):
        wide = int(r * scale)
        inner[first + axis] = slice(wide, found.shape[first + axis] - wide)
    found[tuple(inner)] = False
    return found


def spatial_axis(case: Case) -> int:
    """Return the first spatial axis of the result."""
    return (case.batch is not None) + (
        case.depth is not None and not case.channels_last
    )
