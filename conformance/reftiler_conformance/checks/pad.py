"""PAD: extending the image."""

from __future__ import annotations

from reftiler_conformance.draws import ANY
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

BEYOND = ("longer", "short")


@check("PAD-006", fit=BEYOND, pad_mode=("edge",), pad_side=ANY)
def edge(trial: Trial) -> None:
    """Padding repeats the image's edge."""
    trial.tiles_agree(by="numbers")
