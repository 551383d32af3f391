"""A benchmark from its wish to its results: what ``reftiler bench`` calls."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from reftiler.bench.contenders import CONTENDERS, find, versions
from reftiler.bench.growth import Growth, grow
from reftiler.bench.limits import limit
from reftiler.bench.machine import describe, has_cuda, usable_cores, using_threads
from reftiler.bench.measuring import Kind, Measure, measure
from reftiler.bench.report import Run
from reftiler.bench.results import Outcome
from reftiler.bench.workloads import QUICK, WORKLOADS, Workload
from reftiler.errors import TilingError

NAMES = list(CONTENDERS)
WORK = [work.name for work in WORKLOADS]

_ROUNDS, _QUICK_ROUNDS = 9, 3


@dataclass(frozen=True)
class Plan:
    """What is measured, and how."""

    kinds: tuple[Kind, ...]
    missing: dict[str, str]
    works: tuple[Workload, ...]
    rounds: int
    threads: int
    device: str
    growth: bool

    def run(self) -> Run:
        """Return what is known before anything is measured."""
        about = describe(self.threads, self.device)
        return Run(about, versions(self.kinds), self.rounds, self.missing)

    def outcomes(self) -> Iterator[Outcome]:
        """Measure one workload after the other."""
        with self._measure() as one:
            for work in self.works:
                yield one(work, self.kinds)

    def grown(self) -> Iterator[Growth]:
        """Measure how cost grows, if that is wished."""
        if self.growth:
            with self._measure() as one:
                yield from grow(self.kinds, one)

    @contextmanager
    def _measure(self) -> Iterator[Measure]:
        held = limit(self.device, self.threads)
        with using_threads(self.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of peers: what matters becomes a mark
            yield partial(measure, limit=held, count=self.rounds, device=self.device)


def plan(  # noqa: PLR0913 - an option each
    *,
    only: Sequence[str] = (),
    workloads: Sequence[str] = (),
    quick: bool = False,
    rounds: int | None = None,
    threads: int | None = None,
    device: str = "cpu",
    growth: bool | None = None,
) -> Plan:
    """
    Find the contenders and choose what they do.

    Raises
    ------
    TilingError
        If the device is not here, or none of the contenders.
    """
    if device == "cuda" and not has_cuda():
        raise TilingError("torch finds no CUDA device here: use --device cpu")
    kinds, missing = find(only or NAMES)
    if not kinds:
        reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise TilingError(f"there is nobody to measure: {reasons}")
    wanted = workloads or (QUICK if quick else WORK)
    return Plan(
        tuple(kinds),
        missing,
        tuple(work for work in WORKLOADS if work.name in wanted),
        rounds or (_QUICK_ROUNDS if quick else _ROUNDS),
        threads or usable_cores(),
        device,
        not (quick or workloads) if growth is None else growth,
    )
