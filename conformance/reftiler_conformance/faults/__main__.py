"""``python -m reftiler_conformance.faults``: which faults are found, by how many seeds.

For each fault and seed it stops at the first clause that fails. It ends with 1 if some
fault is never found, or if the sound tiler fails.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable

from reftiler_conformance.faults.catalogue import faults
from reftiler_conformance.faults.hunt import EXAMPLES, Hunt
from reftiler_conformance.faults.pins import row


def main() -> int:
    """Hunt with many seeds and print the table."""
    parser = argparse.ArgumentParser(prog="python -m reftiler_conformance.faults")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--all", action="store_true", help="all clauses, not one")
    parser.add_argument("--pins", action="store_true", help="all, as tests pin them")
    asked = parser.parse_args()
    whole = asked.all or asked.pins
    caught: dict[str, Counter[str]] = {name: Counter() for name in faults()}
    seeds = Counter[str]()
    unsound: list[str] = []
    for start in range(asked.first, asked.first + asked.seeds):
        hunt = Hunt(start, asked.examples)
        unsound += hunt.unsound
        for name, fault in faults().items():
            found = hunt.broken(fault) if whole else {hunt.first(fault)} - {""}
            caught[name].update(found)
            seeds[name] += bool(found)
        _say([f"seed {start}: {sum(map(bool, caught.values()))} of {len(caught)}"])
    table = _pins(caught, asked.seeds) if asked.pins else None
    _say(table or _table(caught, seeds, asked.seeds))
    _say(unsound)
    return int(bool(unsound) or any(not seeds[name] for name in caught))


def _table(
    caught: dict[str, Counter[str]], seeds: Counter[str], most: int
) -> Iterable[str]:
    """Return a row for each fault: in how many seeds, and by which clauses."""
    for name in sorted(caught, key=lambda name: seeds[name]):
        by = ", ".join(f"{clause} {n}" for clause, n in sorted(caught[name].items()))
        yield f"{name:20} {seeds[name]:3}/{most}  {by}"
    worst = min(caught, key=lambda name: seeds[name])
    every = sum(seeds[name] == most for name in caught)
    yield f"{every} of {len(caught)} faults are found by every seed"
    yield f"the worst is {worst}, found by {seeds[worst]} of {most} seeds"


def _pins(caught: dict[str, Counter[str]], most: int) -> Iterable[str]:
    """Return a row for each fault, as `reftiler_conformance.faults.pins` reads it."""
    for name, counts in sorted(caught.items()):
        yield row(name, counts, most)


def _say(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
