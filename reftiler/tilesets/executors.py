"""Crews: who does the work, this process alone or workers of a dask cluster.

Workers on this machine are a cluster too, of dask's own: it restarts workers that die
and gives their work to others, which a pool of `concurrent.futures` does not.
"""

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, Protocol, TypeVar

from reftiler.errors import TilingError

__all__ = ["SERIAL", "Executor", "Job", "check_dask", "open_executor"]

CONNECT_TIMEOUT = 10
"""Seconds that a scheduler has to answer and to find a worker."""
_AHEAD = 3  # jobs in hand for each thread of a worker: none waits for us


class Job(Protocol):
    """Some work on an image."""

    @property
    def subject(self) -> str:
        """The image, for messages."""
        ...


_FORESEEN = (TilingError, ImportError)
_DEAF = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""  # Ctrl-C is for us to hear, who end the workers

SomeJob = TypeVar("SomeJob", bound=Job)
Result = TypeVar("Result")


class Executor(Protocol):
    """Whoever does the work."""

    def run(
        self, work: Callable[[SomeJob], Result], jobs: Iterable[SomeJob]
    ) -> Iterator[tuple[SomeJob, Result]]:
        """
        Do all jobs and yield each with its result, in any order.

        Raises
        ------
        Exception
            What ``work`` raised.
        TilingError
            A job cannot be done; its subject is named.
        """
        ...


class SerialExecutor:
    """One process that does everything itself."""

    def run(
        self, work: Callable[[SomeJob], Result], jobs: Iterable[SomeJob]
    ) -> Iterator[tuple[SomeJob, Result]]:
        """Do one job after the other."""
        for job in jobs:
            yield job, work(job)


SERIAL = SerialExecutor()


class DaskExecutor:
    """
    The workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(
        self, work: Callable[[SomeJob], Result], jobs: Iterable[SomeJob]
    ) -> Iterator[tuple[SomeJob, Result]]:
        """Do some jobs at a time, never all of a data set."""
        from distributed import as_completed  # noqa: PLC0415 - an extra

        waiting, taken = iter(jobs), {}
        hands = sum(self._client.nthreads().values())
        running = as_completed()

        def take(count: int) -> None:
            for job in islice(waiting, count):
                future = self._client.submit(_attempt, work, job, pure=False)
                taken[future] = job
                running.add(future)

        try:
            take(_AHEAD * hands)
            for future in running:
                job = taken.pop(future)
                yield job, self._result(future, job)
                take(1)
        finally:
            self._client.cancel(list(taken))

    def _result(self, future: Any, job: Job) -> Any:
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        try:
            result = future.result()
        except KilledWorker as error:
            raise TilingError(
                f"{job.subject}: every worker that was given it died; is there enough "
                "memory for a worker each?"
            ) from error
        except (asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            raise TilingError(
                f"{job.subject}: the scheduler was lost while it was being worked on"
            ) from error
        if isinstance(result, _FORESEEN):
            raise result
        return result


@contextmanager
def open_executor(
    workers: int | None = None, scheduler: str | None = None
) -> Iterator[Executor]:
    """
    Hire a executor for the time of a ``with`` statement.

    Parameters
    ----------
    workers : int, optional
        How many processes of this machine.
    scheduler : str, optional
        The address of a running dask scheduler, such as ``tcp://10.0.0.1:8786``. Its
        workers see the same files under the same paths. With neither, this process
        works alone.

    Yields
    ------
    Executor

    Raises
    ------
    ImportError
        There are to be workers, and dask is not installed.
    TilingError
        The scheduler does not answer or has no worker.
    """
    if workers is None and scheduler is None:
        yield SERIAL
        return
    check_dask()
    from distributed import Client  # noqa: PLC0415 - an extra

    with ExitStack() as stack:
        at: Any = scheduler
        if at is None:
            at = stack.enter_context(_cluster(workers))
        try:
            client = stack.enter_context(Client(at, timeout=CONNECT_TIMEOUT))
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            raise TilingError(
                f"no dask scheduler with a worker answers at {scheduler} within "
                f"{CONNECT_TIMEOUT} s: {error}"
            ) from error
        yield DaskExecutor(client)


def _attempt(work: Callable[[SomeJob], Result], job: SomeJob) -> Result | Exception:
    """Do a job; what is foreseen is returned, since dask logs what is raised."""
    try:
        return work(job)
    except _FORESEEN as error:
        return error


def check_dask() -> None:
    """
    Check that workers can be open_executor.

    Raises
    ------
    ImportError
        If dask is not installed; it says what to install.
    """
    try:
        import distributed  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ImportError(
            f'workers need dask: pip install "reftiler[dask]" ({error})'
        ) from error


def _cluster(workers: int | None) -> Any:
    from distributed import LocalCluster  # noqa: PLC0415 - an extra

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        silence_logs=logging.CRITICAL,  # workers that die are replaced: no news
        preload=[_DEAF],
    )
