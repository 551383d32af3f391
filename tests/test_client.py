"""The process beside a subject: how long its answers are waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from reftiler_conformance.client import Remote
from reftiler_conformance.exchange import Hung, Request

CASE = "Case(size=(2, 2), tile=(2, 2), stride=(2, 2), channels=1)"

ASKS = f"""
import numpy as np
from reftiler_conformance.client import Remote
from reftiler_conformance.exchange import Request

with Remote("tests.strangers:Slow", timeout=1.0) as remote:
    remote.answer(Request("open", text="{CASE}", device="cpu"))
    coming = remote.begin(Request("tile", array=np.zeros((1, 2, 2), np.float32)))
    print("asked", flush=True)
    print(coming().array.shape)
"""


def test_a_machine_that_sleeps_is_no_hang() -> None:
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKS],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asked\n"
        os.killpg(asking.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.killpg(asking.pid, signal.SIGCONT)
        assert asking.stdout.read() == "(1, 1, 2, 2)\n"
    assert asking.returncode == 0


def test_patience_comes_to_an_end() -> None:
    image = np.zeros((1, 2, 2), np.float32)
    with Remote("tests.strangers:Hangs", timeout=0.6) as remote:
        remote.answer(Request("open", text=CASE, device="cpu"))
        began = time.monotonic()
        with pytest.raises(Hung, match=r"no answer in 0\.6 s"):
            remote.answer(Request("tile", array=image))
    assert time.monotonic() - began > 0.5
