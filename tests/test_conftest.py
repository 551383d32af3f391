"""CI fails when a part of the suite did not run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import unexcused


def test_only_what_ci_cannot_have_is_excused() -> None:
    reasons = [
        "Skipped: needs CUDA: unverified here",
        "Skipped: no torch",
        "needs anomalib",
    ]
    assert unexcused(reasons) == ["no torch"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [("no torch", 1), ("needs CUDA", 0), ("needs spam", 0), ("needs eggs", 1)],
)
def test_a_silent_skip_fails_in_ci(tmp_path: Path, reason: str, code: int) -> None:
    here = Path(__file__).parent
    (tmp_path / "conftest.py").write_text((here / "conftest.py").read_text("utf-8"))
    (tmp_path / "test_it.py").write_text(
        f"import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip({reason!r})\n"
    )
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:pytest-qt"]
    command = [sys.executable, "-m", "pytest", *options, "."]
    environment = {"CI": "1", "PATH": "", "REFTILER_WITHOUT": "ham spam"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, check=False)
    assert run.returncode == code
