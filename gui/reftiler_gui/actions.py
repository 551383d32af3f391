"""All that one can do, in one table: menus, toolbar, keys and lists come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

__all__ = ["ActionRegistry", "ActionSpec"]


@dataclass(frozen=True)
class ActionSpec:
    """
    Something to do.

    Attributes
    ----------
    name : str
        Unique; code calls it by this name.
    menu, text : str
        Where it stands and what it is called there.
    keys : tuple of str
        Keys as Qt writes them; the first is shown.
    do : callable
        What happens; of a switch, called with whether it is on.
    on : bool or None
        Of a switch, whether it is on at first; None for what is no switch.
    tip : str
        What it does, where the text does not say it.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...]
    do: Callable[..., object]
    on: bool | None = None
    tip: str = ""


class ActionRegistry:
    """
    The entries and their actions.

    Parameters
    ----------
    window : QWidget
        Where the keys work.
    """

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self.entries: list[ActionSpec] = []
        self.actions: dict[str, QAction] = {}

    def add(self, entries: Iterable[ActionSpec]) -> None:
        """Add entries; a name or a key that is taken is an error."""
        for entry in entries:
            taken = {key for one in self.entries for key in one.keys}
            if entry.name in self.actions or taken & set(entry.keys):
                raise ValueError(f"{entry.name} or one of {entry.keys} is taken")
            self.entries.append(entry)
            self.actions[entry.name] = self._action(entry)

    def menus(self) -> dict[str, list[QAction]]:
        """Return the actions by menu, in the order in which they were added."""
        found: dict[str, list[QAction]] = {}
        for entry in self.entries:
            found.setdefault(entry.menu, []).append(self.actions[entry.name])
        return found

    def _action(self, entry: ActionSpec) -> QAction:
        action = QAction(entry.text, self._window)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        key = f" ({keys_words(entry)})" if entry.keys else ""
        action.setToolTip((entry.tip or entry.text.rstrip("…")) + key)
        action.setStatusTip(entry.tip)
        if entry.on is None:
            do = entry.do
            action.triggered.connect(lambda _=False: do())
        else:
            action.setCheckable(True)
            action.setChecked(entry.on)
            action.toggled.connect(entry.do)
        self._window.addAction(action)
        return action


def keys_words(entry: ActionSpec) -> str:
    """Write the keys of an entry as they stand on the keyboard."""
    form = QKeySequence.SequenceFormat.NativeText
    return " or ".join(QKeySequence(key).toString(form) for key in entry.keys)
