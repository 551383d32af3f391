"""SELECT: some tiles of a grid, in any order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY, cases, wide
from reftiler_conformance.features import Features
from reftiler_conformance.suite.narrowed import COMBINED, COMBINED_MERGES
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import EVERY, agrees

SOMEWHERE = wide("layout", "channels_last", "mode", "pad_mode", "pad_side", "scatter")


def selected(case: Case) -> Case:
    """Return a case with some of its tiles, by its seed: seldom in ascending order."""
    count = len(case.grid.tile_specs)
    generator = np.random.Generator(np.random.PCG64(case.seed))
    kept = generator.permutation(count)[: generator.integers(1, count, endpoint=True)]
    return replace(case, selection=tuple(kept.tolist()))


def drawn(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases of selected tiles."""
    return cases(features, **asked).map(selected)


select = partial(clause, needs=["select"], draws=drawn)


@select(
    "SELECT-001",
    fit=ANY,
    pad_value=ANY,
    also=map(selected, COMBINED),
    **SOMEWHERE,
)
def test_in_the_order_of_the_indices(run: CaseRun) -> None:
    """Tile j is tile indices[j] of the whole grid, padded and resampled as it is."""
    run.tiles_agree()


@select("SELECT-002", needs=["select", "refusals"], fit=ANY, **SOMEWHERE)
def test_what_is_no_selection(run: CaseRun) -> None:
    """No index, one twice and one of no tile are refused."""
    case = run.case
    assert case.selection is not None
    beyond = len(replace(case, selection=None).grid.tile_specs)
    for wrong in ((), (*case.selection, case.selection[0]), (beyond,), (0, -1)):
        bad = replace(case, selection=wrong)
        refuses_case(run, "tile", bad, f"the indices are {wrong}")


@select(
    "SELECT-003",
    also=map(selected, COMBINED_MERGES),
    **EVERY | {"fill": (True,), "merge": ANY, "uncovered": ("any",)},
)
def test_as_others(run: CaseRun) -> None:
    """Selected tiles are merged in their order, with the borders of the whole grid."""
    agrees(run, by="coarse", first="select")
