"""A benchmark from its options to its results: what ``reftiler bench`` calls."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from reftiler.errors import TilingError
from reftiler_conformance.bench import sysinfo
from reftiler_conformance.bench.bandwidth import CudaBandwidth, HostBandwidth
from reftiler_conformance.bench.implementations import (
    LIBRARIES,
    Libraries,
    find,
    versions,
)
from reftiler_conformance.bench.measure import Measure, measure
from reftiler_conformance.bench.report import BenchRun
from reftiler_conformance.bench.results import Outcome
from reftiler_conformance.bench.scaling import SweepResult, measure_scaling
from reftiler_conformance.bench.workloads import QUICK, WORKLOADS, Workload

NAMES = list(LIBRARIES)
WORK = [work.name for work in WORKLOADS]

_ROUNDS, _QUICK_ROUNDS = 9, 3


@dataclass(frozen=True)
class BenchPlan:
    """What is measured, and how."""

    libraries: Libraries
    missing: dict[str, str]
    works: tuple[Workload, ...]
    rounds: int
    threads: int
    device: str
    growth: bool
    busy: int
    startup: bool

    def run(self) -> BenchRun:
        """Return what is known before anything is measured."""
        about = sysinfo.describe(self.threads, self.device, self.busy)
        return BenchRun(about, versions(self.libraries), self.rounds, self.missing)

    def outcomes(self) -> Iterator[Outcome]:
        """Measure one workload after the other."""
        with self._measure(self.busy) as measured:
            for work in self.works:
                yield measured(work, self.libraries)

    def scaling(self) -> Iterator[SweepResult]:
        """Measure how cost grows, if that is asked for."""
        if self.growth:
            with self._measure(busy=0) as measured:
                yield from measure_scaling(self.libraries, measured)

    @contextmanager
    def _measure(self, busy: int) -> Iterator[Measure]:
        cuda = self.device == "cuda"
        bandwidth = CudaBandwidth() if cuda else HostBandwidth(self.threads)
        with sysinfo.using_threads(self.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of peers: what matters becomes a caveat
            yield partial(
                measure,
                bandwidth=bandwidth,
                rounds=self.rounds,
                device=self.device,
                busy=busy,
            )


def plan(  # noqa: PLR0913 - an option each
    *,
    only: Sequence[str] = (),
    workloads: Sequence[str] = (),
    quick: bool = False,
    rounds: int | None = None,
    threads: int | None = None,
    device: str = "cpu",
    growth: bool | None = None,
    busy: int = 0,
    startup: bool = False,
) -> BenchPlan:
    """Find the libraries and choose what they do; raise where there are none."""
    if device == "cuda" and not sysinfo.has_cuda():
        raise TilingError("torch finds no CUDA device here: use --device cpu")
    libraries, missing = find(only or NAMES)
    if not libraries:
        reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise TilingError(f"there is nothing to measure: {reasons}")
    wanted = workloads or (QUICK if quick else WORK)
    return BenchPlan(
        libraries,
        missing,
        tuple(work for work in WORKLOADS if work.name in wanted),
        rounds or (_QUICK_ROUNDS if quick else _ROUNDS),
        threads or sysinfo.usable_cores(),
        device,
        not (quick or workloads) if growth is None else growth,
        busy,
        startup,
    )
