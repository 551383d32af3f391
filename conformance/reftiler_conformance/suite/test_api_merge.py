"""MERGE: what is refused at construction."""

from __future__ import annotations

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused


@api_clause("MERGE-014")
def test_at_construction(api: Api) -> None:
    """A window with an extreme is refused at construction."""
    for merge in ("max", "min"):
        for window in ("triangle", "hann", "gaussian", ((1.0, 2.0),) * 2):
            what = f"window={window!r} with merge={merge!r}"
            refused(what, api.Tiler, 2, window=window, merge=merge)
        api.Tiler(2, window="box", merge=merge)
