"""What is remembered from one day to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.overlay_settings import START as START_LAYERS
from reftiler_gui.model.overlay_settings import OverlaySettings

__all__ = ["Preferences"]

_RECENT = 8


class Preferences:
    """
    Settings that are kept.

    Parameters
    ----------
    store : QSettings or None
        Where they are; None remembers nothing.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store
        self._held: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is kept under a key."""
        if self._store is None:
            return self._held.get(key, default)
        return self._store.value(key, default)

    def put(self, key: str, value: Any) -> None:
        """Keep something; in a store that cannot be written it is lost, no more."""
        if self._store is None:
            self._held[key] = value
        else:
            self._store.setValue(key, value)

    @property
    def recent(self) -> tuple[str, ...]:
        """Paths that were opened, the last one first."""
        try:
            kept = json.loads(self.get("recent", "[]"))
            return tuple(str(path) for path in kept)
        except (TypeError, ValueError):
            return ()

    def remember(self, path: Path) -> None:
        """Put a path first among those that were opened."""
        name = str(path.absolute())
        kept = [name, *(one for one in self.recent if one != name)]
        self.put("recent", json.dumps(kept[:_RECENT]))

    def forget(self, path: str | None = None) -> None:
        """Forget a path that was opened; by default all of them."""
        kept = [] if path is None else [one for one in self.recent if one != path]
        self.put("recent", json.dumps(kept))

    @property
    def settings(self) -> FormSettings:
        """The tiling of the last day, if it is one."""
        try:
            kept = json.loads(self.get("tiling", "{}"))
            found = replace(START, **{key: _tuples(kept[key]) for key in kept})
            checked = FormSettings.of(found.config())
        except (AttributeError, TypeError, ValueError):  # TilingError among them
            return START
        if not found.overlapping:
            return checked
        sizes = zip(checked.tile, checked.step, strict=True)
        height, width = (tile - stride for tile, stride in sizes)
        return replace(checked, step=(height, width), overlapping=True)

    @settings.setter
    def settings(self, settings: FormSettings) -> None:
        self.put("tiling", json.dumps(asdict(settings)))

    @property
    def layers(self) -> OverlaySettings:
        """Which layers were shown on the last day."""
        try:
            kept = json.loads(self.get("layers", "{}"))
            return replace(START_LAYERS, **{key: _tuples(kept[key]) for key in kept})
        except (AttributeError, TypeError, ValueError):
            return START_LAYERS

    @layers.setter
    def layers(self, layers: OverlaySettings) -> None:
        self.put("layers", json.dumps(asdict(layers)))

    def geometry(self, key: str) -> QByteArray | None:
        """Return how a window or its docks were laid out."""
        kept = self.get(key)
        return kept if isinstance(kept, QByteArray) and not kept.isEmpty() else None


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
