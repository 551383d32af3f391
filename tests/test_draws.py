"""What the kit draws for a subject is within its claims and within SPEC.md."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from reftiler_conformance.cases import Case, parse
from reftiler_conformance.draws import WIDE, cases
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.features import features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile

ALL = features("*", "tile:bfloat16", "untile:bfloat16")
LAST_ONLY = ALL - {"channels_first"} | {"channels_last:only"}
CLAIMS = [ALL, ALL - {"fill"}, LAST_ONLY, ALL - {"unequal", "short", "result"}]


@pytest.mark.long
@pytest.mark.parametrize("claimed", CLAIMS)
@pytest.mark.parametrize("verb", ["tile", "untile"])
def test_every_setting_at_once_is_allowed(claimed: Any, verb: str) -> None:
    needs = needs_to_tile if verb == "tile" else needs_to_untile
    expected = expected_tiles if verb == "tile" else expected_merge

    @given(cases(claimed, verb=verb, **WIDE))
    @settings(max_examples=100, deadline=None)
    def drawn(case: Case) -> None:
        assert needs(case) <= claimed
        assert expected(case).size > 0  # and is not refused
        assert repr(parse(repr(case))) == repr(case)

    drawn()


def test_features_are_what_their_words_say() -> None:
    assert "tile:bfloat16" not in features("tile:*")  # which numpy has not
    assert {"tile:bfloat16", "tile:bool"} <= features("tile:*", "tile:bfloat16")
    assert "channels_first" in features("tile", "channels")
    last = features("tile", "rank:2", "channels", "channels_last:only", "tile:*")
    assert "channels_first" not in last
    assert not needs_to_tile(Case((4, 4), (2, 2), (2, 2), channels=1)) <= last
