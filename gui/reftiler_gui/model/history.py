"""Undo and redo of the tiling settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from reftiler_gui.model.settings import TilingSettings

__all__ = ["History"]


@dataclass(frozen=True)
class History:
    """
    Settings one after the other, to undo and redo.

    Attributes
    ----------
    now : TilingSettings
        Those that count.
    """

    now: TilingSettings = field(default_factory=TilingSettings)
    past: tuple[TilingSettings, ...] = ()
    future: tuple[TilingSettings, ...] = ()

    def changed(self, settings: TilingSettings, *, merge: bool = False) -> History:
        """Return what is after a change; with ``merge`` undone with the one before."""
        if settings == self.now:
            return self
        past = self.past if merge and self.past else (*self.past, self.now)
        return History(settings, past)

    def undone(self) -> History:
        """Return what is after an undo; nothing changes if there is none."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redone(self) -> History:
        """Return what is after a redo; nothing changes if there is none."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.now), self.future[1:])
