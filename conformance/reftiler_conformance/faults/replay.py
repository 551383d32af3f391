"""Asking a fault what the sound tiler was asked, to see whether it answers alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.case_run import Client
from reftiler_conformance.exchange import Answer, Broken, Raised, Request
from reftiler_conformance.protocol import Unsupported

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Entry:
    """A request, what its arrays held before, and what was answered."""

    request: Request
    array: Array | None
    out: Array | None
    seen: object

    def renew(self) -> None:
        """Give the request's arrays back what they held."""
        _restore(self.request.array, self.array)
        _restore(self.request.out, self.out)


class Recorder:
    """A client that remembers what it was asked, and what was answered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.entries: list[Entry] = []

    def answer(self, request: Request) -> Answer:
        """Put a request to the subject."""
        before = _kept(request.array), _kept(request.out)
        try:
            answer = self.client.answer(request)
        except Broken as error:
            self.entries.append(Entry(request, *before, _error(error)))
            raise
        self.entries.append(Entry(request, *before, _seen(answer, request)))
        return answer

    def begin(self, request: Request) -> Callable[[], Answer]:
        """Return what puts a request to the subject."""
        return partial(self.answer, request)


def alike(entries: list[Entry], client: Client) -> bool:
    """Say whether a subject answers as is written down, so that it passes too."""
    try:
        return all(_again(entry, client) == entry.seen for entry in entries)
    except Unsupported:
        return False
    finally:
        for entry in entries:
            entry.renew()


def _again(entry: Entry, client: Client) -> object:
    entry.renew()
    try:
        return _seen(client.answer(entry.request), entry.request)
    except Broken as error:
        return _error(error)


def _seen(answer: Answer, request: Request) -> object:
    """Return all that a check can see of an answer."""
    value = answer.value
    if isinstance(value, np.ndarray):
        value = value.dtype, value.shape, value.tobytes()
    out = None if request.out is None else request.out.tobytes()
    flags = answer.changed, answer.shares, answer.contiguous
    more = answer.writeable, answer.given_back, answer.printed
    return repr((value, out, flags, more))


def _error(error: Broken) -> object:
    kinds = error.kinds if isinstance(error, Raised) else type(error)
    return repr((kinds, str(error)))


def _kept(array: Array | None) -> Array | None:
    return None if array is None else array.copy()


def _restore(array: Array | None, kept: Array | None) -> None:
    if array is not None and kept is not None and array.flags.writeable:
        np.copyto(array, kept)
