"""How mutants are judged: each in a process of its own, whatever it does there."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from reftiler_conformance.mutation.mutants import Mutant, mutants, one_of_each
from reftiler_conformance.mutation.readings import Readings

SOUND = """
import numpy as np


def cut(image, high, wide):
    rows, columns = image.shape[0] // high, image.shape[1] // wide
    squares = image.reshape(rows, high, columns, wide)
    return squares.swapaxes(1, 2).reshape(-1, high, wide).copy()
"""

ADAPTER = """
from reftiler_conformance import Info


class Session:
    def __init__(self, case):
        self.case = case

    def tile(self, image):
        from torchlike.cutting import cut

        return cut(image, *self.case.tile)


class Subject:
    def info(self):
        words = ("tile", "rank:2", "plain", "unequal", "tile:float32", "tile:uint8")
        return Info("torchlike", "1", words)

    def open(self, case, device):
        return Session(case)
"""

JUDGES = """
import json, os, sys
from pathlib import Path
from reftiler_conformance.mutation import forks
from reftiler_conformance.mutation.jury import Jury
from reftiler_conformance.mutation.mutants import Mutant

path = Path("torchlike/cutting.py")


class Written(Mutant):
    @property
    def source(self):
        before, after = self.operator.split(" -> ")
        return path.read_text().replace(before, after)


forks.LIMIT = 1
begin = lambda: os.environ.update(BEGUN="yes")
found = forks.Forks(Jury(["torchlike_adapter:Subject"]), "torchlike", begin)
told = {"baseline": found.baseline()}
made = [Written("torchlike.cutting", path, o, 0, 7, 0) for o in json.loads(sys.argv[1])]
for mutant, verdict in found.judged(made, 2):
    told[mutant.operator] = [verdict.outcome, verdict.by, verdict.words]
print(json.dumps(told))
"""

LAST = "    return squares"


def first(statement: str) -> str:
    """Return the change that does something else before it returns."""
    return f"{LAST} -> {statement}\n{LAST}"


FATES = {
    "swapaxes(1, 2) -> swapaxes(2, 1)": "survived",
    ".copy() -> [::-1].copy()": "killed",
    first("    __import__('os').environ['BEGUN']"): "survived",
    "import numpy as np -> import nothing_such": "killed",
    first("    __import__('os').kill(__import__('os').getpid(), 11)"): "killed",
    first("    while True: pass"): "timed out",
    first("    __import__('os')._exit(1)"): "unjudged",
    "rows, -> rows,,": "no program",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Judge all of `FATES` in a process that may fork."""
    folder = tmp_path_factory.mktemp("mutation")
    (folder / "torchlike").mkdir()
    (folder / "torchlike" / "__init__.py").touch()
    (folder / "torchlike" / "cutting.py").write_text(SOUND, encoding="utf-8")
    (folder / "torchlike_adapter.py").write_text(ADAPTER, encoding="utf-8")
    command = [sys.executable, "-c", JUDGES, json.dumps(list(FATES))]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_what_is_not_mutated_passes(told: dict[str, list[str]]) -> None:
    assert told["baseline"] == ""  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("change", FATES)
def test_what_becomes_of_a_mutant(told: dict[str, list[str]], change: str) -> None:
    outcome, by, words = told[change]
    assert outcome == FATES[change]
    if change.startswith(".copy"):
        # The quickest case that sees it speaks: which one that is, the clock decides.
        assert by in {"TILE-001", "TILE-002", "TILE-004", "LAYOUT-008"}
        assert ", should " in words


def test_mutants_are_made_and_named(tmp_path: Path) -> None:
    if find_spec("cosmic_ray") is None:
        pytest.skip("needs cosmic-ray: .ci/run has it in a step of its own")
    package = tmp_path / "torchlike"
    package.mkdir()
    (package / "cutting.py").write_text(SOUND, encoding="utf-8")
    (package / "spared.py").write_text("one = 1 + 1\n", encoding="utf-8")
    made = list(mutants(package, ["spared.py"]))
    assert {mutant.path.name for mutant in made} == {"cutting.py"}
    names = [mutant.name for mutant in made]
    line = "cutting.py: squares = image.reshape(rows, high, columns, wide)"
    assert not any(name == line for name in names)
    assert len(one_of_each(made, 0)) < len(made)
    assert one_of_each(made, 0) == one_of_each(made, 0)
    assert all(len(mutant.changed) == 2 for mutant in made)


def test_readings_that_nothing_becomes_are_stale(tmp_path: Path) -> None:
    class Named(Mutant):
        name = "cutting.py: one = 2"

    path = tmp_path / "survivors.txt"
    path.write_text(
        "# about\n\n## no matter\n\ncutting.py: one = 2\ncutting.py: two = 3\n",
        encoding="utf-8",
    )
    readings = Readings(path)
    assert readings.reasons["cutting.py: one = 2"] == "no matter"
    made = [Named("torchlike.cutting", Path("cutting.py"), "", 0, 1, 0)]
    assert readings.stale(made) == ["cutting.py: two = 3"]
