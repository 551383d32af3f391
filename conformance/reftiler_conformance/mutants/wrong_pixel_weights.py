"""Wrong weights of pixels, which ``untile`` is given beside the tiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.steps import taken_for
from reftiler_conformance.mutants.tilers import Array, Session, Unchecked
from reftiler_conformance.oracle import merge
from reftiler_conformance.oracle.layout import Index
from reftiler_conformance.oracle.merge import Part, read_weights, weighed
from reftiler_conformance.testdata import BAD_SHAPES, BAD_WEIGHTS

Own = dict[Index, float]

# Of the weight of the window and the given one.
mutants_of(merge, "pixel_product")(
    "weights_ignored, MERGE-035: Weights only tell which tiles take part.",
    lambda window, own: window,
    "weights_for_window, MERGE-035: The given weights take the window's place.",
    lambda window, own: own,
    "weights_single, MERGE-035: The product is a float32.",
    lambda window, own: float(np.float32(window) * np.float32(min(own, 1e30))),
    "weights_added, MERGE-035: The given weight is added to the window's.",
    lambda window, own: window + own,
)
# Of the tiles of a pixel, those before its image's, all weights, and the context.
mutants_of(merge, "weighed")(
    "weights_of_one_image, MERGE-035: The weights of the first image are those of all.",
    lambda taking, lead, own, ahead: weighed(taking, 0, own, ahead),
    "weights_of_one_tile, MERGE-035: The weights of the first tile are those of all.",
    lambda taking, lead, own, ahead: [
        (k, x, own[(0, *x)]) for k, x, _ in weighed(taking, lead, own, ahead)
    ],
    "weights_of_context, MERGE-036: Of tiles with a context the first weights count.",
    lambda taking, lead, own, ahead: weighed(taking, lead, own, (0,) * len(ahead)),
    "zero_for_none, MERGE-037: Where all weights are 0 there are none.",
    lambda taking, lead, own, ahead: weighed(taking, lead, own, ahead) or taking,
)
mutants_of(merge, "read_weights")(
    "weights_in_float32, MERGE-038: Weights are read as float32.",
    lambda given: {at: float(np.float32(w)) for at, w in read_weights(given).items()},
)
mutants_of(Unchecked, "read_case")(
    "weights_reshaped, MERGE-036: Weights of another shape are left out.",
    taken_for(lambda case: case.weights in BAD_SHAPES, weights=None),
    "weights_real_part, MERGE-038: Of complex weights the real part counts.",
    taken_for(lambda case: case.weights_dtype == "complex64", weights_dtype="float64"),
    "weights_clipped, MERGE-039: Weights out of range are taken for ordinary ones.",
    taken_for(lambda case: case.weights in BAD_WEIGHTS, weights="ordinary"),
    "weights_negative, MERGE-039: A negative weight is taken for an ordinary one.",
    taken_for(lambda case: case.weights == "negative", weights="ordinary"),
    "weights_large, MERGE-039: Weights beyond the range are taken.",
    taken_for(lambda case: case.weights == "large", weights="ordinary"),
    "weights_of_others, MERGE-040: With other merges weights have no effect.",
    taken_for(
        lambda case: case.merge not in (None, "mean", "vote") or case.dtype == "bool",
        weights=None,
    ),
    "no_weight_zero, MERGE-037: Pixels in which all weights are 0 become 0.",
    taken_for(lambda case: case.weights == "none" and case.fill is None, fill=0),
)


@mutant(merge, "weighed")
def zero_spreads(
    taking: list[Part], lead: int, own: Own, ahead: Sequence[int]
) -> list[Part]:
    """MERGE-037: A weight of 0 beside others takes part, and its NaN spreads."""
    found = weighed(taking, lead, own, ahead)
    if not found:
        return found
    kept = {k: w for k, _, w in found}
    return [(k, x, kept.get(k, 0.0)) for k, x, _ in taking]


@mutant(Session, "give_result")
def nan_without_weight(self: Session, result: Array) -> Array:
    """MERGE-041: A pixel of NaN alone is filled, as one without weights is."""
    case = self.case
    if case.weights is None or case.nan != "omit" or case.fill is None:
        return result
    if result.dtype.kind != "f":
        return result
    filled = np.array(case.fill, np.float64).astype(result.dtype)
    return np.where(np.isnan(result), filled, result)
