"""What a refusal is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Call = Callable[[Any, Any], object]


@dataclass(frozen=True)
class Refusal:
    """A bad call: ``error`` is TilingError for a value, TypeError for a type."""

    name: str
    call: Call
    words: tuple[str, ...]
    error: str = "TilingError"


def wrong(name: str, call: Call, *words: str) -> Refusal:
    """Return a call with a wrong value."""
    return Refusal(name, call, words)


def mistyped(name: str, call: Call, *words: str) -> Refusal:
    """Return a call with a wrong type."""
    return Refusal(name, call, words, "TypeError")
