"""The process of a subject: whatever it does there, the kit is told and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from reftiler_conformance import client
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, as_dtype, parse
from reftiler_conformance.client import Remote
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED, features
from reftiler_conformance.memory_layouts import LAYOUTS, arranged, with_values_for
from reftiler_conformance.rpc import (
    Answer,
    Broken,
    Died,
    HarnessError,
    Hung,
    NotAsked,
    Request,
)
from tests.strangers import Plain

CASE = "Case(size=(2, 2), tile=(2, 2), stride=(2, 2), channels=1)"
TILE = Request("tile", array=np.zeros((1, 2, 2), np.float32))


@contextmanager
def opened(name: str, timeout: float = 10.0) -> Iterator[Remote]:
    """Open a session of one of `tests.strangers` in a process of its own."""
    with Remote(f"tests.strangers:{name}", timeout=timeout) as remote:
        remote.answer(Request("open", text=CASE))
        yield remote


def tiled(remote: Remote) -> Answer:
    remote.answer(Request("open", text=CASE))
    return remote.answer(TILE)


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [
        ("Dies", "Died", "signal 11"),
        ("LeavesChildren", "Died", "exit code 3"),
        ("Exits", "Raised", "SystemExit: 7"),
        ("Odd", "Raised", "BaseException: of no kind"),
        ("Unspeakable", "Raised", "MuteError: .*RecursionError"),
        ("Objects", "WrongType", "Python objects"),
        ("Lists", "WrongType", "list"),
        ("Boundless", "WrongType", "bytes"),
        ("Scribbles", "HarnessError", "pipe.*scribble"),
        ("Floods", "HarnessError", "printed more than"),
    ],
)
def test_no_answer(name: str, kind: str, word: str) -> None:
    with opened(name) as remote:
        for _ in range(2):  # the second time in a new process
            with pytest.raises(Exception, match=word) as caught:
                tiled(remote)
            assert type(caught.value).__name__ == kind


def test_a_child_that_comes_back_is_told() -> None:
    with opened("Forks") as remote, pytest.raises(HarnessError, match="forked"):
        _ = [tiled(remote) for _ in range(3)]


def test_children_end_with_the_process() -> None:
    with (
        opened("LeavesChildren") as remote,
        pytest.raises(Died, match="child") as caught,
    ):
        remote.answer(TILE)
    child = int(str(caught.value).split()[-1])
    assert ends(Path(f"/proc/{child}/stat"))


def ends(stat: Path) -> bool:
    """Say whether a process ends within five seconds."""
    until = time.monotonic() + 5
    while (
        stat.exists() and stat.read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    ):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_what_unsettles_a_process_stays_in_it() -> None:
    with opened("Unsettles") as remote:
        for _ in range(2):
            assert tiled(remote).array.shape == (1, 1, 2, 2)


def test_prints_are_kept_and_capped() -> None:
    with opened("Prints") as remote:
        assert remote.answer(TILE).printed == "busy tiling"


def test_patience_comes_to_an_end() -> None:
    """A verb that hangs again and again is asked no more, nor is anything else."""
    with opened("Hangs", timeout=0.6) as remote:
        for _ in range(client.MOST_HANGS):
            began = time.monotonic()
            with pytest.raises(Hung, match=r"no answer in 0\.6 s"):
                tiled(remote)
            assert time.monotonic() - began > 0.5
        with pytest.raises(NotAsked, match="3 times"):
            remote.answer(Request("open", text=CASE))


def test_a_busy_machine_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a processor has more time than what sleeps."""
    ran = iter(range(1, 1000))
    monkeypatch.setattr(client, "_seconds_run", lambda _: next(ran) / 100)
    with opened("Slow", timeout=0.3) as remote:
        assert tiled(remote).array.shape == (1, 1, 2, 2)


def test_another_image_that_ends_the_process() -> None:
    """It is no fault of the merge that is asked next."""
    with Remote("tests.strangers:DiesOfAnother") as remote:
        case = parse(CASE)
        run = CaseRun(case, remote, frozenset(Plain.features))
        run.reopen()
        assert not run.tile_another(case.image()[:, :1])
        run.merge_agrees()


ASKS = f"""
import numpy as np
from reftiler_conformance.client import Remote
from reftiler_conformance.rpc import Request

with Remote("tests.strangers:Slow", timeout=1.0) as remote:
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


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("import sys; sys.exit(7)", "SystemExit: 7"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import time; time.sleep(1000)", "no answer in 2 s"),
        ("import nothing_there", "No module named 'nothing_there'"),
        ("print('heard', flush=True); import os; os._exit(1)", "heard"),
    ],
)
def test_an_import_that_fails(
    source: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this process can import, the other finds too."""
    (tmp_path / "imported.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(client, "STARTING", 2.0)
    errors = (Broken, HarnessError)
    with Remote("imported:Tiler") as remote, pytest.raises(errors, match=word):
        remote.answer(Request("info"))


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false", "/"])
def test_a_python_that_does_not_run(python: str) -> None:
    errors = (Broken, HarnessError)
    with Remote("numpy", python) as remote, pytest.raises(errors):
        remote.answer(Request("info"))


def test_asserts_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this Python and in the subject's."""
    here = "from reftiler_conformance.client import Remote; Remote('numpy')"
    done = subprocess.run(
        [sys.executable, "-O", "-c", here], capture_output=True, text=True, check=False
    )
    assert "HarnessError: Python runs with -O" in done.stderr
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    with Remote("numpy") as remote, pytest.raises(HarnessError, match="-O"):
        remote.answer(Request("info"))


def test_the_subject_s_python_needs_numpy_alone() -> None:
    needless = ("hypothesis", "pytest", "_pytest", "typer", "rich", "yaml")
    code = (
        f"import sys; sys.modules |= dict.fromkeys({needless!r})\n"
        "import reftiler_conformance.worker\n"
        "from reftiler_conformance.api_checks import api_checks\n"
        "assert len(api_checks()) > 50"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def numpy() -> Iterator[Remote]:
    with Remote("numpy") as remote:
        yield remote


@pytest.mark.parametrize("dtype", [*NUMBERS[:-1], *ODD, *SWAPPED])
def test_arrays_cross_in_every_layout(dtype: str, numpy: Remote) -> None:
    """The tiles of a tiler that is right are right, whatever the memory."""
    case = Case((3, 4), (2, 3), (2, 2), channels=2, dtype=dtype)
    run = CaseRun(case, numpy, features("*"))
    for memory in LAYOUTS:
        run.reopen()
        got = run.tiles_agree(memory=memory)
        assert (got.dtype == as_dtype(dtype)) or memory == "swapped"


def test_layouts_lie_as_they_say() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    lies = {word: arranged(with_values_for(array, word), word) for word in LAYOUTS}
    assert not lies["F"].flags.c_contiguous
    assert lies["sliced"].strides == (64, 8)
    assert lies["negative"].strides == (-16, -4)
    assert lies["broadcast"].strides == (0, 4)
    assert not lies["unaligned"].flags.aligned
    assert not lies["read-only"].flags.writeable
    assert lies["swapped"].dtype == ">f4"
    values = {word: found.tolist() for word, found in lies.items()}
    assert values.pop("broadcast") == [array[0].tolist()] * 3
    assert set(map(str, values.values())) == {str(array.tolist())}
