"""Wrong contexts: pixels around tiles that are others, or are merged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.steps import anyway, first_axis
from reftiler_conformance.mutants.tilers import Array, Session, Unchecked, reference
from reftiler_conformance.oracle import tiling
from reftiler_conformance.oracle.grid import moved
from reftiler_conformance.oracle.merge import ScaledGrid
from reftiler_conformance.oracle.tiling import cut_pixel

mutants_of(tiling, "cut_pixel")(
    "context_behind, CONTEXT-001: All of the context lies behind the tile.",
    lambda plan, start, offset: moved(offset, start),
    "context_of_edges, CONTEXT-001: Beyond the frame the context shows its edge.",
    lambda plan, start, offset: tuple(
        min(max(x, 0), n - 1)
        for x, n in zip(cut_pixel(plan, start, offset), plan.frame, strict=True)
    ),
)
mutants_of(ScaledGrid, "context")(
    "context_merged, CONTEXT-004: The first pixels that tiles have are merged.",
    lambda merging: (0,) * len(merging.size),
    "context_unscaled, CONTEXT-004: Of larger tiles the unscaled context is dropped.",
    lambda merging: tuple(
        min(c, merging.whole(a, c))
        for a, c in enumerate(merging.grid.settings.contexts)
    ),
)
mutants_of(Unchecked, "tile")(
    "context_constant_unchecked, CONTEXT-002: What a byte cannot hold becomes 0.",
    anyway("tile", pad_value=0),
)


@mutant(Session, "merge")
def context_weighed(self: Session, tiles: Array) -> Array:
    """CONTEXT-005: The context is weighed by zero: a NaN there spreads."""
    found, case = Session.merge(self, tiles), self.case
    if (
        case.bare
        or not any(case.context)
        or tiles.dtype.kind + found.dtype.kind != "ff"
    ):
        return found
    first = first_axis(case, tiles)
    bad = np.isnan(tiles).any(
        axis=tuple(range(first, first + case.rank)), keepdims=True
    )
    spread = np.where(np.broadcast_to(bad, tiles.shape), np.nan, 0).astype(tiles.dtype)
    plain = replace(case, window="box", merge="mean", result=None, fill=0)
    where = np.isnan(reference(plain).untile(spread))
    return np.where(where, np.nan, found).astype(found.dtype)
