"""The process of a subject: how it starts, how long it has, what it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from reftiler_conformance import client, run
from reftiler_conformance.client import Remote
from reftiler_conformance.memory_layouts import LAYOUTS, arranged, with_values_for
from reftiler_conformance.rpc import HarnessError, Request

CASE = "Case(size=(2, 2), tile=(2, 2), stride=(2, 2), channels=1)"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("from tests.strangers import Deaf as Tiler", "does not say what it claims"),
        ("from tests.strangers import Boasts as Tiler", "telepathy"),
        ("import sys; sys.exit(7)", "SystemExit: 7"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import time; time.sleep(1000)", "no answer in 2 s"),
        ("import nothing_there", "No module named 'nothing_there'"),
        ("print('heard', flush=True); import os; os._exit(1)", "heard"),
    ],
)
def test_a_subject_that_does_not_start_is_no_bad_call(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)  # which the other process has too
    monkeypatch.setattr(client, "STARTING", 2.0)
    with pytest.raises(HarnessError, match=message):
        run("imported:Tiler")


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false", "/"])
def test_a_python_that_does_not_run(python: str) -> None:
    with pytest.raises(HarnessError):
        run("numpy", python=python)


def test_asserts_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this Python, whether or not the subject has its own, and in the subject's."""
    for isolated in (True, False):
        here = f"import reftiler_conformance as r; r.run('numpy', isolated={isolated})"
        words = [sys.executable, "-O", "-c", here]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert "HarnessError: Python runs with -O" in done.stderr
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    with pytest.raises(HarnessError, match="-O"):
        run("numpy")


def test_the_subject_s_python_needs_numpy_alone() -> None:
    needless = ("hypothesis", "pytest", "_pytest", "typer", "rich", "yaml")
    code = (
        f"import sys; sys.modules |= dict.fromkeys({needless!r})\n"
        "import reftiler_conformance.worker\n"
        "from reftiler_conformance.api_checks import api_checks\n"
        "assert len(api_checks()) > 50"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_busy_machine_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a processor has more time than what sleeps."""
    ran = iter(range(1, 1000))
    monkeypatch.setattr(client, "_seconds_run", lambda _: next(ran) / 100)
    with closing(Remote("tests.strangers:slow", timeout=0.3)) as remote:
        remote.answer(Request("open", text=CASE))
        answer = remote.answer(Request("tile", array=np.zeros((1, 2, 2), np.float32)))
    assert answer.array.shape == (1, 1, 2, 2)


ASKS = f"""
from contextlib import closing
import numpy as np
from reftiler_conformance.client import Remote
from reftiler_conformance.rpc import Request

with closing(Remote("tests.strangers:slow", timeout=1.0)) as remote:
    remote.answer(Request("open", text="{CASE}"))
    print(remote._process._child.pid, flush=True)
    tile = Request("tile", array=np.zeros((1, 2, 2), np.float32))
    print(remote.answer(tile).array.shape)
"""


def test_a_machine_that_sleeps_is_no_hang() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKS], stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdout is not None
        subject = int(asking.stdout.readline())
        time.sleep(0.2)  # until the tiler is asked
        for sent in (signal.SIGSTOP, signal.SIGCONT):
            os.kill(asking.pid, sent)
            os.killpg(subject, sent)
            time.sleep(1.5 if sent == signal.SIGSTOP else 0)
        assert asking.stdout.read() == "(1, 1, 2, 2)\n"
    assert asking.returncode == 0


def test_layouts_lie_as_they_say() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    lies = {word: arranged(with_values_for(array, word), word) for word in LAYOUTS}
    strides = {"F": (4, 12), "sliced": (64, 8), "negative": (-16, -4)}
    for word, found in (strides | {"broadcast": (0, 4)}).items():
        assert lies[word].strides == found
    assert not lies["unaligned"].flags.aligned
    assert not lies["read-only"].flags.writeable
    assert lies["swapped"].dtype == ">f4"
