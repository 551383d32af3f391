"""Undo and redo of the tiling settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from reftiler_gui.model.form_settings import FormSettings

__all__ = ["UndoStack"]


@dataclass(frozen=True)
class UndoStack:
    """
    Settings one after the other, to undo and redo.

    Attributes
    ----------
    now : FormSettings
        Those that count.
    """

    now: FormSettings = field(default_factory=FormSettings)
    past: tuple[FormSettings, ...] = ()
    future: tuple[FormSettings, ...] = ()

    def changed(self, settings: FormSettings, *, merge: bool = False) -> UndoStack:
        """Return what is after a change; with ``merge`` undone with the one before."""
        if settings == self.now:
            return self
        past = self.past if merge and self.past else (*self.past, self.now)
        return UndoStack(settings, past)

    def undone(self) -> UndoStack:
        """Return what is after an undo; nothing changes if there is none."""
        if not self.past:
            return self
        return UndoStack(self.past[-1], self.past[:-1], (self.now, *self.future))

    def redone(self) -> UndoStack:
        """Return what is after a redo; nothing changes if there is none."""
        if not self.future:
            return self
        return UndoStack(self.future[0], (*self.past, self.now), self.future[1:])
