"""The process beside a subject: ``python -m reftiler_conformance.worker SUBJECT``.

Requests come on standard input and answers go to standard output; both are moved out of
the subject's reach first, so that what it prints is seen and breaks nothing.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from typing import IO

from reftiler_conformance.exchange import Broken, HarnessError
from reftiler_conformance.host import Host, load
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.wire import (
    HEAD,
    Message,
    length_of,
    pack_answer,
    pack_error,
    unpack_request,
)

KEPT = 400
"""Characters of what is printed that are kept."""


class Prints:
    """What the subject writes to its standard streams, file descriptors included."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open
        for stream in (1, 2):
            os.dup2(self._file.fileno(), stream)

    def take(self) -> str:
        """Return what was written since the last time."""
        sys.stdout.flush()
        sys.stderr.flush()
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        text = self._file.read(min(size, 4 * KEPT)).decode(errors="replace")
        self._file.seek(0)
        self._file.truncate()
        return text[:KEPT]


def serve(name: str) -> None:
    """Answer requests until there are no more."""
    requests: io.BufferedReader = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    prints = Prints()
    try:
        host = Host(load(name))
    except HarnessError as error:
        _send(answers, pack_error(error, prints.take()))
        return
    while head := requests.read(HEAD):
        body = bytearray(length_of(head))
        requests.readinto(body)
        _send(answers, _answered(host, body, prints))


def _answered(host: Host, body: bytearray, prints: Prints) -> Message:
    try:
        answer = host.answer(unpack_request(body))
    except (Unsupported, Broken, HarnessError) as error:
        return pack_error(error, prints.take())
    object.__setattr__(answer, "printed", prints.take())
    return pack_answer(answer)


def _send(answers: IO[bytes], message: Message) -> None:
    answers.writelines(message)
    answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
