"""Reaching a subject: in this process, or in one of its own."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

import reftiler
from reftiler_conformance.exchange import (
    Answer,
    Broken,
    Died,
    HarnessError,
    Hung,
    Request,
)
from reftiler_conformance.host import Host
from reftiler_conformance.patience import Patience
from reftiler_conformance.protocol import Info, Subject, Unsupported
from reftiler_conformance.wire import (
    HEAD,
    Message,
    length_of,
    pack_request,
    unpack_answer,
)

STARTING = 300.0
"""Seconds a subject may take to be imported."""

# What a subject frees goes back to the system at once, where the C library is glibc.
_FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_ARENA_MAX": "2"}


class Local:
    """A subject in this process: fast, and without protection from it."""

    ended = False

    def __init__(self, subject: Subject) -> None:
        self._host = Host(subject)

    def answer(self, request: Request) -> Answer:
        """Put a request to the subject."""
        return self._host.answer(request)

    def begin(self, request: Request) -> Callable[[], Answer]:
        """Return what puts a request to the subject."""
        return partial(self.answer, request)


class Remote:
    """
    A subject in a process of its own, started anew when it hangs or dies.

    Parameters
    ----------
    name
        As `reftiler_conformance.host.load` takes it.
    python
        The Python to run it with; None means this one.
    timeout
        Seconds that the answer to a call is waited for.
    """

    def __init__(
        self, name: str, python: str | None = None, timeout: float = 10.0
    ) -> None:
        self.name, self.python, self.timeout = name, python, timeout
        self.ended = False
        """Whether the last call ended the process."""
        self._process: subprocess.Popen[bytes] | None = None
        self._awaited: Callable[[], Answer] | None = None
        self._paths = tempfile.TemporaryDirectory(prefix="reftiler-conform-")

    def __enter__(self) -> Remote:
        """Return the client; the process starts with the first request."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self._end()
        self._paths.cleanup()

    def info(self) -> Info:
        """
        Return who the subject is.

        Raises
        ------
        HarnessError
            If it cannot be imported or does not say.
        """
        try:
            return Info(**self.answer(Request("info")).value)
        except (Broken, TypeError, ValueError) as error:
            raise HarnessError(
                f"{self.name} does not say who it is: {error}"
            ) from error

    def answer(self, request: Request) -> Answer:
        """
        Put a request to the subject.

        Raises
        ------
        Hung, Died
            If no answer comes in time, or none can come any more.
        Unsupported, Raised, WrongType, HarnessError
            As the subject's host says.
        """
        return self.begin(request)()

    def begin(self, request: Request) -> Callable[[], Answer]:
        """
        Put a request to the subject, and return what waits for the answer.

        Whoever asks has time for something else meanwhile. An answer that nobody waited
        for is dropped before the next request.
        """
        if self._awaited is not None:
            with suppress(Broken, Unsupported, HarnessError):
                self._awaited()
        starting = self._process is None
        process = self._process or self._start()
        self.ended = False
        message = pack_request(request)
        patience = Patience(STARTING if starting else self.timeout)
        with suppress(BrokenPipeError):  # which whoever waits will learn
            _write(process, message)
        self._awaited = partial(self._end_of, process, patience)
        return self._awaited

    def _end_of(self, process: subprocess.Popen[bytes], patience: Patience) -> Answer:
        """Wait for the answer to the last request."""
        self._awaited = None
        try:
            length = length_of(_read(process, HEAD, patience))
            body = _read(process, length, patience)
        except (BrokenPipeError, EOFError):
            code = process.wait()
            self._end()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise Died(f"its process ended with {how}") from None
        except TimeoutError:
            self._end()
            raise Hung(f"gave no answer in {self.timeout:g} s") from None
        return unpack_answer(body)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [self.python or sys.executable, "-m"]
        command += ["reftiler_conformance.worker", self.name]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environment(),
            )
        except OSError as error:
            raise HarnessError(
                f"{command[0]} does not run: {error.strerror}"
            ) from error
        return self._process

    def _environment(self) -> dict[str, str]:
        """Let another Python see these two packages, and no other of this one's."""
        environment = _FRUGAL | os.environ
        if self.python is None:
            return environment
        folder = Path(self._paths.name)
        for package in (Path(__file__).parent, Path(reftiler.__file__).parent):
            link = folder / package.name
            if not link.exists():
                link.symlink_to(package, target_is_directory=True)
        environment["PYTHONPATH"] = str(folder)
        return environment

    def _end(self) -> None:
        self.ended = self._process is not None
        if self._process is None:
            return
        self._process.kill()
        with suppress(BrokenPipeError), self._process:
            pass  # closes the pipes and waits
        self._process = None


def _write(process: subprocess.Popen[bytes], message: Message) -> None:
    assert process.stdin is not None
    process.stdin.writelines(message)
    process.stdin.flush()


def _read(
    process: subprocess.Popen[bytes], count: int, patience: Patience
) -> bytearray:
    """Read so many bytes, or raise EOFError or, out of patience, TimeoutError."""
    assert process.stdout is not None
    number, body = process.stdout.fileno(), bytearray(count)
    rest = memoryview(body)
    with selectors.DefaultSelector() as selector:
        selector.register(number, selectors.EVENT_READ)
        while rest:
            if not patience.lasts(selector):
                raise TimeoutError
            got = os.readv(number, [rest])
            if not got:
                raise EOFError
            rest = rest[got:]
    return body
