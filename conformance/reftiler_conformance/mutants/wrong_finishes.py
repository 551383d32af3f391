"""Wrong finishes: of other blocks, or of what the function returned."""

from __future__ import annotations

import numpy as np

from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.narrowings import has_fill
from reftiler_conformance.mutants.steps import taken_for
from reftiler_conformance.mutants.tilers import Array, Session
from reftiler_conformance.oracle import finish
from reftiler_conformance.oracle.finish import Function, block_of, finished

mutants_of(finish, "finished")(
    "finish_ignored, FINISH-001/FINISH-003: `finish` has no effect.",
    lambda merged, layout, last, function: merged,
    "finish_of_first, FINISH-001: All images become what the first one becomes.",
    lambda merged, layout, last, function: finished(
        np.stack([merged[0]] * len(merged)) if layout.batch else merged,
        *(layout, last, function),
    ),
)
mutants_of(finish, "block_of")(
    "finish_of_float64, FINISH-002: Blocks are float64, whatever the result is.",
    lambda pixel, rank, last, merged: block_of(pixel, rank, last, merged).astype(
        np.float64
    ),
    "finish_reversed, FINISH-001: The channels of a block are in reverse.",
    lambda pixel, rank, last, merged: block_of(
        dict(zip(pixel, [*pixel.values()][::-1], strict=True)), rank, last, merged
    ),
    "finish_squeezed, FINISH-002: A single channel is no axis of a block.",
    lambda pixel, rank, last, merged: block_of(
        {None: pixel[0]} if len(pixel) == 1 and 0 in pixel else pixel,
        *(rank, last, merged),
    ),
)
mutants_of(Session, "read_case")(
    "finish_before_fill, FINISH-002: Pixels of no tile are zero in a block.",
    taken_for(lambda case: has_fill(case) and bool(case.finish), fill=0),
)


@mutant(finish, "made_of")
def finish_in_place(block: Array, function: Function) -> Array:
    """FINISH-005: What the function leaves in its block is the result."""
    found = function(block)
    alike = found.shape == block.shape and found.dtype == block.dtype
    return block if alike else found


@mutant(Session, "give_result")
def finish_cast(self: Session, result: Array) -> Array:
    """FINISH-003/FINISH-001: The result has the dtype of what was merged."""
    return result.astype(self.case.result_dtype) if self.case.finish else result


@mutant(finish, "made_of")
def finish_keeps_channels(block: Array, function: Function) -> Array:
    """FINISH-003/FINISH-001: Where no channels are returned there is one."""
    found = function(block)
    return found[np.newaxis] if found.ndim < block.ndim else found
