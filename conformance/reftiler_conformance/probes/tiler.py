"""TILER: the value."""

from __future__ import annotations

from reftiler_conformance.probes import asks
from reftiler_conformance.protocol import Api


@asks("TILER-001")
def is_immutable(api: Api) -> None:
    """Every setting refuses to be changed."""
    tiler = api.Tiler(4, 2)
    try:
        tiler.stride = (1, 1)
    except AttributeError:
        assert tiler.stride == (2, 2), "a setting was changed"
        return
    raise AssertionError("a setting can be changed after construction")
