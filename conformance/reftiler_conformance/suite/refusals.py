"""Calls that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def refused(what: str, call: Callable[..., object], *given: Any, **named: Any) -> str:
    """
    Return the words with which a call is refused, in small letters.

    A wrong value is refused by a `ValueError`, a wrong type by a `TypeError`; which
    of the two is a question of the ERROR clauses.
    """
    try:
        call(*given, **named)
    except (TypeError, ValueError) as error:
        return str(error).lower()
    except Exception as error:
        raise AssertionError(f"{what} broke: {type(error).__name__}") from error
    raise AssertionError(f"{what} was taken")
