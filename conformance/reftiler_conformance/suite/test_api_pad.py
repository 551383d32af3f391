"""PAD: extending the image."""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused


@api_clause("PAD-010")
def test_is_checked_always(api: Api) -> None:
    """A pad value that the dtype cannot hold is refused without need."""
    full = api.array(np.zeros((8, 8), np.uint8))
    for value in (0.5, 256, -1):
        tiler = api.Tiler(4, pad_value=value)
        refused(f"pad_value={value} of uint8", tiler.tile, full)


@api_clause("PAD-011")
def test_has_no_effect_elsewhere(api: Api) -> None:
    """A pad value that the dtype cannot hold does not matter where it is not used."""
    short = api.array(np.arange(81, dtype=np.uint8).reshape(9, 9))
    for settings in (
        {"mode": "clamp"},
        {"mode": "even"},
        {"mode": "drop"},
        {"mode": "interpolation"},
        {"pad_mode": "edge"},
    ):
        odd = api.Tiler(4, pad_value=0.5, **settings).tile(short)
        plain = api.Tiler(4, **settings).tile(short)
        same = np.array_equal(api.back(odd), api.back(plain))
        assert same, f"pad_value changes the tiles of {settings}"
