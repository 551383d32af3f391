"""Images that do not fit a block or a cache: fast tilers take other ways there.

The definition is too slow for them: they are judged by slices of numpy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.suite.pieces import pieces_agree
from reftiler_conformance.suite.test_dense import slices_agree

MEAN = ("merge:mean", "exact")

LARGE = (
    Case(size=(400, 600), tile=(100, 200), stride=(50, 100), channels=1),
    Case(size=(600, 960), tile=(120, 240), stride=(60, 80), channels=1, dtype="uint8"),
    Case(size=(521, 437), tile=(41, 37), stride=(40, 25), channels=1),
    Case(size=(150_100,), tile=(1000,), stride=(300,), channels=1),
    Case(size=(50, 60, 70), tile=(20, 30, 30), stride=(10, 10, 20), channels=1),
    # More channels and images than fit a block together.
    Case(size=(96, 96), tile=(32, 32), stride=(16, 16), channels=12, batch=2),
    # A stretch of rows that falls into blocks of unlike heights.
    Case(size=(394, 1203), tile=(263, 603), stride=(131, 200), channels=1),
)
HUGE = (
    # More than reftiler.torch merges at a time: what is open is carried on, twice, …
    Case(size=(200, 3000), tile=(90, 60), stride=(30, 60), channels=1),
    # … tall tiles are cut in pieces, …
    Case(size=(290, 2000), tile=(290, 600), stride=(290, 200), channels=1),
    # … and so are pixels of one tile, many or far across, …
    Case(size=(900, 900), tile=(100, 100), stride=(90, 90), channels=1),
    Case(size=(1700, 400), tile=(1500, 400), stride=(1400, 400), channels=1),
    # … and planes of a volume, and signals; …
    Case(
        size=(1, 800, 660),
        tile=(1, 300, 90),
        stride=(1, 100, 85),
        channels=1,
        mode="clamp",
    ),
    Case(size=(600_000,), tile=(9000,), stride=(4000,), channels=1),
    # … and a row of tiles is more than it converts at a time.
    Case(size=(8, 1200), tile=(8, 400), stride=(8, 2), channels=1),
    Case(size=(40, 30), tile=(9, 8), stride=(5, 4), channels=120, batch=4),
)
"""None of more than six megabytes of tiles, which both processes hold."""

DENSE = (
    Case(size=(24, 24), tile=(6, 6), stride=(2, 2), channels=1),
    Case(size=(30,), tile=(6,), stride=(1,), channels=1),
)
"""Every pixel but the corners lies in several tiles."""


@clause("TILE-001", only=LARGE)
def test_pieces_of_a_large_frame(run: CaseRun) -> None:
    """Tiles of a large image are its slices."""
    pieces_agree(run)


@clause("MERGE-003", verb="untile", needs=MEAN, only=(*LARGE, *HUGE))
def test_sums_of_a_large_image(run: CaseRun) -> None:
    """Means of a large image are sums of float64 over tiles in ascending order."""
    slices_agree(run, replace(run.case, content="random").tiles())


@clause("MERGE-003", verb="untile", needs=MEAN, only=(*DENSE, LARGE[0]))
def test_sums_begin_with_minus_zero(run: CaseRun) -> None:
    """Where all tiles are −0.0, so is their mean."""
    case = run.case
    if case.numpy_dtype.kind != "f":
        return
    got = run.untile(np.full(case.tiles_shape, -0.0, case.numpy_dtype)).array
    if not np.signbit(got).all():
        lost = int((~np.signbit(got)).sum())
        raise Mismatch(f"{lost} of {got.size} are 0.0, should be -0.0")
