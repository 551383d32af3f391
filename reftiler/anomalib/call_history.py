"""The calls of ``tile`` that tiles may belong to, for each thread.

anomalib's models merge maps with no more than these in hand, so that the tiler must
remember; for every thread apart, because replicas of a model share one tiler.
"""

import threading
import weakref
from typing import Any, overload

from torch import Tensor

from reftiler.grid import Grid

MAX_CALLS = 8
"""How many calls are kept, the latest of those that tiles may still belong to."""


class TileCall:
    """One call of ``tile``: what is needed to merge what became of its tiles."""

    def __init__(self, grid: Grid, batch: int, tiles: Tensor | None = None) -> None:
        self.grid, self.batch = grid, batch
        self.merged = False
        self.closed = False
        self._tiles = None if tiles is None else weakref.ref(tiles)

    def returned(self, tiles: Tensor) -> bool:
        """Tell whether these are the very tiles that the call returned."""
        return self._tiles is not None and self._tiles() is tiles

    def matches(self, count: int) -> bool:
        """Tell whether the call returned so many tiles."""
        return count == self.batch * len(self.grid)

    def close(self) -> bool:
        """End the turn of merged tiles, at the next call; tell if they all are gone."""
        self.closed = self.merged
        return self.closed and (self._tiles is None or self._tiles() is None)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_tiles": None}  # a copy has not seen the tensor


class _Local(threading.local):
    def __init__(self) -> None:
        self.calls: list[TileCall] = []
        self.values: dict[str, int] = {}


class CallHistory:
    """The calls of each thread, and the latest of all for threads without any."""

    def __init__(self) -> None:
        self._local = _Local()
        self._lock = threading.Lock()
        self._draws = 0
        self.latest: TileCall | None = None
        self.values: dict[str, int] = {}

    @property
    def calls(self) -> list[TileCall]:
        """The calls that tiles may belong to, newest first."""
        if self._local.calls:
            return self._local.calls[::-1]
        return [] if self.latest is None else [self.latest]

    def append(self, call: TileCall) -> None:
        """Add a call; those whose tiles were merged and are gone make room."""
        waiting = [old for old in self._local.calls if not old.close()]
        self._local.calls = [*waiting, call][-MAX_CALLS:]
        self.latest = call

    def find(self, tiles: Tensor) -> TileCall | None:
        """Return the call that made these tiles, or else the newest that fits."""
        made = (call for call in self.calls if call.returned(tiles))
        waiting = (call for call in self.calls if not call.closed)
        fitting = (call for call in waiting if call.matches(tiles.shape[0]))
        return next(made, next(fitting, None))

    def read(self, name: str) -> int | None:
        """Return a value of this thread's last call, or else of the last one at all."""
        return self._local.values.get(name, self.values.get(name))

    def write(self, name: str, value: int) -> None:
        """Set a value for this thread, and for those that have none."""
        self._local.values[name] = self.values[name] = value

    def next_draw(self) -> int:
        """Count the calls for random tiles, over all threads."""
        with self._lock:
            self._draws += 1
            return self._draws - 1

    def __getstate__(self) -> dict[str, Any]:
        return {
            "draws": self._draws,
            "calls": self.calls[::-1],
            "values": {**self.values, **self._local.values},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        CallHistory.__init__(self)  # a lock cannot be copied
        self._draws = state["draws"]
        self._local.calls = state["calls"]
        self.latest = state["calls"][-1] if state["calls"] else None
        self.values = state["values"]


class PerThreadAttribute:
    """An attribute that each call of ``tile`` sets, apart for each thread."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, tiler: None, owner: type) -> "PerThreadAttribute": ...
    @overload
    def __get__(self, tiler: Any, owner: type) -> int: ...
    def __get__(self, tiler: Any, owner: type) -> "PerThreadAttribute | int":
        if tiler is None:
            return self
        value: int | None = tiler._history.read(self.name)  # noqa: SLF001
        if value is None:
            raise AttributeError(f"{self.name} is known after the first call of tile()")
        return value

    def __set__(self, tiler: Any, value: int) -> None:
        tiler._history.write(self.name, value)  # noqa: SLF001
