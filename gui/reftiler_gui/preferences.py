"""What is remembered from one time to the next."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QSettings

from reftiler_gui.model import overlay_settings
from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.overlay_settings import OverlaySettings

T = TypeVar("T")
_RECENT = 8


class Preferences:
    """Settings that are kept."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store
        self._held: dict[str, Any] = {}
        self.notices: list[str] = []  # what was found and not used, a sentence for each

    def get(self, key: str, default: Any = None) -> Any:
        if self._store is None:
            return self._held.get(key, default)
        return self._store.value(key, default)

    def put(self, key: str, value: Any) -> None:
        """Keep something; in a store that cannot be written it is lost, no more."""
        if self._store is None:
            self._held[key] = value
        elif value is None:
            self._store.remove(key)
        else:
            self._store.setValue(key, value)

    @property
    def recent(self) -> tuple[str, ...]:
        try:
            kept = json.loads(self.get("recent", "[]"))
            return tuple(str(path) for path in kept)
        except (TypeError, ValueError):
            return ()

    def remember(self, path: Path) -> None:
        name = str(path.absolute())
        kept = [name, *(one for one in self.recent if one != name)]
        self.put("recent", json.dumps(kept[:_RECENT]))

    def forget(self, path: str | None = None) -> None:
        kept = [] if path is None else [one for one in self.recent if one != path]
        self.put("recent", json.dumps(kept))

    @property
    def settings(self) -> FormSettings:
        def checked(kept: dict[str, Any]) -> FormSettings:
            found = FormSettings(**kept)
            plain = FormSettings.of(found.config())  # TilingError is a ValueError
            if not found.overlapping:
                return plain
            sizes = zip(plain.tile, plain.step, strict=True)
            height, width = (tile - stride for tile, stride in sizes)
            return replace(plain, step=(height, width), overlapping=True)

        return self._dataclass("tiling", START, checked)

    @settings.setter
    def settings(self, settings: FormSettings) -> None:
        self.put("tiling", json.dumps(asdict(settings)))

    @property
    def layers(self) -> OverlaySettings:
        default = overlay_settings.START

        def checked(kept: dict[str, Any]) -> OverlaySettings:
            for name, value in kept.items():
                if type(value) is not type(getattr(default, name)):
                    raise TypeError(name)
            return replace(default, **kept)

        return self._dataclass("layers", default, checked)

    @layers.setter
    def layers(self, layers: OverlaySettings) -> None:
        self.put("layers", json.dumps(asdict(layers)))

    def _dataclass(
        self, key: str, default: T, make: Callable[[dict[str, Any]], T]
    ) -> T:
        """Return what is kept; that of another version is put aside, not half read."""
        text = self.get(key)
        if text is None:
            return default
        try:
            kept = json.loads(text)
            names = {field.name for field in fields(default)}  # type: ignore[arg-type]
            if kept.keys() == names:
                return make({name: _tuples(value) for name, value in kept.items()})
        except (AttributeError, TypeError, ValueError):
            pass
        self._put_aside(key, text)
        return default

    def _put_aside(self, key: str, value: Any) -> None:
        self.put(f"another_version/{key}", value)
        self.put(key, None)
        self.notices.append(
            f"the remembered {key} is of another version of reftiler: it is kept as "
            f"another_version/{key} and not used"
        )

    def restore(self, key: str, restore: Callable[[QByteArray], bool]) -> None:
        """Restore the layout of a window or its docks, if it is of this version."""
        kept = self.get(key)
        known = isinstance(kept, QByteArray) and not kept.isEmpty()
        if kept is not None and not (known and restore(kept)):
            self._put_aside(key, kept)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
