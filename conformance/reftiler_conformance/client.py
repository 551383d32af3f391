"""Reaching a subject: in this process, or in one of its own."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import reftiler
from reftiler_conformance.protocol import Subject, Unsupported
from reftiler_conformance.rpc import (
    HEAD,
    MAGIC,
    Answer,
    Died,
    HarnessError,
    Hung,
    Message,
    NotAsked,
    Raised,
    Request,
    pack_request,
    refuse_optimized,
    unpack_answer,
)
from reftiler_conformance.worker import Server

STARTING = 300.0  # seconds a subject may take to be imported
MOST_HANGS = 3  # how often in a row a verb may hang; then nothing more is asked
KEPT = 400  # characters of what is printed that are kept of a call
MOST_PRINTED = 10_000_000  # bytes that a subject may print in a call

_SLICE = 0.25  # seconds that are waited at a time
_CHUNK = 1 << 16

# What a subject frees goes back to the system at once, where the C library is glibc.
_FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_ARENA_MAX": "2"}

_WORKER = """
import sys
sys.path[:] = {paths!r} + {rest}
from reftiler_conformance.worker import serve
serve({name!r})
"""


class Local:
    """A subject in this process: fast, and without protection from it."""

    ended = False

    def __init__(self, subject: Subject) -> None:
        refuse_optimized()
        self._server = Server(subject)

    def answer(self, request: Request) -> Answer:
        """Put a request to the subject."""
        if request.array is not None:
            request = replace(request, array=request.array.copy())
        try:
            return self._server.answer(request)
        except Raised as error:
            if isinstance(error.__cause__, KeyboardInterrupt):  # the user's
                raise error.__cause__ from None
            raise


class Remote:
    """A subject in a process of its own, started anew when it hangs or dies."""

    def __init__(
        self, name: str, python: str | None = None, timeout: float = 10.0
    ) -> None:
        refuse_optimized()
        self.name, self.python, self.timeout = name, python, timeout
        self.ended = False
        """Whether the last call ended the process."""
        self._process: _Process | None = None
        self._hangs: Counter[str] = Counter()
        self._ended_by: set[str] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="reftiler-conform-")

    def close(self) -> None:
        """End the process, and those that it started."""
        self._end()
        self._folder.cleanup()

    def answer(self, request: Request) -> Answer:
        """Put a request; raise as the subject does, or `Hung`, `Died`, `NotAsked`."""
        if max(self._hangs.values(), default=0) >= MOST_HANGS:
            why = f"it hung {MOST_HANGS} times in a row, so it was asked no more"
            raise NotAsked(why)
        if request.verb == "tile_another" and "tile_another" in self._ended_by:
            raise Unsupported("another image ended its process")  # that is dear
        seconds = self.timeout if self._process else STARTING
        process = self._process or self._start()
        self.ended = False
        try:
            process.write(pack_request(request))
            body = process.read_answer(seconds)
        except BaseException as error:  # an interrupt too: what comes is not awaited
            self._end()
            self._ended_by.add(request.verb)
            if isinstance(error, Hung):
                self._hangs[request.verb] += 1
            raise
        self._hangs[request.verb] = 0
        return unpack_answer(body, process.printed())

    def _start(self) -> _Process:
        paths, rest = [path or str(Path.cwd()) for path in sys.path], "[]"
        if self.python is not None:
            # A folder with these two packages, and no other of this Python's.
            folder = Path(self._folder.name)
            for package in (Path(__file__).parent, Path(reftiler.__file__).parent):
                link = folder / package.name
                if not link.exists():
                    link.symlink_to(package, target_is_directory=True)
            paths, rest = [str(folder)], "sys.path"
        code = _WORKER.format(paths=paths, rest=rest, name=self.name)
        self._process = _Process([self.python or sys.executable, "-c", code])
        return self._process

    def _end(self) -> None:
        self.ended = self._process is not None
        if self._process is not None:
            self._process.end()
        self._process = None


class _Process:
    """A process group that answers on one pipe, and prints on another."""

    def __init__(self, command: list[str]) -> None:
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_FRUGAL | os.environ,
                start_new_session=True,
            )
        except OSError as error:
            raise HarnessError(
                f"{command[0]} does not run: {error.strerror}"
            ) from error
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._requests = child.stdin
        self._answers, self._prints = child.stdout.fileno(), child.stderr.fileno()
        os.set_blocking(self._prints, False)
        self._selector = selectors.DefaultSelector()
        for number in (self._answers, self._prints):
            self._selector.register(number, selectors.EVENT_READ)
        self._printed = bytearray()
        self._left, self._ran = 0.0, 0.0

    def write(self, message: Message) -> None:
        """Send a message."""
        self._printed.clear()
        with suppress(BrokenPipeError):  # which whoever waits will learn
            self._requests.writelines(message)
            self._requests.flush()

    def read_answer(self, seconds: float) -> bytearray:
        """Return the body of the next message."""
        self._left = seconds
        try:
            head = self._read(HEAD.size)
            magic, sender, length = HEAD.unpack(head)
            if magic != MAGIC:
                raise HarnessError(
                    f"it wrote into the pipe of the kit's answers: {bytes(head)!r}"
                )
            if sender != self._child.pid:
                raise HarnessError(
                    "a child that it forked came back from the call: end it with "
                    "os._exit"
                )
            body = self._read(length)
        except TimeoutError:
            raise Hung(f"gave no answer in {seconds:g} s") from None
        except EOFError:
            raise Died(self._end_of_process()) from None
        self._drain()
        return body

    def printed(self) -> str:
        """Return the beginning of what was printed since the last request."""
        return self._printed[: 4 * KEPT].decode(errors="replace")[:KEPT]

    def end(self) -> None:
        """End the process and all of its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.kill()
        self._selector.close()
        with suppress(BrokenPipeError), self._child:
            pass  # closes the pipes and waits

    def _end_of_process(self) -> str:
        """Return how the process ended, and the last line that it printed."""
        code = self._child.wait()
        self._drain()
        lines = self._printed[-KEPT:].decode(errors="replace").splitlines()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"its process ended with {how}" + "".join(f": {x}" for x in lines[-1:])

    def _read(self, count: int) -> bytearray:
        """Read so many bytes, or raise EOFError or, out of patience, TimeoutError."""
        body = bytearray(count)
        rest = memoryview(body)
        while rest:
            if self._ready():
                got = os.readv(self._answers, [rest])
                if not got:
                    raise EOFError
                rest = rest[got:]
        return body

    def _ready(self) -> bool:
        """Wait a slice of the time that is left; say whether there is more to read.

        A clock goes on while a machine sleeps, and the subject does not: so slices are
        counted, and less where other processes do not let the subject run.
        """
        events = self._selector.select(min(_SLICE, self._left))
        ready = {key.fd for key, _ in events}
        if self._prints in ready:
            self._drain()
        if self._answers in ready:
            return True
        if not events:  # as long as the process ran in it, if it did
            before, self._ran = self._ran, _seconds_run(self._child.pid)
            ran = self._ran - before
            self._left -= min(max(ran, _SLICE / 4), _SLICE) if ran > 0 else _SLICE
            if self._left <= 0:
                raise TimeoutError
            if self._child.poll() is not None:  # and a child of it holds the pipe
                raise EOFError
        return False

    def _drain(self) -> None:
        """Take what was printed."""
        with suppress(BlockingIOError, KeyError):  # nothing now, or never again
            while chunk := os.read(self._prints, _CHUNK):
                self._printed += chunk
                if len(self._printed) > MOST_PRINTED:
                    raise HarnessError(
                        f"it printed more than {MOST_PRINTED:,} bytes in one call, so "
                        "it was ended: let it print less"
                    )
            self._selector.unregister(self._prints)


def _seconds_run(process: int) -> float:
    """Return the seconds that a process ran, where the system tells; else 0."""
    try:
        words = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2]
    except OSError:
        return 0.0
    return sum(map(int, words.split()[11:13])) / os.sysconf("SC_CLK_TCK")
