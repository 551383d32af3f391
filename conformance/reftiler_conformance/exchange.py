"""What a subject is asked, and what comes back: an answer, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Request:
    """A call: ``info``, ``open``, ``probe``, or a verb of the open session."""

    verb: str
    text: str = ""
    device: str = "cpu"
    array: Array | None = None
    out: Array | None = None


@dataclass(frozen=True)
class Answer:
    """
    What a call gave, and what was seen while it ran.

    Parameters
    ----------
    value
        An array, or what JSON can hold.
    changed
        Whether the call changed its input.
    shares
        Whether the result shares memory with the input.
    contiguous
        Whether the result is contiguous, in C order.
    writeable
        Whether the result can be written to.
    given_back
        Whether the result is the array that was given as ``out``.
    printed
        What the subject wrote to its standard streams meanwhile.
    """

    value: Any = None
    changed: bool = False
    shares: bool = False
    contiguous: bool = True
    writeable: bool = True
    given_back: bool = False
    printed: str = ""

    @property
    def array(self) -> Array:
        """The array that came back."""
        found: Array = self.value
        return found


class Broken(Exception):  # noqa: N818 - the base of what can go wrong
    """The subject gave no answer."""


class Raised(Broken):
    """The subject raised; ``kinds`` are the names of the error's class and bases."""

    def __init__(self, kinds: tuple[str, ...], words: str) -> None:
        super().__init__(
            f"raised {kinds[0]}: {words}" if words else f"raised {kinds[0]}"
        )
        self.kinds, self.words = kinds, words


class WrongType(Broken):
    """The subject returned something else than is due."""


class Hung(Broken):
    """The subject did not answer in time; its process was ended."""


class Died(Broken):
    """The subject's process ended."""


class HarnessError(Exception):
    """The kit or the adapter is at fault, not the tiler: nothing was learnt."""
