"""A run that is stopped: an exit code that says so, and no record that looks whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.check import checks
from reftiler_conformance.client import Local
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.reports import jsonlines
from reftiler_conformance.search import Search
from reftiler_conformance.wrapped import Wrapped
from tests.strangers import Plain


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
    running.send_signal(sent)
    out, err = running.communicate(timeout=30)
    assert running.returncode == code, err
    assert "Traceback" not in err
    assert "conforms" not in out
    with pytest.raises(jsonlines.RecordError, match="not complete: it has no footer"):
        jsonlines.read(record)
    assert not list(tmp_path.glob("*.xml"))


@pytest.mark.parametrize("error", [KeyError("odd"), SystemExit(143)])
def test_what_stops_a_search_is_asked_no_more(error: BaseException) -> None:
    """Hypothesis would try again, and find the harness flaky."""
    asked = 0

    def stumbles_once(_: CaseRun) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise error

    found = next(c for c in checks() if c.name == "pieces_of_the_frame")
    check = replace(found, judge=stumbles_once)
    client = Local(Wrapped(Plain))
    search = Search(check, client, frozenset(Plain.features), "cpu")
    kind = SystemExit if isinstance(error, SystemExit) else HarnessError
    with pytest.raises(kind):
        search.run(9, 0)
    assert asked == 2
