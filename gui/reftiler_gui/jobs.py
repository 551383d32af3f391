"""Work in the background: progress, cancelling, and no stale results."""

import gc
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal, Slot

from reftiler.errors import TilingError
from reftiler_gui.model.lazy_picture import LazyPicture, compute
from reftiler_gui.model.steps import Work

T = TypeVar("T")
Failed: TypeAlias = Callable[[str], object]
Progress: TypeAlias = Callable[[float], object]

_TURN = 0.001  # seconds that a thread may keep the window waiting, each time it asks
_PAUSE = 0.05  # seconds between two reports of how far a job is
_EVERY = 500  # milliseconds

_keepers: set[int] = set()  # those for whom Python itself does not collect


@dataclass(eq=False)
class _Job:
    name: str
    done: Callable[[Any], object]
    failed: Failed | None
    progress: Progress | None
    cancelled: threading.Event = field(default_factory=threading.Event)


class Jobs(QObject):
    """Jobs by name, run on a pool of threads; a later one replaces that of its name."""

    # All callbacks are called in this object's thread, none after `cancel` or `stop`.
    started = Signal(str)
    progressed = Signal(str, float)
    """The name of a job and the share of it that is done."""
    ended = Signal(str)
    """The name of a job that is done, failed, or was cancelled and not replaced."""
    given_up = Signal(str)
    """The name of a job that somebody did not want any more; after `ended`."""
    failed = Signal(str, str)
    """The name of a job for whose failure nobody asked, and the sentence."""

    _progressed = Signal(int, float)
    _finished = Signal(int, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        sys.setswitchinterval(_TURN)
        self._pool = QThreadPool(self)
        # Checking 3,000 files must leave threads for what is short.
        self._pool.setMaxThreadCount(max(4, self._pool.maxThreadCount()))
        self._tokens = itertools.count()
        self._jobs: dict[int, _Job] = {}
        self._garbage = _MainThreadGC(self.running, self)
        self._stopped = False
        self._progressed.connect(self._on_progressed)
        self._finished.connect(self._on_finished)

    def start(
        self,
        name: str,
        make: Callable[[], T | Work[T]],
        done: Callable[[T], object],
        failed: Failed | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Start a job: ``make`` is called in a thread, `Work` can be cancelled."""
        if self._stopped:
            return
        self._drop(name)
        self._garbage.keep()
        token = next(self._tokens)
        job = self._jobs[token] = _Job(name, done, failed, progress)
        self.started.emit(name)
        self._pool.start(lambda: self._run(token, job.cancelled, make))

    def running(self, name: str | None = None) -> bool:
        """Say whether a job of this name, or any at all, is under way."""
        return any(name in (None, job.name) for job in self._jobs.values())

    def cancel(self, name: str) -> None:
        if self._drop(name):
            self.ended.emit(name)

    def give_up(self, name: str | None = None) -> None:
        """Cancel a job because somebody asks for it; by default all there are."""
        names = {job.name for job in self._jobs.values() if name in (None, job.name)}
        for one in names:
            self.cancel(one)
            self.given_up.emit(one)

    def stop(self) -> None:
        """Cancel all jobs, wait until no thread works any more, and start no others."""
        self._stopped = True  # what hears of an end may ask for more
        for name in {job.name for job in self._jobs.values()}:
            self.cancel(name)
        self._pool.clear()
        self._pool.waitForDone()
        self._garbage.leave()

    def _drop(self, name: str) -> bool:
        tokens = [token for token, job in self._jobs.items() if job.name == name]
        for token in tokens:
            self._jobs.pop(token).cancelled.set()
        return bool(tokens)

    def _run(
        self, token: int, cancelled: threading.Event, make: Callable[[], Any]
    ) -> None:
        """Do the work, in a thread of the pool."""
        try:
            if cancelled.is_set():
                return
            result = make()
            if isinstance(result, Generator):
                result = self._stepped(token, cancelled, result)
        except (TilingError, TypeError) as error:
            self._finished.emit(token, None, str(error))
        except MemoryError:
            self._finished.emit(token, None, "there is not enough memory for this")
        except Exception as error:
            logging.getLogger(__name__).exception("a job failed")
            words = f"this went wrong: {type(error).__name__}: {error}"
            self._finished.emit(token, None, words)
        else:
            self._finished.emit(token, result, "")

    def _stepped(self, token: int, cancelled: threading.Event, work: Work[Any]) -> Any:
        last = 0.0
        while not cancelled.is_set():
            try:
                share = next(work)
            except StopIteration as end:
                return end.value
            if time.monotonic() - last > _PAUSE:
                last = time.monotonic()
                self._progressed.emit(token, share)
        work.close()
        return None

    @Slot(int, float)
    def _on_progressed(self, token: int, share: float) -> None:
        job = self._jobs.get(token)
        if job is not None:
            self.progressed.emit(job.name, share)
            if job.progress is not None:
                job.progress(share)

    @Slot(int, object, str)
    def _on_finished(self, token: int, result: object, words: str) -> None:
        job = self._jobs.pop(token, None)
        if job is None:
            return  # cancelled or replaced meanwhile
        self.ended.emit(job.name)
        if not words:
            job.done(result)
        elif job.failed is not None:
            job.failed(words)
        else:
            self.failed.emit(job.name, words)


class PictureJob(QTimer):
    """Computes what is asked of lazy pictures, as long as more is asked."""

    def __init__(
        self, jobs: Jobs, name: str, arrived: Callable[[], object], failed: Failed
    ) -> None:
        super().__init__(jobs, singleShot=True, interval=0)
        self._jobs, self._name = jobs, name
        self._arrived, self._failed = arrived, failed
        self._pictures: Sequence[LazyPicture] = ()
        self.timeout.connect(self._compute)

    def take(self, pictures: Sequence[LazyPicture]) -> None:
        """Compute these and no others from now on."""
        self.stop()
        self._pictures = pictures
        for picture in pictures:
            picture.asked = self.start

    def _compute(self) -> None:
        pictures = self._pictures
        if not pictures or self._jobs.running(self._name):
            return

        def done(_: None) -> None:
            self._arrived()
            if any(picture.pending for picture in pictures):
                self.start()

        self._jobs.start(
            self._name,
            lambda: compute(pictures),
            done,
            self._failed,
            lambda _: self._arrived(),
        )


class _MainThreadGC(QObject):
    """Collects garbage in the thread in which it lives, between `keep` and `leave`."""

    # Python collects in whatever thread happens to allocate; a widget that dies in a
    # thread of the pool, in a circle of references, takes the program down.

    def __init__(self, working: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._working = working
        self._younger = 0  # collections of younger generations before the last of all
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self._collect)

    def keep(self) -> None:
        """Collect here from now on; call it before a thread begins to work."""
        if not _keepers:
            gc.disable()
            gc.freeze()  # the window: so that a collection takes few milliseconds
        _keepers.add(id(self))
        if not self._timer.isActive():
            self._timer.start()

    def leave(self) -> None:
        """Leave it to Python again; call it when no thread works any more."""
        self._timer.stop()
        _keepers.discard(id(self))
        if not _keepers:
            gc.unfreeze()
            gc.enable()

    def _collect(self) -> None:
        """Collect what is due, as Python would; at rest all: pictures are large."""
        due = [
            number
            for number, (count, most) in enumerate(
                zip(gc.get_count(), gc.get_threshold(), strict=True)
            )
            if count > most
        ]
        if self._working():
            if due:
                gc.collect(due[-1])
            return
        younger = sum(one["collections"] for one in gc.get_stats()[:2])
        if due or younger != self._younger:  # another window may have collected these
            gc.collect()
            self._younger = younger
