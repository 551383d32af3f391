"""Reaching a subject: in this process, or in one of its own."""

from __future__ import annotations

from reftiler_conformance.exchange import Answer, Request
from reftiler_conformance.host import Host
from reftiler_conformance.protocol import Subject


class Local:
    """A subject in this process: fast, and without protection from it."""

    def __init__(self, subject: Subject) -> None:
        self._host = Host(subject)

    def answer(self, request: Request) -> Answer:
        """Put a request to the subject."""
        return self._host.answer(request)
