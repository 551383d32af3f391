"""`import reftiler` loads numpy and the standard library, and nothing else."""

import subprocess
import sys

PROBE = """
import sys
import numpy
before = set(sys.modules)
{statement}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(loaded - set(sys.stdlib_module_names) - {{"numpy", "reftiler"}}))
"""


def foreign_modules(statement: str) -> list[str]:
    """Return what a statement loads in a fresh process beyond what it may."""
    probe = PROBE.format(statement=statement)
    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    return run.stdout.split()


def test_import_needs_numpy_alone() -> None:
    assert foreign_modules("import reftiler") == []


def test_verbs_load_nothing_more() -> None:
    work = (
        "import reftiler, numpy; t = reftiler.Tiler(4, 2, window='hann'); "
        "x = numpy.ones((3, 9, 7)); t.untile(t.tile(x), x.shape)"
    )
    assert foreign_modules(work) == []
