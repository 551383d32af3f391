"""A process for each mutant, forked from one that has everything else at hand."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from reftiler_conformance.mutation.jury import Jury
from reftiler_conformance.mutation.mutants import Mutant

LIMIT = 10
"""Seconds of computing that a case may take, as in a run."""

WAIT = 120
"""Seconds that a case may take in all, if it only waits."""

MEMORY = 6 * 2**30
"""Bytes that a mutant may ask for: more is refused, and an error."""


@dataclass(frozen=True)
class Verdict:
    """
    What became of a mutant.

    Parameters
    ----------
    outcome
        ``killed``, ``survived``, ``timed out``, ``no program`` or ``unjudged``.
    by, words
        The clause that killed it, and how.
    """

    outcome: str
    by: str = ""
    words: str = ""


class Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module a source of its own when it is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how the one module is made, and of no other."""
        if fullname != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the mutated source."""
        code = compile(self.mutant.source, str(self.mutant.path), "exec")
        exec(code, module.__dict__)


class Forks:
    """
    Judges mutants, several at a time.

    The cases that killed mutants of the same module come first, then the quick ones.

    Parameters
    ----------
    jury
        Who judges.
    package
        What is mutated; nobody may have imported it.
    begin
        What each process does first.
    """

    def __init__(
        self, jury: Jury, package: str, begin: Callable[[], object] = lambda: None
    ) -> None:
        assert package not in sys.modules, f"{package} must be left to the forks"
        self.jury, self.begin = jury, begin
        self.costs = [0.0] * len(jury.questions)
        self._killers: dict[str, Counter[int]] = defaultdict(Counter)
        gc.freeze()  # what is there is never looked at again, and stays shared

    def baseline(self) -> str:
        """Judge what is not mutated; return what is wrong, which should be nothing."""
        process, pipe = self._fork(None, range(len(self.jury.questions)))
        found = _told(process, pipe)
        self.costs = found.get("costs", self.costs)
        return str(found.get("words", "")) or str(found.get("outcome", ""))

    def judged(
        self, mutants: Iterable[Mutant], workers: int
    ) -> Iterator[tuple[Mutant, Verdict]]:
        """Judge mutants, so many at a time; yield each as it is done."""
        running: dict[int, tuple[Mutant, int]] = {}
        for mutant in mutants:
            if not mutant.compiles():
                yield mutant, Verdict("no program")
                continue
            process, pipe = self._fork(mutant, self._order(mutant))
            running[process] = mutant, pipe
            if len(running) >= workers:
                yield self._ended(running)
        while running:
            yield self._ended(running)

    def _order(self, mutant: Mutant) -> list[int]:
        here, all_ = self._killers[mutant.module], self._killers[""]
        numbers = range(len(self.jury.questions))
        return sorted(numbers, key=lambda n: (-here[n], -all_[n], self.costs[n]))

    def _ended(self, running: dict[int, tuple[Mutant, int]]) -> tuple[Mutant, Verdict]:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        mutant, pipe = running.pop(ended.si_pid)
        found = _told(ended.si_pid, pipe)
        outcome = found.get("outcome", "killed" if found["words"] else "survived")
        if (number := found.get("number")) is None or outcome != "killed":
            return mutant, Verdict(outcome, words=found["words"])
        self._killers[mutant.module][number] += 1
        self._killers[""][number] += 1
        clause = self.jury.questions[number].check.clause
        return mutant, Verdict(outcome, clause, found["words"])

    def _fork(self, mutant: Mutant | None, order: Iterable[int]) -> tuple[int, int]:
        """Begin to judge; return the process, and where it will tell."""
        read, write = os.pipe()
        process = os.fork()
        if process:
            os.close(write)
            return process, read
        try:
            with os.fdopen(write, "wb") as file:
                file.write(json.dumps(self._judge(mutant, order)).encode())
        finally:
            os._exit(0)

    def _judge(self, mutant: Mutant | None, order: Iterable[int]) -> dict[str, Any]:
        """Ask until something is wrong; a signal ends what takes too long."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        self.begin()
        if mutant is not None:
            sys.meta_path.insert(0, Replaced(mutant))
        costs = [0.0] * len(self.jury.questions)
        answers = self.jury.answers(order)
        while True:
            signal.setitimer(signal.ITIMER_PROF, LIMIT)
            signal.setitimer(signal.ITIMER_REAL, WAIT)
            number, words, seconds = next(answers, (None, "", 0.0))
            if number is None:
                return {"words": ""} | ({} if mutant else {"costs": costs})
            costs[number] = round(seconds, 5)
            if words:
                return {"words": words[:1000], "number": number}


def _told(process: int, pipe: int) -> dict[str, Any]:
    """Wait for a process, and return what it told, or how it ended if it did not."""
    with os.fdopen(pipe, "rb") as file:
        text = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if text:
        found: dict[str, Any] = json.loads(text)
        return found
    if -code in (signal.SIGPROF, signal.SIGALRM):
        return {"outcome": "timed out", "words": ""}
    words = f"its process ended with {code}"
    # A crash is the mutant's; an end without a word is the jury's.
    return {"outcome": "killed" if code < 0 else "unjudged", "words": words}
