"""MERGE: what is refused at construction."""

from __future__ import annotations

from reftiler_conformance.probes import asks
from reftiler_conformance.probes.refusal import refused
from reftiler_conformance.protocol import Api


@asks("MERGE-014")
def at_construction(api: Api) -> None:
    """A window with an extreme is refused at construction."""
    for merge in ("max", "min"):
        for window in ("triangle", "hann", "gaussian", ((1.0, 2.0),) * 2):
            what = f"window={window!r} with merge={merge!r}"
            refused(what, api.Tiler, 2, window=window, merge=merge)
        api.Tiler(2, window="box", merge=merge)
