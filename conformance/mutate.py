"""How strong is the suite? Mutants of reftiler.torch, each put to a quick run.

    pip install -e '.[test]' cosmic-ray
    python conformance/mutate.py --workers 2

A script, not a test: it takes most of an hour. cosmic-ray makes the mutants, and a
quick run of ``reftiler conform`` judges each in a copy of the tree. Of the many
replacements for one operator one is tried, drawn by ``--seed``. A mutant whose run does
not end in time counts as neither killed nor survived, nor does one that changes no
result: ``survivors.txt`` beside this names those that were read, and why.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = ROOT / "conformance" / "survivors.txt"
JUDGE = "torch torch.autograd --matrix --quick --fail-fast --device cpu"
GOAL = 0.95
PORT = 9870
SESSION = "mutants.sqlite"
COSMIC_RAY = [sys.executable, "-m", "cosmic_ray.cli"]

# Types are never evaluated, what remembers results changes none, and whether equal
# numbers are one object is Python's affair.
SKIPPED = ("core/ReplaceBinaryOperator_BitOr", "core/RemoveDecorator")
IDENTITY = ("_Is", "_IsNot")

# Doors, and `apply`, which no clause is about.
SPARED = ("__init__.py", "checks.py", "applying.py", "stripe.py", "streaming.py")

CONFIG = """
[cosmic-ray]
module-path = {modules}
timeout = {timeout}
excluded-modules = []
test-command = "{command}"

[cosmic-ray.distributor]
name = "http"

[cosmic-ray.distributor.http]
worker-urls = {urls}
"""


def modules() -> list[str]:
    """Return the modules that tile and merge: not the words at the door."""
    files = sorted((ROOT / "reftiler" / "torch").glob("*.py"))
    return [str(file.relative_to(ROOT)) for file in files if file.name not in SPARED]


def prepare(folder: Path, workers: int, timeout: float) -> Path:
    """Copy the tree for each worker, and make a session of all mutants."""
    for number in range(workers):
        copy = folder / f"tree{number}"
        for package in ("reftiler", "conformance"):
            shutil.copytree(ROOT / package, copy / package)
    urls = [f"http://localhost:{PORT + number}" for number in range(workers)]
    command = f"{sys.executable} -m reftiler.cli conform {JUDGE}"
    text = CONFIG.format(modules=modules(), timeout=timeout, command=command, urls=urls)
    config = folder / "mutants.toml"
    config.write_text(text.replace("'", '"'), encoding="utf-8")
    baseline(folder / "tree0", command)
    cosmic_ray(folder / "tree0", "init", str(config), str(folder / SESSION))
    return config


def baseline(tree: Path, command: str) -> None:
    """Stop if the judge does not even accept what is not mutated."""
    done = subprocess.run(
        command.split(),
        cwd=tree,
        env=environment(tree),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        sys.exit(f"without any mutant, {command} ends with {done.returncode}")


def choose(session: Path, seed: int, most: int) -> int:
    """Keep one mutant of each place and kind of operator; return how many are left."""
    with closing(sqlite3.connect(session)) as base:
        rows = base.execute(
            "SELECT job_id, module_path, operator_name, start_pos_row, start_pos_col "
            "FROM mutation_specs ORDER BY module_path, start_pos_row, start_pos_col, "
            "operator_name, occurrence, job_id"
        ).fetchall()
        places: dict[tuple[str, ...], list[str]] = {}
        for job, module, operator, *place in rows:
            skipped = operator.startswith(SKIPPED) or operator.endswith(IDENTITY)
            if not skipped and not _strict(module, operator, place):
                kind = "_".join(operator.split("_")[:2])
                places.setdefault((module, kind, *map(str, place)), []).append(job)
        draw = random.Random(seed)
        drawn = [draw.choice(jobs) for jobs in places.values()]
        kept = set(draw.sample(drawn, min(most, len(drawn))))
        for job, *_ in rows:
            if job not in kept:
                for table in ("mutation_specs", "work_items"):
                    base.execute(f"DELETE FROM {table} WHERE job_id = ?", (job,))
        base.commit()
    return len(kept)


def _strict(module: str, operator: str, place: Sequence[int]) -> bool:
    """Say whether a mutant only lets zip be lax: lengths that are alike stay so."""
    if operator != "core/ReplaceTrueWithFalse":
        return False
    row, column = place
    line = (ROOT / module).read_text("utf-8").splitlines()[row - 1]
    return line[:column].endswith("strict=")


def run(folder: Path, config: Path, workers: int) -> None:
    """Judge every mutant, each worker in its own copy of the tree."""
    with ExitStack() as stack:
        for number in range(workers):
            tree = folder / f"tree{number}"
            command = [*COSMIC_RAY, "http-worker", "--port", str(PORT + number)]
            process = subprocess.Popen(command, cwd=tree, env=environment(tree))
            stack.callback(process.kill)
        time.sleep(5)  # the workers listen by then
        cosmic_ray(folder / "tree0", "exec", str(config), str(folder / SESSION))


def report(session: Path) -> int:
    """Print the score and everything that was not killed; return the exit code."""
    with closing(sqlite3.connect(session)) as base:
        rows = base.execute(
            "SELECT s.module_path, s.start_pos_row, s.operator_name, r.test_outcome, "
            "r.output, r.diff FROM mutation_specs s JOIN work_results r "
            "ON s.job_id = r.job_id ORDER BY s.module_path, s.start_pos_row"
        ).fetchall()
    outcomes: Counter[str] = Counter()
    known = reasons()
    for module, row, operator, test, output, diff in rows:
        found, why = outcome(test, output or ""), ""
        changed = [line for line in (diff or "").splitlines() if line[:1] in "+-"]
        if found == "survived" and (why := known.get(becomes(module, changed), "")):
            found = "equivalent"
        outcomes[found] += 1
        if found != "killed":
            print(f"\n{found}: {module}:{row} {operator}", *changed[2:], sep="\n  ")
            print(f"  {why}" if why else "", end="\n" if why else "")
    judged = outcomes["killed"] + outcomes["survived"]
    share = outcomes["killed"] / max(1, judged)
    print(f"\n{dict(outcomes)}: {share:.1%} of {judged} killed")
    return 0 if judged and share >= GOAL else 1


def becomes(module: str, changed: list[str]) -> str:
    """Return a mutant as `SURVIVORS` names it: the file, and the line as it became."""
    added = [line[1:] for line in changed if line[0] == "+"][1:]
    return f"{Path(module).name}: {' '.join(' '.join(added).split())}"


def reasons() -> dict[str, str]:
    """Return why each mutant that was read changes no result."""
    found, why = {}, ""
    for line in SURVIVORS.read_text("utf-8").splitlines():
        if line.startswith("## "):
            why = line[3:]
        elif line and not line.startswith("#"):
            found[line] = why
    return found


def outcome(test: str, output: str) -> str:
    """Return what became of a mutant; whatever took too long is neither."""
    if output == "timeout" or "gave no answer in" in output:
        return "timed out"
    return str(test).rpartition(".")[2].lower()


def environment(tree: Path) -> dict[str, str]:
    """Let the copy of the tree come before what is installed."""
    paths = os.pathsep.join([str(tree), str(tree / "conformance")])
    return dict(os.environ) | {"PYTHONPATH": paths, "COLUMNS": "200"}


def cosmic_ray(tree: Path, *words: str) -> None:
    """Run a command of cosmic-ray in a copy of the tree."""
    subprocess.run([*COSMIC_RAY, *words], cwd=tree, env=environment(tree), check=True)


def main() -> int:
    """Make the mutants, judge them, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=90.0, help="seconds a mutant")
    parser.add_argument("--seed", type=int, default=0, help="which mutants are tried")
    parser.add_argument(
        "--most", type=int, default=10**6, help="try no more than these"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reftiler-mutants-") as name:
        folder = Path(name)
        config = prepare(folder, options.workers, options.timeout)
        print(
            f"{choose(folder / SESSION, options.seed, options.most)} mutants",
            flush=True,
        )
        run(folder, config, options.workers)
        return report(folder / SESSION)


if __name__ == "__main__":
    sys.exit(main())
