"""What is right for a case is remembered by its text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reftiler_conformance.cases import Case
from reftiler_conformance.expected import expected_merge, expected_tiles

SHORT = Case(size=(3,), tile=(4,), stride=(4,), pad_value=0)
SPARSE = Case(size=(5,), tile=(2,), stride=(2,), mode="drop", fill=0)


def test_recipes_that_python_calls_equal_are_told_apart() -> None:
    """0 equals -0.0, and only one of the two has the sign."""
    minus = replace(SHORT, pad_value=-0.0)
    assert minus == SHORT
    signs = [bool(np.signbit(expected_tiles(c)[0, 3])) for c in (SHORT, minus)]
    assert signs == [False, True]
    minus = replace(SPARSE, fill=-0.0)
    assert minus == SPARSE
    signs = [bool(np.signbit(expected_merge(c)[4])) for c in (SPARSE, minus)]
    assert signs == [False, True]


def test_what_is_remembered_cannot_be_spoiled() -> None:
    with pytest.raises(ValueError, match="read-only"):
        expected_tiles(SHORT)[0, 0] = 1
