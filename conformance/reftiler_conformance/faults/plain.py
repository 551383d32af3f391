"""A sound tiler in plain numpy, in small steps that a fault can spoil one at a time.

It is independent of reftiler and of the definition: of a case it reads the settings,
and works out the rest from the specification's words.
"""

from __future__ import annotations

from typing import Any

from reftiler_conformance.cases import Case
from reftiler_conformance.faults.merging import Merging
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Info, Unsupported

LACKING = ("api", "json", "tile:bfloat16", "untile:bfloat16")


class Plain(Merging):
    """One tiler for one case."""


class PlainSubject:
    """A subject whose sessions are of one class: `Plain`, or a fault."""

    def __init__(self, session: type[Plain] = Plain) -> None:
        self.session = session
        self.memory: dict[str, Any] = {}

    def info(self) -> Info:
        """Claim everything but reftiler's own classes and what numpy has not."""
        return Info(self.session.__name__, "1", features("*") - {*LACKING})

    def open(self, case: Case, device: str) -> Any:
        """Make a tiler; there is no bfloat16 in numpy."""
        if "bfloat16" in (case.dtype, case.result):
            raise Unsupported("bfloat16")
        return self.session(case, self.memory)
