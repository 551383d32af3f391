"""What the kit draws for a subject is within its claims and within SPEC.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from reftiler_conformance import oracle
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.draws import ANY, WIDE, cases
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.features import features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.suite.positions import touched

ALL = features("*", "tile:bfloat16", "untile:bfloat16")
LAST_ONLY = ALL - {"channels_first"} | {"channels_last:only"}
CLAIMS = [ALL, ALL - {"fill"}, LAST_ONLY, ALL - {"unequal", "short", "result"}]


@pytest.mark.parametrize("claimed", CLAIMS)
@pytest.mark.parametrize("verb", ["tile", "untile"])
def test_every_setting_at_once_is_allowed(claimed: Any, verb: str) -> None:
    needs = needs_to_tile if verb == "tile" else needs_to_untile
    expected = expected_tiles if verb == "tile" else expected_merge
    modes, ranks = set(), set()

    @given(cases(claimed, verb=verb, **WIDE))
    @settings(max_examples=60, deadline=None, database=None)
    def drawn(case: Case) -> None:
        assert needs(case) <= claimed
        assert expected(case).size > 0  # and is not refused
        assert repr(parse(repr(case))) == repr(case)
        modes.add(case.mode)
        ranks.add(case.rank)

    drawn()
    assert len(modes) > 3
    assert 4 in ranks


def test_no_star_claims_what_numpy_has_not() -> None:
    assert "tile:bfloat16" not in features("tile:*")
    assert {"tile:bfloat16", "tile:bool"} <= features("tile:*", "tile:bfloat16")


def test_channels_come_last_where_nothing_else_is_claimed() -> None:
    claimed = features("tile", "rank:2", "channels", "channels_last:only", "tile:*")
    assert "channels_first" not in claimed
    assert "channels_first" in features("tile", "channels")

    @given(cases(claimed, dtype=("float32",)))
    @settings(max_examples=20, deadline=None, database=None)
    def drawn(case: Case) -> None:
        assert case.channels_last

    drawn()
    assert not needs_to_tile(Case((4, 4), (2, 2), (2, 2), channels=1)) <= claimed


@given(cases(ALL, fit=ANY, mode=ANY, pad_side=ANY, border=ANY, scatter=ANY))
@settings(max_examples=100, deadline=None)
def test_touched_tiles_by_slices_are_the_oracles(case: Case) -> None:
    mask = np.random.default_rng(case.seed).integers(0, 9, case.size) == 0
    marked = oracle.touching(case.grid, lambda pixel: bool(mask[pixel]))
    assert touched(case, mask) == marked
