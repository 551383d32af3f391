"""Weight profiles: whole, positive, symmetric, and rounded without a doubt."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from reftiler import Tiler
from reftiler.windows import axis_weights, named_window
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.features import WINDOWS
from reftiler_conformance.oracle.windows import exact

LENGTHS = (*range(1, 601), 1000, 1023, 1024, 2047, 2048, 3001, 4096, 4999, 5000)


@pytest.mark.long
@pytest.mark.parametrize("name", WINDOWS)
def test_profiles_are_those_of_the_definition(name: str) -> None:
    for length in LENGTHS:
        got = named_window(name, length)
        want = np.array(oracle.profile(name, length), np.float64)
        same_bits(np.asarray(got), want)


@pytest.mark.long
@pytest.mark.parametrize("name", ["hann", "gaussian"])
def test_no_weight_is_near_a_tie(name: str) -> None:
    """Float64 errs by some 1e-10 here, so the rounding hangs on no library."""
    nearest = min(
        abs(exact(name, length, i) % 1 - Decimal("0.5"))
        for length in LENGTHS
        for i in range((length + 1) // 2)
    )
    assert nearest > Decimal("1e-7")


def test_profiles_cannot_be_changed_by_their_users() -> None:
    got = named_window("hann", 9)
    with pytest.raises(ValueError, match="read-only"):
        got[0] = 5
    assert named_window("hann", 9)[0] == oracle.profile("hann", 9)[0]


def test_an_axis_has_the_profile_of_its_own_length() -> None:
    got = axis_weights("triangle", (3, 4))
    assert [np.asarray(line).tolist() for line in got] == [[1, 3, 1], [1, 3, 3, 1]]


def test_custom_windows_are_divided_by_their_maximum() -> None:
    tiler = Tiler((2, 3), window=([1, 4], (0.3, 0.1, 0.2)))
    assert tiler.window == ((0.25, 1.0), (1.0, 0.1 / 0.3, 0.2 / 0.3))
    assert all(type(w) is float for line in tiler.window for w in line)
    numpy = Tiler([2], window=[np.array([1, 2.0]).tolist()])
    assert numpy.window == ((0.5, 1.0),)


def test_custom_windows_may_reach_the_largest_ratio() -> None:
    tiler = Tiler([3], window=((1, 2**32, 1),))
    assert tiler.window == ((2.0**-32, 1.0, 2.0**-32),)
    small = Tiler([2], window=((5e-324, 5e-324 * 2**20),))
    assert small.window == ((2.0**-20, 1.0),)
