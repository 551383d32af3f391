"""A filter of cosmic-ray: keep so many mutants of a session, drawn by a seed.

    python conformance/sample_mutants.py mutation.sqlite --keep 200 --seed 0

The others are marked as skipped, as the filters that come with cosmic-ray do. One
mutant is drawn for each place and kind of change, since the many replacements of one
operator tell little more than one of them; then the sample is drawn from those. What
lets ``zip`` be lax is never kept: lengths that are alike stay so.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import Any

from cosmic_ray.tools.filters.filter_app import FilterApp
from cosmic_ray.work_item import WorkerOutcome, WorkResult


class Sample(FilterApp):  # type: ignore[misc]
    """Keeps a sample of the mutants that nothing has been decided about."""

    def description(self) -> str:
        """Return what ``--help`` says first."""
        return (__doc__ or "").partition("\n")[0]

    def add_args(self, parser: argparse.ArgumentParser) -> None:
        """Add how many are kept, and the seed that draws them."""
        parser.add_argument("--keep", type=int, default=200)
        parser.add_argument("--seed", type=int, default=0)

    def filter(self, work_db: Any, args: argparse.Namespace) -> None:
        """Mark all but a sample as skipped."""
        alike: dict[object, list[Any]] = {}
        pending = list(work_db.pending_work_items)
        for item in sorted(pending, key=lambda item: repr(item.mutations)):
            (mutation,) = item.mutations
            kind = "_".join(mutation.operator_name.split("_")[:2])
            if not _lets_zip_be_lax(mutation):
                place = (mutation.module_path, mutation.start_pos, kind)
                alike.setdefault(place, []).append(item)
        draw = random.Random(args.seed)
        drawn = [draw.choice(items) for items in alike.values()]
        kept = {item.job_id for item in draw.sample(drawn, min(args.keep, len(drawn)))}
        for item in pending:
            if item.job_id not in kept:
                skipped = WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
                work_db.set_result(item.job_id, skipped)
        print(f"{len(kept)} of {len(pending)} mutants are kept")


def _lets_zip_be_lax(mutation: Any) -> bool:
    row, column = mutation.start_pos
    line = Path(mutation.module_path).read_text("utf-8").splitlines()[row - 1]
    return str(line[:column]).endswith("strict=")


if __name__ == "__main__":
    sys.exit(Sample().main())
