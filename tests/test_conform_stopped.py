"""A run that is stopped: an exit code that says so, and no record that looks whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reftiler_conformance import jsonlines
from tests.test_client import ends


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
)
def test_a_run_that_is_stopped(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    words = ("conform", "tests.strangers:Slow", "--clauses", "SIZE,TILE", "--quick")
    running = subprocess.Popen(
        [sys.executable, "-m", "reftiler.cli", *words, "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    record = tmp_path / "tests.strangers-Slow.jsonl"
    until = time.monotonic() + 60
    while not record.exists() or record.read_text("utf-8").count('"result"') < 1:
        assert time.monotonic() < until
        time.sleep(0.1)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
    running.send_signal(sent)
    out, err = running.communicate(timeout=30)
    assert running.returncode == code, err
    assert "Traceback" not in err
    assert "conforms" not in out
    with pytest.raises(jsonlines.RecordError, match="no footer"):
        jsonlines.read(record)
    assert not list(tmp_path.glob("*.md"))
    assert children
    for child in children.split():
        assert ends(Path(f"/proc/{child}/stat"))
