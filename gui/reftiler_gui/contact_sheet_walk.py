"""Where a key leads among the tiles of a contact sheet."""

from __future__ import annotations

from PySide6.QtCore import Qt

from reftiler_gui.model.contact_sheet import ContactSheet

__all__ = ["walked"]

_STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
_PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


def walked(
    shown: ContactSheet, current: int | None, key: Qt.Key, page: int
) -> int | None:
    """
    Return the tile to which a key leads.

    Parameters
    ----------
    shown : ContactSheet
        What is on the sheet.
    current : int or None
        The tile from which one goes; without one, or if it is not shown, the first.
    key : Qt.Key
        An arrow, Home, End or a page.
    page : int
        How many rows a page has.

    Returns
    -------
    int or None
        None for other keys, and where there is no tile.
    """
    last = len(shown) - 1
    ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
    step = _STEPS.get(key)
    if key in _PAGES:
        step = (_PAGES[key] * max(1, page), 0)
    if last < 0 or (step is None and key not in ends):
        return None
    if step is None:
        return int(shown.order[ends[key]])
    place = None if current is None else shown.place(current)
    if place is None:
        return int(shown.order[0])
    there = (place[0] + step[0]) * shown.columns + place[1] + step[1]
    return int(shown.order[min(max(there, 0), last)])
