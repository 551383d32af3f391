"""Executors: run tasks in this process, in processes of this machine, or on dask.

Processes of this machine talk with us through pipes: nothing listens on a socket. A
`concurrent.futures.ProcessPoolExecutor` ends with the first worker that dies, and does
not say which task it was at.
"""

import asyncio
import concurrent.futures
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias, TypeVar

from reftiler.errors import TilingError, missing_extra

CONNECT_TIMEOUT = 10
"""Seconds that a scheduler has to answer and to find a worker."""
_AHEAD = 3  # tasks in hand for each thread of a dask worker: none waits for us
_ATTEMPTS = 3  # workers that may die of a task
_FORESEEN = (TilingError, ImportError)


class Task(Protocol):
    """Some work on an image."""

    @property
    def subject(self) -> str:
        """The image, for messages."""
        ...


SomeTask = TypeVar("SomeTask", bound=Task)
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs tasks."""

    def run(
        self, work: Callable[[SomeTask], Result], tasks: Iterable[SomeTask]
    ) -> Iterator[tuple[SomeTask, Result]]:
        """Do all tasks and yield each with its result, in any order."""
        ...


class SerialExecutor:
    """Runs tasks in this process, one after the other."""

    def run(
        self, work: Callable[[SomeTask], Result], tasks: Iterable[SomeTask]
    ) -> Iterator[tuple[SomeTask, Result]]:
        """Do one task after the other."""
        for task in tasks:
            yield task, work(task)


SERIAL = SerialExecutor()


class LocalExecutor:
    """Processes of this machine, which end with us; those that die are replaced."""

    def __init__(self, workers: int) -> None:
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._workers = [_Worker(self._answers) for _ in range(workers)]

    def run(
        self, work: Callable[[SomeTask], Result], tasks: Iterable[SomeTask]
    ) -> Iterator[tuple[SomeTask, Result]]:
        """Give each worker a task at a time."""
        waiting, again, deaths = iter(tasks), list[SomeTask](), Counter[int]()

        def give(worker: _Worker) -> None:
            worker.give(work, again.pop() if again else next(waiting, None))

        try:
            for worker in self._workers:
                give(worker)
            while any(worker.task is not None for worker in self._workers):
                worker, process, result = self._answers.get()
                if process is not worker.process:
                    continue  # one that was killed
                task = worker.task
                if isinstance(result, _Died):
                    worker.restart()
                    deaths[id(task)] += 1
                    _refuse_deadly(task, deaths[id(task)])
                    again.append(task)
                give(worker)
                if isinstance(result, Exception):
                    raise result
                if not isinstance(result, _Died):
                    yield task, result
        finally:
            for worker in self._workers:
                if worker.task is not None:  # its result is wanted no more
                    worker.restart()

    def close(self) -> None:
        """End the workers, whatever they are at."""
        for worker in self._workers:
            worker.kill()


def _refuse_deadly(task: Task, deaths: int) -> None:
    if deaths >= _ATTEMPTS:
        raise TilingError(
            f"{task.subject}: {deaths} workers that were given it died; is there "
            "enough memory for a worker each?"
        )


class _Died:
    """The answer of a worker that is no more."""


_Answer: TypeAlias = "tuple[_Worker, subprocess.Popen[bytes], Any]"

# Programs that are run otherwise than as a file, and scripts without a guard, could
# not be started anew by `multiprocessing`; -P keeps the working folder out of imports.
_PROGRAM = """\
import pickle, sys
try:
    sys.path[:] = pickle.load(sys.stdin.buffer)
except EOFError:  # our parent has ended already
    sys.exit()
from reftiler.tilesets.executors import serve
serve()
"""


class _Worker:
    """A process, and the task that it has. What it answers goes to a queue."""

    def __init__(self, answers: "SimpleQueue[_Answer]") -> None:
        self._answers = answers
        self.task: Any = None
        self._start()

    def _start(self) -> None:
        # In a session of its own it does not hear Ctrl-C, which is for us.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._send(sys.path)
        threading.Thread(target=self._listen, args=[self.process], daemon=True).start()

    def restart(self) -> None:
        self.kill()
        self.task = None
        self._start()

    def give(self, work: Any, task: Any) -> None:
        self.task = task
        if task is not None:
            self._send((work, task))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        with suppress(OSError):  # what it was to read is not wanted
            self.process.communicate(timeout=1)

    def _send(self, value: Any) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # it died, and the listener says so
            self.process.stdin.write(pickle.dumps(value))
            self.process.stdin.flush()

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with suppress(Exception):  # the end of the pipe, or of half an answer
            while True:
                self._answers.put((self, process, pickle.load(process.stdout)))
        self._answers.put((self, process, _Died()))


def serve() -> None:
    """Do the tasks that come through stdin; end at once when that ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    tasks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=[tasks], daemon=True).start()
    while True:
        work, task = tasks.get()
        try:
            answer = pickle.dumps(work(task))
        except Exception as error:  # noqa: BLE001 - our parent raises it
            answer = _pickled(error)
        answers.write(answer)
        answers.flush()


def _receive(tasks: "SimpleQueue[Any]") -> None:
    try:
        while True:
            tasks.put(pickle.load(sys.stdin.buffer))
    finally:
        os._exit(0)  # our parent has ended, or ends us


def _pickled(error: Exception) -> bytes:
    try:
        data = pickle.dumps(error)
        pickle.loads(data)
    except Exception:  # noqa: BLE001 - some errors are made of what cannot be sent
        return pickle.dumps(TilingError(f"{type(error).__name__}: {error}"))
    return data


class DaskExecutor:
    """The workers of a cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(
        self, work: Callable[[SomeTask], Result], tasks: Iterable[SomeTask]
    ) -> Iterator[tuple[SomeTask, Result]]:
        """Do some tasks at a time, never all of a data set."""
        from distributed import as_completed  # noqa: PLC0415 - an extra

        waiting, taken = iter(tasks), {}
        threads = sum(self._client.nthreads().values())
        running = as_completed(loop=self._client.loop)

        def take(count: int) -> None:
            for task in islice(waiting, count):
                future = self._client.submit(_attempt, work, task, pure=False)
                taken[future] = task
                running.add(future)

        try:
            take(_AHEAD * threads)
            for future in running:
                task = taken.pop(future)
                yield task, self._result(future, task)
                take(1)
        finally:
            self._client.cancel(list(taken))

    def _result(self, future: Any, task: Task) -> Any:
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        try:
            result = future.result()
        except KilledWorker as error:
            raise TilingError(
                f"{task.subject}: every worker that was given it died; is there enough "
                "memory for a worker each?"
            ) from error
        except (asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            raise TilingError(
                f"{task.subject}: the scheduler was lost while it was being worked on"
            ) from error
        if isinstance(result, _FORESEEN):
            raise result
        return result


@contextmanager
def open_executor(
    workers: int | None = None, scheduler: str | None = None
) -> Iterator[Executor]:
    """Start workers, or connect to a dask scheduler, for a ``with`` statement's time.

    The scheduler's workers see the same files under the same paths, and whoever can
    reach it can run code on them. With neither, this process works alone.
    """
    if scheduler is not None:
        client = _connect(scheduler)
        try:
            yield DaskExecutor(client)
        finally:
            client.close(timeout=1)
    elif workers is None:
        yield SERIAL
    else:
        executor = LocalExecutor(workers)
        try:
            yield executor
        finally:
            executor.close()


def _attempt(work: Callable[[SomeTask], Result], task: SomeTask) -> Result | Exception:
    """Do a task; what is foreseen is returned, since dask logs what is raised."""
    try:
        return work(task)
    except _FORESEEN as error:
        return error


def check_dask() -> None:
    """Raise ImportError if dask is not installed; it says what to install."""
    try:
        import distributed  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("a scheduler needs dask", "dask", error) from error


def _connect(scheduler: str) -> Any:
    """Connect, in a thread: a port that accepts and stays silent is waited for."""
    check_dask()
    found: list[Any] = []

    def connect() -> None:
        from distributed import Client  # noqa: PLC0415 - an extra

        try:
            client = Client(scheduler, timeout=CONNECT_TIMEOUT, set_as_default=False)
            found.append(client)
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
            found.append(None)
        except Exception as error:  # noqa: BLE001 - OSError, ValueError, TimeoutError, …
            found.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_TIMEOUT)
    if len(found) == 2 and found[1] is None:
        return found[0]
    cause = next((one for one in found if isinstance(one, Exception)), "it is silent")
    raise TilingError(
        f"no dask scheduler with a worker answers at {scheduler} within "
        f"{CONNECT_TIMEOUT} s: {cause}"
    )
