"""The registry of actions, from which menus, toolbar, keys and lists are made."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class ActionSpec:
    """An action of the window."""

    name: str  # unique; code finds the action by it
    menu: str
    text: str
    keys: tuple[str, ...]  # keys as Qt writes them; the first is shown
    # called when it is triggered; if it can be checked, with whether it is
    do: Callable[..., object]
    on: bool | None = None  # whether it is checked; None if it cannot be
    tip: str = ""  # what it does, where the text does not say it
    # {"", "canvas", "zoom", "layers", "overlays", "seams", "image", "docks"}: what the
    # view in front must have, or else the action is off: a canvas, something to zoom,
    # all layers, those that other canvases have too, the seams of results, the defects
    # of the open image, the docks
    needs: str = ""
    separator: bool = False  # whether the menu has a line before it


class ActionRegistry:
    """Actions by name."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._disabled: set[str] = set()
        self._offered: Collection[str] = ()
        self.entries: list[ActionSpec] = []
        self.actions: dict[str, QAction] = {}

    def add(self, entries: Iterable[ActionSpec]) -> None:
        """Add actions; a name or a key that is taken is an error."""
        for entry in entries:
            taken = {key for one in self.entries for key in one.keys}
            if entry.name in self.actions or taken & set(entry.keys):
                raise ValueError(f"{entry.name} or one of {entry.keys} is taken")
            self.entries.append(entry)
            self.actions[entry.name] = self._action(entry)
        self.offer(self._offered)

    def enable(self, name: str, on: bool) -> None:
        """Switch an action on or off, as far as the view in front offers it."""
        (self._disabled.discard if on else self._disabled.add)(name)
        self.offer(self._offered)

    def offer(self, offered: Collection[str]) -> None:
        self._offered = offered
        for entry in self.entries:
            on = not entry.needs or entry.needs in offered
            self.actions[entry.name].setEnabled(on and entry.name not in self._disabled)

    def _action(self, entry: ActionSpec) -> QAction:
        action = QAction(entry.text, self._window)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        key = f" ({keys_text(entry)})" if entry.keys else ""
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


def keys_text(entry: ActionSpec) -> str:
    """Return the keys of an action as they are written on the keyboard."""
    form = QKeySequence.SequenceFormat.NativeText
    return " or ".join(QKeySequence(key).toString(form) for key in entry.keys)
