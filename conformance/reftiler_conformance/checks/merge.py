"""MERGE: putting back."""

from __future__ import annotations

from reftiler_conformance.draws import FLOATS
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial


@check("MERGE-001", verb="untile", overlap=("some",), dtype=FLOATS, content=("random",))
def the_mean(trial: Trial) -> None:
    """A pixel of several tiles is their mean."""
    trial.merge_agrees()
