"""How strong is the suite? Mutants of reftiler.torch, each put to a quick run's cases.

    pip install -e '.[test]' cosmic-ray
    python conformance/mutate.py

A script, not a test. cosmic-ray makes the mutants; each is judged in a process of its
own by what ``reftiler conform --quick`` asks of ``torch`` and ``torch.autograd``, and
the first failure kills it. Of the many replacements for one operator one is tried, as
``--seed`` draws it; ``--every`` tries all. A mutant that takes too long counts as
neither killed nor survived, nor does one that changes no result: those may be named,
under a reason, in a file ``survivors.txt`` beside this. ``--record`` keeps every
verdict, ``--again`` puts those of a record once more that were not killed, ``--only``
those of some files or lines, ``--stale`` tells what is in ``survivors.txt`` for
nothing, and ``--threads`` says in how many threads a mutant may merge.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path

from reftiler_conformance.mutation.forks import Forks, Verdict
from reftiler_conformance.mutation.jury import Jury
from reftiler_conformance.mutation.mutants import Mutant, mutants, one_of_each
from reftiler_conformance.mutation.readings import Readings

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = ROOT / "conformance" / "survivors.txt"
SUBJECTS = ("torch", "torch.autograd")
PACKAGE = "reftiler.torch"
GOAL = 0.95

THREADS = 2
"""Threads in which each mutant may merge, whatever the machine has."""

# Validation, `apply` and streaming, which no clause is about, and the kernels of CUDA.
SPARED = (
    "__init__.py",
    "validation.py",
    "apply.py",
    "streaming.py",
    "numpy_bridge.py",
    "kernel_cuda.py",
    "triton_kernels.py",
)


def all_mutants() -> list[Mutant]:
    """Return every mutant of what cuts and merges."""
    return list(mutants(ROOT.joinpath(*PACKAGE.split(".")), SPARED))


def chosen(asked: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to be tried, in an order that any part of is a sample."""
    found = all_mutants()
    if asked.again is not None:
        rows = map(json.loads, asked.again.read_text("utf-8").splitlines())
        names = {row["name"] for row in rows if row["outcome"] != "killed"}
        found = [mutant for mutant in found if mutant.name in names]
    elif asked.only:
        wanted = tuple(asked.only)
        found = [m for m in found if m.path.name in wanted or m.place in wanted]
    elif not asked.every:
        found = one_of_each(found, asked.seed)
    random.Random(asked.seed).shuffle(found)
    return found[: asked.most]


def started(threads: int) -> Forks:
    """Draw the cases, and see that what is not mutated passes them."""
    import torch._dynamo  # noqa: PLC0415 - dear to import, so that forks find it there

    torch.set_num_threads(1)  # threads of a process are lost to its forks
    begin = partial(torch.set_num_threads, threads)
    forks = Forks(Jury(SUBJECTS), PACKAGE, begin)
    if words := forks.baseline():
        sys.exit(f"without any mutant, a case fails: {words}")
    print(f"{len(forks.jury.questions)} cases, {sum(forks.costs):.0f} s", flush=True)
    return forks


class Tally:
    """Counts verdicts, and keeps what is to be read."""

    def __init__(self, readings: Readings, record: Path | None) -> None:
        self.readings, self.outcomes = readings, Counter[str]()
        self.unread: list[Mutant] = []
        self._file = record.open("w", encoding="utf-8") if record else None

    def add(self, mutant: Mutant, verdict: Verdict) -> None:
        """Count a verdict; print it unless the mutant was killed."""
        name, outcome = mutant.name, verdict.outcome
        why = self.readings.reasons.get(name, "")
        if outcome == "survived":
            outcome = "equivalent" if why else outcome
        self.outcomes[outcome] += 1
        if outcome != "killed":
            told = filter(None, (*mutant.changed, verdict.words, why))
            print(f"\n{outcome}: {mutant.place} {mutant.operator}", *told, sep="\n  ")
        elif why:
            print(f"\nkilled by {verdict.by}, though {mutant.name!r} was read: {why}")
        if outcome == "survived":
            self.unread.append(mutant)
        if self._file is not None:
            row = {"name": name, "place": mutant.place, "operator": mutant.operator}
            self._file.write(json.dumps(row | asdict(verdict)) + "\n")
            self._file.flush()

    def share(self) -> float:
        """Return how many of those that count were killed."""
        killed = self.outcomes["killed"]
        return killed / max(1, killed + self.outcomes["survived"])

    def report(self) -> None:
        """Print the counts, and what survived as `SURVIVORS` would name it."""
        if self.unread:
            print("\nto be read, and then named under a reason in survivors.txt:\n")
            print(*sorted(mutant.name for mutant in self.unread), sep="\n")
        judged = self.outcomes["killed"] + self.outcomes["survived"]
        print(f"\n{dict(self.outcomes)}: {self.share():.1%} of {judged} killed")


def progress(done: int, many: int, began: float) -> None:
    """Say how far it is, where somebody looks on."""
    if not sys.stderr.isatty():
        return
    took = time.monotonic() - began
    left = took / done * (many - done)
    sys.stderr.write(f"\r{done} of {many}, {took:.0f} s, {left:.0f} s to go ")
    sys.stderr.flush()


def main() -> int:
    """Make the mutants, judge them, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--workers", type=int, default=os.cpu_count() or 1)
    add("--threads", type=int, default=THREADS, help="that a mutant may use")
    add("--seed", type=int, default=0, help="which mutants, and in what order")
    add("--most", type=int, help="try no more than these")
    add("--every", action="store_true", help="all mutants, not one of each operator")
    add("--only", nargs="+", metavar="PLACE", help="files, or FILE:LINE")
    add("--again", type=Path, help="a record: what was not killed is tried again")
    add("--record", type=Path, help="where each verdict is written, as a line of JSON")
    add("--stale", action="store_true", help="only say what survivors.txt has too much")
    asked = parser.parse_args()
    readings = Readings(SURVIVORS)
    if asked.stale:
        print(*readings.stale(all_mutants()), sep="\n")
        return 0
    forks, tried = started(asked.threads), chosen(asked)
    tally, began = Tally(readings, asked.record), time.monotonic()
    print(f"{len(tried)} mutants", flush=True)
    for done, verdict in enumerate(forks.judged(tried, asked.workers), 1):
        tally.add(*verdict)
        progress(done, len(tried), began)
    tally.report()
    return 0 if tally.outcomes["killed"] and tally.share() >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
