"""How long to wait for an answer."""

from __future__ import annotations

from selectors import BaseSelector

SLICE = 0.25
"""Seconds that are waited at a time."""


class Patience:
    """
    So many seconds of waiting, counted in slices.

    A clock goes on while a machine sleeps or is held up, and the subject does not. So
    no clock is read: however long it sleeps, that costs one slice.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def lasts(self, selector: BaseSelector) -> bool:
        """Wait until there is something to read; say whether it came in time."""
        while not selector.select(min(SLICE, self.left)):
            self.left -= SLICE
            if self.left <= 0:
                return False
        return True
