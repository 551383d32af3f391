"""``python -m reftiler_conformance.mutants``: which mutants are caught, by which seeds.

It ends with 1 if a mutant is missed by a seed, or if a sound tiler fails.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from reftiler_conformance.clauses import UNCHECKED
from reftiler_conformance.mutants.catalogue import SOUND, mutants
from reftiler_conformance.mutants.hunt import EXAMPLES, Hunt


def main() -> int:
    """Hunt with many seeds and print the table."""
    parser = argparse.ArgumentParser(prog="python -m reftiler_conformance.mutants")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("names", nargs="*", help="of mutants; nothing means all")
    asked = parser.parse_args()
    if unknown := sorted({*asked.names} - {*mutants()}):
        parser.error(f"no such mutant: {', '.join(unknown)}")
    names = asked.names or sorted(mutants())
    seeds = range(asked.first, asked.first + asked.seeds)
    missed, unsound = defaultdict[str, list[int]](list), []
    with ProcessPoolExecutor(asked.processes) as pool:
        hunted = pool.map(partial(hunted_by, names, asked.examples), seeds)
        for start, (lost, wrong) in zip(seeds, hunted, strict=True):
            unsound += wrong
            for name in lost:
                missed[name].append(start)
            print(f"seed {start}: {len(names) - len(lost)} of {len(names)}", flush=True)
    for name, at in sorted(missed.items()):
        found = mutants()[name]
        why = " (no check yet)" if found.clause in UNCHECKED else ""
        print(f"{name}: {found.clause} missed by seeds {at}{why}: {found.sentence}")
    print(*unsound, sep="\n")
    print(
        f"{len(names) - len(missed)} of {len(names)} mutants are caught by every seed"
    )
    return int(bool(missed or unsound))


def hunted_by(
    names: list[str], examples: int, start: int
) -> tuple[list[str], list[str]]:
    """Return which mutants a seed misses, and what sound tilers fail."""
    hunt = Hunt(start, examples)
    lost = [name for name in names if not hunt.caught_by(mutants()[name])]
    return lost, [f"{sound.name}: {w}" for sound in SOUND for w in hunt.unsound(sound)]


if __name__ == "__main__":
    sys.exit(main())
